"""The clock. Programs take turns in one process, a call each, so that whatever else the machine does falls on all of them alike."""

import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from minifcn.kernels import threads

SECONDS, FEWEST, MOST = 10.0, 5, 30  # rounds of a case: as many as fill SECONDS, within these limits
PRODUCT = 2048  # side of the matrices whose product says what the machine can do


class Program(Protocol):
    """One case, made ready. `before()` is not timed, `call()` is; `check()` gives arrays to compare with another program's."""

    name: str

    def before(self) -> None: ...

    def call(self) -> None: ...

    def check(self) -> dict[str, Any]: ...


class Timing(NamedTuple):
    """Seconds a call: each of them in `times`, and what to say of them all."""

    times: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.times)

    @property
    def quartiles(self) -> tuple[float, float]:
        if len(self.times) < 2:
            return self.median, self.median
        low, _, high = statistics.quantiles(self.times, n=4, method="inclusive")
        return low, high


def rounds_for(seconds: float) -> int:
    """How many rounds of `seconds` each."""
    return max(FEWEST, min(MOST, int(SECONDS / max(seconds, 1e-9))))


def once(program: Program, clock: Callable[[], float] = time.perf_counter) -> float:
    program.before()
    start = clock()
    program.call()
    return clock() - start


def alternate(
    ours: list[Program],
    theirs: Program | None,
    repeat: int | None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Timing]:
    """name -> Timing. A first round warms up and is not counted; then `repeat` rounds, or enough of them.

    A round is a call of ours, a call of theirs, a call of our next, one of theirs again: so each of ours finds the caches as theirs left them.
    """
    turns = [program for own in ours for program in ((own, theirs) if theirs else (own,))]
    warm = sum(once(program, clock) for program in turns)
    times: dict[str, list[float]] = {program.name: [] for program in turns}
    for _ in range(repeat or rounds_for(warm)):
        for program in turns:
            times[program.name].append(once(program, clock))
    return {name: Timing(tuple(seconds)) for name, seconds in times.items()}


def in_turns(
    programs: Sequence[Program], repeat: int | None, clock: Callable[[], float] = time.perf_counter
) -> dict[str, Timing]:
    """name -> Timing. A first round warms up; then `repeat` rounds of a call each, or enough of them. Each round begins with the next program."""
    warm = sum(once(program, clock) for program in programs)
    times: dict[str, list[float]] = {program.name: [] for program in programs}
    for number in range(repeat or rounds_for(warm)):
        start = number % len(programs)
        for program in [*programs[start:], *programs[:start]]:
            times[program.name].append(once(program, clock))
    return {name: Timing(tuple(seconds)) for name, seconds in times.items()}


class Neighbours:
    """Who else is using the machine? `crowding()`: cores that were wanted but not there since this was made, 0 on a quiet machine."""

    def __init__(self) -> None:
        self.start = busy_seconds(), sum(os.times()[:4]), time.perf_counter()

    def crowding(self, number: int) -> float | None:
        """`number`: the threads that our programs use. None where the system does not say what the others do."""
        busy, own, now = busy_seconds(), sum(os.times()[:4]), time.perf_counter()
        if busy is None or self.start[0] is None or now <= self.start[2]:
            return None
        others = max(0.0, (busy - self.start[0]) - (own - self.start[1])) / (now - self.start[2])
        return max(0.0, others + number - (os.cpu_count() or 1))


def busy_seconds() -> float | None:
    """Seconds that all cores together have worked since the machine was started."""
    table = Path("/proc/stat")
    if not table.exists() or not hasattr(os, "sysconf"):
        return None
    ticks = [int(number) for number in table.read_text(encoding="utf-8").split("\n")[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")  # all but idle and waiting for a disk


def product_rate(multiply: Callable[[Any, Any], Any], a: Any, b: Any) -> float:
    """FLOP/s of a large matrix product: the median of seven."""
    times = []
    for _ in range(8):
        start = time.perf_counter()
        multiply(a, b)
        times.append(time.perf_counter() - start)
    n, k = a.shape
    return 2 * n * k * b.shape[1] / statistics.median(times[1:])


@contextmanager
def held_to(number: int, torch: Any = None) -> Iterator[None]:
    """Inside, minifcn, BLAS and PyTorch use `number` threads each."""
    before = threads.get_num_threads(), torch.get_num_threads() if torch else None
    threads.set_num_threads(number)
    if torch:
        torch.set_num_threads(number)
    try:
        with threads.blas().limit(limits=number, user_api="blas"):
            yield
    finally:
        threads.set_num_threads(before[0])
        if torch:
            torch.set_num_threads(before[1])


def furthest(one: dict[str, Any], other: dict[str, Any]) -> dict[str, float]:
    """By name, the largest difference relative to the largest value; infinity where shapes or names differ."""
    found = {}
    for name in sorted(one.keys() | other.keys()):
        a, b = one.get(name), other.get(name)
        if a is None or b is None or a.shape != b.shape:
            found[name] = float("inf")
        else:
            scale = max(float(np.abs(b).max()), 1e-30)
            found[name] = float(np.abs(a - b).max()) / scale
    return found
