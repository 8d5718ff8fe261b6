"""Rules of diagnosis that look at the values: beside the right ones, the inputs, the result and what came in."""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np

from minifcn.verify.case import Case
from minifcn.verify.report import axis_name

Array = Any


def times_an_input(case: Case) -> str:
    """Right but for a factor that is an input, or the result: an exponent off by one, or one factor where another belongs."""
    nonzero = case.numeric != 0
    if nonzero.sum() < 4 or (case.analytic[~nonzero] != 0).any():
        return ""
    for text, values in factors_of(case):
        with np.errstate(all="ignore"):
            at = nonzero & np.isfinite(values)
            ratio = case.analytic[at] / (case.numeric[at] * values[at])
        spread = values[at]
        if at.sum() < nonzero.sum() or np.ptp(spread) <= 1e-3 * np.abs(spread).max():
            continue  # a factor that is the same everywhere was looked for before
        number = float(np.median(ratio))
        if np.isfinite(number) and number and case.explains(np.where(nonzero, case.numeric * values * number, 0)):
            times = "" if abs(number - 1) < 1e-3 else f", times {number:.3f}"
            return f"{text}{times}"
    return ""


def factors_of(case: Case) -> Iterator[tuple[str, Array]]:
    shape = case.analytic.shape
    known = {name: array for name, array in case.inputs.items() if array.shape == shape}
    if case.result is not None and case.result.shape == shape:
        known["the result"] = case.result
    with np.errstate(all="ignore"):
        for name, array in known.items():
            yield f"the right gradient times {name}: an exponent is off by one, or a factor too many", array
            yield f"the right gradient divided by {name}: an exponent is off by one, or a factor is missing", 1 / array
        for name, array in known.items():
            yield f"the right gradient times the square of {name}", array**2
            yield f"the right gradient divided by the square of {name}", array**-2
        for a, b in combinations(known, 2):
            yield f"{a} stands where {b} should", known[a] / known[b]
            yield f"{b} stands where {a} should", known[b] / known[a]


def missing_term(case: Case) -> str:
    """y = x·s: incoming·y/x is what the product rule gives where s is held constant. Is that all, or does the rest count otherwise?"""
    x = case.inputs.get(case.name)
    shape = case.analytic.shape
    if x is None or case.result is None or x.shape != shape or case.result.shape != shape or not np.all(x):
        return ""
    first = case.incoming * case.result / x
    second = case.numeric - first
    at = case.bad
    if at.sum() < 5 or not case.analytic.any() or np.abs(second[at]).max() <= 10 * case.narrow:
        return ""
    (a, b), _, rank, _ = np.linalg.lstsq(np.stack([first[at], second[at]], 1), case.analytic[at], rcond=None)
    if rank < 2 or not case.explains(np.where(at, a * first + b * second, case.analytic)):
        return ""
    where = "" if at.all() else f" at {int(at.sum())} places"
    if abs(a - 1) < 1e-3 and abs(b) < 1e-3:
        return f"a term is missing{where}: incoming·y/x alone, as if what x is multiplied by were constant"
    if abs(a) < 1e-3 and abs(b - 1) < 1e-3:
        return f"a term is missing{where}: incoming·y/x, what is left where all but the factor x is constant"
    if abs(a - 1) < 1e-3:
        sign = ": its sign is turned round" if abs(b + 1) < 1e-3 else ""
        return f"one of two terms counts {b:.3f} times{where}{sign}; incoming·y/x, the other one, is right"
    if abs(b - 1) < 1e-3:
        return f"one of two terms, incoming·y/x, counts {a:.3f} times{where}; the rest is right"
    return ""


def factor_of_places(case: Case) -> str:
    """A factor of its own for each place of all axes but one; or one for each place of an axis times one for each of the others."""
    ndim, nonzero = case.numeric.ndim, case.numeric != 0
    if ndim < 2 or (case.analytic[~nonzero] != 0).any():
        return ""
    for axis in range(ndim):
        if case.numeric.shape[axis] < 3 or case.numeric.shape[axis] == case.numeric.size:
            continue
        if (nonzero.any(axis) & (nonzero.sum(axis) < 3)).any():
            continue  # one factor explains one number
        size = (case.numeric**2).sum(axis, keepdims=True)
        with np.errstate(all="ignore"):
            ratio = np.where(size > 0, (case.analytic * case.numeric).sum(axis, keepdims=True) / size, 1)
        if case.explains(ratio * case.numeric):
            off = np.unique(ratio[np.abs(ratio - 1) > 1e-3].round(3))
            listed = ", ".join(f"{value:.3f}" for value in off[:4]) + (", …" if off.size > 4 else "")
            return f"off by a factor that is the same along {axis_name(axis, ndim)} and differs from place to place beside: {listed}"
    if not (nonzero.all() and np.all(case.analytic)):
        return ""
    for axis in range(ndim):
        length = case.numeric.shape[axis]
        if length < 3 or case.numeric.size < 3 * length:
            continue
        ratio = np.moveaxis(case.analytic / case.numeric, axis, 0).reshape(length, -1)
        outer = ratio[:, :1] * ratio[:1] / ratio[:1, :1]
        guess = np.moveaxis(outer.reshape(length, *np.delete(case.numeric.shape, axis)), 0, axis) * case.numeric
        if case.explains(guess):
            name = axis_name(axis, ndim)
            return f"off by a factor for each place along {name}, times one for each place beside: a weight along the wrong axis"
    return ""


