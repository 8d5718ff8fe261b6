"""Is a gradient right? Compare it with central differences at every element, and put `backward` through its paces.

Both sides are weighted by one random cotangent: with all ones a softmax backward that returns zeros would pass.
"""

from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np

from minifcn.autodiff.engine import Tensor, TensorLike
from minifcn.backend import Array
from minifcn.kernels.whole import whole
from minifcn.verify import behaviour
from minifcn.verify.case import Case
from minifcn.verify.diagnosis import diagnose, factor, zero_everywhere
from minifcn.verify.differences import SAMPLE, Differences, Move, Numeric, Tolerance, choose_step, measure
from minifcn.verify.report import Found, GradcheckError, Report
from minifcn.verify.streams import stream
from minifcn.verify.subject import Parameters, Subject, Variable
from minifcn.verify.walks import faults_of_the_walk

# a straight line is differenced without truncation error, so much less is forgiven there
TOLERANCES = {"linear": (1e-9, 1e-11), "curved": (1e-6, 1e-8)}  # of the value, and of the array's largest gradient


def gradcheck(
    fn: Callable[..., Tensor],
    inputs: TensorLike | Sequence[TensorLike] = (),
    *,
    parameters: Parameters | None = None,
    directions: int | None = None,
    step: float | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    seed: int = 0,
) -> Report:
    """Compare the gradients of `fn(*tensors) -> Tensor` with central differences; raise GradcheckError where they differ.

    `inputs`: one float64 array or Tensor, or a sequence of them. Tensors that require no gradient are held fixed if another one does.
    `parameters`: tensors that `fn` reads by itself: a Module, Tensors, or a dict of them by name, float64 too.
    `directions`: compare an array that has more elements than this along so many random directions instead, which is quick, and
    blind to a fault small beside the whole gradient. `step`: instead of the one that is measured for each array: 1 (times the size
    of the values) where fn is linear in it, else near 1e-5.

    A value passes if |analytic - numeric| ≤ rtol·max(both) + atol + the rounding of the difference; rtol is 1e-6 and atol 1e-8, where
    fn is linear 1e-9 and 1e-11. Where the largest gradient of the array, its scale, is below 1, atol is that part of the scale: numbers
    of 1e-20 are judged as strictly as others. At a kink any value between the slopes on both sides passes; the report counts these.

    It is also asked that forward and backward repeat bit for bit, that backward is linear in the incoming gradient (g, -g, 2 g, g + h, and
    0 for 0), leaves inputs and incoming gradient alone, gives the same for any memory order (and for one number at all places, as `y.sum()`
    sends it), and that two calls in one graph do not disturb each other. The random numbers come from streams that nobody else has, so
    `seed` may be one that made the inputs.

    Returns a `Report`; the error's message is the report too: for each array the worst index, both values, a map of the wrong elements
    and, where one fits, a diagnosis.
    """
    __tracebackhide__ = True  # pytest then shows the caller and the report, and not this function
    check_options(directions, step, rtol, atol)
    subject = Subject(fn, inputs, parameters)
    try:
        with np.errstate(all="ignore"):  # what is not finite is reported, not warned of
            report = compared(subject, directions, step, rtol, atol, seed)
    finally:
        subject.restore()
    if not report.ok:
        raise GradcheckError(str(report))
    return report


def check_options(directions: int | None, step: float | None, rtol: float | None, atol: float | None) -> None:
    if directions is not None and (not whole(directions) or directions < 1):
        raise GradcheckError(f"gradcheck: directions is {directions!r}; expected an integer of at least 1")
    for name, value, least in (("step", step, "above 0"), ("rtol", rtol, "0 or more"), ("atol", atol, "0 or more")):
        if value is None:
            continue
        number = isinstance(value, Real) and not isinstance(value, bool)
        if not number or not (0 < value < np.inf or (value == 0 and name != "step")):
            raise GradcheckError(f"gradcheck: {name} is {value!r}; expected a number {least}")
    if rtol is not None and rtol >= 1:
        raise GradcheckError(
            f"gradcheck: rtol is {rtol}; expected a part of the value, below 1: with that a gradient of 0 would pass for any other"
        )


