"""What is minimised in a step: which pixels count, with which weight, divided by what."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minifcn import backend, ops
from minifcn.autodiff.engine import Tensor
from minifcn.data.dataset import Dataset
from minifcn.data.labels import VOID
from minifcn.data.voc import in_threads
from minifcn.training.recipes import Recipe


def divisor(batches: Sequence[np.ndarray], recipe: Recipe) -> float:
    """What the summed loss of all `batches` of labels is divided by: 1 for "sum", else the weight of all pixels that count."""
    return divisor_of(total_weight(batches, recipe), recipe)


def divisor_of(weight: float, recipe: Recipe) -> float:
    """As `divisor`, for the weight of all pixels that count."""
    # of nothing but void the loss is 0, whatever it is divided by
    return 1.0 if recipe.loss == "sum" else weight or 1.0


def total_weight(batches: Sequence[np.ndarray], recipe: Recipe) -> float:
    """The sum of the class weights of all pixels that count; how many they are, where there are no class weights."""
    if recipe.class_weights is None:
        return float(counted(batches))
    weights = np.asarray(recipe.class_weights)
    return float(sum(weights[labels[labels != VOID]].sum() for labels in batches))


def counted(batches: Sequence[np.ndarray]) -> int:
    """How many pixels of all `batches` of labels count."""
    return sum(labels.size - int(np.count_nonzero(labels == VOID)) for labels in batches)


def loss_of(scores: Tensor, labels: np.ndarray, recipe: Recipe, over: float) -> Tensor:
    """The summed, weighted cross-entropy of one batch, divided by `over`."""
    labels = backend.to_device(labels, scores.device)
    return summed_loss(scores, labels, weight_of(recipe, scores), check=True) * (1 / over)


def summed_loss(scores: Tensor, labels: Any, weight: Any, check: bool) -> Tensor:
    """The summed, weighted cross-entropy of one batch. `check`: see that the labels are right, for which a GPU has to be waited for."""
    return ops.softmax_cross_entropy(scores, labels, weight, reduction="sum", check=check)


def weight_of(recipe: Recipe, like: Tensor) -> Any:
    """The class weights, (C,) with the dtype and device of `like`, or None."""
    if recipe.class_weights is None:
        return None
    return backend.to_device(np.asarray(recipe.class_weights, like.dtype), like.device)


def class_counts(dataset: Dataset, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """For each class its pixels, and all pixels, void left out, of the pictures that show it: (C,) twice. Reads every label file."""

    def count(i: int) -> np.ndarray:
        return np.bincount(dataset.labels(i).reshape(-1), minlength=256)[:classes]

    counts = np.array(in_threads(count, range(len(dataset))))  # (pictures, C)
    return counts.sum(0), np.where(counts > 0, counts.sum(1, keepdims=True), 0).sum(0)


def median_frequency(pixels: np.ndarray, pictures: np.ndarray) -> tuple[float, ...]:
    """Class weights median(f) / f_c: a class's frequency f_c is its `pixels` over all pixels of the pictures that show it, `pictures`.

    Both (C,). A class that never occurs gets weight 1. Eigen & Fergus 2015, section 6.3.2.
    """
    present = pixels > 0
    frequency = np.divide(pixels, pictures, out=np.ones(len(pixels)), where=present)
    if not present.any():
        return (1.0,) * len(pixels)
    return tuple(float(v) for v in np.where(present, np.median(frequency[present]) / frequency, 1.0))
