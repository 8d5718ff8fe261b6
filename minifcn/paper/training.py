"""What the experiments share: a small labelled set, and a network trained on it and scored."""

import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from minifcn import backend
from minifcn.data import ClassMap, VOCFolder, make_synthetic
from minifcn.data.dataset import Dataset
from minifcn.data.synthetic.painting import SHAPE_CLASSES
from minifcn.models import FCN, build
from minifcn.training import fit

RECIPE: dict[str, Any] = dict(lr=0.1, batch=8, size=None)  # the demo's rate; whole pictures, since they are small


class Held:
    """A Dataset in memory: an experiment sees each of its pictures many times."""

    def __init__(self, data: Dataset) -> None:
        self.pictures = [data.picture(i) for i in range(len(data))]
        self.truths = [data.labels(i) for i in range(len(data))]

    def __len__(self) -> int:
        return len(self.pictures)

    def picture(self, i: int) -> np.ndarray:
        return self.pictures[i]

    def labels(self, i: int) -> np.ndarray:
        return self.truths[i]


@lru_cache(maxsize=4)
def synthetic_data(train: int = 200, val: int = 60, size: tuple[int, int] = (64, 96)) -> tuple[Held, Held]:
    """`train` and `val` pictures of `size` (height, width) of the synthetic set: (train_set, val_set). Drawn once, then kept.

    Its classes are background and eight shapes; `SHAPE_CLASSES` names them.
    """
    classes = ClassMap.own(SHAPE_CLASSES)
    with tempfile.TemporaryDirectory(prefix="minifcn-paper-") as folder:
        root = make_synthetic(Path(folder) / "synthetic", train, val, size)
        return Held(VOCFolder(root, "train", classes)), Held(VOCFolder(root, "val", classes))


def small_network(architecture: str, seed: int, width: int = 8, **options: Any) -> FCN:
    """`architecture` (a name as for `build`) over tiny for the shapes, its weights drawn from `seed`. Options as in `FCN`."""
    backend.manual_seed((seed, 1))
    return build(
        architecture, backbone="tiny", num_classes=len(SHAPE_CLASSES), width=width, class_names=SHAPE_CLASSES, **options
    )


def trained(model: FCN, data: tuple[Dataset, Dataset], steps: int, seed: int, **changes: Any) -> dict[str, Any]:
    """Train `model` in place on data[0] for `steps` steps, and score it on data[1]: the scores, as `evaluate` names them.

    `seed` decides batches and dropout; the weights the model starts with are the caller's, as of `small_network`. `changes`: fields of a
    Recipe that differ from RECIPE on top of recipes.MODERN. `losses`, one a step, stands beside the scores.
    """
    history = fit(model, data[0], steps=steps, seed=seed, validation=data[1], **{**RECIPE, **changes})
    assert history.scores is not None  # a validation set was given
    return history.scores | {"losses": history.losses}
