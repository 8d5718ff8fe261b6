"""FCN-32s, 16s, 8s and 4s: one trunk, a score layer, and skips joined from coarse to fine. Paper section 4.2."""

from fractions import Fraction
from typing import Any, NamedTuple

from minifcn import nn, ops
from minifcn.autodiff.engine import Tensor
from minifcn.models.backbones import BACKBONES
from minifcn.models.geometry import Field, crop_offset
from minifcn.models.preprocessing import DEFAULTS, Preprocessing
from minifcn.nn.initialisers import bilinear

PADDINGS = ("same", "paper")
AT_ONCE_SCALES = {
    16: 0.01,
    8: 0.0001,
}  # of the reference 8s-at-once: they keep the raw skips from drowning the coarse scores


def score_layer(channels: int, classes: int) -> nn.Conv2d:
    """1x1 convolution to class scores, all zero: the loss starts at ln C, and a new skip starts by changing nothing."""
    layer = nn.Conv2d(channels, classes, 1)
    layer.weight.data[...] = 0
    return layer


def upsampling(coarse: Field, fine: Field, classes: int, padding: str, learned: bool) -> nn.ConvTranspose2d:
    """Bilinear upsampling of a map to the stride of a finer one. Fixed, or a start to learn from. Paper section 3.3.

    By a factor f, with a kernel a channel. Its size follows from where the cells lie: 2f where a cell of the coarse map lies between two
    of the finer (after pools of 2x2), 2f - 1 where it lies on one (after 3x3, as in the reference's AlexNet: 63 for a factor of 32).
    The reference upsamples without padding and crops; with "same" the padding is what the crop would be, and the map f times as large.
    """
    factor = int(coarse.stride / fine.stride)
    apart = (coarse.centre - fine.centre) / fine.stride  # from cell 0 of the finer map to cell 0 of the coarse one
    kernel = 2 * factor if apart.denominator == 2 else 2 * factor - 1
    around = 0 if padding == "paper" else max(0, int(Fraction(kernel - 1, 2) - apart))
    more = 0 if padding == "paper" else max(0, factor - kernel + 2 * around)  # the last cell too stands for f pixels
    layer = nn.ConvTranspose2d(classes, classes, kernel, factor, around, more, groups=classes, bias=False)
    layer.weight = nn.Parameter(bilinear(classes, kernel), requires_grad=learned)
    return layer


class Skip(NamedTuple):
    """One join: the coarse scores twice as large, plus scores of a finer map, of which `offset` rows and columns are cut off."""

    stride: int
    source: str
    scale: float
    offset: int


