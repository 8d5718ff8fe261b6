"""Rules of diagnosis for what acts through a sum: an error that is shared along some axes, and a slope that belongs to another function."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from minifcn.verify.case import Case
from minifcn.verify.report import axis_name

Array = Any
SPARE = 2  # numbers of a group beyond those that a rule may choose: so many must fit by themselves


def shared_error(case: Case) -> str:
    """The error is the same along some axes, or a multiple of something known: what goes through a sum over them is missing or another."""
    error = case.analytic - case.numeric
    for axes in groups_of_axes(error.shape):
        named = " and ".join(axis_name(axis, error.ndim) for axis in axes)
        for words, basis in shares_of(case):
            fitted = along(axes, error, basis)
            if fitted is not None and case.explains(case.numeric + fitted):
                return f"off by {words} the same along {named}: what goes through a sum or mean over it is missing, or another"
    return ""


def groups_of_axes(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """All of the axes, then fewer: what is said first says most."""
    for count in range(len(shape), 0, -1):
        yield from combinations(range(len(shape)), count)


def shares_of(case: Case) -> Iterator[tuple[str, list[Array]]]:
    ones = np.ones_like(case.numeric)
    yield "a number that is", [ones]
    if case.result is not None and case.result.shape == ones.shape:
        yield "a multiple of the result that is", [case.result]
        with np.errstate(over="ignore"):
            yield "a multiple of e to the result that is", [np.exp(case.result)]
    x = case.inputs.get(case.name)
    if x is not None and x.shape == ones.shape:
        yield "a + b·x, with a and b", [ones, x]


def along(axes: tuple[int, ...], error: Array, basis: list[Array]) -> Array | None:
    """The nearest to `error` that is a sum of `basis` with numbers of its own for each place beside `axes`; None where anything would be near."""
    rest = [axis for axis in range(error.ndim) if axis not in axes]
    order = (*rest, *axes)

    def rows(array: Array) -> Array:  # (places beside, numbers along)
        shape = [error.shape[axis] for axis in order]
        return np.transpose(array, order).reshape(int(np.prod(shape[: len(rest)])), -1)

    wanted, columns = rows(error), np.stack([rows(each) for each in basis], 2)
    if wanted.shape[1] < len(basis) + SPARE or not np.isfinite(columns).all():
        return None
    fitted = np.stack([c @ np.linalg.lstsq(c, e, rcond=None)[0] for c, e in zip(columns, wanted, strict=True)])
    shaped = fitted.reshape([error.shape[axis] for axis in order])
    return np.transpose(shaped, np.argsort(order))


SLOPES = {
    "y": lambda y: y,
    "1 - y": lambda y: 1 - y,
    "y·(1 - y)": lambda y: y * (1 - y),
    "1 - y²": lambda y: 1 - y**2,
    "y²": lambda y: y**2,
    "1 - tanh²(y)": lambda y: 1 - np.tanh(y) ** 2,
}


def another_slope(case: Case) -> str:
    """The incoming gradient times a slope that is known, but another function's; y is the result."""
    y = case.result
    if y is None or case.incoming is None or y.shape != case.analytic.shape or int(case.bad.sum()) < 4:
        return ""
    for words, slope in SLOPES.items():
        values = slope(y)
        if np.ptp(values) > 1e-3 * np.abs(values).max() and case.explains(case.incoming * values):
            return f"the slope that is used is {words}, with y the result; it is not this function's"
    return ""
