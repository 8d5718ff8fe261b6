"""How is a gradient wrong? Each rule knows the trace of one fault that people really make; the first that fits speaks.

`case.py` says what a rule sees. The commonest faults are here, first; `influence.py` has those that show in how each output depends on
each element, `patterns.py` those that show in the values.
"""

from collections.abc import Callable, Iterator
from itertools import combinations, permutations
from typing import Any

import numpy as np

from minifcn.verify.case import EXPLAINED, Case
from minifcn.verify.influence import INFLUENCE
from minifcn.verify.patterns import PATTERNS
from minifcn.verify.report import OUTPUT_AXES, axis_name, ranges
from minifcn.verify.shares import another_slope, shared_error

Array = Any


def diagnose(case: Case) -> str:
    """A sentence, or "" where no rule fits."""
    if np.isnan(case.analytic).any():
        return f"{int(np.isnan(case.analytic).sum())} values are not a number"
    if not np.isfinite(case.analytic).all():
        return "some values are infinite"
    if not np.isfinite(case.numeric).all():
        return ""  # the function itself is not finite beside this point
    for rule in RULES:
        said = rule(case)
        if said:
            return said
    return ""


def zero_everywhere(case: Case) -> str:
    if not case.analytic.any():
        return "zero everywhere: no gradient arrives here"
    if np.abs(case.analytic).max() <= 1e-9 * np.abs(case.numeric).max():
        return "zero everywhere but for rounding"
    return ""


def factor(case: Case) -> str:
    """One number too large or too small everywhere, or one for each place along an axis."""
    if case.analytic.size < 2 and not case.numeric.any():
        return ""
    ratio = overall_ratio(case.analytic, case.numeric)
    # a tiny gradient fits a factor near 0 by itself: what is left over must be small beside it too
    small = EXPLAINED * float(np.abs(case.analytic).max())
    if case.same(case.analytic, ratio * case.numeric) and np.abs(case.analytic - ratio * case.numeric).max() <= small:
        digits = f"{ratio:.3f}" if abs(ratio - 1) > 0.01 else f"{ratio:.7f}"
        return f"off by a factor {digits}{fraction(ratio)}"
    for axis in range(case.analytic.ndim):
        length = case.analytic.shape[axis]
        if length == 1 or length == case.analytic.size:
            continue  # a factor of its own for each element explains nothing
        parts = [(case.analytic.take(i, axis), case.numeric.take(i, axis)) for i in range(length)]
        ratios = [overall_ratio(a, n) for a, n in parts]
        fits = [np.abs(a - r * n).max() <= min(small, case.rest) for (a, n), r in zip(parts, ratios, strict=True)]
        if all(fits):
            off = [i for i, r in enumerate(ratios) if abs(r - 1) > EXPLAINED]
            name = axis_name(axis, case.analytic.ndim)
            if not off:
                continue
            if all(ratios[i] == 0 for i in off):
                return zero_at(off, axis, case.analytic.shape)
            listed = ", ".join(f"{ratios[i]:.3f}" for i in off[:4])
            return f"off by a factor of its own for each {name}: {listed} at {name} {ranges(np.array(off))}"
    return ""


def fraction(ratio: float) -> str:
    if abs(ratio + 1) < EXPLAINED:
        return ": the sign is turned round"
    parts = 1 / ratio
    return f" = 1/{round(parts)}" if parts > 1.5 and abs(parts - round(parts)) < EXPLAINED * parts else ""


def overall_ratio(analytic: Array, numeric: Array) -> float:
    """The factor that brings numeric nearest to analytic; 1 where there is nothing to tell it from."""
    size = float((numeric * numeric).sum())
    return float((analytic * numeric).sum()) / size if size else 1.0


def zero_at(places: list[int], axis: int, shape: tuple[int, ...]) -> str:
    length, name = shape[axis], axis_name(axis, len(shape))
    for end, place in (("last", length - 1), ("first", 0)):
        if places == [place]:
            return f"zero at the {end} {name}" if name in ("row", "column") else f"zero at the {end} place along {name}"
    return f"zero at places {ranges(np.array(places))} of 0-{length - 1} along {name}"


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
    for order in permutations(range(len(shape))):
        moved = [axis for axis, source in enumerate(order) if axis != source]
        if len(shape) > 5 or not moved or tuple(shape[axis] for axis in order) != shape:
            continue
        if all(shape[axis] == 1 for axis in moved):
            continue
        if case.same(case.analytic, case.numeric.transpose(order)):
            if len(moved) == 2:
                return f"transposed: axes {moved[0]} and {moved[1]} are exchanged"
            return f"transposed: its axes are those of the right gradient in the order {order}"
    return ""


def flipped(case: Case) -> str:
    axes = [axis for axis, length in enumerate(case.analytic.shape) if length > 1]
    for count in range(1, len(axes) + 1):
        for chosen in combinations(axes, count):
            if case.same(case.analytic, np.flip(case.numeric, chosen)):
                return f"flipped along {' and '.join(axis_name(a, case.analytic.ndim) + 's' * (case.analytic.ndim == 4) for a in chosen)}"
    return ""


