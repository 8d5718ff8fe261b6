"""The numeric side of a gradient check: how <fn, cotangent> changes when one of the arrays it reads moves a little.

A step is chosen by what was measured. Where fn is linear a central difference has no truncation error, only rounding, which a large
step makes small. Where it is curved the truncation error grows as step² and the rounding as 1 / step: they meet near 1e-5.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

Array = Any
EPSILON = float(np.finfo(np.float64).eps)
LARGEST, SMALLEST = 1e-3, 1e-7  # of the steps that are tried on a curved function whose values have size 1
ROUNDINGS = 10  # of the last digit, that a sum may have gathered in the forward
SHRINKS = tuple(10.0**power for power in range(1, 7))  # of a step that may have crossed a kink
FAR = 1e-3  # of the array's size: an element below that may need steps of its own
SAMPLE = 4  # moves on which the steps are tried
DECADES = 16  # between the largest and the smallest step: float64 has no more digits
QUIET = 2.0**-36  # of the values: so short a step that all which changes beside a straight line is rounding
FALLBACK = 1e-5  # where nothing was to be learned from trying


class Move(NamedTuple):
    """A way to move an array: its part `index`, by any multiple of `direction`."""

    index: Any
    direction: Any

    @staticmethod
    def element(index: tuple[int, ...]) -> "Move":
        return Move(index, 1.0)

    @staticmethod
    def along(direction: Array) -> "Move":
        return Move(..., direction)


class Slope(NamedTuple):
    """d<fn, cotangent> / dt along a move, by a central difference.

    `low` and `high` bracket it: the slopes to the left and to the right, the smaller and the larger of both for each output. `gap` is
    the sum of their distances: step·|second derivative| on a curve, rounding on a line, and it stays as the step shrinks at a kink.
    `rounding` is how far rounding may have moved the value.
    """

    value: float
    low: float
    high: float
    gap: float
    rounding: float

    @property
    def straight(self) -> bool:
        return self.gap <= self.rounding < np.inf


class Differences:
    """Moves `array` in place, reads `forward()`, and puts everything back."""

    def __init__(self, forward: Callable[[], Array], array: Array, cotangent: Array) -> None:
        self.forward, self.array, self.cotangent = forward, array, cotangent
        self.start = array.copy()
        self.middle = forward()
        self.size = float(np.abs(self.start).max(initial=0)) or 1.0
        self.scale = max(1.0, self.size)
        self._noise: float | None = None

    @property
    def noise(self) -> float:
        """How far rounding inside of fn moves <fn, cotangent>: the last digit, or what third differences of tiny steps to one side leave.

        `rounding` below knows the outputs' size alone. Terms that are large inside and cancel leave an output near 0 full of rounding.
        """
        if self._noise is None:
            signs = np.where(np.arange(self.array.size) % 3 == 1, -1.0, 1.0).reshape(self.array.shape)
            weights = 1 + np.arange(self.array.size).reshape(self.array.shape) % 7 / 7  # no two neighbours move alike
            move = Move.along(QUIET * self.size * signs * weights)
            points = [self.output(move, float(t)) for t in range(1, 7)]
            with np.errstate(all="ignore"):
                third = np.abs(np.diff(np.stack(points), 3, axis=0)).max(0) / 20**0.5
                digits = EPSILON * np.abs(self.middle)
                noise = np.maximum(third, digits) * np.abs(self.cotangent)
                self._noise = float(noise[np.isfinite(noise)].sum())
        return self._noise

    def output(self, move: Move, t: float) -> Array:
        """fn with the array moved by t·direction."""
        try:
            self.array[move.index] = self.start[move.index] + t * move.direction
            with np.errstate(all="ignore"):
                return self.forward()
        except (ArithmeticError, ValueError):
            return np.full_like(self.middle, np.nan)  # fn refuses these values: there is no difference here
        finally:
            self.array[move.index] = self.start[move.index]

    def own(self, move: Move) -> float:
        """The size of the one element that moves, as a part of the array's; 1 where it is 0, or where several move."""
        single = move.index is not ... and self.start[move.index]
        return abs(float(single)) / self.size if single else 1.0

    def jumps(self, move: Move, step: float) -> bool:
        """Does fn change as much over a ten-thousandth of the step as over the step? Then it has no slope here."""
        changes = [self.change(move, step / shrink) for shrink in (1.0, 1e2, 1e4)]
        noise = EPSILON * ROUNDINGS * float(np.abs(self.middle * self.cotangent).sum())
        return min(changes) > max(changes) / 2 and min(changes) > max(noise, self.noise)

    def change(self, move: Move, step: float) -> float:
        return float(np.abs((self.output(move, step) - self.output(move, -step)) * self.cotangent).sum())

    def slope(self, move: Move, step: float) -> Slope:
        ahead, behind = self.output(move, step), self.output(move, -step)
        # what did not move cancels exactly, -inf too, and adds no rounding
        at = (ahead != self.middle) | (behind != self.middle)
        ahead, middle, behind, weight = ahead[at], self.middle[at], behind[at], self.cotangent[at]
        with np.errstate(all="ignore"):
            right, left = (ahead - middle) * weight / step, (middle - behind) * weight / step
            return Slope(
                value=float(((ahead - behind) * weight).sum() / (2 * step)),
                low=float(np.minimum(left, right).sum()),
                high=float(np.maximum(left, right).sum()),
                gap=float(np.abs(right - left).sum()),
                rounding=self.rounding(ahead, behind, weight, step),
            )

    def rounding(self, ahead: Array, behind: Array, weight: Array, step: float) -> float:
        size = np.abs(weight) * np.maximum(np.abs(ahead), np.abs(behind))
        return float(ROUNDINGS * EPSILON * size.sum() / step)

    def contributions(self, move: Move, step: float) -> Array:
        """The slope split by the outputs it comes through, in the shape of fn's result."""
        ahead, behind = self.output(move, step), self.output(move, -step)
        at = ahead != behind
        result = np.zeros(self.middle.shape)
        result[at] = (ahead[at] - behind[at]) * self.cotangent[at] / (2 * step)
        return result

    def is_linear(self, rng: np.random.Generator) -> bool:
        """Do four points on a line through the array, some way apart, give four outputs on a line? (An odd curve through 0 would fool three.)"""
        move = Move.along(self.scale * rng.standard_normal(self.array.shape))
        if not self.slope(move, 1.0).straight:
            return False
        ahead, half = self.output(move, 1.0), self.output(move, 0.5)
        at = (ahead != half) | (half != self.middle)
        with np.errstate(all="ignore"):
            bend = np.abs((ahead + self.middle - 2 * half)[at] * self.cotangent[at]).sum()
        return bool(bend <= self.rounding(ahead[at], half[at], self.cotangent[at], 1.0) < np.inf)

    def curved_step(self, moves: Sequence[Move], rng: np.random.Generator) -> float:
        """The largest step at which one ten times smaller gives the same slope but for rounding, tried on a few of the moves."""
        smallest = SMALLEST * min(1.0, self.size)
        steps = decades(LARGEST * self.scale, max(smallest, LARGEST * self.scale * 10.0**-DECADES))
        if LARGEST * self.size < steps[-1]:  # values far below 1
            steps += decades(LARGEST * self.size, smallest)
        sample = [moves[int(number)] for number in rng.permutation(len(moves))[:SAMPLE]]
        slopes = [[self.slope(move, step) for move in sample] for step in steps]
        if not any(slope.value for row in slopes for slope in row):
            return self.scale * FALLBACK
        changes = [
            sum(abs(a.value - b.value) for a, b in zip(row, finer, strict=True)) for row, finer in pairwise(slopes)
        ]
        for step, change, row in zip(steps, changes, slopes, strict=False):
            if change <= sum(
                slope.rounding for slope in row
            ):  # then what is left of truncation is tolerated as rounding
                return step
        return steps[int(np.nanargmin(changes))] if not np.isnan(changes).all() else self.scale * FALLBACK


