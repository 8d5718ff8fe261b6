"""Checks of lesson 23: the score of a checker, the test of linearity, and a backward that fools a Jacobian."""

from typing import Any

import numpy as np

from checks.verdict import check, counted, wrong

X = np.array([0.7, -1.2, 2.1, 0.4, -0.3, 1.6])


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def mask(grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    return grad * (x > 0)


def stops(grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    raise ZeroDivisionError("planted")


def writes(grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    x += 10
    return grad


MUTANTS = [
    ("writes into x", relu, writes, X),
    ("right", relu, mask, X),
    ("doubled", relu, lambda grad, x: 2 * mask(grad, x), X),
    ("stops", relu, stops, X),
    ("all through", relu, lambda grad, x: grad, X),
]


@check
def survivors(answer: Any) -> None:
    """survivors(checker, mutants) -> the names, in order, of the mutants (name, f, backward, x) that checker(f, backward, x) accepts."""
    before = X.copy()
    for wanted, checker in (
        (["right", "doubled", "all through"], lambda f, backward, x: bool(backward(f(x), x).min() >= 0 and x[0] < 5)),
        (["right"], lambda f, backward, x: bool(np.array_equal(backward(f(x) - 1, x), mask(f(x) - 1, x)))),
        ([], lambda f, backward, x: False),
        ([], stops),
        ([name for name, *_ in MUTANTS], lambda f, backward, x: True),
        (["doubled"], lambda f, backward, x: np.bool_(backward(f(x), x).max() > 3 and x[0] < 5)),
    ):
        found = answer(checker, list(MUTANTS))
        if not np.array_equal(X, before):
            X[...] = before
            wrong("a mutant wrote into x, and the next one saw it: give each call a copy of x")
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            wrong(f"expected a list of names, got {type(found).__name__}")
        survivors_fault(found, wanted)
        counted()


def survivors_fault(found: list[str], wanted: list[str]) -> None:
    """What a wrong list looks like."""
    names = [name for name, *_ in MUTANTS]
    if found == wanted:
        return
    if sorted(found) == sorted(set(names) - set(wanted)):
        wrong("these are the rejected ones; those that the checker accepts have survived")
    if sorted(found) == sorted(wanted):
        wrong("the right names in another order than that of the mutants")
    if set(found) - set(wanted) == {"stops"}:
        wrong("a mutant that stops with an error was noticed: it has not survived")
    wrong(f"the checker accepts {wanted or 'none'}, and you give {found or 'none'}")


def normalised(grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    return mask(grad / np.linalg.norm(grad), x)


def largest_alone(grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.where(np.abs(grad) == np.abs(grad).max(), grad, 0)


LINEAR = [
    ("relu", mask),
    ("a softmax", lambda grad, x: np.exp(x) * (grad - (grad * np.exp(x)).sum())),
    ("one as small as 1e-200", lambda grad, x: 1e-200 * mask(grad, x)),
    ("one as large as 1e200", lambda grad, x: 1e200 * mask(grad, x)),
    ("one of zeros", lambda grad, x: 0 * grad),
    ("one whose large numbers cancel", lambda grad, x: np.full(6, grad.sum()) + 1e-3 * grad),
]
CROOKED = [
    ("one that stops negative numbers", lambda grad, x: mask(np.maximum(grad, 0), x), "try the factor -1"),
    ("one that clips at 100", lambda grad, x: mask(np.clip(grad, -100, 100), x), "try a large factor"),
    ("one that drops numbers below 1e-5", lambda grad, x: np.where(np.abs(grad) < 1e-5, 0, mask(grad, x)), "try a small factor"),
    ("one that divides by the length", normalised, "try the factor 2"),
    ("one that lets the largest through", largest_alone, "it is proportional, and not additive: g + h"),
    ("one that adds a millionth", lambda grad, x: mask(grad, x) + 1e-6, "try a small factor"),
    ("one that gives NaN for sums", lambda grad, x: np.where(np.abs(grad[0]) > 1.2, np.nan, 1) * grad if abs(grad[0]) < 3 else mask(grad, x) + np.nan, "NaN is equal to nothing, and neither larger nor smaller"),
    ("a tiny one that is not additive", lambda grad, x: 1e-200 * largest_alone(grad, x), "the tolerance must be a part of the largest number"),
]  # fmt: skip


@check
def is_linear(answer: Any) -> None:
    """is_linear(backward, x, g, h) -> bool: is backward(grad, x) linear in grad, as far as g, h and their multiples can tell?"""
    rng = np.random.default_rng(5)
    g, h = rng.standard_normal(6), rng.standard_normal(6)
    lent = g.copy(), h.copy(), X.copy()
    weights = rng.standard_normal(6)
    weights -= (
        (weights @ (g + h)) / ((g + h) @ (g + h)) * (g + h)
    )  # what g gives and what h gives cancel, but for rounding
    cancels = (
        "one in which g and h cancel",
        lambda grad, x: np.full(6, (weights * grad).sum()),
        "the tolerance is a part of the largest number of backward(g) and backward(h), not of their sum",
    )
    for wanted, cases in (
        (False, CROOKED),
        (True, [*((*case, "sums are rounded, and need a tolerance") for case in LINEAR), cancels]),
    ):
        for name, backward, hint in cases:
            found = answer(backward, lent[2], lent[0], lent[1])
            if not isinstance(found, bool | np.bool_):
                wrong(f"it gives {type(found).__name__}; expected True or False")
            if bool(found) != wanted:
                said = "is linear, and you say that it is not" if wanted else "is not linear, and you say that it is"
                wrong(f"{name} {said}; {hint}")
            if not all(np.array_equal(*both) for both in zip(lent, (g, h, X), strict=True)):
                wrong("you changed x, g or h, which belong to the caller; work on copies")
            counted()


@check
def fooling_backward(answer: Any) -> None:
    """fooling_backward(grad, x): a wrong backward of relu that a Jacobian of rows with a single 1 accepts, and that is proportional."""
    for row in np.eye(6):
        if not np.array_equal(answer(row.copy(), X.copy()), mask(row, X)):
            wrong("the Jacobian notices it: where a single 1 comes in, it has to give what relu's backward gives")
        counted()
    differs = False
    for seed in range(3):
        grad = np.random.default_rng(seed).standard_normal(6)
        once = np.asarray(answer(grad.copy(), X.copy()))
        if once.shape != X.shape or not np.isfinite(once).all():
            wrong("expected finite numbers in the shape of x")
        for factor in (-1.0, 2.0, 2.0**20, 2.0**-20):
            if not np.array_equal(answer(factor * grad, X.copy()), factor * once):
                wrong(f"it is not proportional: {factor:g} times as much came in, and something else came out")
        differs = differs or not np.allclose(once, mask(grad, X), rtol=1e-3)
        counted()
    if not differs:
        wrong("it is right: random numbers come in, and relu's gradient comes out; be wrong somewhere")
    counted()
