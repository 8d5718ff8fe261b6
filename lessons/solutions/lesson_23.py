"""Answers to the exercises of lesson 23."""

import numpy as np


def survivors(checker, mutants):
    accepted = []
    for name, f, backward, x in mutants:
        try:
            said_right = checker(f, backward, x.copy())
        except Exception:
            continue  # it was noticed
        if said_right:
            accepted.append(name)
    return accepted


def is_linear(backward, x, g, h):
    of_g, of_h = backward(g.copy(), x.copy()), backward(h.copy(), x.copy())
    for factor in (-1.0, 2.0, 2.0**20, 2.0**-20):  # powers of two: nothing is rounded
        if not np.array_equal(backward(factor * g, x.copy()), factor * of_g):
            return False
    largest = max(np.abs(of_g).max(), np.abs(of_h).max())
    error = np.abs(backward(g + h, x.copy()) - (of_g + of_h))
    return bool((error <= 1e-9 * largest).all())  # NaN is not: then it is not linear


def fooling_backward(grad, x):
    # where one number is all there is, the largest is right; the others are halved, in proportion
    largest = np.abs(grad) == np.abs(grad).max()
    return np.where(largest, grad, grad / 2) * (x > 0)


SOLUTIONS = {
    "survivors": survivors,
    "is_linear": is_linear,
    "fooling_backward": fooling_backward,
}
