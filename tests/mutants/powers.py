"""Wrong exponentials, logarithms, roots and powers: the slopes of a neighbour in the table of derivatives."""

import numpy as np

from minifcn.ops import Call
from minifcn.ops.arithmetic import summed_to
from minifcn.ops.elementwise.powers import Exp, Log, Pow, Sqrt

from .plant import mutant


def away_from_one(rng):
    return Call((rng.uniform(1.5, 3, (3, 4)),))


def base_and_exponent(rng):
    return Call((rng.uniform(1.5, 3, (3, 4)), rng.uniform(1.5, 3, (3, 4))))


def base_and_one_exponent(rng):
    return Call((rng.uniform(1.5, 3, (3, 4)), rng.uniform(1.5, 3, (1,))))


def keeping_x(patch, function, forward, backward):
    """The function with a forward that keeps x, for a backward that reads it."""

    def kept(self, x):
        self.x = x
        return forward(x)

    patch.setattr(function, "forward", kept)
    patch.setattr(function, "backward", backward)


@mutant("exp", "the slope of a line", sample=away_from_one)
def exp_line(patch):
    patch.setattr(Exp, "backward", lambda self, grad: grad.copy())


@mutant("exp", "as if it were a power: x·e^(x-1)", sample=away_from_one)
def exp_as_power(patch):
    keeping_x(patch, Exp, np.exp, lambda self, grad: grad * self.x * np.exp(self.x - 1))


@mutant("exp", "ignores the incoming gradient", "does not use the incoming gradient", sample=away_from_one)
def exp_ignores_incoming(patch):
    patch.setattr(Exp, "backward", lambda self, grad: self.y)


@mutant("exp", "multiplies the incoming gradient in place", "changed the incoming gradient", sample=away_from_one)
def exp_in_place(patch):
    def backward(self, grad):
        grad *= self.y
        return grad

    patch.setattr(Exp, "backward", backward)


@mutant("log", "multiplied by x and not divided", sample=away_from_one)
def log_multiplied(patch):
    patch.setattr(Log, "backward", lambda self, grad: grad * self.x)


@mutant("log", "the slope of the logarithm to base 10", "off by a factor 0.434", sample=away_from_one)
def log_base_10(patch):
    patch.setattr(Log, "backward", lambda self, grad: grad / (self.x * np.log(10)))


@mutant("log", "divided by the result and not by x", sample=away_from_one)
def log_by_result(patch):
    patch.setattr(Log, "backward", lambda self, grad: grad / np.log(self.x))


@mutant("sqrt", "the 2 of 1/(2√x) is forgotten", "off by a factor 2.000", sample=away_from_one)
def sqrt_factor(patch):
    patch.setattr(Sqrt, "backward", lambda self, grad: grad / self.y)


@mutant("sqrt", "√x/2: the exponent keeps its sign", sample=away_from_one)
def sqrt_sign_of_exponent(patch):
    patch.setattr(Sqrt, "backward", lambda self, grad: grad * self.y / 2)


@mutant("sqrt", "1/(2x): the root is forgotten", sample=away_from_one)
def sqrt_without_root(patch):
    patch.setattr(Sqrt, "backward", lambda self, grad: grad / (2 * self.y * self.y))


def with_slopes(patch, base=None, exponent=None):
    if base:
        patch.setattr(Pow, "slope_of_base", base)
    if exponent:
        patch.setattr(Pow, "slope_of_exponent", exponent)


@mutant("pow", "the exponent stays: b·a^b", sample=base_and_exponent)
def pow_exponent_stays(patch):
    with_slopes(patch, base=lambda self: self.b * self.y)


@mutant("pow", "the factor b is forgotten", sample=base_and_exponent)
def pow_factor(patch):
    with_slopes(patch, base=lambda self: self.a ** (self.b - 1))


@mutant("pow", "b - 1 as the factor too", sample=base_and_exponent)
def pow_factor_less_one(patch):
    with_slopes(patch, base=lambda self: (self.b - 1) * self.a ** (self.b - 1))


@mutant("pow", "ln of the exponent and not of the base", sample=base_and_exponent)
def pow_logarithm_of_exponent(patch):
    with_slopes(patch, exponent=lambda self: self.y * np.log(self.b))


@mutant("pow", "the exponent is never told", r"input 1: .*\n.*zero everywhere", sample=base_and_exponent)
def pow_exponent_forgotten(patch):
    with_slopes(patch, exponent=lambda self: 0 * self.y)


@mutant("pow", "a shared exponent gets the mean and not the sum", "off by a factor 0.083", sample=base_and_one_exponent)
def pow_mean(patch):
    def backward(self, grad):
        to_b = summed_to(grad * self.slope_of_exponent(), self.b.shape)
        return grad * self.slope_of_base(), to_b / self.a.size

    patch.setattr(Pow, "backward", backward)
