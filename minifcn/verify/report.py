"""What a gradient check found, and how it is told: the worst place, both values, how many are wrong and where, and a diagnosis."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = Any

AXES = ("axis 0", "axis 1", "row", "column")  # of a four-axis array, a picture or a kernel
OUTPUT_AXES = ("picture", "channel", "row", "column")
MAP_SIZE = (12, 32)  # rows and columns that a map may take


class GradcheckError(AssertionError):
    """The gradient is wrong, or cannot be checked; the message says where, by how much and, where a pattern fits, how."""


@dataclass
class Found:
    """What was found for one input or parameter.

    The arrays hold an entry for each element, in the shape of the input, or for each random direction. `error` is the distance of the
    analytic value from the numeric one, or from the slopes on both sides of a kink. `step` is what the differences were made with.
    """

    name: str
    kind: str  # "linear", "curved" or "given", how the step was chosen
    step: float
    analytic: Array
    numeric: Array
    error: Array
    allowed: Array
    kink: Array
    directions: bool = False
    diagnosis: str = ""

    @property
    def bad(self) -> Array:
        return ~(self.error <= self.allowed)  # NaN is bad too

    @property
    def kinks(self) -> int:
        return int(self.kink.sum())

    @property
    def wrong(self) -> int:
        return int(self.bad.sum())

    @property
    def elements(self) -> int:
        return self.error.size

    @property
    def index(self) -> tuple[int, ...]:
        """Where the error is the largest part of what is allowed."""
        with np.errstate(all="ignore"):
            excess = np.where(self.error == 0, 0, self.error / self.allowed)
            excess = np.where(np.isnan(self.error), np.inf, excess)
        return tuple(int(i) for i in np.unravel_index(int(excess.argmax()), excess.shape))

    @property
    def scale(self) -> float:
        """The array's largest gradient, on either side; 0 where no value is beyond what is allowed. Errors are told as parts of it."""
        if not self.elements:
            return 0.0
        with np.errstate(all="ignore"):
            values = np.maximum(np.abs(self.analytic), np.abs(self.numeric))
        if np.all(values <= self.allowed):
            return 0.0
        return float(np.nanmax(np.where(np.isfinite(values), values, np.nan), initial=0.0))

    def relative(self, number: float) -> float:
        """A part of the scale: an element near 0 has no relative error of its own."""
        if number == 0 or (self.scale == 0 and np.isfinite(number)):
            return 0.0
        with np.errstate(all="ignore"):
            return float(np.float64(number) / self.scale)

    @property
    def relative_error(self) -> float:
        """The worst element's error as a part of the scale."""
        return self.relative(float(self.error[self.index])) if self.elements else 0.0

    @property
    def relative_tolerance(self) -> float:
        """What was allowed there, as a part of the scale."""
        return self.relative(float(self.allowed[self.index])) if self.elements else 0.0

    def __str__(self) -> str:
        step = f"{self.kind}, step {self.step:.1g}"
        what = "random directions" if self.directions else "elements"
        kinks = f", {self.kinks} of them at a kink" if self.kinks else ""
        line = f"{self.name}: {self.wrong} of {self.elements} {what} wrong{kinks} ({step})"
        if not self.elements:
            return line
        at = self.index
        place = f"direction {at[0]}" if self.directions else str(at)
        line += (
            f"; worst at {place}: analytic {self.analytic[at]:.9g}, numeric {self.numeric[at]:.9g}, {self.judgement()}"
        )
        if self.wrong:
            line += f"\n    diagnosis: {self.diagnosis or 'no pattern that is known here'}"
            if not self.directions:
                line += "".join(f"\n    {row}" for row in where(self.bad))
        return line

    def judgement(self) -> str:
        if self.scale == 0:
            return f"all of it 0 to within {float(np.max(self.allowed)):.2g}"
        return (
            f"relative error {self.relative_error:.2g}, tolerance {self.relative_tolerance:.2g}, "
            f"both of the scale {self.scale:.3g}"
        )


@dataclass
class Report:
    """The result of `gradcheck`: `inputs` by number, and by name the parameters. `faults` belong to no single element."""

    inputs: dict[int | str, Found] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.faults and not any(found.wrong for found in self.inputs.values())

    @property
    def worst(self) -> float:
        """The largest relative error over all inputs."""
        return float(np.max([0.0, *(found.relative_error for found in self.inputs.values())]))  # NaN, if any is

    @property
    def worst_input(self) -> Found | None:
        """The one with the largest relative error."""
        errors = [found.relative_error for found in self.inputs.values()]
        return list(self.inputs.values())[int(np.argmax(errors))] if errors else None

    @property
    def scales(self) -> tuple[float, ...]:
        """The largest gradients of the arrays, without those that are zero."""
        return tuple(sorted({found.scale for found in self.inputs.values()} - {0.0}))

    @property
    def elements(self) -> int:
        return sum(found.elements for found in self.inputs.values())

    @property
    def steps(self) -> tuple[float, ...]:
        return tuple(sorted({found.step for found in self.inputs.values()}, reverse=True))

    def __str__(self) -> str:
        lines = [f"gradcheck: {'all right' if self.ok else 'WRONG'}, {self.elements} values compared"]
        lines += [f"  {fault}" for fault in self.faults]
        lines += [f"  {found}" for found in self.inputs.values() if self.ok or found.wrong]
        blamed = [fault.partition(":")[0] for fault in self.faults]
        right = [found.name for found in self.inputs.values() if not found.wrong and found.name not in blamed]
        if right and not self.ok:
            lines.append(f"  right: {', '.join(right)}")
        return "\n".join(lines)


def axis_name(axis: int, ndim: int, names: tuple[str, ...] = AXES) -> str:
    """What people call the axis: "row" for axis 2 of four, "axis 2" of three."""
    return names[axis] if ndim == 4 else f"axis {axis}"


def where(bad: Array) -> list[str]:
    """The pattern of the wrong elements: axes along which only some places are wrong, and a map of the last two axes."""
    if bad.ndim == 0 or bad.size == 1:
        return []
    lines = []
    for axis, length in enumerate(bad.shape):
        others = tuple(a for a in range(bad.ndim) if a != axis)
        hit = np.flatnonzero(bad.any(others))
        if len(hit) < length and axis < bad.ndim - 2:  # the map shows the last two
            lines.append(f"only at {ranges(hit)} of 0-{length - 1} along {axis_name(axis, bad.ndim)}")
    h, w = (1, *bad.shape)[-2:]
    if h * w == 1:
        return lines
    flat = bad.reshape(-1, h, w)
    bh, bw = -(-h // MAP_SIZE[0]), -(-w // MAP_SIZE[1])  # one sign may stand for a block
    some, every = flat.any(0), flat.all(0)
    rows = []
    for top in range(0, h, bh):
        cells = [(slice(top, top + bh), slice(left, left + bw)) for left in range(0, w, bw)]
        rows.append(" ".join("x" if every[cell].all() else "o" if some[cell].any() else "." for cell in cells))
    over = "" if bad.ndim <= 2 else " over all other axes"
    block = "" if bh * bw == 1 else f", a sign for {bh} x {bw}"
    legend = "x wrong, . right" if bad.ndim <= 2 and not block else f"x all wrong, o some, . none{over}"
    return [*lines, f"map of {'the last axis' if bad.ndim == 1 else 'the last two axes'} ({legend}{block}):", *rows]


def ranges(numbers: Array) -> str:
    """[0, 1, 2, 5] -> "0-2, 5"."""
    parts: list[list[int]] = []
    for number in (int(n) for n in numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)
