"""Trunks: a picture in, the maps that the heads read out. Layers carry the names of the reference model."""

from collections.abc import Iterator
from typing import Any

from minifcn import nn, ops
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


class Fire(nn.Module):
    """Squeeze to few channels (1x1), then expand by 1x1 and 3x3 side by side: the module of SqueezeNet. Iandola et al. 2016."""

    def __init__(self, in_channels: int, squeeze: int, expand: int) -> None:
        self.squeeze1x1 = nn.Conv2d(in_channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)
        self.window = self.expand3x3.window  # what a cell sees: the widest of its ways

    def forward(self, x: Any) -> Tensor:
        squeezed = ops.relu(self.squeeze1x1(x))
        return ops.concat([ops.relu(self.expand1x1(squeezed)), ops.relu(self.expand3x3(squeezed))], 1)


def squeezenet(padding: str = "same", width: int | None = None, in_channels: int = 3) -> Backbone:
    """SqueezeNet v1.1 without its classifier: 0.72 M parameters, stride 16. Heads on strides 16, 8 and 4.

    padding "same": every stride-2 layer takes a picture of H rows to H / 2, rounded up; "paper": 100 pixels round the picture and pools as
    it was trained with. Iandola et al. 2016, the authors' release 1.1.
    """
    if width not in (None, 64):
        raise ValueError(
            f'squeezenet: width is {width}; it starts with 64 channels, choose backbone "tiny" for another width'
        )
    paper = padding == "paper"

    def pool() -> nn.MaxPool2d:
        return nn.MaxPool2d(3, 2, ceil_mode=True) if paper else nn.MaxPool2d(3, 2, padding=1)

    layers: dict[str, nn.Module] = {
        "conv1": nn.Conv2d(in_channels, 64, 3, stride=2, padding=100 if paper else 1),
        "relu1": nn.ReLU(),
        "pool1": pool(),
    }
    channels = 64
    for number, squeeze, expand in (
        (2, 16, 64), (3, 16, 64), (4, 32, 128), (5, 32, 128), (6, 48, 192), (7, 48, 192), (8, 64, 256), (9, 64, 256),
    ):  # fmt: skip
        if number in (4, 6):
            layers[f"pool{number - 1}"] = pool()
        layers[f"fire{number}"] = Fire(channels, squeeze, expand)
        channels = 2 * expand
    return Backbone(layers, {16: "fire9", 8: "fire5", 4: "fire3"}, {"fire9": 512, "fire5": 256, "fire3": 128})


def alexnet(padding: str = "same", width: int | None = None, in_channels: int = 3) -> Backbone:
    """AlexNet as Caffe trains it (pool before normalisation): 11x11 at stride 4, two groups in conv2, 4 and 5. Krizhevsky et al. 2012.

    padding as in `squeezenet`. Heads on strides 32, 16 and 8.
    """
    if width not in (None, 96):
        raise ValueError(
            f'alexnet: width is {width}; it starts with 96 channels, choose backbone "tiny" for another width'
        )
    paper = padding == "paper"

    def pool() -> nn.MaxPool2d:
        return nn.MaxPool2d(3, 2, ceil_mode=True) if paper else nn.MaxPool2d(3, 2, padding=1)

    layers: dict[str, nn.Module] = {
        "conv1": nn.Conv2d(in_channels, 96, 11, stride=4, padding=100 if paper else 5),
        "relu1": nn.ReLU(),
        "pool1": pool(),
        "norm1": nn.LocalResponseNorm(5),
        "conv2": nn.Conv2d(96, 256, 5, padding=2, groups=2),
        "relu2": nn.ReLU(),
        "pool2": pool(),
        "norm2": nn.LocalResponseNorm(5),
        "conv3": nn.Conv2d(256, 384, 3, padding=1),
        "relu3": nn.ReLU(),
        "conv4": nn.Conv2d(384, 384, 3, padding=1, groups=2),
        "relu4": nn.ReLU(),
        "conv5": nn.Conv2d(384, 256, 3, padding=1, groups=2),
        "relu5": nn.ReLU(),
        "pool5": pool(),
        "fc6": nn.Conv2d(256, 4096, 6, padding=0 if paper else "same"),
        "relu6": nn.ReLU(),
        "drop6": nn.Dropout(0.5),
        "fc7": nn.Conv2d(4096, 4096, 1),
        "relu7": nn.ReLU(),
        "drop7": nn.Dropout(0.5),
    }
    return Backbone(layers, {32: "drop7", 16: "norm2", 8: "norm1"}, {"drop7": 4096, "norm2": 256, "norm1": 96})


BACKBONES = {"tiny": tiny, "vgg16": vgg16, "alexnet": alexnet, "squeezenet": squeezenet}
