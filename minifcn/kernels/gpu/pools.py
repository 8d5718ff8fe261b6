"""Pools and the loss on a GPU: cuda/pools.cu and cuda/loss.cu. The twins are in simple.py."""

from typing import Any

from minifcn.backend import array_module
from minifcn.kernels.gpu.convolution import macros, reach
from minifcn.kernels.gpu.launch import launch, on_gpu, steps
from minifcn.kernels.simple import channels_last
from minifcn.kernels.windows import Pair, Window

Array = Any


def suits(x: Array, *others: Any) -> bool:
    return on_gpu(x)


def max_pool2d(x: Array, window: Window, size: Pair) -> tuple[Array, Array]:
    """The largest value of each window and the number of its tap: (N, C, OH, OW) twice, the second int32."""
    xp, (n, c, h, w) = array_module(x), x.shape
    best, place = xp.empty((n, *size, c), x.dtype), xp.empty((n, *size, c), xp.int32)
    (top, _), (left, _) = window.padding
    launch(
        "pools",
        "largest",
        best.size,
        x.dtype,
        (x, best, place, c, h, w, *size, top, left, *steps(x)),
        reach(x),
        **macros(window),
    )
    return best.transpose(0, 3, 1, 2), place.transpose(0, 3, 1, 2)


def max_pool2d_values(x: Array, window: Window, size: Pair) -> Array:
    """The largest value of each window alone."""
    return max_pool2d(x, window, size)[0]


def max_pool2d_gradient(grad: Array, place: Array, window: Window, shape: tuple[int, ...]) -> Array:
    """grad and place (N, C, OH, OW) -> `shape` (N, C, H, W): each gradient goes to the pixel that won."""
    n, c, h, w = shape
    x = array_module(grad).empty((n, h, w, c), grad.dtype)
    (top, _), (left, _) = window.padding
    launch(
        "pools", "largest_gradient", x.size, grad.dtype,
        (channels_last(grad), channels_last(place), x, c, h, w, *grad.shape[2:], top, left), grad.size, **macros(window),
    )  # fmt: skip
    return x.transpose(0, 3, 1, 2)


def avg_pool2d(x: Array, window: Window, size: Pair, count_include_pad: bool) -> Array:
    """The mean of each window, (N, C, OH, OW)."""
    n, c, h, w = x.shape
    y = array_module(x).empty((n, *size, c), x.dtype)
    (top, bottom), (left, right) = window.padding
    launch(
        "pools", "mean", y.size, x.dtype,
        (x, y, c, h, w, *size, top, left, bottom, right, int(count_include_pad), *steps(x)), reach(x), **macros(window),
    )  # fmt: skip
    return y.transpose(0, 3, 1, 2)


def avg_pool2d_gradient(
    grad: Array, window: Window, size: Pair, count_include_pad: bool, shape: tuple[int, ...]
) -> Array:
    """grad (N, C, OH, OW) -> `shape` (N, C, H, W): each pixel of a window gets the same share."""
    n, c, h, w = shape
    x = array_module(grad).empty((n, h, w, c), grad.dtype)
    (top, bottom), (left, right) = window.padding
    launch(
        "pools", "mean_gradient", x.size, grad.dtype,
        (channels_last(grad), x, c, h, w, *size, top, left, bottom, right, int(count_include_pad)), grad.size, **macros(window),
    )  # fmt: skip
    return x.transpose(0, 3, 1, 2)


def suits_loss(scores: Array, labels: Array, valid: Array, *factor: Array) -> bool:
    return on_gpu(scores, *factor) and labels.dtype.name == "int64" and valid.dtype.name == "bool"


def softmax_cross_entropy(scores: Array, labels: Array, valid: Array) -> tuple[Array, Array]:
    """scores (N, C, P), labels and valid (N, P) -> losses (N, P), 0 where not valid, and softmax (N, C, P)."""
    xp, (n, classes, pixels) = array_module(scores), scores.shape
    losses, softmax = xp.empty((n, pixels), scores.dtype), xp.empty(scores.shape, scores.dtype)
    arrays = (scores, xp.ascontiguousarray(labels), xp.ascontiguousarray(valid), losses, softmax)
    launch(
        "loss",
        "losses",
        losses.size,
        scores.dtype,
        (*arrays, classes, pixels, *steps(scores)),
        max(reach(scores), softmax.size),
    )
    return losses, softmax


def softmax_cross_entropy_gradient(softmax: Array, labels: Array, valid: Array, factor: Array) -> Array:
    """factor·(softmax - one hot), 0 where not valid: (N, C, P)."""
    xp, (_, classes, pixels) = array_module(softmax), softmax.shape
    scores = xp.empty(softmax.shape, softmax.dtype)
    arrays = (*(xp.ascontiguousarray(each) for each in (softmax, labels, valid)), factor)
    launch(
        "loss",
        "gradient",
        scores.size,
        softmax.dtype,
        (*arrays, scores, classes, pixels, *steps(factor)),
        reach(factor),
    )
    return scores
