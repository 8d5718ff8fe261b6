"""Sums, products and reductions, with NumPy's broadcasting; and the operators of Tensor."""

import operator

from minifcn import backend
from minifcn.autodiff.engine import Array, Axes, Function, Tensor, TensorLike
from minifcn.kernels.order import in_order
from minifcn.kernels.products import product
from minifcn.ops import checks, samples
from minifcn.ops.registry import operation


def summed_to(grad: Array, shape: tuple[int, ...]) -> Array:
    """The adjoint of broadcasting: what was copied on the way in is added up on the way back, to `shape`."""
    extra = grad.ndim - len(shape)
    stretched = tuple(axis for axis in range(extra, grad.ndim) if shape[axis - extra] == 1 and grad.shape[axis] != 1)
    axes = (*range(extra), *stretched)
    return total(grad, axes, keepdims=False).reshape(shape) if axes else grad


def total(x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
    """Σ x over axes. In float64: NumPy adds one by one across an axis that is not the last in memory, and float32 drifts."""
    return x.sum(axes, keepdims=keepdims, dtype="float64").astype(x.dtype)


def average(x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
    """The mean of x over axes, in float64 too: the sum itself need not fit x's dtype."""
    return x.mean(axes, keepdims=keepdims, dtype="float64").astype(x.dtype)


class Add(Function):
    """a + b."""

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        return in_order(operator.add, a, b)

    def backward(self, grad: Array) -> tuple[Array | None, ...]:
        return tuple(
            summed_to(grad, shape) if need else None for shape, need in zip(self.shapes, self.needs, strict=True)
        )


class Mul(Function):
    """a·b."""

    def forward(self, a: Array, b: Array) -> Array:
        self.a, self.b = a, b
        return in_order(operator.mul, a, b)

    def backward(self, grad: Array) -> tuple[Array | None, ...]:
        return (
            summed_to(in_order(operator.mul, grad, self.b), self.a.shape) if self.needs[0] else None,  # d(ab)/da = b
            summed_to(in_order(operator.mul, grad, self.a), self.b.shape) if self.needs[1] else None,
        )


class Div(Function):
    """a / b."""

    def forward(self, a: Array, b: Array) -> Array:
        self.a, self.b = a, b
        return in_order(operator.truediv, a, b)

    def backward(self, grad: Array) -> tuple[Array | None, ...]:
        to_a = in_order(operator.truediv, grad, self.b)  # d(a/b)/da = 1/b
        return (
            summed_to(to_a, self.a.shape) if self.needs[0] else None,
            # d(a/b)/db = -(a/b)/b and never -a/(b·b): b·b can overflow, or vanish, where the quotient does not
            summed_to(in_order(lambda to, a, b: -(a / b) * to, to_a, self.a, self.b), self.b.shape)
            if self.needs[1]
            else None,
        )


class Maximum(Function):
    """max(a, b)."""

    def forward(self, a: Array, b: Array) -> Array:
        self.a, self.b = a, b
        return in_order(backend.array_module(a).maximum, a, b)

    def backward(self, grad: Array) -> tuple[Array | None, ...]:
        where = backend.array_module(grad).where

        def share(grad: Array, own: Array, other: Array) -> Array:
            halved = where(own == other, grad / 2, grad)  # a tie: half to each, so that the sum stays grad
            return where(own < other, 0, halved)

        return (
            summed_to(in_order(share, grad, self.a, self.b), self.a.shape) if self.needs[0] else None,
            summed_to(in_order(share, grad, self.b, self.a), self.b.shape) if self.needs[1] else None,
        )


class Matmul(Function):
    """a @ b over the last two axes, the others broadcast."""

    def forward(self, a: Array, b: Array) -> Array:
        self.a, self.b = a, b
        return product(a, b)

    def backward(self, grad: Array) -> tuple[Array | None, ...]:
        return (
            summed_to(product(grad, self.b.swapaxes(-1, -2)), self.a.shape) if self.needs[0] else None,
            summed_to(product(self.a.swapaxes(-1, -2), grad), self.b.shape) if self.needs[1] else None,
        )


class Sum(Function):
    """Σ x over some axes."""

    def __init__(self, axes: tuple[int, ...], keepdims: bool) -> None:
        self.axes, self.keepdims = axes, keepdims

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return total(x, self.axes, self.keepdims)

    def backward(self, grad: Array) -> Array:
        xp = backend.array_module(grad)
        if not self.keepdims:
            grad = xp.expand_dims(grad, self.axes)
        return xp.broadcast_to(grad, self.shape).copy()  # a copy: a broadcast view has no memory of its own to add to


class Mean(Sum):
    """The mean of x over some axes."""

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return average(x, self.axes, self.keepdims)

    def backward(self, grad: Array) -> Array:
        spread = super().backward(grad)
        return spread * (grad.size / max(1, spread.size))  # one share of 1 / count each


def two(name: str, a: TensorLike, b: TensorLike) -> tuple[Tensor, Tensor]:
    """Both sides as tensors of one dtype; a plain number or array is a constant and takes the dtype of the tensor."""
    a = checks.as_tensor(name, a, "the first input", like=b if isinstance(b, Tensor) else None)
    b = checks.as_tensor(name, b, "the second input", like=a)
    checks.same_device(name, first=a, second=b)
    checks.same_dtype(name, first=a, second=b)
    return a, b


def check_broadcast(name: str, a: Tensor, b: Tensor, first: tuple[int, ...], second: tuple[int, ...]) -> None:
    """Do the axes `first` of a and `second` of b broadcast? Both are counted from the last axis on."""
    for m, n in zip(first[::-1], second[::-1], strict=False):
        if m != n and 1 not in (m, n):
            raise ValueError(
                f"{name}: shapes {a.shape} and {b.shape} do not broadcast: {m} against {n}; they must agree or be 1"
            )


def broadcast(name: str, a: TensorLike, b: TensorLike) -> tuple[Tensor, Tensor]:
    a, b = two(name, a, b)
    check_broadcast(name, a, b, a.shape, b.shape)
    return a, b


@operation(samples.broadcast_pair)
def add(a: TensorLike, b: TensorLike) -> Tensor:
    """a + b, broadcast as in NumPy."""
    return Add()(*broadcast("add", a, b))


@operation(samples.broadcast_pair)
def sub(a: TensorLike, b: TensorLike) -> Tensor:
    """a - b, broadcast as in NumPy."""
    a, b = broadcast("sub", a, b)
    return Add()(a, neg(b))


@operation(samples.broadcast_pair)
def mul(a: TensorLike, b: TensorLike) -> Tensor:
    """a·b, elementwise, broadcast as in NumPy."""
    return Mul()(*broadcast("mul", a, b))


@operation(samples.divide)
def div(a: TensorLike, b: TensorLike) -> Tensor:
    """a / b, elementwise, broadcast as in NumPy."""
    return Div()(*broadcast("div", a, b))


@operation(samples.maximum)
def maximum(a: TensorLike, b: TensorLike) -> Tensor:
    """The larger of a and b, elementwise, broadcast as in NumPy; NaN where either is NaN.

    The gradient goes to the larger one, and half to each where both are equal, as in PyTorch and JAX; TensorFlow gives all of it to the
    first. Max fusion, paper section 4.2, footnote 6.

    >>> import numpy as np, minifcn as mf
    >>> a, b = mf.Tensor(np.array([1.0, 5.0, 2.0]), requires_grad=True), mf.Tensor(np.array([3.0, 4.0, 2.0]))
    >>> y = mf.ops.maximum(a, b)
    >>> y.backward(np.ones(3))
    >>> y.data, a.grad
    (array([3., 5., 2.]), array([0. , 1. , 0.5]))
    """
    return Maximum()(*broadcast("maximum", a, b))


@operation(samples.one)
def neg(x: TensorLike) -> Tensor:
    """-x, elementwise."""
    return mul(checks.as_tensor("neg", x), -1)


@operation(samples.matmul)
def matmul(a: TensorLike, b: TensorLike) -> Tensor:
    """Matrix product over the last two axes: (..., M, K) @ (..., K, N) -> (..., M, N)."""
    a, b = two("matmul", a, b)
    if min(a.ndim, b.ndim) < 2:
        raise ValueError(f"matmul: shapes {a.shape} and {b.shape}; both need at least 2 axes, use reshape for a vector")
    if a.shape[-1] != b.shape[-2]:
        raise ValueError(f"matmul: shapes {a.shape} and {b.shape}: {a.shape[-1]} columns against {b.shape[-2]} rows")
    check_broadcast("matmul", a, b, a.shape[:-2], b.shape[:-2])
    return Matmul()(a, b)


def axes_of(name: str, x: Tensor, axis: Axes | None) -> tuple[int, ...]:
    """None, an axis or several, negative ones too -> distinct axes in 0 … ndim - 1."""
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple | list) else (axis,)
    if not all(checks.whole(a) and -x.ndim <= a < x.ndim for a in axes):
        raise ValueError(f"{name}: axis {axis!r} does not exist in shape {x.shape}; axes are {-x.ndim} to {x.ndim - 1}")
    axes = tuple(int(a) % x.ndim for a in axes)
    if len(set(axes)) != len(axes):
        raise ValueError(f"{name}: axis {axis} names one axis twice")
    return axes


@operation(samples.reduction)
def sum(x: TensorLike, axis: Axes | None = None, keepdims: bool = False) -> Tensor:
    """Σ x over `axis`: None (all), an axis or a tuple."""
    x = checks.as_tensor("sum", x)
    return Sum(axes_of("sum", x, axis), checks.flag("sum", "keepdims", keepdims))(x)


@operation(samples.reduction)
def mean(x: TensorLike, axis: Axes | None = None, keepdims: bool = False) -> Tensor:
    """The mean of x over `axis`: None (all), an axis or a tuple."""
    x = checks.as_tensor("mean", x)
    axes = axes_of("mean", x, axis)
    count = 1
    for a in axes:
        count *= x.shape[a]
    if count == 0:
        raise ValueError(f"mean: no elements over axis {axis} of shape {x.shape}")
    return Mean(axes, checks.flag("mean", "keepdims", keepdims))(x)