def compared(
    subject: Subject, directions: int | None, step: float | None, rtol: float | None, atol: float | None, seed: int
) -> Report:
    subject.forgiven = rtol or 0.0, atol or 0.0
    cotangent = stream(seed, "the cotangent").standard_normal(subject.output_array().shape)
    analytic = subject.gradients(cotangent.copy())  # a copy: a backward may write into what it gets
    report = Report(faults=behaviour.faults(subject, cotangent, analytic, seed))
    if any(fault.startswith(behaviour.FORWARD_DIFFERS) for fault in report.faults):
        return report  # no difference means anything then
    for variable, gradient in zip(subject.variables, analytic, strict=True):
        rng = stream(seed, f"the moves of {variable.name}")
        comparison = Comparison(subject, variable, gradient, cotangent, rng)
        comparison.choose(step, rtol, atol)
        few = directions is not None and gradient.size > directions
        found = comparison.along_directions(directions or 0) if few else comparison.every_element()
        report.inputs[variable.key] = found
        if not report.faults and not found.wrong:
            report.faults += comparison.together(found)
    # an operation that changes or keeps what it is handed would look like a fault of the walk
    askable = all(any(text in fault for text in behaviour.OF_VALUES) for fault in report.faults)
    of_the_walk = faults_of_the_walk(subject, cotangent) if askable and not report.ok else []
    for found in report.inputs.values():
        if found.wrong and any(fault.startswith(f"{found.name}:") for fault in report.faults):
            found.diagnosis = "as said above"
        elif found.wrong and any(fault.startswith(f"{found.name}:") for fault in of_the_walk):
            found.diagnosis = found.diagnosis or "as said above"
    report.faults += of_the_walk
    return report


