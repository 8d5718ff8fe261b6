"""Work that several threads may do and one does: who comes first. Who needs the result asks for it."""

import contextvars
import threading
from collections.abc import Callable
from functools import partial
from typing import Any


class Later:
    """A piece of work, and its result once somebody has done it. What holds here for this thread or task holds in the work too."""

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

    def then(self, last: Callable[[Any], Any]) -> None:
        """`result` passes on what `last` makes of it, in the thread that asks."""
        self.last = last

    def result(self) -> Any:
        """What the work gave; done here where nobody has begun. An exception in it is raised here."""
        if not self.begin():
            with self.done:
                pass
        if self.error is not None:
            raise self.error
        return self.last(self.value)
