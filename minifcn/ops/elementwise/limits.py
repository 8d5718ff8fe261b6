"""Sizes and limits, elementwise: absolute values, values held between two limits, the smaller of two. All of them have kinks."""

from typing import Any

import numpy as np

from minifcn import backend
from minifcn.autodiff.engine import Array, Function, Tensor, TensorLike
from minifcn.ops import checks, samples
from minifcn.ops.arithmetic import broadcast, summed_to
from minifcn.ops.registry import operation


class Abs(Function):
    """|x|."""

    fresh = True

    def forward(self, x: Array) -> Array:
        self.x = x
        return backend.array_module(x).abs(x)

    def backward(self, grad: Array) -> Array:
        return grad * backend.array_module(grad).sign(self.x)  # 1, -1, and 0 at 0


class Clip(Function):
    """x, or the limit that it lies beyond."""

    fresh = True

    def __init__(self, low: float | None, high: float | None) -> None:
        self.low, self.high = low, high

    def forward(self, x: Array) -> Array:
        xp = backend.array_module(x)
        y = x if self.low is None else xp.maximum(x, x.dtype.type(self.low))
        y = y if self.high is None else xp.minimum(y, x.dtype.type(self.high))
        self.inside = y == x  # at a limit too
        return y

    def backward(self, grad: Array) -> Array:
        return backend.array_module(grad).where(self.inside, grad, 0)


class Minimum(Function):
    """min(a, b)."""

    def forward(self, a: Array, b: Array) -> Array:
        self.a, self.b = a, b
        return backend.array_module(a).minimum(a, b)

    def backward(self, grad: Array) -> tuple[Array | None, ...]:
        where = backend.array_module(grad).where
        halved = where(self.a == self.b, grad / 2, grad)  # a tie: half to each, so that the sum stays grad
        return (
            summed_to(where(self.a > self.b, 0, halved), self.a.shape) if self.needs[0] else None,
            summed_to(where(self.b > self.a, 0, halved), self.b.shape) if self.needs[1] else None,
        )


@operation(samples.relu)
def abs(x: TensorLike) -> Tensor:
    """|x|, elementwise. The slope is the sign of x.

    The slope at 0 is 0, as in PyTorch and TensorFlow; JAX says 1.

    >>> import numpy as np, minifcn as mf
    >>> x = mf.Tensor(np.array([-3.0, 0.0, 2.0]), requires_grad=True)
    >>> abs(x).sum().backward()
    >>> x.grad
    array([-1.,  0.,  1.])
    """
    return Abs()(checks.as_tensor("abs", x))


@operation(samples.clip)
def clip(x: TensorLike, min: float | None = None, max: float | None = None) -> Tensor:
    """x held between two numbers, elementwise: `min` where it is below, `max` where it is above; None is no limit. NaN stays NaN.

    The slope is 1 between the limits and 0 beyond. At a limit itself it is 1, as in PyTorch's clamp and TensorFlow's clip_by_value; JAX's
    clip says 0.5, PyTorch's hardtanh and everyone's relu6 say 0.

    >>> import numpy as np, minifcn as mf
    >>> x = mf.Tensor(np.array([-1.0, 0.0, 0.5, 2.0]), requires_grad=True)
    >>> y = mf.ops.clip(x, 0, 1)
    >>> y.backward(np.ones(4))
    >>> y.data, x.grad
    (array([0. , 0. , 0.5, 1. ]), array([0., 1., 1., 0.]))
    """
    x = checks.as_tensor("clip", x)
    low, high = limit("min", min), limit("max", max)
    if low is None and high is None:
        raise ValueError("clip: neither min nor max is given; expected at least one of them, such as clip(x, min=0)")
    if low is not None and high is not None and low > high:
        raise ValueError(f"clip: min {min} is above max {max}; exchange them")
    return Clip(low, high)(x)


def limit(which: str, value: Any) -> float | None:
    """A limit as a float, None as None."""
    if value is None:
        return None
    single = np.ndim(value) == 0 and not isinstance(value, Tensor)
    if not single or not hasattr(value, "__float__") or value != value:
        came = repr(value) if single else f"of shape {np.shape(value)}"
        advice = "for a limit an element take ops.maximum or ops.minimum"
        raise ValueError(f"clip: {which} is {came}; expected one number or None; {advice}")
    return float(value)


@operation(samples.maximum)
def minimum(a: TensorLike, b: TensorLike) -> Tensor:
    """The smaller of a and b, elementwise, broadcast as in NumPy; NaN where either is NaN.

    The gradient goes to the smaller one, and half to each where both are equal, as in PyTorch and JAX; TensorFlow gives all of it to the first.

    >>> import numpy as np, minifcn as mf
    >>> a, b = mf.Tensor(np.array([1.0, 5.0, 2.0]), requires_grad=True), mf.Tensor(np.array([3.0, 4.0, 2.0]))
    >>> y = mf.ops.minimum(a, b)
    >>> y.backward(np.ones(3))
    >>> y.data, a.grad
    (array([1., 4., 2.]), array([1. , 0. , 0.5]))
    """
    return Minimum()(*broadcast("minimum", a, b))
