"""Differentiable operations: each pairs a forward with its backward. Importing this gives Tensor its operators."""

from minifcn.autodiff.engine import Axes, Tensor
from minifcn.ops.activation import dropout, local_response_norm, relu
from minifcn.ops.arithmetic import add, div, matmul, maximum, mean, mul, neg, sub, sum
from minifcn.ops.convolution import conv2d, conv_transpose2d
from minifcn.ops.loss import softmax_cross_entropy
from minifcn.ops.pooling import avg_pool2d, max_pool2d, max_unpool2d
from minifcn.ops.registry import OPERATIONS as OPERATIONS  # the list of them, for who walks it; not one of them
from minifcn.ops.registry import Call as Call
from minifcn.ops.registry import Operation as Operation
from minifcn.ops.registry import operation as operation
from minifcn.ops.shaping import concat, crop_like, index, pad, reshape, transpose

__all__ = [
    "add",
    "avg_pool2d",
    "concat",
    "conv2d",
    "conv_transpose2d",
    "crop_like",
    "div",
    "dropout",
    "index",
    "local_response_norm",
    "matmul",
    "max_pool2d",
    "max_unpool2d",
    "maximum",
    "mean",
    "mul",
    "neg",
    "pad",
    "relu",
    "reshape",
    "softmax_cross_entropy",
    "sub",
    "sum",
    "transpose",
]


def __dir__() -> list[str]:
    return sorted(__all__)


def reshape_to(self: Tensor, *shape: Axes) -> Tensor:
    """The same values in C order in another shape, `x.reshape(2, -1)` or `x.reshape((2, -1))`; one -1 is worked out from the rest."""
    return reshape(self, shape[0] if len(shape) == 1 else shape)  # type: ignore[arg-type]  # of several each is a number


OPERATORS = {
    "__add__": add,
    "__radd__": lambda self, other: add(other, self),
    "__sub__": sub,
    "__rsub__": lambda self, other: sub(other, self),
    "__mul__": mul,
    "__rmul__": lambda self, other: mul(other, self),
    "__truediv__": div,
    "__rtruediv__": lambda self, other: div(other, self),
    "__neg__": neg,
    "__matmul__": matmul,
    "__rmatmul__": lambda self, other: matmul(other, self),
    "__getitem__": index,
    "__iter__": lambda self: (self[number] for number in range(len(self))),
    "sum": sum,
    "mean": mean,
    "reshape": reshape_to,
    "transpose": transpose,
}

for name, function in OPERATORS.items():
    setattr(Tensor, name, function)
