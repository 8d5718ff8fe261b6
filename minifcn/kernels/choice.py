"""Which fast kernel runs: for each name the candidates in order, and the question that each one asks of its arguments.

The first that suits is taken; where none does, `simple.py` has a kernel for everything. The borders between them are measured.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minifcn.kernels.cpu import large_kernels, pointwise, pools, upsampling, window_tiles, winograd, winograd_gradient
from minifcn.kernels.gpu import convolution as gpu_convolution
from minifcn.kernels.gpu import masks as gpu_masks
from minifcn.kernels.gpu import pointwise as gpu_pointwise
from minifcn.kernels.gpu import pools as gpu_pools
from minifcn.kernels.gpu import winograd as gpu_winograd

Array = Any


class Fast(NamedTuple):
    """A fast kernel and the question whether it takes these arguments."""

    run: Callable[..., Any]
    suits: Callable[..., bool]


def plain_array(x: Array, *others: Any) -> bool:
    return isinstance(x, np.ndarray)


KERNELS: dict[str, tuple[Fast, ...]] = {
    "conv2d": (
        Fast(winograd.conv2d, winograd.suits_conv2d),
        Fast(large_kernels.conv2d, large_kernels.suits_conv2d),
        Fast(upsampling.conv2d, upsampling.suits_conv2d),
        Fast(window_tiles.conv2d, window_tiles.has_kernel),
        Fast(gpu_convolution.depthwise, gpu_convolution.suits_depthwise),
        Fast(gpu_winograd.conv2d, gpu_winograd.suits_conv2d),
        Fast(gpu_convolution.conv2d, gpu_convolution.suits_product),
    ),
    "biased_conv2d": (Fast(gpu_winograd.biased_conv2d, gpu_winograd.suits_biased),),
    "conv2d_input_gradient": (
        Fast(winograd.conv2d_input_gradient, winograd.suits_conv2d_input_gradient),
        Fast(large_kernels.conv2d_input_gradient, large_kernels.suits_conv2d_input_gradient),
        Fast(upsampling.conv2d_input_gradient, upsampling.suits_conv2d_input_gradient),
        Fast(window_tiles.conv2d_input_gradient, window_tiles.has_gradient_kernel),
        Fast(gpu_convolution.depthwise_input_gradient, gpu_convolution.suits_depthwise),
        Fast(gpu_winograd.conv2d_input_gradient, gpu_winograd.suits_conv2d),
        Fast(gpu_convolution.conv2d_input_gradient, gpu_convolution.suits_product),
    ),
    "conv2d_weight_gradient": (
        Fast(winograd_gradient.conv2d_weight_gradient, winograd_gradient.suits_conv2d_weight_gradient),
        Fast(large_kernels.conv2d_weight_gradient, large_kernels.suits_conv2d_weight_gradient),
        Fast(upsampling.conv2d_weight_gradient, upsampling.suits_conv2d_weight_gradient),
        Fast(window_tiles.conv2d_weight_gradient, window_tiles.has_weight_kernel),
        Fast(gpu_winograd.conv2d_weight_gradient, gpu_winograd.suits_weight_gradient),
        Fast(gpu_convolution.conv2d_weight_gradient, gpu_convolution.suits_product),
    ),
    "max_pool2d": (Fast(pools.max_pool2d, plain_array), Fast(gpu_pools.max_pool2d, gpu_pools.suits)),
    "max_pool2d_values": (
        Fast(pools.max_pool2d_values, plain_array),
        Fast(gpu_pools.max_pool2d_values, gpu_pools.suits),
    ),
    "max_pool2d_gradient": (
        Fast(pools.max_pool2d_gradient, plain_array),
        Fast(gpu_pools.max_pool2d_gradient, gpu_pools.suits),
    ),
    "avg_pool2d": (Fast(gpu_pools.avg_pool2d, gpu_pools.suits),),
    "avg_pool2d_gradient": (Fast(gpu_pools.avg_pool2d_gradient, gpu_pools.suits),),
    "softmax_cross_entropy": (
        Fast(pointwise.softmax_cross_entropy, pointwise.suits_loss),
        Fast(gpu_pools.softmax_cross_entropy, gpu_pools.suits_loss),
    ),
    "softmax_cross_entropy_gradient": (
        Fast(pointwise.softmax_cross_entropy_gradient, pointwise.suits_loss),
        Fast(gpu_pools.softmax_cross_entropy_gradient, gpu_pools.suits_loss),
    ),
    "relu": (
        Fast(pointwise.relu, pointwise.suits_relu),
        Fast(gpu_pointwise.relu, gpu_pointwise.suits),
    ),
    "relu_gradient": (
        Fast(pointwise.relu_gradient, pointwise.suits_relu),
        Fast(gpu_pointwise.relu_gradient, gpu_pointwise.suits),
    ),
    "add_bias": (
        Fast(pointwise.add_bias, pointwise.suits_bias),
        Fast(gpu_pointwise.add_bias, gpu_pointwise.suits_bias),
    ),
    "bias_gradient": (
        Fast(pointwise.bias_gradient, pointwise.suits_bias),
        Fast(gpu_pointwise.bias_gradient, gpu_pointwise.suits_bias),
    ),
    "kept": (Fast(gpu_masks.kept, gpu_masks.suits),),
}
