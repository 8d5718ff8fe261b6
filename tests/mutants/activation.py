"""Wrong ReLU, dropout and local response normalisation."""

import numpy as np

from minifcn.ops import Call
from minifcn.ops.activation import Relu
from minifcn.ops.samples import distinct

from .plant import mutant


def both_signs(rng):
    return Call((distinct(rng, 2, 3, 3, 4),))


@mutant("relu", "mask from the wrong side of zero", "the mask is turned round", sample=both_signs)
def relu_wrong_side(patch):
    patch.setattr(Relu, "backward", lambda self, grad: np.where(self.y > 0, 0, grad))


@mutant("relu", "ignores the incoming gradient", "does not use the incoming gradient", sample=both_signs)
def relu_ignores_incoming(patch):
    patch.setattr(Relu, "backward", lambda self, grad: np.where(self.y > 0, 1.0, 0.0))
