"""AlexNet, and two networks that are called so too. Krizhevsky et al. 2012; "One weird trick", Krizhevsky 2014."""

from minifcn import nn
from minifcn.models.trunks.trunk import Backbone, check_width, first_padding, pool3x3


def alexnet(padding: str = "same", width: int | None = None, in_channels: int = 3) -> Backbone:
    """AlexNet as Caffe trains it (pool before normalisation): 11x11 at stride 4, two groups in conv2, 4 and 5. Krizhevsky et al. 2012.

    padding as in `squeezenet`; fc6 is padded with "same" only. Heads on strides 32, 16 and 8.
    """
    check_width("alexnet", width, 96)
    return in_two_groups(padding, in_channels, ("relu", "pool", "norm"))


def alexnet_bvlc(padding: str = "same", width: int | None = None, in_channels: int = 3) -> Backbone:
    """`alexnet` with normalisation before the pool, as in the paper: Caffe's bvlc_alexnet. Its weights have the shapes of the other's."""
    check_width("alexnet-bvlc", width, 96)
    return in_two_groups(padding, in_channels, ("relu", "norm", "pool"))


def in_two_groups(padding: str, in_channels: int, behind: tuple[str, ...]) -> Backbone:
    """The five convolutions of AlexNet. `behind`: what follows the first two of them, in this order."""
    first = first_padding(padding, trained=0, same=5)
    layers: dict[str, nn.Module] = {}
    for number, convolution in (
        ("1", nn.Conv2d(in_channels, 96, 11, stride=4, padding=first)),
        ("2", nn.Conv2d(96, 256, 5, padding=2, groups=2)),
    ):
        parts = {"relu": nn.ReLU(), "pool": pool3x3(padding), "norm": nn.LocalResponseNorm(5)}
        layers |= {f"conv{number}": convolution, **{f"{name}{number}": parts[name] for name in behind}}
    layers |= {
        "conv3": nn.Conv2d(256, 384, 3, padding=1),
        "relu3": nn.ReLU(),
        "conv4": nn.Conv2d(384, 384, 3, padding=1, groups=2),
        "relu4": nn.ReLU(),
        "conv5": nn.Conv2d(384, 256, 3, padding=1, groups=2),
        "relu5": nn.ReLU(),
        "pool5": pool3x3(padding),
        **fully_connected(padding),
    }
    last = behind[-1]
    return Backbone(
        layers, {32: "drop7", 16: f"{last}2", 8: f"{last}1"}, {"drop7": 4096, f"{last}2": 256, f"{last}1": 96}
    )


def alexnet_torchvision(padding: str = "same", width: int | None = None, in_channels: int = 3) -> Backbone:
    """What torchvision calls AlexNet: one column, no groups, no normalisation, 64 channels at first. Krizhevsky 2014.

    padding as in `alexnet`, with 2 pixels at conv1 as it was trained. Pools round up, as everywhere here; on the 224x224 pixels that it
    was trained on that is the same.
    """
    check_width("alexnet-torchvision", width, 64)
    layers: dict[str, nn.Module] = {
        "conv1": nn.Conv2d(in_channels, 64, 11, stride=4, padding=first_padding(padding, trained=2, same=5)),
        "relu1": nn.ReLU(),
        "pool1": pool3x3(padding),
        "conv2": nn.Conv2d(64, 192, 5, padding=2),
        "relu2": nn.ReLU(),
        "pool2": pool3x3(padding),
        "conv3": nn.Conv2d(192, 384, 3, padding=1),
        "relu3": nn.ReLU(),
        "conv4": nn.Conv2d(384, 256, 3, padding=1),
        "relu4": nn.ReLU(),
        "conv5": nn.Conv2d(256, 256, 3, padding=1),
        "relu5": nn.ReLU(),
        "pool5": pool3x3(padding),
        **fully_connected(padding),
    }
    return Backbone(layers, {32: "drop7", 16: "pool2", 8: "pool1"}, {"drop7": 4096, "pool2": 192, "pool1": 64})


def fully_connected(padding: str) -> dict[str, nn.Module]:
    """fc6 and fc7 as convolutions."""
    return {
        "fc6": nn.Conv2d(256, 4096, 6, padding="same" if padding == "same" else 0),
        "relu6": nn.ReLU(),
        "drop6": nn.Dropout(0.5),
        "fc7": nn.Conv2d(4096, 4096, 1),
        "relu7": nn.ReLU(),
        "drop7": nn.Dropout(0.5),
    }
