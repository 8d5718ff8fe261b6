"""SGD with momentum, and Adam. Both update the parameters' arrays in place and skip what has no gradient."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minifcn import backend
from minifcn.autodiff.engine import Array, Tensor
from minifcn.nn.optimiser import SIZE, STEP, Optimiser, times
from minifcn.ops.checks import as_sizes, number

__all__ = ["SGD", "Adam", "Optimiser"]


def __dir__() -> list[str]:
    return sorted(__all__)


class SGD(Optimiser):
    """v ← momentum·v + gradient;  parameter ← parameter - lr·v.  Weight decay adds decay·parameter to the gradient.

    This is PyTorch's momentum. In Caffe's and Keras's the rate is in the velocity, v ← momentum·v - lr·gradient;  parameter ← parameter + v, so
    that old gradients keep the rate of their day. While the rate stands both are the same; after it falls theirs goes on faster for some
    1 / (1 - momentum) steps. Under a gradient of 1, momentum 0.9 and a rate from 0.1 straight to 0 in 200 steps, a weight moves by 91.9
    here and by 100.05 there. A recipe written for Caffe, such as the FCN paper's, means theirs; its rate stands.
    """

    kept, still, kernel = ("velocity",), (0.0,), "sgd"

    def __init__(
        self,
        parameters: Iterable[Tensor | Mapping[str, Any]],
        lr: float,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        if not 0 <= number("SGD", "momentum", momentum) < 1:
            raise ValueError(f"SGD: momentum is {momentum}; expected 0 or more and below 1")
        self.momentum = momentum

    def constants(self) -> tuple[float, ...]:
        return (self.momentum,)

    def row(self, lr: float, data: Array, state: dict[str, Array]) -> tuple[float, ...]:
        if self.momentum and not state:
            state["velocity"] = backend.array_module(data).zeros_like(data)
        return (lr,)

    def update(self, data: Array, gradient: Array, row: Sequence[float] | Array, *kept: Array) -> None:
        for velocity in kept:  # one, or none without momentum
            velocity *= self.momentum
            velocity += gradient
            gradient = velocity
        data -= times(STEP, gradient, row[0])


class Adam(Optimiser):
    """Steps of about lr, whatever the gradient's scale. Kingma & Ba 2015, algorithm 1; weight decay as in SGD."""

    kept, still, kernel = ("mean", "square", "count"), (0.0, 1.0), "adam"

    def __init__(
        self,
        parameters: Iterable[Tensor | Mapping[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        two = as_sizes(betas)  # () where it is one number
        if len(two) != 2 or not all(0 <= number("Adam", "a beta", beta) < 1 for beta in two):
            raise ValueError(f"Adam: betas are {betas}; expected two numbers, 0 or more and below 1")
        if not number("Adam", "eps", eps) > 0:
            raise ValueError(f"Adam: eps is {eps}; expected a number above 0, by which a gradient of 0 is divided")
        self.betas, self.eps = betas, eps

    def constants(self) -> tuple[float, ...]:
        return (*self.betas, self.eps)

    def row(self, lr: float, data: Array, state: dict[str, Array]) -> tuple[float, ...]:
        xp = backend.array_module(data)
        if not state:
            state["mean"], state["square"] = xp.zeros_like(data), xp.zeros_like(data)
            state["count"] = np.zeros(())  # a parameter's own: one that joins later is corrected from its first step
        state["count"] += 1
        count = float(state["count"])
        # both averages start at 0: dividing by 1 - βᵗ makes up for it
        return lr / (1 - self.betas[0] ** count), 1 - self.betas[1] ** count

    def update(self, data: Array, gradient: Array, row: Sequence[float] | Array, *kept: Array) -> None:
        (mean, square), (first, second) = kept, self.betas
        mean *= first
        mean += times(STEP, gradient, 1 - first)
        square *= second
        squared = times(STEP, gradient, 1 - second)
        squared *= gradient
        square += squared
        size = times(SIZE, square, 1.0)
        size /= row[1]
        backend.array_module(data).sqrt(size, out=size)
        size += self.eps
        step = times(STEP, mean, row[0])
        step /= size
        data -= step
