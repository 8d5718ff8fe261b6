"""GoogLeNet: 22 layers deep with 6 M parameters. Szegedy et al. 2014, "Going deeper with convolutions", table 1."""

from minifcn import nn
from minifcn.models.trunks.trunk import Backbone, Branches, check_width, first_padding, pool3x3

# channels of the 1x1 way; the 3x3 way, reduced and result; the 5x5 way, reduced and result; and the pooled way
INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


class Inception(Branches):
    """Look at a map through windows of 1x1, 3x3 and 5x5, and at its neighbours' maximum, side by side. Szegedy et al. 2014, figure 2b.

    1x1 convolutions reduce the channels before the larger windows, and after the pool. Every way keeps the size of the map.
    """

    ways = (("conv1x1",), ("reduce3x3", "conv3x3"), ("reduce5x5", "conv5x5"), ("pool", "project"))

    def __init__(
        self, in_channels: int, one: int, reduced3: int, three: int, reduced5: int, five: int, pooled: int
    ) -> None:
        self.conv1x1 = nn.Conv2d(in_channels, one, 1)
        self.reduce3x3 = nn.Conv2d(in_channels, reduced3, 1)
        self.conv3x3 = nn.Conv2d(reduced3, three, 3, padding=1)
        self.reduce5x5 = nn.Conv2d(in_channels, reduced5, 1)
        self.conv5x5 = nn.Conv2d(reduced5, five, 5, padding=2)
        self.pool = nn.MaxPool2d(3, 1, padding=1)
        self.project = nn.Conv2d(in_channels, pooled, 1)
        self.window = self.conv5x5.window


class InceptionOf3x3(Inception):
    """torchvision's: its third way has 3x3 windows too, since TensorFlow's, where the weights came from, had them."""

    ways = (("conv1x1",), ("reduce3x3", "conv3x3"), ("reduce3x3b", "conv3x3b"), ("pool", "project"))

    def __init__(
        self, in_channels: int, one: int, reduced3: int, three: int, reduced5: int, five: int, pooled: int
    ) -> None:
        self.conv1x1 = nn.Conv2d(in_channels, one, 1)
        self.reduce3x3 = nn.Conv2d(in_channels, reduced3, 1)
        self.conv3x3 = nn.Conv2d(reduced3, three, 3, padding=1)
        self.reduce3x3b = nn.Conv2d(in_channels, reduced5, 1)
        self.conv3x3b = nn.Conv2d(reduced5, five, 3, padding=1)
        self.pool = nn.MaxPool2d(3, 1, padding=1)
        self.project = nn.Conv2d(in_channels, pooled, 1)
        self.window = self.conv3x3.window


def googlenet(padding: str = "same", width: int | None = None, in_channels: int = 3) -> Backbone:
    """GoogLeNet without its classifier: 5.97 M parameters, stride 32. Heads on strides 32, 16, 8 and 4.

    padding "trained": 3 pixels at conv1, pools round up; "paper": that, with 100 pixels at conv1; "same": every stride-2 layer takes a
    picture of H rows to H / 2, rounded up. The paper has an FCN-32s of it; the finer heads read the last map of each stride, as there.

    Left out: the 7x7 average pool before the dropout, which section 4.1 discards, and the two auxiliary classifiers, which only
    helped to train the network on ImageNet.
    """
    check_width("googlenet", width, 64)
    layers: dict[str, nn.Module] = {
        "conv1": nn.Conv2d(in_channels, 64, 7, stride=2, padding=first_padding(padding, trained=3, same=3)),
        "relu1": nn.ReLU(),
        "pool1": pool3x3(padding),
        "norm1": nn.LocalResponseNorm(5),
        "conv2_reduce": nn.Conv2d(64, 64, 1),
        "relu2_reduce": nn.ReLU(),
        "conv2": nn.Conv2d(64, 192, 3, padding=1),
        "relu2": nn.ReLU(),
        "norm2": nn.LocalResponseNorm(5),
        "pool2": pool3x3(padding),
    }
    layers |= inceptions(Inception, {"3b": pool3x3(padding), "4e": pool3x3(padding)})
    layers["drop5"] = nn.Dropout(0.4)
    return with_heads(layers, "norm2")


def googlenet_torchvision(padding: str = "same", width: int | None = None, in_channels: int = 3) -> Backbone:
    """What torchvision calls GoogLeNet: batch norm instead of LRN, here folded into the convolutions, 3x3 windows for 5x5, pool4 of 2x2.

    Otherwise as `googlenet`. A cell of inception_5b sees 379 pixels and not 715.
    """
    check_width("googlenet-torchvision", width, 64)
    layers: dict[str, nn.Module] = {
        "conv1": nn.Conv2d(in_channels, 64, 7, stride=2, padding=first_padding(padding, trained=3, same=3)),
        "relu1": nn.ReLU(),
        "pool1": pool3x3(padding),
        "conv2_reduce": nn.Conv2d(64, 64, 1),
        "relu2_reduce": nn.ReLU(),
        "conv2": nn.Conv2d(64, 192, 3, padding=1),
        "relu2": nn.ReLU(),
        "pool2": pool3x3(padding),
    }
    layers |= inceptions(InceptionOf3x3, {"3b": pool3x3(padding), "4e": nn.MaxPool2d(2, 2, ceil_mode=True)})
    layers["drop5"] = nn.Dropout(0.2)
    return with_heads(layers, "relu2")


def inceptions(kind: type[Inception], pools: dict[str, nn.Module]) -> dict[str, nn.Module]:
    """The nine modules, with `pools` behind two of them."""
    layers: dict[str, nn.Module] = {}
    channels = 192
    for name, (one, reduced3, three, reduced5, five, pooled) in INCEPTIONS.items():
        layers[f"inception_{name}"] = kind(channels, one, reduced3, three, reduced5, five, pooled)
        channels = one + three + five + pooled
        if name in pools:
            layers[f"pool{name[0]}"] = pools[name]
    return layers


def with_heads(layers: dict[str, nn.Module], finest: str) -> Backbone:
    """The trunk; an FCN reads the last map of each stride, `finest` that of stride 4."""
    return Backbone(
        layers,
        {32: "drop5", 16: "inception_4e", 8: "inception_3b", 4: finest},
        {"drop5": 1024, "inception_4e": 832, "inception_3b": 480, finest: 192},
        average_pool=7,
    )
