"""The one place that owns threads: the kernels' jobs run here, one thread a core, with BLAS held to one thread each.

BLAS's own threads wait for each other at every product; for the short products of a tile that costs more than it saves. Jobs write to
different memory and are cut the same way for any number of threads, so the results are the same bit for bit.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from functools import cache
from queue import SimpleQueue
from typing import Any

import numpy as np

from minifcn import workers
from minifcn.kernels.later import Later


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
    return bool(libraries()) and "accelerate" not in numpy_blas()


def numpy_blas() -> str:
    """What NumPy was built with, in small letters; "" where it does not say."""
    try:
        return str(np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]).lower()  # type: ignore[index,call-overload]
    except (KeyError, TypeError):  # NumPy 1.24 prints only
        return ""


def libraries() -> list[Any]:
    """The BLAS libraries that can be held."""
    return [library for library in blas().lib_controllers if library.user_api == "blas"]


def set_blas(numbers: list[int]) -> None:
    """So many threads for each of `libraries()`."""
    for library, number in zip(libraries(), numbers, strict=True):
        # threadpoolctl lets one thread alone set them, and from another does nothing, in silence; here any may, one at a time
        clear = getattr(library, "clear_controlling_thread", lambda force: None)
        clear(force=True)
        library.set_num_threads(number)
        clear(force=True)


class Hold:
    """Keeps BLAS at one thread as long as anybody is inside; the last one to leave gives it back what it had before the first."""

    def __init__(self) -> None:
        self.lock, self.inside = threading.Lock(), 0
        self.before: list[int] = []

    def enter(self) -> None:
        with self.lock:
            if not self.inside:
                self.before = [library.get_num_threads() for library in libraries()]
                set_blas([1] * len(self.before))
            self.inside += 1

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1
            if not self.inside:
                set_blas(self.before)


class Own(threading.local):
    """What belongs to one Python thread: how deep it is inside `held`, and a hold for it alone where BLAS counts threads for each."""

    def __init__(self) -> None:
        self.depth = [0]  # a list: what leaves in another thread, as a generator may, still finds the one it entered
        self.hold = Hold()
        self.alone = False  # whether it is a helper at a whole piece


_own = Own()
_hold = Hold()


@cache
def each_thread_apart() -> bool:
    """Whether a limit holds for the Python thread alone that set it: OpenBLAS built on OpenMP, as conda's may be."""
    return any(
        each.internal_api == "openblas" and getattr(each, "threading_layer", "") == "openmp" for each in libraries()
    )


class held:
    """Inside `with threads.held():` BLAS uses one thread. Around a whole step it costs once what each `run` would pay, 7 of its 11 µs.

    It may stand inside itself. Several Python threads may be inside at once, and none waits for another. What stands inside and multiplies by
    NumPy itself has one core for that, and the same bits for any number of threads. So it belongs around the library's own work, and not around
    a caller's: not across a `yield`, nor around a callback.
    """

    def __enter__(self) -> None:
        self.depth = _own.depth
        self.hold = _own.hold if each_thread_apart() else _hold
        if not self.depth[0]:
            self.hold.enter()
        self.depth[0] += 1

    def __exit__(self, *error: object) -> None:
        self.depth[0] -= 1
        if not self.depth[0]:
            self.hold.leave()


class Helper:
    """A thread that sleeps until it is given a piece of work, and does one after the other.

    A queue of its own and two locks a piece: to wake a thread of a `ThreadPoolExecutor` and to wait for it took 120 µs, twice as long.
    """

    def __init__(self, number: int) -> None:
        self.waiting: SimpleQueue[tuple[Later, bool]] = SimpleQueue()
        self.alone = False  # whether it does a whole piece by itself
        threading.Thread(target=self.live, name=f"minifcn {number}", daemon=True).start()

    def live(self) -> None:
        if each_thread_apart():
            _own.hold.enter()  # for good: it does nothing but our work
        while True:
            piece, self.alone = self.waiting.get()
            _own.alone = self.alone
            with held():
                piece.begin()
            self.alone = False
            del piece  # it may hold an array, and the next one may be long in coming

    def begin(self, piece: Later, alone: bool = False) -> Later:
        """Let it do `piece`; `alone`: with runs of its own that no other helper joins."""
        self.waiting.put((piece, alone))
        return piece


_helpers: list[Helper] = []


def helpers(number: int) -> list[Helper]:
    """The first `number` of them, or as many as start: in a browser none, and fewer at the system's limit. The caller works anyway."""
    while len(_helpers) < number and not workers.IN_A_BROWSER:
        try:
            _helpers.append(Helper(len(_helpers)))
        except RuntimeError:  # can't start new thread
            break
    return _helpers[:number]


# The helpers work at one run at a time. Another Python thread waits its turn; it would have had to share the cores anyway.
_turn = threading.RLock()


def _after_fork() -> None:
    """A child process has none of its parent's threads: it must neither wait for one, nor give it work, nor hold BLAS for it."""
    global _turn
    _turn = threading.RLock()
    _helpers.clear()
    _hold.lock, others = threading.Lock(), _hold.inside
    _hold.inside = min(1, _own.depth[0])
    if others and not _hold.inside:
        set_blas(_hold.before)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


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
    if _own.alone:
        for part in parts:
            job(part)
        return
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
    with _turn, held():
        wanted = min(_number if blas_is_held() else 1, len(waiting)) - 1
        try:
            pieces = [helper.begin(Later(work)) for helper in helpers(max(0, wanted)) if not helper.alone]
            work()
            for piece in pieces:
                piece.result()  # of a helper that is still asleep nothing is left to do, and it need not wake
        except BaseException:  # interrupted while waiting: these may still be at work
            failed.append(KeyboardInterrupt())
            _helpers.clear()
            raise
    if failed:
        raise failed[0]


MOST_WAITING = 4  # pieces; each holds on to what it reads, and a queue without end would hold every map of a network


def later(work: Callable[[], Any]) -> Later:
    """`work()` on a helper while this thread goes on; or here and now, where there is none to spare or enough waits for it already.

    `run` cuts one piece of work for all threads, and they all meet again at its end. For work of a millisecond the meeting costs as much as the
    second thread gains. But the gradients of a layer's weights and of its input do not need each other: each can run whole, one beside the other,
    and the threads meet once, at the end of the way back. Whole also means the same bits, whoever does it.
    """
    piece = Later(work)
    beside = helpers(_number - 1)[-1:] if blas_is_held() else []  # the last one: `run` wakes the first ones
    if beside and beside[0].waiting.qsize() < MOST_WAITING:
        beside[0].begin(piece, alone=True)
    else:
        piece.begin()
    return piece