class Comparison:
    """One array: its gradient as backward gave it, against differences."""

    def __init__(
        self, subject: Subject, variable: Variable, analytic: Array, cotangent: Array, rng: np.random.Generator
    ) -> None:
        self.subject, self.variable, self.analytic, self.rng = subject, variable, analytic, rng
        self.differences = Differences(subject.output_array, variable.array, cotangent)

    def choose(self, step: float | None, rtol: float | None, atol: float | None) -> None:
        """How the differences are made: kind, step and tolerance."""
        self.given = rtol, atol
        if step is not None:
            self.kind, self.step = "given", step
        else:
            self.kind, self.step = choose_step(self.differences, self.some_moves(), self.rng)

    def some_moves(self) -> list[Move]:
        """To try steps on."""
        places = self.rng.permutation(self.analytic.size)[:SAMPLE]
        return [Move.element(tuple(int(i) for i in np.unravel_index(place, self.analytic.shape))) for place in places]

    @property
    def tolerance(self) -> Tolerance:
        relative, absolute = TOLERANCES["linear" if self.kind == "linear" else "curved"]
        rtol, atol = self.given
        relative = relative if rtol is None else rtol
        if atol is not None:
            return Tolerance(relative, atol, atol)
        scale = float(np.abs(self.analytic).max(initial=0))
        scale = min(scale, 1.0) if np.isfinite(scale) else 1.0
        return Tolerance(relative, absolute * scale, absolute)

    def direction(self) -> Array:
        """Random, and as long as the step of a single element."""
        return self.rng.standard_normal(self.analytic.shape) / max(1, self.analytic.size) ** 0.5

    def compare(self, moves: Sequence[Move], analytic: Array) -> list[Numeric]:
        """The numeric value of each move. Where one shows that the array is not a straight matter after all, all are taken again."""
        values = []
        for move, value in zip(moves, analytic.reshape(-1), strict=True):
            if self.kind == "linear" and not self.differences.slope(move, self.step).straight:
                self.kind, self.step = "curved", self.differences.curved_step(self.some_moves(), self.rng)
                return self.compare(moves, analytic)
            values.append(measure(self.differences, move, self.step, float(value), self.tolerance))
        return values

    def every_element(self) -> Found:
        shape = self.analytic.shape
        found = self.found(
            self.compare([Move.element(index) for index in np.ndindex(shape)], self.analytic), self.analytic
        )
        if found.wrong:
            # at a kink any value between two slopes is right: it shall hide no pattern
            settled = found.kink & ~found.bad
            analytic, numeric = (np.where(settled, 0, values) for values in (found.analytic, found.numeric))
            found.diagnosis = self.no_slope(found) or diagnose(
                Case(
                    analytic, numeric, found.bad, self.contributions, self.differences.cotangent,
                    self.differences.middle, self.subject.named_inputs, self.variable.name,
                )
            )  # fmt: skip
        return found

    def no_slope(self, found: Found) -> str:
        """What is said where fn jumps at all the wrong places, of which a few are looked at."""
        places = [tuple(int(i) for i in place) for place in np.argwhere(found.bad)[:SAMPLE]]
        if self.kind == "given" or not all(self.differences.jumps(Move.element(place), self.step) for place in places):
            return ""
        return "the function jumps here, and has no slope to compare with: no gradient is right; check at other values"

    def contributions(self, index: tuple[int, ...]) -> Array:
        return self.differences.contributions(Move.element(index), self.step)

    def together(self, found: Found) -> list[str]:
        """At a kink single elements may take any value between two slopes: a tie could be paid out twice. Moved together they may not."""
        if not found.kinks or found.directions:
            return []
        total = float(self.analytic.sum())
        numeric = measure(self.differences, Move.along(np.ones(self.analytic.shape)), self.step, total, self.tolerance)
        if numeric.error(total) <= numeric.allowed:
            return []
        return [
            f"{found.name}: {found.kinks} values at a kink lie between their two slopes, but all moved together change the result by "
            f"{numeric.value:.6g} and not by their sum, {total:.6g}: a tie is counted more than once, or not at all"
        ]

    def along_directions(self, count: int) -> Found:
        directions = [self.direction() for _ in range(count)]
        analytic = np.array([self.along(direction) for direction in directions])
        found = self.found(self.compare([Move.along(direction) for direction in directions], analytic), analytic)
        found.directions = True
        if found.wrong:
            case = Case(found.analytic, found.numeric, found.bad, self.contributions)
            worst = self.search(directions[found.index[0]])
            found.diagnosis = (
                zero_everywhere(case) or (factor(case) if count > 1 else "") or "an error of no known pattern"
            ) + worst
        return found

    def along(self, direction: Array) -> float:
        """The analytic slope along a direction."""
        at = direction != 0  # 0 times infinity is not what is meant
        return float((self.analytic[at] * direction[at]).sum())

    def search(self, direction: Array) -> str:
        """Halve a wrong direction until one element is left: the one with the largest share of the error, more or less."""
        flat = np.arange(direction.size)
        while flat.size > 1:
            halves = np.array_split(flat, 2)
            errors = []
            for half in halves:
                part: Array = np.zeros(direction.size)
                part[half] = direction.reshape(-1)[half]
                part = part.reshape(direction.shape)
                numeric = self.differences.slope(Move.along(part), self.step).value
                error = abs(self.along(part) - numeric)
                errors.append(error if np.isfinite(error) else np.inf)
            flat = halves[int(np.argmax(errors))]
        index = tuple(int(i) for i in np.unravel_index(int(flat[0]), direction.shape))
        numeric = self.differences.slope(Move.element(index), self.step).value
        return f"; one element to look at, {index}: analytic {self.analytic[index]:.9g}, numeric {numeric:.9g}"

    def found(self, values: Iterable[Numeric], analytic: Array) -> Found:
        values = list(values)

        def array(numbers: Iterable[Any]) -> Array:
            return np.array(list(numbers)).reshape(analytic.shape)

        return Found(
            name=self.variable.name,
            kind=self.kind,
            step=self.step,
            analytic=analytic,
            numeric=array(v.value for v in values),
            error=array(v.error(float(a)) for v, a in zip(values, analytic.reshape(-1), strict=True)),
            allowed=array(v.allowed for v in values),
            kink=array(v.kink for v in values).astype(bool),
        )
