"""Functions into (0, 1) and (-1, 1), and the softmax. None of them takes the exponential of a large number."""

from typing import Any

import numpy as np

from minifcn import backend
from minifcn.autodiff.engine import Array, Function, Tensor, TensorLike
from minifcn.ops import checks, samples
from minifcn.ops.arithmetic import total
from minifcn.ops.registry import operation


class Sigmoid(Function):
    """1 / (1 + e^-x)."""

    fresh = True

    def forward(self, x: Array) -> Array:
        xp = backend.array_module(x)
        self.power = xp.exp(-xp.abs(x))  # e^-|x| is at most 1; e^-x overflows in float32 at x = -89
        # below 0 the fraction is widened by e^x: e^x / (e^x + 1)
        return (xp.where(x < 0, self.power, 1) / (1 + self.power)).astype(x.dtype)

    def backward(self, grad: Array) -> Array:
        # dy/dx = y·(1 - y), alike for x and -x; written so, it keeps its digits where y rounds to 1
        return grad * (self.power / (1 + self.power) ** 2)


class Tanh(Function):
    """tanh x."""

    fresh = True

    def forward(self, x: Array) -> Array:
        self.y = backend.array_module(x).tanh(x)
        return self.y

    def backward(self, grad: Array) -> Array:
        return grad * (1 - self.y * self.y)  # d(tanh x)/dx = 1 - tanh² x


def below_the_largest(x: Array, axis: int) -> Array:
    """x less its largest number along an axis: at most 0, so that no exponential overflows, and one of them is 1."""
    if x.size == 0:  # of no numbers none is the largest
        return x.copy()
    with np.errstate(over="ignore"):  # 6e38 below the largest is -inf in float32, and its exponential 0 as it should be
        return x - x.max(axis, keepdims=True)


class Softmax(Function):
    """e^x / Σ e^x along an axis."""

    fresh = True

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def forward(self, x: Array) -> Array:
        powers = backend.array_module(x).exp(below_the_largest(x, self.axis))
        self.y = powers / total(powers, (self.axis,), keepdims=True)
        return self.y

    def backward(self, grad: Array) -> Array:
        # dy_i/dx_j = y_i·(δ_ij - y_j), so that with Σ over i: y_j·(grad_j - Σ grad_i·y_i)
        return self.y * (grad - total(grad * self.y, (self.axis,), keepdims=True))


class LogSoftmax(Function):
    """x - ln Σ e^x along an axis."""

    fresh = True

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def forward(self, x: Array) -> Array:
        xp = backend.array_module(x)
        self.y = below_the_largest(x, self.axis)
        if x.size:
            self.y = self.y - xp.log(total(xp.exp(self.y), (self.axis,), keepdims=True))  # of a sum of at least 1
        return self.y

    def backward(self, grad: Array) -> Array:
        softmax = backend.array_module(grad).exp(self.y)
        return grad - softmax * total(grad, (self.axis,), keepdims=True)  # dy_i/dx_j = δ_ij - softmax_j


def one_axis(name: str, x: Tensor, axis: Any) -> int:
    """The axis as 0 … ndim - 1."""
    if x.ndim == 0:
        raise ValueError(f"{name}: the input is a single number; expected at least one axis, such as (C,) or (N, C)")
    if not checks.whole(axis) or not -x.ndim <= axis < x.ndim:
        raise ValueError(
            f"{name}: axis is {axis!r}; expected one axis of shape {x.shape}, from {-x.ndim} to {x.ndim - 1}"
        )
    return int(axis) % x.ndim


@operation(samples.one)
def sigmoid(x: TensorLike) -> Tensor:
    """1 / (1 + e^-x), elementwise: a score as a probability. The slope is y·(1 - y).

    >>> import numpy as np, minifcn as mf
    >>> mf.ops.sigmoid(np.array([-1000.0, 0.0, 1000.0])).data
    array([0. , 0.5, 1. ])
    """
    return Sigmoid()(checks.as_tensor("sigmoid", x))


@operation(samples.one)
def tanh(x: TensorLike) -> Tensor:
    """The hyperbolic tangent (e^x - e^-x) / (e^x + e^-x), elementwise: into (-1, 1). The slope is 1 - y²."""
    return Tanh()(checks.as_tensor("tanh", x))


@operation(samples.along_one_axis)
def softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """e^x / Σ e^x along `axis`: scores as probabilities that sum to 1; the same shape. For scores N C H W say axis=1.

    dy_i/dx_j = y_i·(δ_ij - y_j). To train on labels take `softmax_cross_entropy`, which needs no logarithm of what rounded to 0.

    >>> import numpy as np, minifcn as mf
    >>> mf.ops.softmax(np.array([[0.0, 0.0], [1e4, -1e4]])).data
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    x = checks.as_tensor("softmax", x)
    return Softmax(one_axis("softmax", x, axis))(x)


@operation(samples.along_one_axis)
def log_softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """x - ln Σ e^x along `axis`: the logarithm of `softmax`, exact where that rounds to 0; the same shape.

    dy_i/dx_j = δ_ij - softmax_j.
    """
    x = checks.as_tensor("log_softmax", x)
    return LogSoftmax(one_axis("log_softmax", x, axis))(x)
