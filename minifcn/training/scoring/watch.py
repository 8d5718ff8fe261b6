"""The score on training pictures and on validation pictures while a training goes on: two curves that part show learning by heart.

Looking moves nothing: the network is in eval() meanwhile, nothing random is drawn, and no weight is written. Nor does it choose anything:
the network that is kept as the best one is chosen by the whole validation split at the end of a stage.
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minifcn.data.dataset import Dataset
from minifcn.data.resized import Resized
from minifcn.models import FCN
from minifcn.training.loop import Step
from minifcn.training.scoring.evaluate import predict
from minifcn.training.scoring.metrics import confusion, scores

SHARE = 0.05  # of the time that training takes
PICTURES = 16  # of each set: the same ones every time, so that a curve moves with the network alone
POINTS = 20  # at most, a stage


class Point(NamedTuple):
    """Scores after step `step` of a stage, as fractions: mean IU and pixel accuracy, of training and of validation pictures.

    `train_classes`, `val_classes`: how many classes the labels of these pictures show; of one alone a mean IU says nothing.
    """

    step: int
    train_iu: float
    val_iu: float
    train_accuracy: float
    val_accuracy: float
    seconds: float
    train_classes: float = math.nan
    val_classes: float = math.nan


class Few:
    """Some pictures of `dataset`, spread evenly over it."""

    def __init__(self, dataset: Dataset, most: int) -> None:
        self.dataset = dataset
        self.numbers = np.linspace(0, len(dataset) - 1, min(most, len(dataset))).round().astype(int).tolist()

    def __len__(self) -> int:
        return len(self.numbers)

    def picture(self, i: int) -> np.ndarray:
        return self.dataset.picture(self.numbers[i])

    def labels(self, i: int) -> np.ndarray:
        return self.dataset.labels(self.numbers[i])


class Watch:
    """A callback of `fit`: `fit(model, data, steps=300, callbacks=[Watch(model, data, more_data, steps=300)])`. `.points` is the curve.

    `every`: so many steps apart, and after the last; None: as often as `SHARE` of the time allows; 0: never. Of each set `PICTURES`
    pictures are looked at, at the size that the network knows. `told` is called with each Point.
    """

    def __init__(
        self,
        model: FCN,
        train_set: Dataset,
        val_set: Dataset,
        *,
        steps: int,
        every: int | None = None,
        told: Callable[[Point], Any] | None = None,
    ) -> None:
        self.model, self.steps, self.every, self.told = model, steps, every, told
        self.sets = [sample(each, model.picture_size) for each in (train_set, val_set)]
        self.points: list[Point] = []
        self.trained = self.spent = self.cost = 0.0  # seconds: of the steps so far, of looking, of looking once

    def __call__(self, step: Step) -> None:
        self.trained += step.seconds
        if step.ahead or not self.due(step):  # weights that are ahead of their step are not that step's
            return
        began = time.perf_counter()
        train, val = (quick_scores(self.model, each) for each in self.sets)
        self.cost = time.perf_counter() - began
        self.spent += self.cost
        self.points.append(Point(step.step, train[0], val[0], train[1], val[1], self.cost, train[2], val[2]))
        if self.told:
            self.told(self.points[-1])

    def due(self, step: Step) -> bool:
        """Whether to look after this step."""
        last = step.step == self.steps
        if self.every is not None:
            return self.every > 0 and (last or step.step % self.every == 0)
        # before the first look: a step goes forward and backward, which takes a picture three times as long as forward alone
        cost = self.cost or sum(map(len, self.sets)) / step.images_per_second / 2
        return (last or step.step % max(1, self.steps // POINTS) == 0) and self.spent + cost <= SHARE * self.trained


def sample(dataset: Dataset, picture_size: int | None) -> Dataset:
    """The pictures of `dataset` that are looked at, made as large as those that the network knows."""
    few = Few(dataset, PICTURES)
    return Resized(few, picture_size) if picture_size else few


def quick_scores(model: FCN, dataset: Dataset) -> tuple[float, float, int]:
    """Mean IU and pixel accuracy over `dataset`, as fractions, NaN where no pixel counts; how many classes its labels show."""
    names: Sequence[str] = model.class_names
    total = np.zeros((len(names), len(names)), np.int64)
    for number in range(len(dataset)):
        total += confusion(dataset.labels(number), predict(model, dataset.picture(number)), len(names))
    found = scores(total, names)
    iu, accuracy = (math.nan if found[key] is None else found[key] for key in ("mean_iu", "pixel_accuracy"))
    return iu, accuracy, int(np.count_nonzero(total.sum(1)))
