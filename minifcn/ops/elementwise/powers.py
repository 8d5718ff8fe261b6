"""Exponentials, logarithms, roots and powers, elementwise."""

from minifcn import backend
from minifcn.autodiff.engine import Array, Function, Tensor, TensorLike
from minifcn.ops import checks, samples
from minifcn.ops.arithmetic import broadcast, summed_to
from minifcn.ops.registry import operation


class Exp(Function):
    """e^x."""

    fresh = True

    def forward(self, x: Array) -> Array:
        self.y = backend.array_module(x).exp(x)
        return self.y

    def backward(self, grad: Array) -> Array:
        return grad * self.y  # d(e^x)/dx = e^x


class Log(Function):
    """ln x."""

    fresh = True

    def forward(self, x: Array) -> Array:
        self.x = x
        return backend.array_module(x).log(x)

    def backward(self, grad: Array) -> Array:
        return grad / self.x  # d(ln x)/dx = 1/x


class Sqrt(Function):
    """√x."""

    fresh = True

    def forward(self, x: Array) -> Array:
        self.y = backend.array_module(x).sqrt(x)
        return self.y

    def backward(self, grad: Array) -> Array:
        return grad / (self.y + self.y)  # d√x/dx = 1/(2√x)


class Pow(Function):
    """a^b."""

    def forward(self, a: Array, b: Array) -> Array:
        self.a, self.b = a, b
        self.y = backend.array_module(a).power(a, b)
        return self.y

    def backward(self, grad: Array) -> tuple[Array | None, ...]:
        return (
            summed_to(grad * self.slope_of_base(), self.a.shape) if self.needs[0] else None,
            summed_to(grad * self.slope_of_exponent(), self.b.shape) if self.needs[1] else None,
        )

    def slope_of_base(self) -> Array:
        """d(a^b)/da = b·a^(b-1); 0 where b is 0, for a^0 is 1 whatever a is."""
        xp, constant = backend.array_module(self.a), self.b == 0
        return self.b * xp.power(self.a, xp.where(constant, 1, self.b - 1))

    def slope_of_exponent(self) -> Array:
        """d(a^b)/db = a^b·ln a; 0 at a = 0 for b ≥ 0, where a^b stays 0."""
        xp = backend.array_module(self.a)
        flat = (self.a == 0) & (self.b >= 0)
        return xp.where(flat, 0, self.y) * xp.log(xp.where(flat, 1, self.a))


@operation(samples.one)
def exp(x: TensorLike) -> Tensor:
    """e^x, elementwise. The slope is e^x too.

    >>> import numpy as np, minifcn as mf
    >>> x = mf.Tensor(np.array([0.0, 1.0]), requires_grad=True)
    >>> mf.ops.exp(x).sum().backward()
    >>> x.grad.round(4)
    array([1.    , 2.7183])
    """
    return Exp()(checks.as_tensor("exp", x))


@operation(samples.positive)
def log(x: TensorLike) -> Tensor:
    """The natural logarithm, elementwise. The slope is 1/x.

    -inf at 0 and NaN below, with NumPy's warning. The slope at 0 is inf, as PyTorch, TensorFlow and JAX have it.
    For the logarithm of a softmax take `log_softmax`: the probabilities themselves can round to 0.
    """
    return Log()(checks.as_tensor("log", x))


@operation(samples.positive)
def sqrt(x: TensorLike) -> Tensor:
    """√x, elementwise. The slope is 1/(2√x).

    NaN below 0, with NumPy's warning. The slope at 0 is inf, as PyTorch, TensorFlow and JAX have it: for the length of a vector that
    may be all 0 add a small number under the root.
    """
    return Sqrt()(checks.as_tensor("sqrt", x))


@operation(samples.powers)
def pow(a: TensorLike, b: TensorLike) -> Tensor:
    """a^b, elementwise, broadcast as in NumPy; the operator `**`. The slopes are b·a^(b-1) and a^b·ln a.

    NaN where a < 0 and b is no integer. At a = 0 the slope of b is 0 for b ≥ 0, as PyTorch, TensorFlow and JAX have it; the slope of a
    where b = 0 is 0, as in PyTorch (TensorFlow and JAX say NaN at 0^0). Where a < 0, the slope of b is NaN, as in PyTorch and JAX
    (TensorFlow says 0).

    >>> import numpy as np, minifcn as mf
    >>> x = mf.Tensor(np.array([-1.0, 0.0, 3.0]), requires_grad=True)
    >>> (x**2).sum().backward()
    >>> x.grad
    array([-2.,  0.,  6.])
    """
    return Pow()(*broadcast("pow", a, b))
