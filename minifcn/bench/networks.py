"""The networks that are measured, each written once: a call a layer, on whatever `net` stands for.

`net` is one of three: `ours.Ours` runs the calls with minifcn's operations, `rival.Theirs` with PyTorch's, and `shapes.Shapes` only
follows the shapes, notes the parameters and counts. So all of them have the same layers, and the same weights by name. No network has
dropout: random masks would keep the scores from being compared.
"""

from typing import Any, NamedTuple

from minifcn import models
from minifcn.models.trunks import backbones


class VGG(NamedTuple):
    """FCN-8s over a VGG trunk: convolutions and channels of the five stages, channels of fc6 and fc7, classes."""

    convolutions: tuple[int, ...]
    widths: tuple[int, ...]
    fc: int
    classes: int
    padding: str = "same"

    def run(self, net: Any, x: Any) -> Any:
        """Pictures x (N, 3, H, W) -> scores (N, classes, H, W), as calls."""
        paper = self.padding == "paper"
        pools, y = [], x
        for stage, (count, width) in enumerate(zip(self.convolutions, self.widths, strict=True), start=1):
            for number in range(1, count + 1):
                padding = 100 if paper and stage == number == 1 else 1
                y = net.relu(net.conv(f"conv{stage}_{number}", y, width, 3, padding))
            y = net.max_pool(f"pool{stage}", y, 2, 2)
            pools.append(y)
        y = net.relu(net.conv("fc6", y, self.fc, 7, 0 if paper else 3))
        y = net.relu(net.conv("fc7", y, self.fc, 1))
        scores = net.conv("score_fr", y, self.classes, 1)
        crops = (5, 9, 31) if paper else (0, 0, 0)  # of the reference model; `models.geometry` works them out
        for name, pool, stride, crop in (("pool4", pools[3], 16, crops[0]), ("pool3", pools[2], 8, crops[1])):
            scores = net.upsample(f"upscore_{stride}s", scores, 2, 0 if paper else 1)
            scores = join(net, scores, net.conv(f"score_{name}", pool, self.classes, 1), crop)
        scores = net.upsample("upscore", scores, 8, 0 if paper else 4)
        return cropped(net, scores, crops[2], net.size(x))

    def model(self) -> models.FCN:
        """The same network from the built-in parts."""
        backbone = backbones.vgg(self.convolutions, self.widths, self.fc, 0.0, self.padding)
        return models.fcn8s(backbone, self.classes, padding=self.padding)


class SqueezeNet(NamedTuple):
    """SqueezeNet v1.1 turned fully convolutional, with heads on strides 16, 8 and 4. Iandola et al. 2016; heads as in the FCN paper.

    A fire module squeezes to few channels (1x1), then expands by 1x1 and 3x3 side by side. There is no built-in model of it.
    """

    classes: int

    def run(self, net: Any, x: Any) -> Any:
        y = net.max_pool("pool1", net.relu(net.conv("conv1", x, 64, 3, 1, stride=2)), 3, 2)
        y = fire(net, "fire2", y, 16, 64)
        stride4 = fire(net, "fire3", y, 16, 64)
        y = fire(net, "fire4", net.max_pool("pool3", stride4, 3, 2), 32, 128)
        stride8 = fire(net, "fire5", y, 32, 128)
        y = net.max_pool("pool5", stride8, 3, 2)
        for name, squeeze, expand in (("fire6", 48, 192), ("fire7", 48, 192), ("fire8", 64, 256), ("fire9", 64, 256)):
            y = fire(net, name, y, squeeze, expand)
        scores = net.conv("score_16s", y, self.classes, 1)
        for name, finer in (("8s", stride8), ("4s", stride4)):
            scores = net.upsample(f"upscore_{name}", scores, 2, 1)
            scores = join(net, scores, net.conv(f"score_{name}", finer, self.classes, 1), 0)
        return cropped(net, net.upsample("upscore", scores, 4, 2), 0, net.size(x))


def fire(net: Any, name: str, x: Any, squeeze: int, expand: int) -> Any:
    y = net.relu(net.conv(f"{name}.squeeze", x, squeeze, 1))
    narrow = net.relu(net.conv(f"{name}.expand1x1", y, expand, 1))
    wide = net.relu(net.conv(f"{name}.expand3x3", y, expand, 3, 1))
    return net.concat([narrow, wide])


def join(net: Any, scores: Any, finer: Any, offset: int) -> Any:
    """The sum of both where they overlap: row 0 of `scores` lies on row `offset` of `finer`."""
    (h, w), (fine_h, fine_w) = net.size(scores), net.size(finer)
    size = min(h, fine_h - offset), min(w, fine_w - offset)
    return net.add(cropped(net, scores, 0, size), cropped(net, finer, offset, size))


def cropped(net: Any, x: Any, offset: int, size: tuple[int, int]) -> Any:
    return x if net.size(x) == size else net.crop(x, offset, size)


class Layer(NamedTuple):
    """One call as a network of its own: `kind` is the method of `net`, `arguments` what follows the input."""

    kind: str
    name: str
    arguments: tuple[Any, ...]

    def run(self, net: Any, x: Any) -> Any:
        return getattr(net, self.kind)(self.name, x, *self.arguments)
