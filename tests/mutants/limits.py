"""Wrong absolute values, clips and minima: masks of the wrong side, of the wrong array, or none."""

import numpy as np

from minifcn.ops import Call
from minifcn.ops.arithmetic import summed_to
from minifcn.ops.elementwise.limits import Abs, Clip, Minimum
from minifcn.ops.samples import distinct

from .arithmetic import scores_and_floor, scores_apart
from .plant import mutant


def both_signs(rng):
    return Call((distinct(rng, 3, 3, 4),))


def between(rng):
    """A third of the values below the limits, a third above."""
    return Call((distinct(rng, 3, 3, 4),), {"min": -0.6, "max": 0.6})


@mutant("abs", "the slope of x: the sign is forgotten", sample=both_signs)
def abs_unsigned(patch):
    patch.setattr(Abs, "backward", lambda self, grad: grad.copy())


@mutant("abs", "-1 above 0 and 1 below", "off by a factor -1.000: the sign is turned round", sample=both_signs)
def abs_turned_round(patch):
    patch.setattr(Abs, "backward", lambda self, grad: grad * -np.sign(self.x))


@mutant("abs", "as a ReLU: nothing comes from below 0", sample=both_signs)
def abs_as_relu(patch):
    patch.setattr(Abs, "backward", lambda self, grad: grad * (self.x > 0))


@mutant("abs", "x and not its sign", sample=both_signs)
def abs_of_square(patch):
    patch.setattr(Abs, "backward", lambda self, grad: grad * self.x)


@mutant("abs", "the absolute value of the incoming gradient", sample=both_signs)
def abs_of_gradient(patch):
    patch.setattr(Abs, "backward", lambda self, grad: np.abs(grad) * np.sign(self.x))


@mutant("clip", "straight through, as if nothing had been cut", "a mask lets too much through", sample=between)
def clip_straight_through(patch):
    patch.setattr(Clip, "backward", lambda self, grad: grad.copy())


@mutant("clip", "the mask of the other side", "the mask is turned round", sample=between)
def clip_turned_round(patch):
    patch.setattr(Clip, "backward", lambda self, grad: np.where(self.inside, 0, grad))


@mutant("clip", "the incoming gradient held between the limits too", sample=between)
def clip_of_gradient(patch):
    patch.setattr(Clip, "backward", lambda self, grad: np.where(self.inside, np.clip(grad, self.low, self.high), 0))


def with_mask(patch, mask):
    """A clip whose mask is mask(self, x)."""

    def forward(self, x):
        self.inside = mask(self, x)
        return np.clip(x, self.low, self.high)

    patch.setattr(Clip, "forward", forward)


@mutant("clip", "stops at the upper limit alone", "a mask lets too much through", sample=between)
def clip_above_alone(patch):
    with_mask(patch, lambda self, x: x <= self.high)


@mutant("clip", "mask from the result, which is never beyond", "a mask lets too much through", sample=between)
def clip_mask_of_result(patch):
    with_mask(patch, lambda self, x: np.clip(x, self.low, self.high) >= self.low)


@mutant("minimum", "the gradient goes to the larger one", "the mask is turned round", sample=scores_apart)
def minimum_to_the_larger(patch):
    patch.setattr(Minimum, "backward", lambda self, grad: (grad * (self.a > self.b), grad * (self.b > self.a)))


@mutant("minimum", "half to each, everywhere and not at ties alone", sample=scores_apart)
def minimum_halved(patch):
    patch.setattr(Minimum, "backward", lambda self, grad: (grad / 2, grad / 2))


@mutant("minimum", "forward takes the larger", sample=scores_apart)
def minimum_forward_maximum(patch):
    right = Minimum.forward
    patch.setattr(Minimum, "forward", lambda self, a, b: (right(self, a, b), np.maximum(a, b))[1])


@mutant("minimum", "compared by size without sign", sample=scores_apart)
def minimum_of_absolute(patch):
    def backward(self, grad):
        first = np.abs(self.a) < np.abs(self.b)
        return grad * first, grad * ~first

    patch.setattr(Minimum, "backward", backward)


@mutant("minimum", "a stretched element hears of every place, won or lost", sample=scores_and_floor)
def minimum_stretched_unmasked(patch):
    patch.setattr(Minimum, "backward", lambda self, grad: (grad * (self.a < self.b), summed_to(grad, self.b.shape)))


@mutant("minimum", "a stretched element hears of the first picture only", sample=scores_and_floor)
def minimum_first_picture(patch):
    def backward(self, grad):
        return grad * (self.a < self.b), summed_to((grad * (self.b < self.a))[0], self.b.shape)

    patch.setattr(Minimum, "backward", backward)
