"""Batch normalisation: each channel brought to mean 0 and variance 1, then to a scale and a shift that are learnt."""

from typing import Any

import numpy as np

from minifcn import backend
from minifcn.autodiff.engine import Array, Function, Tensor, TensorLike
from minifcn.ops import checks, samples
from minifcn.ops.arithmetic import average, total
from minifcn.ops.registry import operation

OTHERS = (0, 2, 3)  # the axes over which a channel is counted


def of_channels(values: Array) -> Array:
    """(C,) -> (1, C, 1, 1), to stand beside a map."""
    return values.reshape(1, -1, 1, 1)


class BatchNorm2d(Function):
    """weight·(x - mean) / √(var + eps) + bias; mean and variance of the batch itself, or given ones."""

    def __init__(self, statistics: tuple[Array, Array] | None, eps: float) -> None:
        self.statistics, self.eps = statistics, eps

    def forward(self, x: Array, weight: Array, bias: Array) -> Array:
        xp = backend.array_module(x)
        self.count = x.size // max(1, x.shape[1])
        if self.statistics is None:
            off = x - average(x, OTHERS, keepdims=True)
            # squares of what is at most 1 cannot overflow
            size = xp.maximum(1, xp.maximum(off.max(OTHERS, keepdims=True), -off.min(OTHERS, keepdims=True)))
            off = off / size
            var = average(off * off, OTHERS, keepdims=True) + self.eps / size / size
            self.scale, self.normal = 1 / xp.sqrt(var) / size, off / xp.sqrt(var)
        else:
            mean, var = (of_channels(values) for values in self.statistics)
            self.scale = 1 / xp.sqrt(var + self.eps)
            self.normal = (x - mean) * self.scale
        self.weight = of_channels(weight)
        return (self.normal * self.weight + of_channels(bias)).astype(x.dtype)

    def backward(self, grad: Array) -> tuple[Array | None, ...]:
        to_weight, to_bias = total(grad * self.normal, OTHERS, True), total(grad, OTHERS, True)
        to_x = None
        if self.needs[0]:
            to_x = grad
            if self.statistics is None:  # what moves with x as well: the mean, and the variance along `normal`
                to_x = grad - to_bias / self.count - self.normal * (to_weight / self.count)
            to_x = to_x * (self.weight * self.scale)
        return to_x, to_weight.reshape(-1), to_bias.reshape(-1)


@operation(samples.batch_norm2d)
def batch_norm2d(
    x: TensorLike,
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    mean: TensorLike | None = None,
    var: TensorLike | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """weight·(x - mean) / √(var + eps) + bias, channel by channel; x (N, C, H, W) -> the same shape, all else (C,).

    Without `mean` and `var` they are those of the batch over N, H and W, and the gradient goes through them: training. Given, they are
    constants: prediction, where they are running means of the batches' own. The variance is divided by the count, not by one less (PyTorch's
    running variance is divided by one less). Without weight and bias 1 and 0. Ioffe, Szegedy 2015.

    With n = (x - mean) / √(var + eps): dx = weight / √(var + eps) · (g - mean of g - n · mean of g·n), dweight = Σ g·n, dbias = Σ g.
    """
    name = "batch_norm2d"
    x = checks.as_tensor(name, x)
    checks.rank(name, x, "N C H W")
    checks.not_empty(name, x)
    channels = x.shape[1]
    scale, shift = (
        per_channel(name, what, np.full(channels, usual) if given is None else given, x)
        for what, given, usual in (("weight", weight, 1), ("bias", bias, 0))
    )
    if (mean is None) != (var is None):
        raise ValueError(f"{name}: only one of mean and var is given; give both, or neither for those of the batch")
    eps = checks.number(name, "eps", eps)
    if not 0 < eps < float("inf"):
        raise ValueError(f"{name}: eps is {eps:g}; expected a small number above 0, such as 1e-5")
    if mean is None:
        if x.size // channels < 2:
            raise ValueError(
                f"{name}: input {x.shape} has fewer than 2 numbers a channel, so no variance; give mean and var, or more pixels"
            )
        return BatchNorm2d(None, eps)(x, scale, shift)
    constants = [per_channel(name, what, given, x) for what, given in (("mean", mean), ("var", var))]
    if any(tensor.requires_grad for tensor in constants):
        raise ValueError(f"{name}: mean or var requires a gradient, and has none here; give arrays, or use detach()")
    return BatchNorm2d((constants[0].data, constants[1].data), eps)(x, scale, shift)


def per_channel(name: str, what: str, given: Any, x: Tensor) -> Tensor:
    """`given` as a tensor (C,) of x's dtype, on its device."""
    if isinstance(given, np.ndarray):
        given = backend.to_device(given, x.device)
    tensor = checks.as_tensor(name, given, what, like=x)
    checks.same_device(name, input=x, **{what: tensor})
    checks.same_dtype(name, input=x, **{what: tensor})
    if tensor.shape != (x.shape[1],):
        raise ValueError(f"{name}: {what} has shape {tensor.shape}; expected ({x.shape[1]},), one a channel")
    return tensor
