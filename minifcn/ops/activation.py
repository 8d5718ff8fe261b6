"""Elementwise layers and their neighbours: ReLU, dropout, local response normalisation."""

import numpy as np

from minifcn import backend, kernels
from minifcn.autodiff.engine import Array, Function, Tensor, TensorLike
from minifcn.kernels import masks, order
from minifcn.ops import checks, samples
from minifcn.ops.registry import operation


class Relu(Function):
    """max(x, 0)."""

    fresh = True

    def forward(self, x: Array) -> Array:
        self.y = kernels.relu(x)
        return self.y  # y serves as the mask: no array is kept that the next layer does not keep anyway

    def backward(self, grad: Array) -> Array:
        return kernels.relu_gradient(self.y, grad)


class Dropout(Function):
    """x·mask / (1 - p), the mask drawn once; the gradient passes the same mask."""

    def __init__(self, p: float, rng: "np.random.Generator") -> None:
        self.p, self.rng = p, rng

    def forward(self, x: Array) -> Array:
        self.kept = masks.mask(self.rng, x.shape, self.p, backend.device_of(x))
        self.scale = 1 / (1 - self.p) if self.p < 1 else 0.0
        return self.backward(x)  # what it does to x it does to the gradient

    def backward(self, grad: Array) -> Array:
        return order.in_order(lambda g, kept: backend.array_module(g).where(kept, g * self.scale, 0), grad, self.kept)


class LocalResponseNorm(Function):
    """y_c = x_c · s_c^-β with s_c = k + α/size · Σ x² over neighbouring channels."""

    def __init__(self, size: int, alpha: float, beta: float, k: float) -> None:
        self.below, self.above = size // 2, (size - 1) // 2
        self.scale, self.beta, self.k = alpha / size, beta, k

    def forward(self, x: Array) -> Array:
        self.x, sums = x, kernels.channel_sums(order.in_order(lambda v: v * v, x), self.below, self.above)
        self.s = order.in_order(lambda v: self.k + self.scale * v, sums)
        return order.in_order(lambda each, s: each * s**-self.beta, x, self.s)

    def backward(self, grad: Array) -> Array:
        # x_c acts on its own y_c, and through s on every y_d whose window holds c: the same window turned round
        inner = order.in_order(lambda g, x, s: g * x * s ** (-self.beta - 1), grad, self.x, self.s)
        through_s, factor = kernels.channel_sums(inner, self.above, self.below), 2 * self.scale * self.beta
        return order.in_order(lambda g, x, s, t: g * s**-self.beta - factor * x * t, grad, self.x, self.s, through_s)


@operation(samples.relu)
def relu(x: TensorLike) -> Tensor:
    """max(x, 0), elementwise. The slope at 0 is 0, as in PyTorch, TensorFlow and JAX.

    >>> import numpy as np, minifcn as mf
    >>> mf.ops.relu(np.array([-1.0, 0.0, 2.0])).data
    array([0., 0., 2.])
    """
    return Relu()(checks.as_tensor("relu", x))


@operation(samples.dropout)
def dropout(
    x: TensorLike, p: float = 0.5, training: bool = True, rng: "np.random.Generator | int | None" = None
) -> Tensor:
    """Zero each element with probability p and scale the rest by 1 / (1 - p); x itself when not training.

    `rng`: a NumPy generator or a seed; without it the one that `mf.manual_seed` restarts. Srivastava et al. 2014.
    """
    x, p = checks.as_tensor("dropout", x), checks.number("dropout", "p", p)
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p is {p:g}; expected a probability from 0 to 1")
    if not checks.flag("dropout", "training", training) or p == 0:
        return x
    return Dropout(p, checks.generator("dropout", rng))(x)


@operation(samples.local_response_norm)
def local_response_norm(x: TensorLike, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """x_c / (k + alpha / size · Σ x²)^beta, the sum over `size` neighbouring channels; x (N, C, ...) -> the same shape.

    Krizhevsky et al. 2012, section 3.3, with Caffe's division of alpha by size.
    """
    x = checks.as_tensor("local_response_norm", x)
    if x.ndim < 3:
        raise ValueError(f"local_response_norm: input has {x.ndim} axes {x.shape}; expected at least 3 (N, C, ...)")
    if not checks.whole(size) or size < 1:
        raise ValueError(f"local_response_norm: size is {size!r}; expected at least 1 channel, an integer")
    return LocalResponseNorm(size, *checks.numbers_of("local_response_norm", alpha=alpha, beta=beta, k=k))(x)
