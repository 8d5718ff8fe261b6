"""Differentiable operations: each pairs a forward with its backward. Importing this gives Tensor its operators.

Names, arguments and results follow PyTorch where they can. What PyTorch's own take and these do not, each with a clear error:

- `add`, `sub`: `alpha`; `div`: `rounding_mode`; `sum`, `mean`, `softmax`, `log_softmax`: `dtype`. Write a * b, or astype on the array.
- `matmul`: vectors of one axis; reshape them. `clip`: a limit an element; take `maximum` or `minimum`. `concat`: empty arrays of one axis.
- `avg_pool2d`: `divisor_override`. `pad`: other modes than a constant. `resize2d`: a factor in place of a size, other modes than "nearest"
  and "bilinear", other inputs than (N, C, H, W). `batch_norm2d`: other inputs than (N, C, H, W).
- `softmax_cross_entropy`: labels as probabilities, `label_smoothing`; its `ignore_index` is 255 and not -100.
- An axis of a single number, `axis=()`.
"""

from minifcn.autodiff.engine import Axes, Tensor
from minifcn.ops.activation import dropout, local_response_norm, relu
from minifcn.ops.arithmetic import add, div, matmul, maximum, mean, mul, neg, sub, sum
from minifcn.ops.comparing import COMPARISONS, NumpyFunctions, numpy_routines
from minifcn.ops.convolution import conv2d, conv_transpose2d
from minifcn.ops.elementwise.limits import abs, clip, minimum
from minifcn.ops.elementwise.powers import exp, log, pow, sqrt
from minifcn.ops.elementwise.squashing import log_softmax, sigmoid, softmax, tanh
from minifcn.ops.loss import softmax_cross_entropy
from minifcn.ops.normalising import batch_norm2d
from minifcn.ops.pooling import avg_pool2d, max_pool2d, max_unpool2d
from minifcn.ops.registry import OPERATIONS as OPERATIONS  # the list of them, for who walks it; not one of them
from minifcn.ops.registry import Call as Call
from minifcn.ops.registry import Operation as Operation
from minifcn.ops.registry import operation as operation
from minifcn.ops.resizing import resize2d
from minifcn.ops.shaping import concat, crop_like, index, pad, reshape, transpose

__all__ = [
    "abs",
    "add",
    "avg_pool2d",
    "batch_norm2d",
    "clip",
    "concat",
    "conv2d",
    "conv_transpose2d",
    "crop_like",
    "div",
    "dropout",
    "exp",
    "index",
    "local_response_norm",
    "log",
    "log_softmax",
    "matmul",
    "max_pool2d",
    "max_unpool2d",
    "maximum",
    "mean",
    "minimum",
    "mul",
    "neg",
    "pad",
    "pow",
    "relu",
    "reshape",
    "resize2d",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy",
    "sqrt",
    "sub",
    "sum",
    "tanh",
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
    "__pow__": pow,
    "__rpow__": lambda self, other: pow(other, self),
    "__abs__": abs,
    "__matmul__": matmul,
    "__rmatmul__": lambda self, other: matmul(other, self),
    "__getitem__": index,
    "__iter__": lambda self: (self[number] for number in range(len(self))),
    "sum": sum,
    "mean": mean,
    "reshape": reshape_to,
    "transpose": transpose,
}
METHODS = (abs, clip, exp, log, log_softmax, pow, sigmoid, softmax, sqrt, tanh)

for name, function in (OPERATORS | COMPARISONS | {method.__name__: method for method in METHODS}).items():
    setattr(Tensor, name, function)
Tensor.__array_ufunc__ = NumpyFunctions(OPERATIONS)  # type: ignore[attr-defined]
Tensor.__array_function__ = numpy_routines(OPERATIONS)  # type: ignore[attr-defined]
