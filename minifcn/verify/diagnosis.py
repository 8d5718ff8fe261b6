"""How is a gradient wrong? Each rule knows the trace of one fault that people really make; the first that fits speaks.

The rules see `analytic` and `numeric`, of the input's shape, and which elements are `bad`. Some also ask through which outputs an
element acts: contributions(index) has the shape of the function's result, and its sum is the numeric gradient.
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from minifcn.verify.report import axis_name, ranges

Array = Any
EXPLAINED = 1e-3  # what may be left of the largest error when a rule has explained it


class Case(NamedTuple):
    analytic: Array
    numeric: Array
    bad: Array
    contributions: Callable[[tuple[int, ...]], Array]

    @property
    def rest(self) -> float:
        """The error that may be left where a rule explains it."""
        return EXPLAINED * float(np.abs(self.analytic - self.numeric).max())

    def same(self, a: Array, b: Array) -> bool:
        return bool(np.all(np.abs(a - b) <= self.rest))


def diagnose(case: Case) -> str:
    """A sentence, or "" where no rule fits."""
    if np.isnan(case.analytic).any():
        return f"{int(np.isnan(case.analytic).sum())} values are not a number"
    if not np.isfinite(case.analytic).all():
        return "some values are infinite"
    for rule in RULES:
        said = rule(case)
        if said:
            return said
    return ""


def zero_everywhere(case: Case) -> str:
    return "zero everywhere: no gradient arrives here" if not case.analytic.any() else ""


def single_precision(case: Case) -> str:
    rounded = case.analytic.astype(np.float32).astype(np.float64)
    close = np.abs(case.analytic - case.numeric) <= 1e-5 * np.abs(case.numeric) + 1e-9
    return (
        "rounded to float32 on the way" if case.bad.any() and close.all() and np.all(rounded == case.analytic) else ""
    )


def factor(case: Case) -> str:
    """One number too large or too small everywhere, or one for each place along an axis."""
    if case.analytic.size < 2 and not case.numeric.any():
        return ""
    ratio = overall_ratio(case.analytic, case.numeric)
    if case.same(case.analytic, ratio * case.numeric):
        digits = f"{ratio:.3f}" if abs(ratio - 1) > 0.01 else f"{ratio:.7f}"
        return f"off by a factor {digits}" + (": the sign is turned round" if abs(ratio + 1) < EXPLAINED else "")
    for axis in range(case.analytic.ndim):
        length = case.analytic.shape[axis]
        if length == 1 or length == case.analytic.size:
            continue  # a factor of its own for each element explains nothing
        parts = [(case.analytic.take(i, axis), case.numeric.take(i, axis)) for i in range(length)]
        ratios = [overall_ratio(a, n) for a, n in parts]
        if all(case.same(a, r * n) for (a, n), r in zip(parts, ratios, strict=True)):
            off = [i for i, r in enumerate(ratios) if abs(r - 1) > EXPLAINED]
            name = axis_name(axis, case.analytic.ndim)
            if not off:
                continue
            if all(ratios[i] == 0 for i in off):
                return zero_at(off, axis, case.analytic.shape)
            listed = ", ".join(f"{ratios[i]:.3f}" for i in off[:4])
            return f"off by a factor of its own for each {name}: {listed} at {name} {ranges(np.array(off))}"
    return ""


def overall_ratio(analytic: Array, numeric: Array) -> float:
    """The factor that brings numeric nearest to analytic; 1 where there is nothing to tell it from."""
    size = float((numeric * numeric).sum())
    return float((analytic * numeric).sum()) / size if size else 1.0


def zero_at(places: list[int], axis: int, shape: tuple[int, ...]) -> str:
    length, name = shape[axis], axis_name(axis, len(shape))
    if places == [length - 1]:
        return f"zero at the last {name}" if name in ("row", "column") else f"zero at the last place of {name}"
    if places == [0]:
        return f"zero at the first {name}" if name in ("row", "column") else f"zero at the first place of {name}"
    return f"zero at {name} {ranges(np.array(places))} of 0-{length - 1}"


def zero_slab(case: Case) -> str:
    """Zero where it should not be, and only along whole rows, columns, channels."""
    missing = (case.analytic == 0) & case.bad
    if not np.array_equal(missing, case.bad):
        return ""
    for axis in reversed(range(case.bad.ndim)):
        others = tuple(a for a in range(case.bad.ndim) if a != axis)
        hit = np.flatnonzero(missing.any(others))
        slab = np.take(case.analytic, hit, axis)
        if len(hit) < case.bad.shape[axis] and not slab.any():
            return zero_at([int(i) for i in hit], axis, case.bad.shape)
    return ""


def transposed(case: Case) -> str:
    shape = case.analytic.shape
    for a, b in combinations(range(len(shape)), 2):
        if shape[a] == shape[b] > 1 and case.same(case.analytic, case.numeric.swapaxes(a, b)):
            return f"transposed: axes {a} and {b} are exchanged"
    return ""


def flipped(case: Case) -> str:
    axes = [axis for axis, length in enumerate(case.analytic.shape) if length > 1]
    for count in range(1, len(axes) + 1):
        for chosen in combinations(axes, count):
            if case.same(case.analytic, np.flip(case.numeric, chosen)):
                return f"flipped along {' and '.join(axis_name(a, case.analytic.ndim) + 's' * (case.analytic.ndim == 4) for a in chosen)}"
    return ""


def shifted(case: Case) -> str:
    """Moved by one or two places along an axis; what came in at the border may be anything."""
    for axis, length in enumerate(case.analytic.shape):
        for by in (1, -1, 2, -2):
            if length < abs(by) + 2:
                continue
            inner, source = span(length, by), span(length, -by)
            if case.same(case.analytic.take(inner, axis), case.numeric.take(source, axis)):
                return f"shifted by {by} along {axis_name(axis, case.analytic.ndim)}"
    return ""


def span(length: int, by: int) -> range:
    return range(max(by, 0), length + min(by, 0))


def reordered(case: Case) -> str:
    """The parts along an axis are all there, at other places."""
    for axis, length in enumerate(case.analytic.shape):
        if length < 2 or length == case.analytic.size:
            continue
        parts = [case.numeric.take(i, axis) for i in range(length)]
        order = [
            next((j for j in range(length) if case.same(case.analytic.take(i, axis), parts[j])), -1)
            for i in range(length)
        ]
        if sorted(order) == list(range(length)):
            return f"the {axis_name(axis, case.analytic.ndim)}s are in another order: {order}"
    return ""


def constant(case: Case) -> str:
    error = case.analytic - case.numeric
    off = float(error.mean())
    return f"off by a constant {off:.3g}" if error.size > 1 and case.same(error, np.full(error.shape, off)) else ""


def inverted_mask(case: Case) -> str:
    zero, should = case.analytic == 0, np.abs(case.numeric) <= 1e-9 * np.abs(case.numeric).max()
    return "zero exactly where it should not be: the mask is turned round" if np.array_equal(zero, ~should) else ""


def some_contributions(case: Case) -> str:
    """An element acts through several outputs, and the gradient holds one of these contributions, or misses a part of them."""
    places = [tuple(int(i) for i in index) for index in np.argwhere(case.bad)]
    places = [places[i] for i in np.linspace(0, len(places) - 1, min(len(places), 24)).astype(int)]
    parts = [(float(case.analytic[place]), case.contributions(place)) for place in places]
    tolerance = case.rest

    def explains(count: Callable[[Array], Array]) -> bool:
        """Is every wrong element explained by one of the sums that `count` makes of its contributions?"""
        return all(np.any(np.abs(count(part) - value) <= tolerance) for value, part in parts)

    several = all((np.abs(part) > tolerance).sum() > 1 for _, part in parts)
    # through one output, or through one place of the output and all of its channels, rows, …
    for single in (None, *range(parts[0][1].ndim)):
        if several and explains(lambda part, axis=single: ones_of(part, axis, tolerance)):  # type: ignore[misc]
            number = max(ones_of(part, single, tolerance).size for _, part in parts)
            place = "where windows overlap" if case.analytic.ndim == 4 else "where contributions meet"
            return f"assigned {place}: an element holds one of its contributions (up to {number}) and not their sum"
    for axis, length in enumerate(parts[0][1].shape):
        if length < 2:
            continue
        ndim = parts[0][1].ndim
        name = f"output {axis_name(axis, ndim)}" if ndim == 4 else f"axis {axis} of the output"
        for text, kept in slabs(length):
            if explains(lambda part, kept=kept, axis=axis: part.take(kept, axis).sum()):  # type: ignore[misc]
                return text.format(name)
    return ""


def ones_of(part: Array, axis: int | None, tolerance: float) -> Array:
    """The contributions that are not 0, one by one, or summed over an axis of the output."""
    values = part if axis is None else part.sum(axis)
    return values[np.abs(values) > tolerance]


def slabs(length: int) -> Iterator[tuple[str, range]]:
    """What may be left of an axis when a loop or a slice of the output is wrong by one."""
    yield "the last {} is left out", range(length - 1)
    yield "the first {} is left out", range(1, length)
    yield "only the first {} counts", range(1)
    yield "only the last {} counts", range(length - 1, length)


RULES: tuple[Callable[[Case], str], ...] = (
    zero_everywhere,
    single_precision,
    factor,
    transposed,
    flipped,
    zero_slab,
    inverted_mask,
    reordered,
    constant,
    some_contributions,
    shifted,
)