def shifted(case: Case) -> str:
    """Moved along the last one or two axes; what came in at the border may be anything, but half the array must be explained."""
    h, w = (1, *case.analytic.shape)[-2:]
    analytic, numeric = (array.reshape(-1, h, w) for array in (case.analytic, case.numeric))
    steps = [(down, right) for down in range(-(h // 2), h // 2 + 1) for right in range(-(w // 2), w // 2 + 1)]
    for down, right in sorted(steps, key=lambda step: abs(step[0]) + abs(step[1])):
        kept = (h - abs(down)) * (w - abs(right))
        if (down, right) == (0, 0) or kept < 2:
            continue
        here, there = window(h, w, down, right), window(h, w, -down, -right)
        if numeric[there].any() and case.same(analytic[here], numeric[there]):
            by = [f"{step} along the {name}s" for step, name in ((down, "row"), (right, "column")) if step]
            return f"shifted by {' and '.join(by)}" if h > 1 else f"shifted by {right} along the last axis"
    return ""


def window(h: int, w: int, down: int, right: int) -> tuple[slice, ...]:
    """What is left of rows and columns that were moved so far."""
    rows, columns = slice(max(down, 0), h + min(down, 0)), slice(max(right, 0), w + min(right, 0))
    return slice(None), rows, columns


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
            rolled = axis >= 2 and [(i - order[0]) % length for i in order] == list(range(length))
            if rolled and (said := shifted(case)):
                return said  # moved on, and what left at one end came in at the other
            return f"the places along {axis_name(axis, case.analytic.ndim)} are in another order: {order}"
    return ""


def constant(case: Case) -> str:
    error = case.analytic - case.numeric
    off = float(error.mean())
    return f"off by a constant {off:.3g}" if error.size > 1 and case.same(error, np.full(error.shape, off)) else ""


def inverted_mask(case: Case) -> str:
    zero, should = case.analytic == 0, np.abs(case.numeric) <= 1e-9 * np.abs(case.numeric).max()
    return "zero exactly where it should not be: the mask is turned round" if np.array_equal(zero, ~should) else ""


def wrong_mask(case: Case) -> str:
    """Right but for one side: values where zeros belong, or zeros where values belong."""
    count = int(case.bad.sum())
    if not (case.numeric[~case.bad] != 0).any():
        return ""  # nothing is right, so this is not about a mask
    if not case.numeric[case.bad].any():
        return f"not zero at {count} places where it should be, right at the others: a mask lets too much through"
    if not case.analytic[case.bad].any():
        return f"zero at {count} places where it should not be, right at the others: a mask lets too little through"
    return ""


def other_places(case: Case) -> str:
    ordered = np.sort(case.analytic, axis=None), np.sort(case.numeric, axis=None)
    return "the values are right, but at other places" if case.analytic.size > 1 and case.same(*ordered) else ""


def some_contributions(case: Case) -> str:
    """An element acts through several outputs, and the gradient holds one of these contributions, or misses a part of them."""
    places = [tuple(int(i) for i in index) for index in np.argwhere(case.bad)]
    places = [places[i] for i in np.linspace(0, len(places) - 1, min(len(places), 24)).astype(int)]
    parts = [(float(case.analytic[place]), case.contributions(place)) for place in places]
    tolerance = case.rest

    def explains(count: Callable[[Array], Array]) -> bool:
        """Is every wrong element explained by one of the sums that `count` makes of its contributions?"""
        return all(np.any(np.abs(count(part) - value) <= tolerance) for value, part in parts)

    several = any((np.abs(part) > tolerance).sum() > 1 for _, part in parts)
    if several and explains(lambda part: ones_of(part, None)):
        return assigned(case, max(ones_of(part, None).size for _, part in parts))
    ndim = parts[0][1].ndim
    for axis, length in enumerate(parts[0][1].shape):
        name = f"output {axis_name(axis, ndim, OUTPUT_AXES)}" if ndim == 4 else f"place of the output along axis {axis}"
        for text, kept in slabs(length):
            if length > 1 and explains(lambda part, kept=kept, axis=axis: part.take(kept, axis).sum()):  # type: ignore[misc]
                return text.format(name)
    for axis in range(ndim):  # all channels, rows, … of one place of the output
        if several and explains(lambda part, axis=axis: ones_of(part, axis)):  # type: ignore[misc]
            return assigned(case, max(ones_of(part, axis).size for _, part in parts))
    return ""


def assigned(case: Case, most: int) -> str:
    place = "where windows overlap" if case.analytic.ndim == 4 else "where contributions meet"
    return f"assigned {place}: an element holds one of its contributions (up to {most}) and not their sum"


def ones_of(part: Array, axis: int | None) -> Array:
    """The contributions that are not 0, one by one, or summed over an axis of the output."""
    values = part if axis is None else part.sum(axis)
    return values[values != 0]


def slabs(length: int) -> Iterator[tuple[str, range]]:
    """What may be left of an axis when a loop or a slice of the output is wrong by one."""
    yield "the last {} is left out", range(length - 1)
    yield "the first {} is left out", range(1, length)
    yield "only the first {} counts", range(1)
    yield "only the last {} counts", range(length - 1, length)


RULES: tuple[Callable[[Case], str], ...] = (
    zero_everywhere,
    factor,
    transposed,
    flipped,
    zero_slab,
    inverted_mask,
    reordered,
    constant,
    shifted,
    some_contributions,
    wrong_mask,
    other_places,
    *INFLUENCE,
    *PATTERNS,
    another_slope,
    shared_error,
)
