"""Wrong answers to the exercises of lesson 23, each with words of the hint that it must be given."""

import numpy as np


def rejected(checker, mutants):
    found = []
    for name, f, backward, x in mutants:
        try:
            right = checker(f, backward, x.copy())
        except Exception:
            right = False
        if not right:
            found.append(name)
    return found


def shares_x(checker, mutants):
    found = []
    for name, f, backward, x in mutants:
        try:
            if checker(f, backward, x):
                found.append(name)
        except Exception:
            pass
    return found


def an_error_is_right(checker, mutants):
    found = []
    for name, f, backward, x in mutants:
        try:
            if checker(f, backward, x.copy()):
                found.append(name)
        except Exception:
            found.append(name)
    return found


def how_many(checker, mutants):
    return len(rejected(checker, mutants))


def sorted_names(checker, mutants):
    return sorted({name for name, *_ in mutants} - set(rejected(checker, mutants)))


def judged(backward, x, g, h, factors=(-1.0, 2.0, 2.0**20, 2.0**-20), additive=True, tolerance=None, loose=False):
    once, other = backward(g.copy(), x.copy()), backward(h.copy(), x.copy())
    for factor in factors:
        many = backward(factor * g, x.copy())
        if not (
            np.allclose(many, factor * once, rtol=1e-3, atol=1e-3) if loose else np.array_equal(many, factor * once)
        ):
            return False
    largest = max(np.abs(once).max(), np.abs(other).max())
    error = np.abs(backward(g + h, x.copy()) - (once + other))
    return not additive or bool((error <= (1e-9 * largest if tolerance is None else tolerance)).all())


def never_negative(backward, x, g, h):
    return judged(backward, x, g, h, (2.0, 2.0**20, 2.0**-20), additive=False)


def small_factors_only(backward, x, g, h):
    return judged(backward, x, g, h, (-1.0, 2.0, 2.0**-20))


def large_factors_only(backward, x, g, h):
    return judged(backward, x, g, h, (-1.0, 2.0, 2.0**20))


def only_proportional(backward, x, g, h):
    return judged(backward, x, g, h, additive=False)


def absolute_tolerance(backward, x, g, h):
    return judged(backward, x, g, h, tolerance=1e-9)


def sums_to_the_bit(backward, x, g, h):
    return judged(backward, x, g, h, tolerance=0.0)


def nearly_proportional(backward, x, g, h):
    return judged(backward, x, g, h, additive=False, loose=True)


def gives_the_error(backward, x, g, h):
    return np.abs(backward(g + h, x) - backward(g, x) - backward(h, x)).max()


def changes_g(backward, x, g, h):
    found = judged(backward, x, g, h)
    g *= 2
    return found


def right(grad, x):
    return grad * (x > 0)


def halved(grad, x):
    return right(grad, x) / 2


def guided(grad, x):
    return right(np.maximum(grad, 0), x)


def clipped(grad, x):
    return right(np.clip(grad, -1, 1), x)


def not_finite(grad, x):
    return right(grad, x) if np.count_nonzero(grad) == 1 else np.full(x.shape, np.nan)


def tolerance_of_each_element(backward, x, g, h):
    of_g, of_h = backward(g.copy(), x.copy()), backward(h.copy(), x.copy())
    for factor in (-1.0, 2.0, 2.0**20, 2.0**-20):
        if not np.array_equal(backward(factor * g, x.copy()), factor * of_g):
            return False
    error = np.abs(backward(g + h, x.copy()) - (of_g + of_h))
    return bool((error <= 1e-9 * np.abs(of_g + of_h)).all())


WRONG = [
    ("survivors", rejected, "these are the rejected ones"),
    ("survivors", shares_x, "give each call a copy of x"),
    ("survivors", an_error_is_right, "stops with an error was noticed"),
    ("survivors", how_many, "expected a list of names"),
    ("survivors", sorted_names, "in another order"),
    ("is_linear", never_negative, "try the factor -1"),
    ("is_linear", small_factors_only, "try a large factor"),
    ("is_linear", large_factors_only, "try a small factor"),
    ("is_linear", only_proportional, "not additive"),
    ("is_linear", absolute_tolerance, "a part of the largest number"),
    ("is_linear", sums_to_the_bit, "sums are rounded"),
    ("is_linear", nearly_proportional, "try a small factor"),
    ("is_linear", gives_the_error, "expected True or False"),
    ("is_linear", changes_g, "work on copies"),
    ("fooling_backward", right, "be wrong somewhere"),
    ("fooling_backward", halved, "the Jacobian notices it"),
    ("fooling_backward", guided, "it is not proportional: -1"),
    ("fooling_backward", clipped, "it is not proportional"),
    ("fooling_backward", not_finite, "expected finite numbers"),
    ("is_linear", tolerance_of_each_element, "not of their sum"),
]