def decades(largest: float, smallest: float) -> list[float]:
    """Steps from the largest down, each a tenth of the one before."""
    steps = [largest]
    while steps[-1] > 1.5 * smallest:
        steps.append(steps[-1] / 10)
    return steps


def choose_step(differences: Differences, moves: Sequence[Move], rng: np.random.Generator) -> tuple[str, float]:
    """("linear", a step as large as the values) or ("curved", one near 1e-5), as measured."""
    if differences.is_linear(rng):
        return "linear", differences.scale
    return "curved", differences.curved_step(moves, rng)


class Tolerance(NamedTuple):
    """|analytic - numeric| may reach relative·max(both) + absolute + the rounding of the difference.

    `absolute` is a part of the scale, which is the largest gradient of the array. Where it is too small for what was measured, that
    counts instead: the rest of a curve over the shortest step, and the noise inside of fn up to `most`.
    """

    relative: float
    absolute: float
    most: float

    def allowed(self, analytic: float, slope: Slope, curve: float = 0.0, noise: float = 0.0) -> float:
        if not (np.isfinite(analytic) and np.isfinite(slope.value)):
            return 0.0  # infinity forgives nothing
        absolute = max(self.absolute, min(self.most, noise), curve)
        return self.relative * max(abs(analytic), abs(slope.value)) + absolute + slope.rounding


