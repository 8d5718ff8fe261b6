"""From the maps of a trunk to class scores at every pixel: score layers, upsampling, skips joined from coarse to fine. Paper section 4.2."""

from dataclasses import dataclass
from fractions import Fraction

from minifcn import nn, ops
from minifcn.autodiff.engine import Tensor, TensorLike
from minifcn.kernels.whole import whole
from minifcn.models.geometry import Field, crop_offset
from minifcn.models.trunks.backbones import Backbone
from minifcn.nn.initialisers import bilinear

PADDINGS, FUSIONS = ("same", "paper"), ("sum", "max")
# of the reference 8s-at-once: they keep the raw skips from drowning the coarse scores
AT_ONCE_SCALES = {16: 0.01, 8: 0.0001}


def check_padding(padding: str) -> None:
    if padding not in PADDINGS:
        raise ValueError(f"FCN: padding is {padding!r}; expected one of {', '.join(PADDINGS)}")


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
    A skip is cropped and never what it joins, so where that would begin before it, it is padded too.
    """
    factor = int(coarse.stride / fine.stride)
    apart = (coarse.centre - fine.centre) / fine.stride  # from cell 0 of the finer map to cell 0 of the coarse one
    kernel = 2 * factor if apart.denominator == 2 else 2 * factor - 1
    around = 0 if padding == "paper" and fine.stride == 1 else max(0, int(Fraction(kernel - 1, 2) - apart))
    more = 0 if padding == "paper" else max(0, factor - kernel + 2 * around)  # the last cell too stands for f pixels
    layer = nn.ConvTranspose2d(classes, classes, kernel, factor, around, more, groups=classes, bias=False)
    layer.weight = nn.Parameter(bilinear(classes, kernel), requires_grad=learned)
    return layer


@dataclass(frozen=True)
class Skip:
    """One join: the coarse scores twice as large (`up`), plus scores (`score`) of a finer map, of which `offset` rows and columns are cut off.

    The two layers are attributes of the Head too, by the names under which they are saved.
    """

    stride: int
    source: str
    scale: float
    offset: int
    up: nn.ConvTranspose2d
    score: nn.Conv2d

    @property
    def up_name(self) -> str:
        return f"upscore_{self.stride}s"

    @property
    def score_name(self) -> str:
        return f"score_{self.source}"


class Head(nn.Module):
    """All that stands on a trunk: score layers, upsampling and joins. Every crop is worked out from the layers before it. Arguments as in `FCN`."""

    def __init__(
        self,
        backbone: Backbone,
        stride: int,
        classes: int,
        padding: str = "same",
        *,
        at_once: bool = False,
        learn_upsampling: bool = False,
        fusion: str = "sum",
    ) -> None:
        check_padding(padding)
        if fusion not in FUSIONS:
            raise ValueError(f"FCN: fusion is {fusion!r}; expected one of {', '.join(FUSIONS)}")
        if not whole(classes) or classes < 1:
            raise ValueError(f"FCN: num_classes is {classes!r}; expected an integer of at least 1")
        strides = sorted(backbone.heads, reverse=True)
        if stride not in strides:
            raise ValueError(
                f"FCN: stride is {stride!r}; this backbone has maps of stride {', '.join(map(str, strides))}"
            )
        self.fusion = fusion
        self.coarsest = backbone.heads[strides[0]]
        self.score_fr = score_layer(backbone.channels[self.coarsest], classes)
        field = Field().through(backbone.layers_to(self.coarsest))
        self.skips: list[Skip] = []
        for finer_stride in (each for each in strides[1:] if each >= stride):
            source = backbone.heads[finer_stride]
            finer = Field().through(backbone.layers_to(source))
            up = upsampling(field, finer, classes, padding, learn_upsampling)
            score = score_layer(backbone.channels[source], classes)
            field = field.through([up])
            scale = AT_ONCE_SCALES.get(finer_stride, 1.0) if at_once else 1.0
            skip = Skip(finer_stride, source, scale, crop_offset(finer, field), up, score)
            setattr(self, skip.up_name, up)
            setattr(self, skip.score_name, score)
            self.skips.append(skip)
        self.upscore = upsampling(field, Field(), classes, padding, learn_upsampling)
        field = field.through([self.upscore])
        self.offset = crop_offset(field, Field())  # cell 0 of the result is to lie on pixel 0

    def scores(self, maps: dict[str, Tensor], picture: Tensor) -> Tensor:
        """The trunk's `maps` of `picture`, (N, C, H, W) -> scores (N, classes, H, W)."""
        scores = self.score_fr(maps[self.coarsest])
        for skip in self.skips:
            finer = maps[skip.source] if skip.scale == 1 else maps[skip.source] * skip.scale
            scores = join(skip.up(scores), skip.score(finer), skip.offset, self.fusion)
        return ops.crop_like(self.upscore(scores), picture, self.offset)


def join(scores: Tensor, finer: Tensor, offset: int, fusion: str = "sum") -> Tensor:
    """The sum, or the larger, of both where they overlap: row 0 of `scores` lies on row `offset` of `finer`."""
    h = min(scores.shape[2], finer.shape[2] - offset)
    w = min(scores.shape[3], finer.shape[3] - offset)
    coarse, finer = scores[:, :, :h, :w], finer[:, :, offset : offset + h, offset : offset + w]
    return coarse + finer if fusion == "sum" else ops.maximum(coarse, finer)


def as_pictures(name: str, x: TensorLike) -> Tensor:
    """x as a Tensor (N, C, H, W) with at least one channel, row and column, or ValueError."""
    x = x if isinstance(x, Tensor) else Tensor(x)
    if x.ndim != 4 or 0 in x.shape[1:]:
        raise ValueError(
            f"{name}: input has shape {x.shape}; expected pictures (N, channels, H, W), H and W at least 1"
        )
    return x
