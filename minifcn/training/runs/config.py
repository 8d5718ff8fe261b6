"""Everything that decides what a run computes; written to config.json and compared on --resume."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from minifcn.data.dataset import Dataset
from minifcn.data.resized import Kept, Resized
from minifcn.models import ARCHITECTURES
from minifcn.names import instead
from minifcn.training.errors import TrainingError
from minifcn.training.recipes import MODERN, Recipe

STAGED = {"staged": ("fcn32s", "fcn16s", "fcn8s"), "staged-4s": ("fcn32s", "fcn16s", "fcn8s", "fcn4s")}


@dataclass(frozen=True)
class Config:
    """The options of `minifcn train`, resolved: no None where a default applies. `steps` counts per stage.

    `longer_side`: what training pictures are resized to before they are varied; None leaves them. `bits`: how many of pictures of 16 bits
    hold something; None: all. `derived`: the fields that nobody gave,
    worked out from the model of `init` and the pictures; a run that is resumed takes them from its config.json.
    """

    data: str
    train_split: str
    val_split: str
    classes: dict[str, Any]
    arch: str = "staged"
    backbone: str = "tiny"
    width: int | None = None
    padding: str = "same"
    fusion: str = "sum"
    learn_upsampling: bool = False
    init: str | None = None
    trunk: str | None = None
    picture_size: int | None = None
    longer_side: int | None = None
    steps: int = 300
    seed: int = 0
    limit: int | None = None
    bits: int | None = None
    derived: tuple[str, ...] = ()
    recipe: Recipe = field(default=MODERN)

    def __post_init__(self) -> None:
        if self.arch not in STAGED and self.arch not in ARCHITECTURES:
            raise TrainingError(f"--arch {self.arch}{instead(self.arch, [*STAGED, *ARCHITECTURES])}")
        if self.init and self.trunk:
            raise TrainingError("--init brings a whole network and --trunk only its first layers; give one of them")

    @property
    def stages(self) -> tuple[str, ...]:
        return STAGED.get(self.arch, (self.arch,))

    def training_pictures(self, train_set: Dataset) -> Dataset:
        """`train_set` as it is trained on, before anything is varied."""
        return Resized(train_set, self.longer_side) if self.longer_side else Kept(train_set)

    def stage_recipe(self, number: int) -> Recipe:
        """The recipe of stage `number`: a staged run slows down from stage to stage."""
        factors = self.recipe.stage_factors
        factor = factors[min(number, len(factors) - 1)] if self.arch in STAGED else 1.0
        return replace(self.recipe, lr=self.recipe.lr * factor)

    def to_dict(self) -> dict[str, Any]:
        """Flat: the recipe's fields stand beside the others."""
        mine = {name: value for name, value in asdict(self).items() if name != "recipe"}
        return mine | {"derived": list(self.derived)} | self.recipe.to_dict()


SEAL = "sha256"  # in config.json: what the options were when they were written
BESIDE = ("minifcn", "run", SEAL)  # what stands in config.json and is no option


def seal(saved: dict[str, Any]) -> str:
    """A digest of the options in a config.json: a run that goes on takes some from there, and damage must not choose others."""
    options = {name: value for name, value in saved.items() if name not in BESIDE}
    return hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()


def differences(saved: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """What differs between two configurations, in the words of the command line."""

    def shown(name: str, value: Any) -> Any:
        if isinstance(value, dict) and "names" in value:
            # what does not tell the two apart is left out
            both: list[dict[str, Any]] = [
                found if isinstance(found := each.get(name), dict) else {} for each in (saved, wanted)
            ]
            rest = [key for key in ("values", "void", "known") if both[0].get(key) != both[1].get(key)]
            said = "".join(f", {key} {value.get(key, [])}" for key in rest)
            names = value["names"] if isinstance(value["names"], list | tuple) else [value["names"]]
            return f"{','.join(map(str, names))} (others {value.get('others')}{said})"
        return repr(value)

    return [
        f"--{name.replace('_', '-')} was {shown(name, saved.get(name))}, now {shown(name, wanted.get(name))}"
        for name in sorted((saved.keys() | wanted.keys()) - {"derived"})
        if saved.get(name) != wanted.get(name)
    ]