class Numeric(NamedTuple):
    """What the numeric side says of one move. At a kink every value from low to high is a slope; elsewhere both are `value`."""

    value: float
    low: float
    high: float
    allowed: float
    kink: bool

    def error(self, analytic: float) -> float:
        """How far the analytic value is outside; NaN or infinity where one of both is no number."""
        if np.isnan(analytic) or not np.isfinite(self.value):
            return float("nan")
        return max(self.low - analytic, analytic - self.high, 0.0)


def measure(differences: Differences, move: Move, step: float, analytic: float, tolerance: Tolerance) -> Numeric:
    """As `measured`. An element far smaller than the others, a probability near 0 say, gets a second chance with a step as much smaller.

    log and 1 / x bend there within its own size. What so small a step finds counts only where rounding leaves its digits.
    """
    found, own = measured(differences, move, step, analytic, tolerance), differences.own(move)
    if own < FAR and not found.error(analytic) <= found.allowed:
        again = measured(differences, move, step * own, analytic, tolerance)
        if again.allowed <= 10 * tolerance.relative * abs(analytic) + 2 * tolerance.absolute:
            return again
    return found


def measured(differences: Differences, move: Move, step: float, analytic: float, tolerance: Tolerance) -> Numeric:
    """The slope along a move. One that contradicts `analytic`, or bends, is looked at again: did the step cross a kink?

    The step shrinks by ten, a few times. Where two steps agree there is no kink between them, and the larger one, with less
    rounding, counts. A kink beside the point is left behind as the step shrinks, and the slope changes; so is the end of what the
    function is defined for. A kink at the point itself keeps its gap: any value between the one-sided slopes is right there.
    """
    found = differences.slope(move, step)
    agrees = abs(analytic - found.value) <= tolerance.allowed(analytic, found)
    if (agrees and not bends(found)) or not np.isfinite(analytic):
        return numeric_at(found, tolerance, analytic)
    closest, kink, curve = found, False, 0.0
    steadiest, last = found, np.inf  # noise changes more and more; what changed least is nearest
    for shrink in SHRINKS:
        finer = differences.slope(move, step / shrink)
        if not np.isfinite(closest.value):
            closest = found = finer
            continue
        drowned = kink and finer.straight and finer.gap > closest.gap / 2
        if finer.gap > 2 * closest.gap or drowned:
            break  # noise: it grows as the step shrinks, and a kink's gap does not
        kink = not finer.straight and finer.gap > closest.gap / 2
        closest = finer
        if kink:
            continue
        strict = tolerance._replace(relative=tolerance.relative / 10, absolute=tolerance.absolute / 10)
        change = abs(finer.value - found.value)
        if change <= strict.allowed(finer.value, finer):
            break
        if change > last:
            found = steadiest
            break
        # of a curve a tenth of a step leaves a hundredth of the error; what changes otherwise, as beside a kink, is no curve's rest
        curve = change / 50 if last / 200 < change < last / 50 else 0.0
        if change < last:
            steadiest, last = found, change
        found = finer
    doubt = (0.0, 0.0) if agrees else (curve, ROUNDINGS * differences.noise / step)
    if kink:
        return numeric_at(closest, tolerance, analytic, doubt, (closest.low, closest.high))
    return numeric_at(found, tolerance, analytic, doubt)


def bends(slope: Slope) -> bool:
    """Do the slopes to the left and to the right differ by more than a smooth curve's over such a step?"""
    return not slope.straight and slope.gap > 0.01 * max(abs(slope.low), abs(slope.high))


def numeric_at(
    slope: Slope,
    tolerance: Tolerance,
    analytic: float,
    doubt: tuple[float, float] = (0.0, 0.0),
    between: tuple[float, float] | None = None,
) -> Numeric:
    low, high = between or (slope.value, slope.value)
    return Numeric(slope.value, low, high, tolerance.allowed(analytic, slope, *doubt), between is not None)
