"""Networks that name what a picture shows, as they were trained on ImageNet: where every FCN comes from. Paper section 4.1.

`Classifier` ends in matrices and takes pictures of one size. `HeatMap` is the same network with convolutions in their place: it takes any
size, and answers for every window at once. `surgery` turns one into the other, or into an FCN.
"""

from collections.abc import Iterable

from minifcn import nn, ops
from minifcn.autodiff.engine import Tensor, TensorLike
from minifcn.models.heads import as_pictures
from minifcn.models.preprocessing import DEFAULTS
from minifcn.models.trunks.backbones import BACKBONES, Backbone
from minifcn.names import instead

SIDES = {
    "tiny": 224, "vgg16": 224, "alexnet": 227, "googlenet": 224, "squeezenet": 227,
    "alexnet-bvlc": 227, "alexnet-torchvision": 224, "googlenet-torchvision": 224,
}  # fmt: skip


def trained_trunk(name: str, width: int | None) -> tuple[Backbone, int]:
    """The trunk as it was trained, up to the classifier, and the number of channels that come out of it."""
    if name not in SIDES:
        raise ValueError(f"Classifier: unknown backbone {name!r}{instead(name, SIDES)}")
    trunk = BACKBONES[name]("trained", width)
    channels = trunk.channels[trunk.heads[max(trunk.heads)]]
    layers = dict(trunk.named_layers())
    if trunk.average_pool > 1:  # GoogLeNet's stands before the dropout; an FCN discards it
        last, dropout = layers.popitem()
        layers |= {"average": nn.AvgPool2d(trunk.average_pool, 1), last: dropout}
    if name == "squeezenet":
        layers["drop9"] = nn.Dropout(0.5)
    return Backbone(layers, {1: list(layers)[-1]}, {}), channels


def flattened(layer: nn.Conv2d) -> nn.Linear:
    """A convolution that meets its whole input at once, as the matrix that it was: weight (O, C·KH·KW), in the same memory."""
    matrix = nn.Linear(1, 1)
    matrix.weight = nn.Parameter(layer.weight.data.reshape(layer.weight.shape[0], -1))
    matrix.bias = layer.bias
    return matrix


def flat(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C·H·W), channels slowest: the order of Caffe and PyTorch, so their weights fit."""
    return x if x.ndim == 2 else ops.reshape(x, (x.shape[0], -1))


class Classifier(nn.Module):
    """Pictures (N, 3, side, side) -> scores (N, classes). `side` is 224, for AlexNet and SqueezeNet 227.

    `backbone`: a name in `SIDES`; its layers have the names that they have in an FCN. SqueezeNet scores every cell and takes the mean.
    """

    def __init__(
        self,
        backbone: str = "vgg16",
        num_classes: int = 1000,
        *,
        width: int | None = None,
        class_names: Iterable[str] | None = None,
    ) -> None:
        self.backbone, channels = trained_trunk(backbone, width)
        for name in ("fc6", "fc7"):
            if name in self.backbone.order:
                setattr(self.backbone, name, flattened(getattr(self.backbone, name)))
        per_cell = backbone == "squeezenet"
        self.classifier: nn.Module = (
            nn.Conv2d(channels, num_classes, 1) if per_cell else nn.Linear(channels, num_classes)
        )
        self.name, self.width, self.side = backbone, width, SIDES[backbone]
        self.class_names = tuple(class_names or (f"class {i}" for i in range(num_classes)))
        self.preprocessing = DEFAULTS[backbone]

    def forward(self, x: TensorLike) -> Tensor:
        made = as_pictures("Classifier", x)
        if made.shape[2:] != (self.side, self.side):
            raise ValueError(
                f"Classifier: pictures are {made.shape[2]}x{made.shape[3]}, {self.name} was trained on {self.side}x{self.side}; "
                "resize them, or make it convolutional: surgery.heat_map(classifier) takes any size"
            )
        for _, layer in self.backbone.named_layers():
            made = layer(flat(made) if isinstance(layer, nn.Linear) else made)
        if isinstance(self.classifier, nn.Linear):
            return self.classifier(flat(made))
        return ops.mean(ops.relu(self.classifier(made)), (2, 3))


class HeatMap(nn.Module):
    """A classifier made convolutional: pictures (N, 3, H, W) -> scores (N, classes, h, w), a cell for every window. Paper section 3.1, figure 2.

    A picture of the size it was trained on gives one cell, the classifier's answer (SqueezeNet: a map, whose mean is the answer).
    """

    def __init__(
        self,
        backbone: str = "vgg16",
        num_classes: int = 1000,
        *,
        width: int | None = None,
        class_names: Iterable[str] | None = None,
    ) -> None:
        self.backbone, channels = trained_trunk(backbone, width)
        self.classifier = nn.Conv2d(channels, num_classes, 1)
        self.name, self.width, self.side = backbone, width, SIDES[backbone]
        self.class_names = tuple(class_names or (f"class {i}" for i in range(num_classes)))
        self.preprocessing = DEFAULTS[backbone]
        self.notes: dict[str, str] = {}

    def forward(self, x: TensorLike) -> Tensor:
        x = as_pictures("HeatMap", x)
        (top,) = self.backbone(x).values()
        scores = self.classifier(top)
        return ops.relu(scores) if self.name == "squeezenet" else scores
