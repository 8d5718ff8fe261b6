"""Layers: parameters and options kept, the operation of the same name called."""

from typing import Any

import numpy as np

from minifcn import ops
from minifcn.autodiff.engine import Axes, Tensor, TensorLike
from minifcn.kernels.whole import whole
from minifcn.kernels.windows import Padding, Size, Window, pair
from minifcn.nn.initialisers import he_normal
from minifcn.nn.module import Module, Parameter
from minifcn.ops.checks import flag, number
from minifcn.ops.convolution import window_of
from minifcn.ops.pooling import pool_window


def check_channels(layer: str, in_channels: int, out_channels: int, groups: int) -> None:
    for name, count in (("in_channels", in_channels), ("out_channels", out_channels), ("groups", groups)):
        if not whole(count) or count < 1:
            raise ValueError(f"{layer}: {name} is {count!r}; expected an integer of at least 1")
    if in_channels % groups or out_channels % groups:
        raise ValueError(f"{layer}: {groups} groups must divide {in_channels} input and {out_channels} output channels")


class Conv2d(Module):
    """`ops.conv2d` with its own weight (O, C / groups, KH, KW), He-normal, and bias (O,), zero."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Padding = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        check_channels("Conv2d", in_channels, out_channels, groups)
        bias = flag("Conv2d", "bias", bias)
        kernel = pair(kernel_size, "Conv2d: kernel_size", 1)
        self.options: dict[str, Any] = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
        self.window = window_of("Conv2d", kernel, stride, padding, dilation)
        self.weight = Parameter(he_normal((out_channels, in_channels // groups, *kernel)))
        self.bias = Parameter(np.zeros(out_channels, np.float32)) if bias else None

    def forward(self, x: TensorLike) -> Tensor:
        return ops.conv2d(x, self.weight, self.bias, **self.options)


class ConvTranspose2d(Module):
    """`ops.conv_transpose2d` with its own weight (C, O / groups, KH, KW), He-normal, and bias (O,), zero."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
    ) -> None:
        check_channels("ConvTranspose2d", in_channels, out_channels, groups)
        bias = flag("ConvTranspose2d", "bias", bias)
        kernel = pair(kernel_size, "ConvTranspose2d: kernel_size", 1)
        self.options: dict[str, Any] = dict(
            stride=stride, padding=padding, output_padding=output_padding, groups=groups, dilation=dilation
        )
        self.window = window_of("ConvTranspose2d", kernel, stride, padding, dilation, same=False)
        self.weight = Parameter(he_normal((in_channels, out_channels // groups, *kernel)))
        self.bias = Parameter(np.zeros(out_channels, np.float32)) if bias else None

    def forward(self, x: TensorLike, output_size: Axes | None = None) -> Tensor:
        """`output_size`, (OH, OW) or (N, O, OH, OW), takes the place of the layer's output_padding."""
        options = (
            self.options if output_size is None else self.options | {"output_padding": 0, "output_size": output_size}
        )
        return ops.conv_transpose2d(x, self.weight, self.bias, **options)


class Linear(Module):
    """x (N, C) -> x·weightᵀ + bias (N, O), with its own weight (O, C), He-normal, and bias (O,), zero: a fully connected layer."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        check_channels("Linear", in_features, out_features, 1)
        bias = flag("Linear", "bias", bias)
        self.weight = Parameter(he_normal((out_features, in_features)))
        self.bias = Parameter(np.zeros(out_features, np.float32)) if bias else None

    def forward(self, x: TensorLike) -> Tensor:
        shape = tuple(np.shape(x))
        if len(shape) != 2 or shape[1] != self.weight.shape[1]:
            raise ValueError(f"Linear: input has shape {shape}; expected (N, {self.weight.shape[1]})")
        y = ops.matmul(x, ops.transpose(self.weight))
        return y if self.bias is None else y + self.bias


class MaxPool2d(Module):
    """`ops.max_pool2d`."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        ceil_mode: bool = False,
    ) -> None:
        self.window: Window = pool_window("MaxPool2d", kernel_size, stride, padding, dilation)
        self.ceil_mode = flag("MaxPool2d", "ceil_mode", ceil_mode)
        self.options: dict[str, Any] = dict(
            kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
        )

    def forward(self, x: TensorLike) -> Tensor:
        return ops.max_pool2d(x, **self.options)


class AvgPool2d(Module):
    """`ops.avg_pool2d`."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self.window: Window = pool_window("AvgPool2d", kernel_size, stride, padding, 1)
        self.ceil_mode = flag("AvgPool2d", "ceil_mode", ceil_mode)
        flag("AvgPool2d", "count_include_pad", count_include_pad)
        self.options: dict[str, Any] = dict(
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            ceil_mode=ceil_mode,
            count_include_pad=count_include_pad,
        )

    def forward(self, x: TensorLike) -> Tensor:
        return ops.avg_pool2d(x, **self.options)


class ReLU(Module):
    """`ops.relu`."""

    def forward(self, x: TensorLike) -> Tensor:
        return ops.relu(x)


class Dropout(Module):
    """`ops.dropout` while training, nothing in eval()."""

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= number("Dropout", "p", p) <= 1:
            raise ValueError(f"Dropout: p is {p}; expected a probability from 0 to 1")
        self.p = p

    def forward(self, x: TensorLike) -> Tensor:
        return ops.dropout(x, self.p, self.training)


class LocalResponseNorm(Module):
    """`ops.local_response_norm`."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self.options: dict[str, Any] = dict(size=size, alpha=alpha, beta=beta, k=k)

    def forward(self, x: TensorLike) -> Tensor:
        return ops.local_response_norm(x, **self.options)


class Sequential(Module):
    """Modules one after the other; `sequential[i]` is the i-th."""

    def __init__(self, *layers: Module) -> None:
        for place, layer in enumerate(layers):
            if not isinstance(layer, Module):
                what = f"the class {layer.__name__}" if isinstance(layer, type) else f"a {type(layer).__name__}"
                advice = {"list": ": Sequential(*layers)", "tuple": ": Sequential(*layers)"}.get(
                    type(layer).__name__, ""
                )
                advice = f": {layer.__name__}(…)" if isinstance(layer, type) else advice
                raise TypeError(f"Sequential: layer {place} is {what}; expected Modules, one after the other{advice}")
        self.layers = list(layers)

    def forward(self, x: TensorLike) -> Tensor:
        made: Any = x
        for layer in self.layers:
            made = layer(made)
        return made

    def __getitem__(self, index: int) -> Module:
        return self.layers[index]

    def __len__(self) -> int:
        return len(self.layers)
