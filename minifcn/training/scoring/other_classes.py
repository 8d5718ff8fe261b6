"""What a network makes of classes that it does not know: a bus is no horse, whatever part of it looks like one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minifcn.data import VOCFolder
from minifcn.data.classes import is_background


class OtherClass(NamedTuple):
    """A class of the labels that is none of the model's: its pixels, and of them the share that was called each of the model's classes."""

    name: str
    pixels: int
    called: Counter[str]  # of these pixels, how many each of the model's classes got, without background

    @property
    def taken_for(self) -> dict[str, float]:
        """Their shares, the largest first."""
        return {known: count / self.pixels for known, count in self.called.most_common()}

    @property
    def wrong(self) -> float:
        """The share that was called anything but background."""
        return sum(self.taken_for.values())


class OtherClasses:
    """For `evaluate(seen=…)`: counts the pixels of classes that the class map of `dataset` leaves out, by what they were taken for.

    `names`: what the label values are called. A picture's labels are read once more, for `evaluate` has them mapped already.
    """

    def __init__(self, dataset: VOCFolder, names: Mapping[int, str]) -> None:
        self.dataset, self.names = dataset, names
        known = dataset.class_map.names
        self.values = dataset.class_map.unknown if any(map(is_background, known)) else []
        self.matrix = np.zeros((256, len(known)), np.int64)  # a label value, a predicted class

    def __call__(self, number: int, matrix: np.ndarray, prediction: np.ndarray) -> None:
        if not self.values:  # no label file is read for nothing
            return
        classes = self.matrix.shape[1]
        pairs = self.dataset.numbers(number).astype(np.int64) * classes + prediction
        self.matrix += np.bincount(pairs.ravel(), minlength=256 * classes).reshape(256, classes)

    def found(self) -> list[OtherClass]:
        """Those that occur, the most often wrong first; none where the model has no background or knows all classes."""
        there = (value for value in self.values if self.matrix[value].any())
        named = ((self.names.get(value, f"number {value}"), self.matrix[value]) for value in there)
        found = (other(name, row, self.dataset.class_map.names) for name, row in named)
        return sorted(found, key=lambda each: -each.wrong)


def other(name: str, row: np.ndarray, names: Sequence[str]) -> OtherClass:
    """An OtherClass of a row of counts, one a class of the model."""
    called = {known: int(count) for known, count in zip(names, row, strict=True) if count and not is_background(known)}
    return OtherClass(name, int(row.sum()), Counter(called))


def together(others: Sequence[OtherClass]) -> OtherClass:
    """All of them as one."""
    called = sum((each.called for each in others), Counter[str]())
    return OtherClass("all of them", sum(each.pixels for each in others), called)
