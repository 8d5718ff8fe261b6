"""Functions to be checked: a formula, and a backward that may be wrong."""

import numpy as np
import pytest

import minifcn as mf


class Formula(mf.Function):
    def __init__(self, formula, gradient):
        self.formula, self.gradient = formula, gradient

    def forward(self, x):
        self.x = x
        return self.formula(x)

    def backward(self, grad):
        return self.gradient(self.x, grad)


def function(formula, gradient):
    """A function of one tensor: formula(x), whose backward says gradient(x, incoming)."""
    return lambda x: Formula(formula, gradient)(x)


def elementwise(formula, slope, factor=1.0, constant=0.0):
    """formula(x) element by element, with its slope; wrong by a factor, or by a constant where a gradient comes in."""
    return function(formula, lambda x, grad: factor * slope(x) * grad + constant * (grad != 0))


def cube(factor=1.0, constant=0.0):
    return elementwise(lambda x: x**3, lambda x: 3 * x**2, factor, constant)


def relu(at_zero=0.0, above=1.0):
    return elementwise(lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, above, np.where(x == 0, at_zero, 0.0)))


def rejected(*arguments, match=None, **options):
    """The message with which gradcheck rejects."""
    with pytest.raises(mf.GradcheckError, match=match) as caught:
        mf.gradcheck(*arguments, **options)
    return str(caught.value)


def diagnosis(message):
    """The message's diagnosis; of the first array that has one."""
    return next(line.split(": ", 1)[1] for line in message.splitlines() if line.strip().startswith("diagnosis: "))
