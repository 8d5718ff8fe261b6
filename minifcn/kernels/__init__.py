"""Arrays in, arrays out; nothing here knows of gradients.

`simple.py` holds every kernel, written to be read. `cpu/` and `gpu/` hold fast ones of the same name and arguments, tested against the first;
`choice.py` lists them. `dispatch.py` has the functions that the operations call: they run a fast kernel where one suits.
"""

from minifcn.kernels.dispatch import (
    add_bias,
    avg_pool2d,
    avg_pool2d_gradient,
    bias_gradient,
    biased_conv2d,
    channel_sums,
    chosen,
    conv2d,
    conv2d_input_gradient,
    conv2d_weight_gradient,
    kept,
    max_pool2d,
    max_pool2d_gradient,
    max_pool2d_values,
    relu,
    relu_gradient,
    softmax_cross_entropy,
    softmax_cross_entropy_gradient,
    use,
)
from minifcn.kernels.windows import Window, pair, same_padding

__all__ = [
    "Window",
    "add_bias",
    "avg_pool2d",
    "avg_pool2d_gradient",
    "bias_gradient",
    "biased_conv2d",
    "channel_sums",
    "chosen",
    "conv2d",
    "conv2d_input_gradient",
    "conv2d_weight_gradient",
    "kept",
    "max_pool2d",
    "max_pool2d_gradient",
    "max_pool2d_values",
    "pair",
    "relu",
    "relu_gradient",
    "same_padding",
    "softmax_cross_entropy",
    "softmax_cross_entropy_gradient",
    "use",
]


def __dir__() -> list[str]:
    return sorted(__all__)
