"""Work that nobody waits for yet: a thread beside does it, and who needs the result asks for it.

`threads.run` cuts one piece of work for all threads, and they all meet again at its end. For work of a millisecond the meeting costs as much as
the second thread gains. But the gradients of a layer's weights and of its input do not need each other: each can run whole, one beside the
other, and the threads meet once, at the end of the way back. Whole also means the same bits, whoever does it.
"""

import contextvars
import os
import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any

from minifcn.kernels import threads

MOST_WAITING = 4  # pieces; each holds on to what it reads, and a queue without end would hold every map of a network


class Later:
    """A piece of work, and its result once somebody has done it: the thread beside, or who asks first."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work: Callable[[], Any] | None = partial(contextvars.copy_context().run, work)
        self.value: Any = None
        self.last: Callable[[Any], Any] = lambda value: value
        self.error: BaseException | None = None
        self.claimed, self.done = threading.Lock(), threading.Lock()
        self.done.acquire()

    def begin(self) -> bool:
        """Do it here and now; False where somebody else has begun."""
        if not self.claimed.acquire(blocking=False):
            return False
        assert self.work is not None
        try:
            self.value = self.work()
        except BaseException as error:
            self.error = error
        self.work = None  # and what it held on to
        self.done.release()
        return True

    def then(self, last: Callable[[Any], Any]) -> "Later":
        """`result` passes on what `last` makes of it, in the thread that asks. Returns this piece."""
        self.last = last
        return self

    def result(self) -> Any:
        """What the work gave; done here where nobody has begun. An exception in it is raised here."""
        if not self.begin():
            with self.done:
                pass
        if self.error is not None:
            raise self.error
        return self.last(self.value)


class Beside:
    """The thread that does what is waiting, the oldest first."""

    def __init__(self) -> None:
        self.waiting: SimpleQueue[Later] = SimpleQueue()
        threading.Thread(target=self.live, name="minifcn beside", daemon=True).start()

    def live(self) -> None:
        while True:
            piece = self.waiting.get()
            with threads.held(), threads.alone():
                piece.begin()
            del piece  # it holds an array, which the next one may be long in coming to free


_beside: list[Beside] = []

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_beside.clear)  # a child has none of its parent's threads


def later(work: Callable[[], Any]) -> Later:
    """`work()` on the thread beside; or here, where there is none to spare or enough waits for it already."""
    piece = Later(work)
    if threads.get_num_threads() == 1 or not threads.blas_is_held():
        piece.begin()
        return piece
    if not _beside:
        _beside.append(Beside())
    if _beside[0].waiting.qsize() >= MOST_WAITING:
        piece.begin()
    else:
        _beside[0].waiting.put(piece)
    return piece
