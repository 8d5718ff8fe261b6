"""Work in stages: the parts of one are spread over the threads, and the next begins when all of them are done."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from minifcn.kernels import threads


def run(job: Callable[[int, int, int], Any], counts: list[int], number: int) -> None:
    """job(thread, stage, part) for `counts` parts of each stage, by `number` threads.

    After each stage they wait at a gate, which the thread that makes the last part opens for all. They sleep there: who looked again and again
    would take Python's lock each time, which the others need for their next call.
    """
    waiting = [deque(range(count)) for count in counts]
    unfinished = [deque(range(count - 1)) for count in counts]  # all but the last
    gates = [threading.Lock() for _ in counts]
    for gate in gates:
        gate.acquire()
    failed: list[bool] = []

    def work(thread: int) -> None:
        try:
            for stage, gate in enumerate(gates):
                for part in taken(waiting[stage]):
                    job(thread, stage, part)
                    try:
                        unfinished[stage].pop()
                    except IndexError:
                        gate.release()
                with gate:  # and open it again for the next
                    pass
                if failed:
                    return
        except BaseException:
            failed.append(True)
            for gate in gates:
                if gate.locked():
                    gate.release()
            raise

    threads.run(work, range(number))


def taken(waiting: deque[int]) -> Iterator[int]:
    """One after the other, while there are any; other threads take some too."""
    with suppress(IndexError):
        while True:
            yield waiting.popleft()
