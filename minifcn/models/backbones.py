"""Trunks: a picture in, the maps that the heads read out. Layers carry the names of the reference model."""

from collections.abc import Iterator
from typing import Any

from minifcn import nn
from minifcn.autodiff.engine import Tensor


class Backbone(nn.Module):
    """Named layers in a row. `heads` says which of them the score layers read, by stride: {32: "drop7", 16: "pool4", 8: "pool3"}.

    `channels[name]` is the number of channels of such a map.
    """

    def __init__(self, layers: dict[str, nn.Module], heads: dict[int, str], channels: dict[str, int]) -> None:
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.order, self.heads, self.channels = list(layers), heads, channels

    def named_layers(self) -> Iterator[tuple[str, nn.Module]]:
        return ((name, getattr(self, name)) for name in self.order)

    def layers_to(self, stop: str) -> list[nn.Module]:
        """The layers from the picture to `stop`, which is included."""
        return [getattr(self, name) for name in self.order[: self.order.index(stop) + 1]]

    def forward(self, x: Any) -> dict[str, Tensor]:
        """x (N, 3, H, W) -> the maps in `heads`, by name."""
        maps, wanted = {}, set(self.heads.values())
        for name, layer in self.named_layers():
            x = layer(x)
            if name in wanted:
                maps[name] = x
        return maps


def vgg(
    convolutions: tuple[int, ...], widths: tuple[int, ...], fc: int, dropout: float, padding: str, in_channels: int = 3
) -> Backbone:
    """VGG turned fully convolutional: five stages of 3x3 convolutions, each closed by a 2x2 pool; fc6 7x7 and fc7 1x1.

    padding "paper": 100 pixels round the picture and none at fc6, as the reference model; "same": every layer keeps its size.
    Pools round up, as in Caffe. Simonyan & Zisserman 2015; paper section 4.1.
    """
    layers: dict[str, nn.Module] = {}
    channels = in_channels
    for stage, (count, width) in enumerate(zip(convolutions, widths, strict=True), start=1):
        for number in range(1, count + 1):
            first = stage == number == 1
            layers[f"conv{stage}_{number}"] = nn.Conv2d(
                channels, width, 3, padding=100 if first and padding == "paper" else 1
            )
            layers[f"relu{stage}_{number}"] = nn.ReLU()
            channels = width
        layers[f"pool{stage}"] = nn.MaxPool2d(2, 2, ceil_mode=True)
    for name, inputs, kernel in (("6", channels, 7), ("7", fc, 1)):
        layers[f"fc{name}"] = nn.Conv2d(inputs, fc, kernel, padding=0 if padding == "paper" else "same")
        layers[f"relu{name}"] = nn.ReLU()
        layers[f"drop{name}"] = nn.Dropout(dropout)
    heads = {32: "drop7", 16: "pool4", 8: "pool3", 4: "pool2"}
    return Backbone(layers, heads, {"drop7": fc, "pool4": widths[3], "pool3": widths[2], "pool2": widths[1]})


def vgg16(padding: str = "same", width: int | None = None, in_channels: int = 3) -> Backbone:
    """VGG16: 13 convolutions, fc6 and fc7 of 4096 channels. It has one width only; `tiny` is the narrow one."""
    if width not in (None, 64):
        raise ValueError(
            f'vgg16: width is {width}; VGG16 starts with 64 channels, choose backbone "tiny" for another width'
        )
    return vgg((2, 2, 3, 3, 3), (64, 128, 256, 512, 512), 4096, 0.5, padding, in_channels)


def tiny(padding: str = "same", width: int | None = None, in_channels: int = 3) -> Backbone:
    """A small VGG for lessons and laptops: five stages of one convolution with `width` (16), 2, 4, 8 and 8 times it channels.

    One convolution a stage, not two or three: from random weights and in minutes the shallower net learns more. Measured on the
    synthetic set in equal time, staged, width 12: mean IU of FCN-8s 0.59 against 0.54 with the 1, 1, 2, 2, 2 of VGG's configuration A.
    """
    width = 16 if width is None else width
    if width < 1:
        raise ValueError(f"tiny: width is {width}; expected at least 1 channel")
    widths = (width, 2 * width, 4 * width, 8 * width, 8 * width)
    return vgg((1, 1, 1, 1, 1), widths, 8 * width, 0.0, padding, in_channels)


BACKBONES = {"tiny": tiny, "vgg16": vgg16}
