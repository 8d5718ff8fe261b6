"""One case from beginning to end: build it, compare, let the programs take turns, free it, measure the memory."""

import gc
from typing import Any, NamedTuple

import numpy as np

from minifcn.bench import measure, memory, rival
from minifcn.bench.cases import Case
from minifcn.bench.measure import PRODUCT, Program, Timing
from minifcn.bench.ours import OurProgram

TOLERANCE = {"scores": 1e-3}  # relative to the largest value
GRADIENT_TOLERANCE = 1e-2  # wider: where two values of a window or a ReLU nearly tie, rounding decides who gets it


class Row(NamedTuple):
    """What was found for one case and one way of writing it with minifcn. Times in seconds, memory in bytes above the imports.

    `difference`: of minifcn's values from PyTorch's, relative, by name. `crowding`: cores that other processes took from us.
    """

    case: Case
    variant: str
    ours: Timing
    theirs: Timing | None
    format: str | None
    difference: dict[str, float]
    memory: int | None = None
    their_memory: int | None = None
    crowding: float | None = None

    @property
    def ratio(self) -> float | None:
        """minifcn's median by PyTorch's: below 1 minifcn is faster."""
        return self.ours.median / self.theirs.median if self.theirs else None

    def as_json(self) -> dict[str, Any]:
        def timing(found: Timing | None, peak: int | None) -> dict[str, Any] | None:
            if found is None:
                return None
            low, high = found.quartiles
            rate = self.case.flops() / found.median / 1e9
            return {
                "median": found.median, "lower_quartile": low, "upper_quartile": high, "seconds": list(found.times),
                "gflop_per_second": rate, "peak_bytes": peak,
            }  # fmt: skip

        return {
            "case": self.case.name, "variant": self.variant, "mode": self.case.mode, "input": list(self.case.shape),
            "times": self.case.times, "gflop": self.case.flops() / 1e9, "ratio": self.ratio,
            "minifcn": timing(self.ours, self.memory), "pytorch": timing(self.theirs, self.their_memory),
            "pytorch_memory_format": self.format, "difference": self.difference, "crowding": self.crowding,
        }  # fmt: skip


class NoRoom(Exception):
    """The machine has not the memory for a case."""


def run_case(case: Case, against: bool, number_of_threads: int, repeat: int | None, peaks: bool) -> list[Row]:
    """A Row for each way of writing `case`. `against`: PyTorch takes its turns too; `peaks`: measure memory in child processes."""
    needed, there = case.memory_needed(len(case.variants) + 2 * against), memory.available()
    if there is not None and needed > there:
        raise NoRoom(f"needs about {needed / 2**30:.1f} GiB of memory, {there / 2**30:.1f} are free")
    gc.collect()  # what the case before left
    memory_format = faster_format(case) if against else None
    ours: list[Program] = [OurProgram(case, variant) for variant in case.variants]
    theirs = rival.TheirProgram(case, memory_format) if memory_format else None
    differences = [compared(case, program, theirs) if theirs else {} for program in ours]
    neighbours = measure.Neighbours()
    timings = measure.alternate(ours, theirs, repeat)
    crowding = neighbours.crowding(number_of_threads)
    names, their_name = [program.name for program in ours], theirs.name if theirs else ""
    del ours, theirs
    their_peak = memory.peak(case.name, memory_format, number_of_threads) if peaks and memory_format else None
    return [
        Row(
            case,
            variant,
            timings[name],
            timings.get(their_name),
            memory_format,
            difference,
            memory.peak(case.name, variant, number_of_threads) if peaks else None,
            their_peak,
            crowding,
        )
        for variant, name, difference in zip(case.variants, names, differences, strict=True)
    ]


def faster_format(case: Case) -> str:
    """The memory format in which PyTorch runs `case` faster: the better of three calls each, after one to warm up."""
    seconds = {}
    for name in rival.FORMATS:
        program = rival.TheirProgram(case, name)
        seconds[name] = min([measure.once(program) for _ in range(4)][1:])
        del program
    return min(seconds, key=seconds.__getitem__)


def compared(case: Case, ours: Program, theirs: Program) -> dict[str, float]:
    """How far the two are from each other, by name; RuntimeError where they do not compute the same."""
    difference = measure.furthest(ours.check(), theirs.check())
    for name, value in difference.items():
        if not value <= TOLERANCE.get(name, GRADIENT_TOLERANCE):
            raise RuntimeError(
                f"bench: {case.name} {case.mode}: the {name} of {ours.name} and {theirs.name} differ by {value:.1e} of "
                "the largest value; times of two different things are not compared"
            )
    return difference


def product_rates(against: bool) -> dict[str, float]:
    """FLOP/s of a large matrix product, by program: what the machine can do."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((PRODUCT, PRODUCT), dtype=np.float32) for _ in range(2))
    rates = {"NumPy": measure.product_rate(np.matmul, a, b)}
    if against:
        torch = rival.pytorch()
        rates["PyTorch"] = measure.product_rate(torch.matmul, torch.from_numpy(a), torch.from_numpy(b))
    return rates


def estimate(cases: list[tuple[Case, bool]], against: bool, repeat: int | None, rate: float) -> float:
    """Seconds that the cases (each with: is its memory measured?) will take, if they run at a third of the rate of a matrix product."""
    total = 0.0
    for case, peaks in cases:
        programs, turns = len(case.variants) + against, len(case.variants) * (1 + against)
        call = case.flops() / (rate / 3) + 0.002
        if case.mode == "backward":
            call *= 1.5  # its forward is not timed, but it runs
        rounds = repeat or measure.rounds_for(turns * call)
        total += call * (turns * (rounds + 3) + 8 * against)
        total += peaks * programs * (2 + 2 * call)
    return total
