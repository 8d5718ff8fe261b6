"""Convolution and transposed convolution: one is the other's input gradient, and they share their kernels.

Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016); the FCN paper, section 3.3.
"""

from functools import partial
from math import prod
from typing import Any

from minifcn import kernels
from minifcn.autodiff.engine import Array, Axes, Function, Tensor, TensorLike
from minifcn.autodiff.late import hands_on, late, may_hand_on
from minifcn.kernels.windows import Padding, Pair, Size, Window, pair, same_padding
from minifcn.ops import checks, samples
from minifcn.ops.alone import or_alone
from minifcn.ops.registry import operation


class Conv2d(Function):
    """y[o] = Σ_c x[c] ⋆ weight[o, c] + bias[o] (a cross-correlation, as in every deep learning library)."""

    fresh = True

    def __init__(self, window: Window, groups: int) -> None:
        self.window, self.groups = window, groups

    def forward(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        self.x, self.weight, self.has_bias = x, weight, bias is not None
        if bias is None:
            return kernels.conv2d(x, weight, self.window, self.groups)
        return kernels.biased_conv2d(x, weight, bias, self.window, self.groups)

    @hands_on
    def backward(self, grad: Array) -> tuple[Array | None, ...]:
        grad_x, (grad_weight, grad_bias) = None, parameter_gradients(self, self.x, grad, grad)
        if self.needs[0]:  # the picture itself needs none: at the first layer this is most of the work
            grad_x = kernels.conv2d_input_gradient(grad, self.weight, self.window, self.groups, self.x.shape)
        return (grad_x, grad_weight, grad_bias) if self.has_bias else (grad_x, grad_weight)


class ConvTranspose2d(Function):
    """The input gradient of a convolution, used forward: x takes the place of d loss / d y. Its backward is the convolution."""

    fresh = True

    def __init__(self, window: Window, groups: int, size: Pair) -> None:
        self.window, self.groups, self.size = window, groups, size

    def forward(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        self.x, self.weight, self.has_bias = x, weight, bias is not None
        shape = (x.shape[0], weight.shape[1] * self.groups, *self.size)
        y = kernels.conv2d_input_gradient(x, weight, self.window, self.groups, shape)
        if bias is not None:
            y = kernels.add_bias(y, bias)
        return y

    @hands_on
    def backward(self, grad: Array) -> tuple[Array | None, ...]:
        grad_x, (grad_weight, grad_bias) = None, parameter_gradients(self, grad, self.x, grad)
        if self.needs[0]:
            h, w = self.x.shape[2:]
            # an output_padding of a whole stride (dilation allows it) makes room for windows that x never had
            grad_x = kernels.conv2d(grad, self.weight, self.window, self.groups)[:, :, :h, :w]
        return (grad_x, grad_weight, grad_bias) if self.has_bias else (grad_x, grad_weight)


def parameter_gradients(function: Conv2d | ConvTranspose2d, x: Array, y: Array, grad: Array) -> tuple[Any, Any]:
    """Of weight and bias, None where none is wanted; `x` and `y` are the larger and the smaller map. They may come later: but not at a first layer."""
    wanted, beside = (*function.needs, False), function.needs[0] and may_hand_on(function)
    sums = partial(kernels.conv2d_weight_gradient, x, y, function.window, function.groups)
    multiplications = y.size * x.shape[1] // function.groups * prod(function.window.kernel)
    grad_weight = late(sums, grad, multiplications, beside) if wanted[1] else None
    return grad_weight, late(partial(kernels.bias_gradient, grad), grad, grad.size, beside) if wanted[2] else None


@operation(samples.conv2d)
@or_alone
def conv2d(
    x: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None = None,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution of x (N, C, H, W) with weight (O, C / groups, KH, KW), plus bias (O,) -> (N, O, OH, OW).

    OH = (H + 2·padding - dilation·(KH - 1) - 1) // stride + 1. `stride`, `padding` and `dilation` are an integer or (vertical,
    horizontal); padding is zeros, or "valid" (none), or "same" (OH = H, stride 1 only). Raises ValueError for shapes that do not fit.
    One picture may come alone, (C, H, W) -> (O, OH, OW).

    >>> import numpy as np, minifcn as mf
    >>> mf.ops.conv2d(np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2))).data
    array([[[[4., 4.],
             [4., 4.]]]])
    """
    x, weight, bias = arguments("conv2d", x, weight, bias, "O C/groups KH KW")
    window = window_of("conv2d", weight.shape[2:], stride, padding, dilation)
    channels, (o, c) = x.shape[1], weight.shape[:2]
    groups = checked_groups("conv2d", groups, x, weight)
    if channels != c * groups:
        raise ValueError(
            f"conv2d: input has {channels} channels {x.shape} but weight expects {c * groups} {weight.shape}"
            + (f" with {groups} groups" if groups > 1 else "")
        )
    check_bias("conv2d", bias, o)
    checks.output_size("conv2d", window.output_size(x.shape[2:]), window, x.shape[2:])
    return Conv2d(window, groups)(x, weight, *([] if bias is None else [bias]))


@operation(samples.conv_transpose2d)
@or_alone
def conv_transpose2d(
    x: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
    output_size: Axes | None = None,
) -> Tensor:
    """Transposed convolution of x (N, C, H, W) with weight (C, O / groups, KH, KW), plus bias (O,) -> (N, O, OH, OW).

    OH = stride·(H - 1) + dilation·(KH - 1) + 1 - 2·padding + output_padding. Several sizes OH shrink to the same H under a stride;
    `output_padding` (below stride or dilation) or `output_size` says which one is meant: (OH, OW), or the whole shape (N, O, OH, OW), as
    PyTorch's pages spell it (there N and O are not looked at). Paper section 3.3. One picture may come alone, (C, H, W) -> (O, OH, OW).
    """
    x, weight, bias = arguments("conv_transpose2d", x, weight, bias, "C O/groups KH KW")
    window = window_of("conv_transpose2d", weight.shape[2:], stride, padding, dilation, same=False)
    channels, o = x.shape[1], weight.shape[1]
    groups = checked_groups("conv_transpose2d", groups, x, weight)
    if channels != weight.shape[0]:
        raise ValueError(
            f"conv_transpose2d: input has {channels} channels {x.shape} but weight expects {weight.shape[0]} {weight.shape}"
        )
    check_bias("conv_transpose2d", bias, o * groups)
    if output_size is not None:
        output_size = checks.wanted_size("conv_transpose2d", output_size, x.shape[0], o * groups)
    size = transposed_size(x.shape[2:], window, output_padding, output_size)
    return ConvTranspose2d(window, groups, size)(x, weight, *([] if bias is None else [bias]))


def transposed_size(picture: tuple[int, ...], window: Window, output_padding: Size, output_size: Pair | None) -> Pair:
    """The one output size (OH, OW) that the arguments mean, or ValueError."""
    smallest = window.transposed_size((picture[0], picture[1]))
    if output_size is not None:
        if pair(output_padding, "conv_transpose2d: output_padding", 0) != (0, 0):
            raise ValueError(
                "conv_transpose2d: output_size and output_padding both say how large the result is; give one of them"
            )
        for axis in (0, 1):
            possible = range(max(1, smallest[axis]), smallest[axis] + window.stride[axis])
            if output_size[axis] not in possible:
                listed = f"{possible[0]} to {possible[-1]}" if len(possible) > 8 else " and ".join(map(str, possible))
                others = "none is" if not possible else f"{listed} {'are' if len(possible) > 1 else 'is'}"
                dilation = f", dilation {window.dilation[axis]}" if window.dilation[axis] > 1 else ""
                raise ValueError(
                    f"conv_transpose2d: output size {output_size[axis]} is impossible with kernel {window.kernel[axis]}, "
                    f"stride {window.stride[axis]}, padding {window.padding[axis][0]}{dilation}; {others}"
                )
        return output_size
    extra = pair(output_padding, "conv_transpose2d: output_padding", 0)
    for axis in (0, 1):
        limit = max(window.stride[axis], window.dilation[axis])
        if extra[axis] >= limit:
            raise ValueError(
                f"conv_transpose2d: output_padding {extra[axis]} must be below stride or dilation, {limit}"
            )
    size = (smallest[0] + extra[0], smallest[1] + extra[1])
    return checks.output_size("conv_transpose2d", size, window, picture, checks.ENLARGE_TRANSPOSED)


def arguments(
    operation: str, x: TensorLike, weight: TensorLike, bias: TensorLike | None, axes: str
) -> tuple[Tensor, Tensor, Tensor | None]:
    x = checks.as_tensor(operation, x)
    weight = checks.as_tensor(operation, weight, "weight")
    bias = None if bias is None else checks.as_tensor(operation, bias, "bias")
    checks.rank(operation, weight, axes, "weight")
    checks.not_empty(operation, x)
    if 0 in weight.shape:
        raise ValueError(f"{operation}: weight {weight.shape} has an empty axis")
    checks.same_device(operation, input=x, weight=weight, bias=bias)
    checks.same_dtype(operation, input=x, weight=weight, bias=bias)
    return x, weight, bias


def window_of(
    operation: str, kernel: tuple[int, ...], stride: Size, padding: Padding, dilation: Size, same: bool = True
) -> Window:
    stride = pair(stride, f"{operation}: stride", 1)
    dilation = pair(dilation, f"{operation}: dilation", 1)
    size = (kernel[0], kernel[1])
    if isinstance(padding, str):
        if not same or padding not in ("same", "valid"):
            allowed = (
                'an integer, (vertical, horizontal), "same" or "valid"'
                if same
                else "an integer or (vertical, horizontal)"
            )
            raise ValueError(f"{operation}: padding is {padding!r}; expected {allowed}")
        if padding == "same" and stride != (1, 1):
            raise ValueError(f'{operation}: padding "same" needs stride 1, got {stride}; give the padding as a number')
        both_sides = same_padding(size, dilation) if padding == "same" else ((0, 0), (0, 0))
    else:
        vertical, horizontal = pair(padding, f"{operation}: padding", 0)
        both_sides = ((vertical, vertical), (horizontal, horizontal))
    return Window(size, stride, both_sides, dilation)


def checked_groups(operation: str, groups: int, x: Tensor, weight: Tensor) -> int:
    if not checks.whole(groups) or groups < 1:
        raise ValueError(f"{operation}: groups is {groups!r}; expected an integer of at least 1")
    channels, others = x.shape[1], weight.shape[0]
    if channels % groups or others % groups:
        raise ValueError(
            f"{operation}: {groups} groups must divide the {channels} channels of input {x.shape} "
            f"and the {others} of weight {weight.shape}"
        )
    return groups.__index__()


def check_bias(operation: str, bias: Tensor | None, channels: int) -> None:
    if bias is not None and bias.shape != (channels,):
        raise ValueError(f"{operation}: bias has shape {bias.shape}; expected ({channels},), one an output channel")
