"""Which fast kernel runs: for each name the candidates in order, and the question that each one asks of its arguments.

The first that suits is taken; where none does, `simple.py` has a kernel for everything. The borders between them are measured.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minifcn.kernels import fast, pointwise, pools, winograd, winograd_gradient
from minifcn.kernels.windows import Window

Array = Any


class Fast(NamedTuple):
    """A fast kernel and the question whether it takes these arguments."""

    run: Callable[..., Any]
    suits: Callable[..., bool]


def three_by_three(x: Array, window: Window, groups: int) -> bool:
    """The convolutions that Winograd's way is made for."""
    same = window.kernel == (3, 3) and window.stride == window.dilation == (1, 1) and groups == 1
    return same and isinstance(x, np.ndarray) and x.size > 0


def many_channels(x: Array, weight: Array, window: Window, groups: int) -> bool:
    return three_by_three(x, window, groups) and min(weight.shape[:2]) >= CHANNELS


def many_channels_back(grad: Array, weight: Array, window: Window, groups: int, shape: tuple[int, ...]) -> bool:
    seen = (
        all(max(sides) <= 2 for sides in window.padding) and window.output_size((shape[2], shape[3])) == grad.shape[2:]
    )
    return seen and many_channels(grad, weight, window, groups)


def many_channels_weight(x: Array, grad: Array, window: Window, groups: int) -> bool:
    return three_by_three(x, window, groups) and grad.size > 0 and min(x.shape[1], grad.shape[1]) >= CHANNELS


def plain_array(x: Array, *others: Any) -> bool:
    return isinstance(x, np.ndarray)


CHANNELS = 64  # from so many on, on both sides, Winograd is faster

KERNELS: dict[str, tuple[Fast, ...]] = {
    "conv2d": (Fast(winograd.conv2d, many_channels), Fast(fast.conv2d, fast.has_kernel)),
    "conv2d_input_gradient": (
        Fast(winograd.conv2d_input_gradient, many_channels_back),
        Fast(fast.conv2d_input_gradient, fast.has_gradient_kernel),
    ),
    "conv2d_weight_gradient": (
        Fast(winograd_gradient.conv2d_weight_gradient, many_channels_weight),
        Fast(fast.conv2d_weight_gradient, fast.has_weight_kernel),
    ),
    "max_pool2d": (Fast(pools.max_pool2d, plain_array),),
    "max_pool2d_gradient": (Fast(pools.max_pool2d_gradient, plain_array),),
    "softmax_cross_entropy": (Fast(pointwise.softmax_cross_entropy, pointwise.suits_loss),),
    "softmax_cross_entropy_gradient": (Fast(pointwise.softmax_cross_entropy_gradient, pointwise.suits_loss),),
    "relu": (Fast(pointwise.relu, pointwise.suits_relu),),
    "relu_gradient": (Fast(pointwise.relu_gradient, pointwise.suits_relu),),
    "add_bias": (Fast(pointwise.add_bias, pointwise.suits_bias),),
    "bias_gradient": (Fast(pointwise.bias_gradient, pointwise.suits_bias),),
}
