"""Elementwise kernels on a GPU, in the order in which the numbers lie. The twins are in simple.py.

CuPy makes every result in the order of the axes, N C H W, and walks in that order: on a map whose channels lie last, neighbouring threads
would read numbers far apart, and the network would not stay channels last. So these work on the map turned to the order of its memory.
"""

from typing import Any

from minifcn.backend import array_module
from minifcn.kernels.gpu.launch import launch, on_gpu
from minifcn.kernels.order import in_order, lies_last
from minifcn.kernels.simple import channels_last

Array = Any

CHANNELS = 32  # that a block of `bias_gradient` adds up, as in cuda/sums.cu
PIXELS, PARTS = 512, 512  # that it adds up at least; and how many such parts there are at most


def relu(x: Array) -> Array:
    """max(x, 0), in the memory order of x."""
    xp = array_module(x)
    return in_order(lambda each: xp.maximum(each, x.dtype.type(0)), x)


def relu_gradient(y: Array, grad: Array) -> Array:
    """grad where y > 0, else 0, in the memory order of y."""
    xp, turned = array_module(y), lies_last(y)
    values, above = ((channels_last(each) if turned else xp.ascontiguousarray(each)) for each in (y, grad))
    result = xp.empty(values.shape, y.dtype)
    launch("pointwise", "relu_gradient", result.size, y.dtype, (values, above, result))
    return result.transpose(0, 3, 1, 2) if turned else result


def add_bias(y: Array, bias: Array) -> Array:
    """y (N, O, OH, OW) += bias (O,), in place, along the memory of y; returns y."""
    turned = y.transpose(0, 2, 3, 1)
    turned += bias
    return y


def bias_gradient(grad: Array) -> Array:
    """The sum over pictures and pixels, (N, O, OH, OW) -> (O,): added up in float64, in an order that depends on the shape alone.

    No matrix product: with TF32 its digits would depend on whether the step is captured.
    """
    xp, o = array_module(grad), grad.shape[1]
    rows = channels_last(grad).reshape(-1, o)
    pixels, groups = len(rows), -(-o // CHANNELS)
    many = max(PIXELS, -(-pixels // PARTS))
    parts, found = max(1, -(-pixels // many)), xp.empty((o,), grad.dtype)
    if parts == 1:
        launch("sums", "all_sums", 1, grad.dtype, (rows, found, o, pixels), rows.size, groups)
        return found
    partial = xp.empty((parts, o), "float64")
    launch("sums", "part_sums", parts, grad.dtype, (rows, partial, o, pixels, many), rows.size, groups * parts)
    launch("sums", "whole_sums", 1, grad.dtype, (partial, found, o, parts), partial.size, groups)
    return found


def suits(x: Array, *others: Array) -> bool:
    return on_gpu(x)


def suits_bias(y: Array, *bias: Array) -> bool:
    return on_gpu(y, *bias) and y.ndim == 4
