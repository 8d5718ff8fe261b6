"""How good can a coarse prediction be? True labels made coarse, enlarged back and scored as if they were predicted.

arXiv version 2 of the paper, appendix A. It does not say how the labels were interpolated; two ways are offered here.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from minifcn.data.labels import VOID
from minifcn.kernels.whole import whole
from minifcn.training.scoring.metrics import confusion

WAYS = ("nearest", "majority")


class Bound(NamedTuple):
    """Scores as fractions over all pictures together; None where no pixel is labelled."""

    mean_iu: float | None
    pixel_accuracy: float | None


def coarse(labels: np.ndarray, factor: int, way: str = "majority") -> np.ndarray:
    """One label for each block of `factor` x `factor` pixels: uint8 (H, W) -> uint8 (H / factor, W / factor), rounded up.

    Blocks count from the top left; the last ones may be cut off by the picture's edge. "nearest": the label of the pixel in the middle of
    the block, void like any other. "majority": the most frequent class, the lowest number of equals; void only where nothing else is.
    Raises ValueError for another rank or dtype, a factor below 1, or an unknown way.
    """
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.dtype != np.uint8 or not labels.size:
        raise ValueError(
            f"coarse: labels are {labels.dtype} {labels.shape}; expected a label map, uint8 (H, W), not empty"
        )
    if not whole(factor) or factor < 1:
        raise ValueError(f"coarse: factor is {factor!r}; expected an integer of at least 1")
    if way not in WAYS:
        raise ValueError(f"coarse: way is {way!r}; choose one of {', '.join(WAYS)}")
    if way == "nearest":
        rows, columns = (middles(length, factor) for length in labels.shape)
        return labels[np.ix_(rows, columns)]
    return most_frequent(labels, factor)


def middles(length: int, factor: int) -> np.ndarray:
    """The middle place of each block along an axis; of an even block the second of its two."""
    starts = np.arange(0, length, factor)
    return (starts + np.minimum(starts + factor, length)) // 2


def most_frequent(labels: np.ndarray, factor: int) -> np.ndarray:
    h, w = (-(-length // factor) for length in labels.shape)
    row, column = (np.arange(length) // factor for length in labels.shape)
    block = row[:, None] * w + column  # of each pixel
    counted = labels != VOID
    classes = int(labels[counted].max(initial=0)) + 1
    votes = np.bincount((block * classes + labels)[counted], minlength=h * w * classes).reshape(h, w, classes)
    return np.where(votes.any(2), votes.argmax(2), VOID).astype(np.uint8)


def enlarged(labels: np.ndarray, factor: int, size: tuple[int, int]) -> np.ndarray:
    """Each label of a coarse map for its whole block again: uint8 (h, w) -> uint8 `size` = (H, W)."""
    return labels.repeat(factor, 0).repeat(factor, 1)[: size[0], : size[1]]


def upper_bounds(
    labels: Iterable[np.ndarray], factors: Sequence[int], classes: int, way: str = "majority"
) -> dict[int, Bound]:
    """The Bound of each factor, over all `labels`, uint8 maps (H, W) of `classes` classes and 255. Each map is asked for once.

    One confusion matrix a factor, as for a network's predictions. Where the coarse map says void, a labelled pixel is missed: it counts
    as true and for no class as predicted. "majority" is the best pixel accuracy that one label a block can have; mean IU could be a
    little higher with labels that favour rare classes. Raises ValueError where a map, a factor or the way makes no sense.
    """
    matrices = {factor: np.zeros((classes + 1, classes + 1), np.int64) for factor in factors}  # the last: missed
    for truth in labels:
        highest = np.where(truth == VOID, 0, truth).max(initial=0)
        if highest >= classes:
            raise ValueError(f"upper_bounds: labels reach {highest}; expected 0 to {classes - 1}, or 255")
        for factor, matrix in matrices.items():
            found = enlarged(coarse(truth, factor, way), factor, truth.shape)
            matrix += confusion(truth, np.where(found == VOID, classes, found), classes + 1)
    return {factor: bound(matrix) for factor, matrix in matrices.items()}


def upper_bound(labels: Iterable[np.ndarray], factor: int, classes: int, way: str = "majority") -> Bound:
    """The Bound of one factor, as `upper_bounds`."""
    return upper_bounds(labels, [factor], classes, way)[factor]


def bound(matrix: np.ndarray) -> Bound:
    """Scores of a confusion matrix (C + 1, C + 1) whose last column holds missed pixels; no pixel is truly of that class."""
    correct, true, predicted = matrix.diagonal()[:-1], matrix.sum(1)[:-1], matrix.sum(0)[:-1]
    union = true + predicted - correct
    if not true.sum():
        return Bound(None, None)
    return Bound(float((correct[union > 0] / union[union > 0]).mean()), float(correct.sum() / true.sum()))
