"""FCN-32s, 16s, 8s and 4s: a trunk and what stands on it. Paper section 4.2."""

from collections.abc import Callable, Iterable
from inspect import Parameter, signature
from typing import Any, TypeVar

from minifcn.autodiff.engine import Tensor, TensorLike
from minifcn.models.heads import Head, as_pictures, check_padding
from minifcn.models.preprocessing import DEFAULTS, Preprocessing, channels_told
from minifcn.models.trunks.backbones import BACKBONES, Backbone
from minifcn.names import instead
from minifcn.ops.checks import flag


class FCN(Head):
    """A fully convolutional network: pictures (N, 3, H, W) -> scores (N, classes, H, W), for any H and W from 1 on.

    `backbone`: a name in `BACKBONES`, or a Backbone; `stride` 32, 16, 8 or 4: how fine the finest joined map is. `padding`: "same",
    or the reference's "paper" (100 pixels and crops). `width`: first layer's channels, for backbones that have a choice.
    `in_channels`: 4 for RGB and depth. `at_once`: scale the skips by 0.01 and 0.0001, to train all of it in one go.
    `learn_upsampling`: train the bilinear kernels. `fusion`: "sum" joins a skip by addition, "max" by the larger score (footnote 6).
    `class_names`, `preprocessing` and `classes` (how label values map to classes) travel with the saved model, and
    so does `notes`, {} at first: texts by key, such as licence and origin of the weights that training started from, and
    `picture_size` and `picture_bits`: the longer side, and the bits in use, of the pictures that it was trained on, where somebody has set them.
    """

    def __init__(
        self,
        backbone: str | Backbone = "vgg16",
        stride: int = 8,
        num_classes: int = 21,
        *,
        padding: str = "same",
        width: int | None = None,
        in_channels: int = 3,
        at_once: bool = False,
        learn_upsampling: bool = False,
        fusion: str = "sum",
        class_names: Iterable[str] | None = None,
        preprocessing: Preprocessing | None = None,
        classes: dict[str, Any] | None = None,
    ) -> None:
        name = backbone if isinstance(backbone, str) else None
        at_once, learn_upsampling = flag("FCN", "at_once", at_once), flag("FCN", "learn_upsampling", learn_upsampling)
        self.backbone = named_backbone(backbone, padding, width, in_channels) if isinstance(backbone, str) else backbone
        if not isinstance(self.backbone, Backbone):
            raise TypeError(
                f"FCN: backbone is a {type(backbone).__name__}; expected a Backbone or its name, such as tiny"
            )
        head: dict[str, Any] = dict(at_once=at_once, learn_upsampling=learn_upsampling, fusion=fusion)
        super().__init__(self.backbone, stride, num_classes, padding, **head)
        self.architecture = dict(  # all that is needed to build it again; saved with the weights
            backbone=name, stride=stride, num_classes=num_classes, padding=padding, width=width, in_channels=in_channels,
            **head,
        )  # fmt: skip
        names = tuple(f"class {i}" for i in range(num_classes)) if class_names is None else tuple(class_names)
        if isinstance(class_names, str) or not all(isinstance(name, str) for name in names):
            raise TypeError(f"FCN: class_names is {class_names!r}; expected a list of strings, one a class")
        if len(names) != num_classes:
            raise ValueError(f"FCN: {len(names)} class names for {num_classes} classes; give one name a class")
        self.class_names = names
        self.preprocessing = preprocessing or DEFAULTS.get(name or "", Preprocessing())
        self.classes = classes
        self.notes: dict[str, str] = {}
        self.picture_size: int | None = None  # pixels
        self.picture_bits: int | None = None

    @property
    def cell(self) -> int:
        """The side, in pixels of the picture, of a cell of the coarsest map: 32."""
        return max(self.backbone.heads)

    def forward(self, x: TensorLike) -> Tensor:
        x = as_pictures("FCN", x)
        with channels_told(self.backbone, x.shape):
            return self.scores(self.backbone(x), x)


def named_backbone(name: str, padding: str, width: int | None, in_channels: int) -> Backbone:
    """The trunk called `name` in BACKBONES."""
    if name not in BACKBONES:
        raise ValueError(f"FCN: unknown backbone {name!r}{instead(name, BACKBONES)}")
    check_padding(padding)  # a trunk knows one more, which is not for an FCN
    return BACKBONES[name](padding, width, in_channels)


F = TypeVar("F", bound=Callable[..., Any])


def shows_options(*given: str) -> Callable[[F], F]:
    """Decorator of a function that hands its **options on to `FCN`: help() shows them all, but those that are `given` already."""

    def shown(function: F) -> F:
        own = [each for each in signature(function).parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
        taken = {*given, *(each.name for each in own)}
        more = [each for each in signature(FCN).parameters.values() if each.name not in taken]
        own += [each.replace(kind=Parameter.KEYWORD_ONLY) for each in more]
        function.__signature__ = signature(function).replace(parameters=own)  # type: ignore[attr-defined]
        return function

    return shown


@shows_options("stride")
def fcn32s(backbone: str | Backbone = "vgg16", num_classes: int = 21, **options: Any) -> FCN:
    """Scores of stride 32, upsampled at once. Options as in `FCN`."""
    return FCN(backbone, 32, num_classes, **options)


@shows_options("stride")
def fcn16s(backbone: str | Backbone = "vgg16", num_classes: int = 21, **options: Any) -> FCN:
    """One skip, from stride 16 (pool4). Options as in `FCN`."""
    return FCN(backbone, 16, num_classes, **options)


@shows_options("stride")
def fcn8s(backbone: str | Backbone = "vgg16", num_classes: int = 21, **options: Any) -> FCN:
    """Two skips, from stride 16 and 8 (pool4, pool3). Options as in `FCN`; `at_once=True` for the one-go variant."""
    return FCN(backbone, 8, num_classes, **options)


@shows_options("stride")
def fcn4s(backbone: str | Backbone = "vgg16", num_classes: int = 21, **options: Any) -> FCN:
    """Three skips, down to stride 4 (pool2). Options as in `FCN`."""
    return FCN(backbone, 4, num_classes, **options)


ARCHITECTURES = {
    "fcn32s": (32, False),
    "fcn16s": (16, False),
    "fcn8s": (8, False),
    "fcn4s": (4, False),
    "fcn8s-atonce": (8, True),
}


@shows_options("stride", "at_once")
def build(architecture: str, backbone: str | Backbone = "vgg16", num_classes: int = 21, **options: Any) -> FCN:
    """A network by its name on the command line: fcn32s, fcn16s, fcn8s, fcn4s or fcn8s-atonce. Options as in `FCN`."""
    if architecture not in ARCHITECTURES:
        raise ValueError(f"unknown architecture {architecture!r}{instead(architecture, ARCHITECTURES)}")
    stride, at_once = ARCHITECTURES[architecture]
    return FCN(backbone, stride, num_classes, at_once=at_once, **options)
