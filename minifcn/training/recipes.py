"""How weights move: loss, optimiser, rates, batch. Four named presets, and `mean_of` that turns a summed recipe into a mean one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import inf
from numbers import Real
from typing import Any

from minifcn.data import Augmentation
from minifcn.data.augment import Size
from minifcn.kernels.whole import whole
from minifcn.models import FCN, parameter_groups
from minifcn.models.surgery import LEARNERS, freeze
from minifcn.names import instead
from minifcn.nn.optim import SGD, Adam, Optimiser
from minifcn.training.errors import TrainingError

LOSSES, OPTIMIZERS, SCHEDULES = ("mean", "sum"), ("sgd", "adam"), ("polynomial", "constant")


@dataclass(frozen=True)
class Recipe:
    """Every choice of a training but its data and its length. `replace` of dataclasses changes one.

    `loss`: "mean" over the pixels that count, or "sum". `lr`: the rate at the start; `stage_factors` multiply it in FCN-32s, 16s and
    8s of a staged run. `schedule`: "polynomial" decay to 0, or "constant". `bias_factor`: biases learn so many times faster; if it
    is not 1 they do not decay either, as in the reference. `head_factor`: what is not in the trunk learns so many times faster.
    `learns`: "all" of the network, only the "heads" on the trunk, or only the "scores" (FCN-32s-fixed of Table 2 is 32s and "scores").
    `size`: the side of square crops, or their (height, width); None for whole pictures. `accumulate`: batches whose gradients are added before a step.
    `class_weights`: one number a class in the loss, or None. `keep_cells`: the share of the network's coarsest cells whose pixels
    count in the loss, drawn anew each step (the paper's section 3.4 and 4.3); with `balance_cells` those of rare classes are
    likelier to be kept, so that each class's cells come equally often. `augmentation`: what is varied in the pictures.
    `balance`: "pictures" come equally often, or "classes" do.
    """

    loss: str = "mean"
    optimizer: str = "sgd"
    lr: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 0.0
    bias_factor: float = 1.0
    head_factor: float = 1.0
    learns: str = "all"
    schedule: str = "polynomial"
    stage_factors: tuple[float, ...] = (1.0, 0.4, 0.4)
    batch: int = 8
    size: Size | None = 128
    accumulate: int = 1
    class_weights: tuple[float, ...] | None = None
    keep_cells: float = 1.0
    balance_cells: bool = False
    augmentation: Augmentation = field(default=Augmentation())
    balance: str = "pictures"

    def __post_init__(self) -> None:
        for name, choices in (
            ("loss", LOSSES),
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("learns", LEARNERS),
        ):
            if getattr(self, name) not in choices:
                raise TrainingError(f"recipe: {name} is {getattr(self, name)!r}; choose one of {', '.join(choices)}")
        if not (whole(self.batch) and whole(self.accumulate)) or self.batch < 1 or self.accumulate < 1:
            raise TrainingError(
                f"recipe: batch {self.batch!r}, accumulate {self.accumulate!r}; both must be at least 1"
            )
        for name in ("lr", "momentum", "weight_decay", "bias_factor", "head_factor", "keep_cells"):
            if not isinstance(getattr(self, name), Real):
                raise TrainingError(f"recipe: {name} is {getattr(self, name)!r}; expected a number")
        self.check_class_weights()
        if not 0 < self.keep_cells <= 1:
            raise TrainingError(f"recipe: keep_cells is {self.keep_cells}; expected a share above 0, up to 1")
        if self.balance_cells and self.keep_cells == 1:
            raise TrainingError(
                "recipe: balance_cells chooses which cells are kept, but keep_cells is 1 and all are; give a share, such as 0.5"
            )
        if not all(v > 0 for v in (self.lr, self.bias_factor, self.head_factor)) or not self.weight_decay >= 0:
            raise TrainingError(
                f"recipe: lr {self.lr}, bias_factor {self.bias_factor}, head_factor {self.head_factor} must be above 0, "
                f"weight_decay {self.weight_decay} not below"
            )

    def check_class_weights(self) -> None:
        weights = self.class_weights
        if weights is None:
            return
        fit = isinstance(weights, Sequence) and all(isinstance(each, Real) and 0 <= each < inf for each in weights)
        if not fit or not any(weights):
            raise TrainingError(
                f"recipe: class_weights is {weights!r}; expected one number a class, of at least 0 and not all 0, or None"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON keeps them."""
        mine = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return mine | {"augmentation": self.augmentation.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Recipe":
        """What `to_dict` gave."""
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**plain | {"augmentation": Augmentation.from_dict(values["augmentation"])})

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of step number `step` of `steps`, from 0 on: lr·(1 - step / steps)^0.9, or lr throughout."""
        return self.lr if self.schedule == "constant" else self.lr * (1 - step / steps) ** 0.9

    def mean_of(self, pixels: float) -> "Recipe":
        """The mean-loss recipe that takes the same steps as this summed one on pictures of so many valid pixels.

        The gradient of the mean is `pixels` times smaller, so the rate is as much larger; weight decay stands beside the gradient
        and shrinks with it. Exact for a batch of one picture with exactly so many valid pixels.
        """
        return replace(self, loss="mean", lr=self.lr * pixels, weight_decay=self.weight_decay / pixels)

    def optimiser(self, model: FCN) -> Optimiser:
        """For the parameters of `model` that are trained, in groups where some learn faster. The others are frozen: `freeze`."""
        freeze(model, self.learns)
        groups = parameter_groups(model, self.bias_factor, self.head_factor)
        if self.optimizer == "sgd":
            return SGD(groups, self.lr, self.momentum, self.weight_decay)
        return Adam(groups, self.lr, weight_decay=self.weight_decay)


# Chosen on the synthetic set, FCN-32s over tiny, 200 to 300 steps: SGD 0.05 reached the lowest loss (0.01: slower, 0.1: higher); Adam at
# 1e-3 moved the wide fc6 so far in its first steps that its outputs grew tenfold, and stayed behind.
MODERN = Recipe()
ADAM_RATE = 3e-4

# The reference's solver files: one whole picture a step, the loss summed over its pixels, so the rate looks tiny.
PAPER = Recipe(
    loss="sum",
    lr=1e-10,
    momentum=0.99,
    weight_decay=5e-4,
    bias_factor=2.0,
    schedule="constant",
    stage_factors=(1.0, 1e-2, 1e-4),
    batch=1,
    size=None,
    augmentation=Augmentation(mirror=False),
)

# Found on training pictures kept for it (VOC at 256 pixels, seven classes, SqueezeNet's ImageNet weights under FCN-4s): classes equally often, which
# cows and sheep need, were worth 3.5 points of mean IU, crops of the pictures' own shape a quarter of the time. VOC_SUBSET.md has all that was tried.
VOC_SUBSET = Recipe(
    optimizer="adam",
    lr=1e-4,
    head_factor=10.0,
    batch=8,
    size=(192, 256),
    augmentation=Augmentation(scale=(0.7, 1.6), colour=0.2),
    balance="classes",
)

# Found from voc7 on three small sets that differ: 40 vehicles of VOC, 23 pictures of VOC of 64 to 176 pixels, 90 drawn streets of eleven
# classes, each network seeing as many pixels. Batches of four beat eight every time (mean IU 49.6 and 44.7, 66.5 and 63.9). Adam at 1e-4
# and ten times that for the heads was best for vehicles, 3e-4 and three times for streets; this lies between.
FINE_TUNE = Recipe(
    optimizer="adam",
    lr=2e-4,
    head_factor=5.0,
    batch=4,
    augmentation=Augmentation(scale=(0.7, 1.5), colour=0.2),
)

RECIPES = {
    "modern": "mean loss, SGD 0.05 with momentum 0.9 (or Adam 3e-4), the rate falling to 0, eight crops a step, mirrored",
    "paper": "the reference's: summed loss, one whole picture a step, rates 1e-10, 1e-12, 1e-14, momentum 0.99, biases twice as fast",
    "paper-mean": "the same steps in mean loss: the rate times, the weight decay divided by, the valid pixels of a picture",
    "voc-subset": "for a trunk that was trained on ImageNet: mean loss, Adam 1e-4, ten times that for what is new, 8 crops of 192x256 pixels, scaled, recoloured, classes equally often",
    "fine-tune": "for a whole network that is trained already, which --init brings (its default): mean loss, Adam 2e-4, five times that for what is new, 4 whole pictures, scaled, recoloured",
}


def named_recipe(name: str, pixels: float) -> Recipe:
    """A preset; `pixels`, the mean number of valid pixels in a training picture, converts `paper-mean`."""
    if name not in RECIPES:
        raise TrainingError(f"recipe: there is none called {name!r}{instead(name, RECIPES)}")
    return {"modern": MODERN, "paper": PAPER, "voc-subset": VOC_SUBSET, "fine-tune": FINE_TUNE}.get(
        name
    ) or PAPER.mean_of(pixels)
