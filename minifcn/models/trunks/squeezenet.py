"""SqueezeNet v1.1: AlexNet's accuracy on ImageNet from 1.2 M parameters. Iandola et al. 2016, and the authors' release 1.1."""

from minifcn import nn
from minifcn.models.trunks.trunk import Backbone, Branches, check_width, first_padding, pool3x3


class Fire(Branches):
    """Squeeze to few channels (1x1), then expand by 1x1 and 3x3 side by side: the module of SqueezeNet. Iandola et al. 2016."""

    stem = ("squeeze1x1",)
    ways = (("expand1x1",), ("expand3x3",))

    def __init__(self, in_channels: int, squeeze: int, expand: int) -> None:
        self.squeeze1x1 = nn.Conv2d(in_channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)
        self.window = self.expand3x3.window


def squeezenet(padding: str = "same", width: int | None = None, in_channels: int = 3) -> Backbone:
    """SqueezeNet v1.1 without its classifier: 0.72 M parameters, stride 16. Heads on strides 16, 8 and 4.

    padding "trained": none at conv1, pools round up; "paper": that, with 100 pixels round the picture; "same": every stride-2 layer takes
    a picture of H rows to H / 2, rounded up.
    """
    check_width("squeezenet", width, 64)
    layers: dict[str, nn.Module] = {
        "conv1": nn.Conv2d(in_channels, 64, 3, stride=2, padding=first_padding(padding, trained=0, same=1)),
        "relu1": nn.ReLU(),
        "pool1": pool3x3(padding),
    }
    channels = 64
    for number, squeeze, expand in (
        (2, 16, 64), (3, 16, 64), (4, 32, 128), (5, 32, 128), (6, 48, 192), (7, 48, 192), (8, 64, 256), (9, 64, 256),
    ):  # fmt: skip
        if number in (4, 6):
            layers[f"pool{number - 1}"] = pool3x3(padding)
        layers[f"fire{number}"] = Fire(channels, squeeze, expand)
        channels = 2 * expand
    return Backbone(layers, {16: "fire9", 8: "fire5", 4: "fire3"}, {"fire9": 512, "fire5": 256, "fire3": 128})


def squeezenet32(padding: str = "same", width: int | None = None, in_channels: int = 3) -> Backbone:
    """`squeezenet` and one more pool, pool9, to the stride 32 of the paper's networks. Heads on strides 32, 16, 8 and 4.

    It is a backbone of its own, and not one more head of `squeezenet`: an FCN begins at its trunk's coarsest map, so a 32s, a 16s and an
    8s that are trained one from the other must all begin at pool9, while a 16s on `squeezenet` begins at fire9, where the trained network
    ends. A pool has no parameters and the names are the same, so that weights pass between the two.
    """
    check_width("squeezenet32", width, 64)
    trunk = squeezenet(padding, None, in_channels)
    layers = dict(trunk.named_layers()) | {"pool9": pool3x3(padding)}
    return Backbone(layers, {32: "pool9", **trunk.heads}, {"pool9": 512, **trunk.channels})


def squeezenet_fc(padding: str = "same", width: int | None = None, in_channels: int = 3) -> Backbone:
    """`squeezenet32` with an fc6 and fc7 of its own after pool9, as VGG has them after pool5. Heads on strides 32, 16, 8 and 4.

    SqueezeNet gave up the fully connected layers of AlexNet to be small, and with them the wide look at a picture that tells a horse from
    a cow. fc6 sees 7x7 cells of stride 32, as VGG's does; a 1x1 convolution before it keeps it small. All three start from random
    weights; 1.7 M parameters in all. Measured on frozen SqueezeNet maps of VOC pictures, mean IU of seven classes on held-out ones: pool9
    and a 3x3 convolution 0.48, this 0.52, and without a wider look than fire9's 0.33.
    """
    check_width("squeezenet-fc", width, 64)
    trunk = squeezenet32(padding, None, in_channels)
    layers = dict(trunk.named_layers()) | {
        "fc6_reduce": nn.Conv2d(512, 96, 1),
        "relu6_reduce": nn.ReLU(),
        # a border of 1 and not 0, or the 100 pixels round the smallest pictures would leave no cell
        "fc6": nn.Conv2d(96, 192, 7, padding="same" if padding == "same" else 1),
        "relu6": nn.ReLU(),
        "drop6": nn.Dropout(0.1),
        "fc7": nn.Conv2d(192, 192, 1),
        "relu7": nn.ReLU(),
        "drop7": nn.Dropout(0.1),
    }
    heads, channels = {**trunk.heads, 32: "drop7"}, {**trunk.channels, "drop7": 192}
    return Backbone(layers, heads, channels, added=("fc6_reduce", "fc6", "fc7"))