def constant_in_places(case: Case) -> str:
    """The same number too much, or too little, here and there: a 1 that is not subtracted, or at a place too far."""
    error = (case.analytic - case.numeric)[case.bad]
    size = float(np.abs(error).max())
    if error.size < 4 or case.bad.all() or not np.all(np.abs(np.abs(error) - size) <= case.narrow):
        return ""
    over, under = int((error > 0).sum()), int((error < 0).sum())
    if not (case.numeric[~case.bad] != 0).any():
        return ""
    if not over or not under:
        return (
            f"off by the same {size if over else -size:.3g} at {error.size} of {case.bad.size} places, right at the others: "
            "a term is missing there, or one too many"
        )
    return f"{size:.3g} too much at {over} places and as much too little at {under}, right at the others: something is counted at the wrong places"


def other_mask(case: Case) -> str:
    """Zero where it should not be and not zero where it should, and right wherever both are not zero."""
    wrong_zero, no_zero = case.bad & (case.analytic == 0), case.bad & (case.numeric == 0)
    right = ~case.bad & (case.numeric != 0)
    if not (wrong_zero.any() and no_zero.any()) or right.sum() < 2 or (case.bad & ~wrong_zero & ~no_zero).any():
        return ""
    return (
        f"zero at {int(wrong_zero.sum())} places where it should not be and not zero at {int(no_zero.sum())} where it should, right at "
        "the others: another mask, or other places"
    )


def incoming_alone(case: Case) -> str:
    """The incoming gradient itself at every place, or a part of it, where it should be all or nothing."""
    if case.incoming is None or case.numeric.size < 3:
        return ""
    summed = summed_to(case.incoming, case.numeric.shape)
    if summed is None or not np.all(summed):
        return ""
    what = "the incoming gradient" if summed.shape == case.incoming.shape else "the sum of all incoming gradients"
    part = case.analytic / summed
    number = float(np.median(part))
    if number and case.explains(number * summed):
        times = "" if abs(number - 1) < 1e-3 else f"{number:.3f} times "
        return f"{times}{what} at every place, chosen by nothing"
    chosen = case.numeric / summed
    all_or_nothing = np.all((np.abs(chosen) < 1e-6) | (np.abs(chosen - 1) < 1e-6)) and np.ptp(chosen) > 0.5
    if all_or_nothing and np.all((part > 0) & (part < 1)):
        return "a part of the incoming gradient at every place, where it is all or nothing: shared out and not chosen"
    return ""


def summed_to(array: Array, shape: tuple[int, ...]) -> Array:
    """Summed over the axes along which `shape` would be stretched to array's; None where it would not."""
    if len(shape) > array.ndim:
        return None
    array = array.sum(tuple(range(array.ndim - len(shape))))
    for axis, (have, want) in enumerate(zip(array.shape, shape, strict=True)):
        if have != want:
            if want != 1:
                return None
            array = array.sum(axis, keepdims=True)
    return array


def spread_evenly(case: Case) -> str:
    """The sum of each window is right, and all its pixels got the same."""
    if case.numeric.ndim < 2:
        return ""
    *front, h, w = case.numeric.shape
    for kh in range(1, h + 1):
        for kw in range(1, w + 1):
            if h % kh or w % kw or kh * kw == 1 or (h // kh) * (w // kw) * int(np.prod(front)) < 2:
                continue
            sums = case.numeric.reshape(*front, h // kh, kh, w // kw, kw).sum((-3, -1))
            if case.explains(np.repeat(np.repeat(sums / (kh * kw), kh, -2), kw, -1)):
                return f"shared out evenly over blocks of {kh} x {kw}, whose sums are right"
    return ""


def elsewhere(case: Case) -> str:
    """Incoming gradients of other places, or one too much: an index that is wrong."""
    if case.incoming is None or case.incoming.size < 2 or case.bad.sum() < 3:
        return ""
    incoming = np.unique(case.incoming)

    def among(values: Array, numbers: Array = incoming) -> bool:
        if not values.size:
            return False
        at = np.clip(np.searchsorted(numbers, values), 1, numbers.size - 1)
        near = np.minimum(np.abs(numbers[at] - values), np.abs(numbers[at - 1] - values))
        return bool(np.all(near <= case.narrow))

    wrong, right = case.analytic[case.bad], case.numeric[case.bad]
    if among(wrong[wrong != 0]) and among(right[right != 0]) and (wrong != 0).sum() >= 3:
        return "each wrong element holds the incoming gradient of another place of the result: an index is wrong"
    error = wrong - right
    if among(error):
        return "each wrong element holds one incoming gradient more than it should"
    return "each wrong element misses one incoming gradient" if among(-error) else ""


def right_in_sum(case: Case) -> str:
    """All that should arrive does, somewhere."""
    if case.numeric.ndim != 4 or case.bad.sum() < 3 or not case.analytic.any():
        return ""
    sums = case.analytic.sum((2, 3)), case.numeric.sum((2, 3))
    if np.all(np.abs(sums[0] - sums[1]) <= case.narrow) and np.all(np.abs(sums[1]) > 10 * case.narrow):
        return "as much arrives in each picture and channel as should, but not at these rows and columns"
    return ""


PATTERNS: tuple[Callable[[Case], str], ...] = (
    times_an_input,
    missing_term,
    factor_of_places,
    constant_in_places,
    other_mask,
    incoming_alone,
    spread_evenly,
    elsewhere,
    right_in_sum,
)