class FCN(nn.Module):
    """A fully convolutional network: pictures (N, 3, H, W) -> scores (N, classes, H, W), for any H and W from 1 on.

    `backbone`: a name in `BACKBONES`, or a Backbone; `stride` 32, 16, 8 or 4: how fine the finest joined map is. `padding`: "same",
    or the reference's "paper" (100 pixels and crops). `width`: first layer's channels, for backbones that have a choice.
    `at_once`: scale the skips by 0.01 and 0.0001, to train all of it in one go. `learn_upsampling`: train the bilinear kernels.
    `class_names`, `preprocessing` and `classes` (how label values map to classes) travel with the saved model.
    """

    def __init__(
        self,
        backbone: Any = "vgg16",
        stride: int = 8,
        num_classes: int = 21,
        *,
        padding: str = "same",
        width: int | None = None,
        at_once: bool = False,
        learn_upsampling: bool = False,
        class_names: Any = None,
        preprocessing: Preprocessing | None = None,
        classes: dict[str, Any] | None = None,
    ) -> None:
        if padding not in PADDINGS:
            raise ValueError(f"FCN: padding is {padding!r}; expected one of {', '.join(PADDINGS)}")
        if num_classes < 1:
            raise ValueError(f"FCN: num_classes is {num_classes}; expected at least 1")
        if isinstance(backbone, str) and backbone not in BACKBONES:
            raise ValueError(f"FCN: unknown backbone {backbone!r}; choose one of {', '.join(BACKBONES)}")
        name = backbone if isinstance(backbone, str) else None
        # all that is needed to build this network again; it is saved with the weights
        self.architecture = dict(
            backbone=name, stride=stride, num_classes=num_classes, padding=padding, width=width, at_once=at_once,
            learn_upsampling=learn_upsampling,
        )  # fmt: skip
        self.class_names = (
            tuple(class_names) if class_names is not None else tuple(f"class {i}" for i in range(num_classes))
        )
        if len(self.class_names) != num_classes:
            raise ValueError(
                f"FCN: {len(self.class_names)} class names for {num_classes} classes; give one name a class"
            )
        self.preprocessing = preprocessing or DEFAULTS.get(name or "", Preprocessing())
        self.classes = classes
        self.backbone = BACKBONES[backbone](padding, width) if isinstance(backbone, str) else backbone
        strides = sorted(self.backbone.heads, reverse=True)
        if stride not in strides:
            raise ValueError(
                f"FCN: stride is {stride}; this backbone has maps of stride {', '.join(map(str, strides))}"
            )
        self._build_heads([s for s in strides if s >= stride], num_classes, padding, at_once, learn_upsampling)

    @property
    def cell(self) -> int:
        """The side, in pixels of the picture, of a cell of the coarsest map: 32."""
        return max(self.backbone.heads)

    def _build_heads(self, strides: list[int], classes: int, padding: str, at_once: bool, learned: bool) -> None:
        """Score layers and upsampling from the coarsest map down, each crop worked out from the layers above it."""
        coarsest = self.backbone.heads[strides[0]]
        self.score_fr = score_layer(self.backbone.channels[coarsest], classes)
        field = Field().through(self.backbone.layers_to(coarsest))
        self.skips: list[Skip] = []
        for stride in strides[1:]:
            source = self.backbone.heads[stride]
            finer = Field().through(self.backbone.layers_to(source))
            up = upsampling(field, finer, classes, padding, learned)
            setattr(self, f"upscore_{stride}s", up)
            setattr(self, f"score_{source}", score_layer(self.backbone.channels[source], classes))
            field = field.through([up])
            scale = AT_ONCE_SCALES.get(stride, 1.0) if at_once else 1.0
            self.skips.append(Skip(stride, source, scale, crop_offset(finer, field)))
        self.upscore = upsampling(field, Field(), classes, padding, learned)
        field = field.through([self.upscore])
        self.offset = crop_offset(field, Field())  # cell 0 of the result is to lie on pixel 0

    def forward(self, x: Any) -> Tensor:
        x = x if isinstance(x, Tensor) else Tensor(x)
        if x.ndim != 4 or 0 in x.shape[1:]:
            raise ValueError(
                f"FCN: input has shape {x.shape}; expected pictures (N, channels, H, W), H and W at least 1"
            )
        maps = self.backbone(x)
        scores = self.score_fr(maps[self.backbone.heads[max(self.backbone.heads)]])
        for skip in self.skips:
            scores = getattr(self, f"upscore_{skip.stride}s")(scores)
            finer = maps[skip.source] if skip.scale == 1 else maps[skip.source] * skip.scale
            scores = join(scores, getattr(self, f"score_{skip.source}")(finer), skip.offset)
        return ops.crop_like(self.upscore(scores), x, self.offset)


def join(scores: Tensor, finer: Tensor, offset: int) -> Tensor:
    """The sum of both where they overlap: row 0 of `scores` lies on row `offset` of `finer`."""
    h = min(scores.shape[2], finer.shape[2] - offset)
    w = min(scores.shape[3], finer.shape[3] - offset)
    return scores[:, :, :h, :w] + finer[:, :, offset : offset + h, offset : offset + w]


def fcn32s(backbone: Any = "vgg16", num_classes: int = 21, **options: Any) -> FCN:
    """Scores of stride 32, upsampled at once. Options as in `FCN`."""
    return FCN(backbone, 32, num_classes, **options)


def fcn16s(backbone: Any = "vgg16", num_classes: int = 21, **options: Any) -> FCN:
    """One skip, from stride 16 (pool4). Options as in `FCN`."""
    return FCN(backbone, 16, num_classes, **options)


def fcn8s(backbone: Any = "vgg16", num_classes: int = 21, **options: Any) -> FCN:
    """Two skips, from stride 16 and 8 (pool4, pool3). Options as in `FCN`; `at_once=True` for the one-go variant."""
    return FCN(backbone, 8, num_classes, **options)


def fcn4s(backbone: Any = "vgg16", num_classes: int = 21, **options: Any) -> FCN:
    """Three skips, down to stride 4 (pool2). Options as in `FCN`."""
    return FCN(backbone, 4, num_classes, **options)


ARCHITECTURES = {
    "fcn32s": (32, False),
    "fcn16s": (16, False),
    "fcn8s": (8, False),
    "fcn4s": (4, False),
    "fcn8s-atonce": (8, True),
}


def build(architecture: str, **options: Any) -> FCN:
    """A network by its name on the command line: fcn32s, fcn16s, fcn8s, fcn4s or fcn8s-atonce. Options as in `FCN`."""
    if architecture not in ARCHITECTURES:
        raise ValueError(f"unknown architecture {architecture!r}; choose one of {', '.join(ARCHITECTURES)}")
    stride, at_once = ARCHITECTURES[architecture]
    return FCN(stride=stride, at_once=at_once, **options)
