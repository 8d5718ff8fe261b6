"""The update rules, to be read. `optim.py` does the same to the bit, block by block, in groups, and on a GPU; a test holds both together.

Momentum has PyTorch's form: the rate multiplies the whole velocity. Caffe and Keras put the rate into the velocity instead, so that old
gradients keep the rate of their day; the two differ as soon as the rate changes.
"""

from collections.abc import Sequence

import numpy as np

from minifcn.autodiff.engine import Array, Tensor


def sgd_step(
    parameters: Sequence[Tensor], velocities: Sequence[Array], lr: float, momentum: float = 0.0, decay: float = 0.0
) -> None:
    """One step in place. A velocity a parameter, of its shape, zero at first."""
    for parameter, velocity in zip(parameters, velocities, strict=True):
        assert parameter.grad is not None, "no gradient yet: call backward first"
        gradient = parameter.grad + decay * parameter.data
        velocity[...] = momentum * velocity + gradient
        parameter.data -= lr * velocity


def adam_step(
    parameters: Sequence[Tensor],
    means: Sequence[Array],
    squares: Sequence[Array],
    count: int,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    decay: float = 0.0,
) -> None:
    """Step number `count`, from 1 on, in place. A mean and a square a parameter, zero at first. Kingma & Ba 2015, algorithm 1."""
    for parameter, mean, square in zip(parameters, means, squares, strict=True):
        assert parameter.grad is not None, "no gradient yet: call backward first"
        gradient = parameter.grad + decay * parameter.data
        mean[...] = betas[0] * mean + (1 - betas[0]) * gradient
        square[...] = betas[1] * square + (1 - betas[1]) * gradient * gradient
        # both averages start at 0: dividing by 1 - βᵗ makes up for it
        size = np.sqrt(square / (1 - betas[1] ** count)) + eps
        parameter.data -= lr / (1 - betas[0] ** count) * mean / size
