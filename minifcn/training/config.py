"""Everything that decides what a run computes; written to config.json and compared on --resume."""

from dataclasses import asdict, dataclass, field
from typing import Any

from minifcn.models import ARCHITECTURES
from minifcn.training.loop import TrainingError

STAGED = ("fcn32s", "fcn16s", "fcn8s")
# Chosen on the synthetic set, FCN-32s over tiny, 200 to 300 steps: SGD 0.05 reached the lowest loss (0.01: slower, 0.1: higher); Adam at
# 1e-3 moved the wide fc6 so far in its first steps that its outputs grew tenfold, and stayed behind.
LEARNING_RATES = {"sgd": 0.05, "adam": 3e-4}
STAGE_FACTORS = (1.0, 0.4, 0.4)  # a finer net starts from a trained one: smaller steps than for a fresh one


@dataclass(frozen=True)
class Config:
    """The options of `minifcn train`, resolved: no None where a default applies. `steps` counts per stage."""

    data: str
    train_split: str
    val_split: str
    classes: dict[str, Any]
    arch: str = "staged"
    backbone: str = "tiny"
    width: int | None = None
    padding: str = "same"
    init: str | None = None
    size: int = 128
    batch: int = 8
    steps: int = 300
    optimizer: str = "sgd"
    lr: float = LEARNING_RATES["sgd"]
    momentum: float = 0.9
    weight_decay: float = 0.0
    seed: int = 0
    limit: int | None = None
    stage_factors: tuple[float, ...] = field(default=STAGE_FACTORS)

    def __post_init__(self) -> None:
        if self.arch != "staged" and self.arch not in ARCHITECTURES:
            raise TrainingError(f"--arch {self.arch}: choose staged or one of {', '.join(ARCHITECTURES)}")
        if self.optimizer not in LEARNING_RATES:
            raise TrainingError(f"--optimizer {self.optimizer}: choose one of {', '.join(LEARNING_RATES)}")

    @property
    def stages(self) -> tuple[str, ...]:
        return STAGED if self.arch == "staged" else (self.arch,)

    def stage_lr(self, number: int) -> float:
        """The learning rate that stage `number` starts with."""
        return self.lr * (self.stage_factors[number] if self.arch == "staged" else 1.0)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"stage_factors": list(self.stage_factors)}


def differences(saved: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """What differs between two configurations, in the words of the command line."""

    def shown(value: Any) -> Any:
        if isinstance(value, dict) and "names" in value:
            return f"{','.join(value['names'])} (others {value['others']})"
        return repr(value)

    return [
        f"--{name.replace('_', '-')} was {shown(saved.get(name))}, now {shown(wanted.get(name))}"
        for name in sorted(saved.keys() | wanted.keys())
        if saved.get(name) != wanted.get(name)
    ]
