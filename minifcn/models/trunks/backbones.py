"""Trunks: a picture in, the maps that the heads read out. Layers carry the names of the reference model.

Padding "trained" is the one that the network had as an ImageNet classifier; "paper" is the same with 100 pixels round the picture, as in
the reference model; with "same" every layer keeps the size of its map or halves it.
"""

from minifcn import nn
from minifcn.kernels.whole import whole
from minifcn.models.trunks.alexnet import alexnet, alexnet_bvlc, alexnet_torchvision
from minifcn.models.trunks.googlenet import googlenet, googlenet_torchvision
from minifcn.models.trunks.squeezenet import squeezenet, squeezenet32, squeezenet_fc
from minifcn.models.trunks.trunk import Backbone, first_padding
from minifcn.nn.initialisers import undrawn

__all__ = [
    "BACKBONES",
    "Backbone",
    "alexnet",
    "alexnet_bvlc",
    "alexnet_torchvision",
    "googlenet",
    "googlenet_torchvision",
    "squeezenet",
    "squeezenet32",
    "squeezenet_fc",
    "tiny",
    "vgg",
    "vgg16",
]


def vgg(
    convolutions: tuple[int, ...], widths: tuple[int, ...], fc: int, dropout: float, padding: str, in_channels: int = 3
) -> Backbone:
    """VGG turned fully convolutional: five stages of 3x3 convolutions, each closed by a 2x2 pool; fc6 7x7 and fc7 1x1.

    padding "trained": a pixel at every 3x3 convolution, none at fc6; "paper": that, with 100 pixels at conv1_1; "same": every layer keeps
    its size. Pools round up, as in Caffe. Simonyan & Zisserman 2015; paper section 4.1.
    """
    layers: dict[str, nn.Module] = {}
    channels = in_channels
    for stage, (count, width) in enumerate(zip(convolutions, widths, strict=True), start=1):
        for number in range(1, count + 1):
            first = stage == number == 1
            around = first_padding(padding, trained=1, same=1) if first else 1
            layers[f"conv{stage}_{number}"] = nn.Conv2d(channels, width, 3, padding=around)
            layers[f"relu{stage}_{number}"] = nn.ReLU()
            channels = width
        layers[f"pool{stage}"] = nn.MaxPool2d(2, 2, ceil_mode=True)
    for name, inputs, kernel in (("6", channels, 7), ("7", fc, 1)):
        layers[f"fc{name}"] = nn.Conv2d(inputs, fc, kernel, padding="same" if padding == "same" else 0)
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
    if not whole(width) or width < 1:
        raise ValueError(f"tiny: width is {width!r}; expected at least 1 channel")
    widths = (width, 2 * width, 4 * width, 8 * width, 8 * width)
    return vgg((1, 1, 1, 1, 1), widths, 8 * width, 0.0, padding, in_channels)


BACKBONES = {
    "tiny": tiny,
    "vgg16": vgg16,
    "alexnet": alexnet,
    "googlenet": googlenet,
    "squeezenet": squeezenet,
    "squeezenet32": squeezenet32,
    "squeezenet-fc": squeezenet_fc,
    "alexnet-bvlc": alexnet_bvlc,
    "alexnet-torchvision": alexnet_torchvision,
    "googlenet-torchvision": googlenet_torchvision,
}
RATED_CHANNELS = 128  # of the coarsest map of `tiny`, on which the rate of the recipe "modern" was chosen


def rate_factor(name: str, width: int | None = None) -> float:
    """What a rate that was chosen for `tiny` is to be multiplied by for SGD on this trunk, from random weights: at most 1.

    A step moves each weight of the first score layer by rate times error times feature, so the score of the same pixel moves by that
    times the sum of the squared features: in proportion to their number. Of 4096 features, as VGG16 and AlexNet have them, every step
    at tiny's rate overshoots.
    """
    with undrawn():
        trunk = BACKBONES[name]("same", width, 3)
    channels = trunk.channels[trunk.heads[max(trunk.heads)]]
    return min(1.0, RATED_CHANNELS / channels)
