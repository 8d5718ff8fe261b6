"""The one place that owns threads: the kernels' jobs run here, one thread a core, with BLAS held to one thread each.

BLAS's own threads wait for each other at every product; for the short products of a tile that costs more than it saves. Jobs write to
different memory and are cut the same way for any number of threads, so the results are the same bit for bit.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np

from minifcn import workers


def available_cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_number = available_cores()


def set_num_threads(n: int) -> None:
    """Run the CPU kernels on `n` threads, 1 or more. The default is the number of cores that the process may use."""
    global _number
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"set_num_threads: got {n!r}; expected an integer of at least 1")
    _number = n


def get_num_threads() -> int:
    return _number


@cache
def blas() -> Any:
    """The handle by which BLAS's threads are held; looked for once, for the search takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@cache
def blas_is_held() -> bool:
    """Whether BLAS does as it is told. Apple's Accelerate, NumPy's on most Macs, has no such handle: its threads times ours would be too many.

    There our jobs run on one thread, and Accelerate's own share the work; or it is told to use one, VECLIB_MAXIMUM_THREADS=1, before Python starts.
    """
    if os.environ.get("VECLIB_MAXIMUM_THREADS") == "1":
        return True
    return any(library.user_api == "blas" for library in blas().lib_controllers) and "accelerate" not in numpy_blas()


def numpy_blas() -> str:
    """What NumPy was built with, in small letters; "" where it does not say."""
    try:
        return str(np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]).lower()  # type: ignore[index,call-overload]
    except (KeyError, TypeError):  # NumPy 1.24 prints only
        return ""


class Helper:
    """A thread that sleeps until it is woken, works, and says when it is done.

    Two locks, because to wake a thread of a `ThreadPoolExecutor` and to wait for it took 120 µs, and with these it takes 60.
    """

    def __init__(self, number: int) -> None:
        self.woken, self.done = threading.Lock(), threading.Lock()
        self.woken.acquire()
        self.done.acquire()
        self.work: Callable[[], None] = lambda: None
        threading.Thread(target=self.live, name=f"minifcn {number}", daemon=True).start()

    def live(self) -> None:
        while True:
            self.woken.acquire()
            self.work()
            self.done.release()

    def begin(self, work: Callable[[], None]) -> None:
        self.work = work
        self.woken.release()

    def finish(self) -> None:
        """Wait until the work is done; if it is still asleep, it need not wake."""
        if not self.woken.acquire(blocking=False):
            self.done.acquire()


_helpers: list[Helper] = []


# BLAS's limit is one for the whole process, and only the thread that set it can take it back: one run at a time. Another Python thread
# waits its turn; it would have had to share the cores anyway.
_turn = threading.RLock()


def _after_fork() -> None:
    """A child process has none of its parent's threads: it must neither wait for one nor give it work."""
    global _turn
    _turn = threading.RLock()
    _helpers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def hire(wanted: int) -> None:
    """Have `wanted` helpers, or as many as start: in a browser none, and fewer at the system's limit. The caller works anyway."""
    while len(_helpers) < wanted and not workers.IN_A_BROWSER:
        try:
            _helpers.append(Helper(len(_helpers)))
        except RuntimeError:  # can't start new thread
            return


def shares(total: int, largest: int, alone: int = 1) -> int:
    """Into how many pieces of `largest` or less to cut `total`: an even number, so that nobody waits for an odd one.

    Or one, up to `alone` times `largest`: to wake a thread and to wait for it takes longer than a half of so little work.
    """
    count = -(-total // largest)
    return count + count % 2 if count > alone else 1


def run(job: Callable[[Any], None], parts: Iterable[Any]) -> None:
    """job(part) for every part, spread over the threads, of which the caller is one. An exception in a job is raised here.

    The caller works instead of sleeping: it is awake already and has a core, while two threads woken at once often start on the same one.
    """
    waiting = deque(parts)

    def work() -> None:
        while waiting and not failed:
            try:
                part = waiting.popleft()  # needs no lock
            except IndexError:  # another thread took the last one since we looked
                return
            try:
                job(part)
            except BaseException as error:
                failed.append(error)

    failed: list[BaseException] = []
    with _turn, blas().limit(limits=1, user_api="blas"):
        wanted = min(_number if blas_is_held() else 1, len(waiting)) - 1
        hire(wanted)
        busy = _helpers[: max(0, wanted)]
        try:
            for helper in busy:
                helper.begin(work)
            work()
            for helper in busy:
                helper.finish()
        except BaseException:  # interrupted while waiting: these may still be at work
            failed.append(KeyboardInterrupt())
            _helpers.clear()
            raise
    if failed:
        raise failed[0]
