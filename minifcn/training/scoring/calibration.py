"""Is 90 % right nine times in ten? Confidence held against what was right, and the temperature that brings the two together.

Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern neural networks": a network that was trained until its loss was small is surer
than it is right. Its scores divided by one number T leave every pixel its class and make softmax(scores / T) honest. T belongs to the network,
and is fitted on pictures that it was not trained on. All scores are sums of what the score layers give, so T goes into their weights: the
file, the plan and an export know nothing of it and are right.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from minifcn.data import VOID
from minifcn.data.dataset import Dataset
from minifcn.models import FCN
from minifcn.training.errors import TrainingError
from minifcn.training.scoring.evaluate import ONE_SCALE, evaluating, scales_for, size_for, views_of
from minifcn.training.scoring.winners import averaged, resized, softmax

BINS = 15  # as in Guo et al.
PIXELS = 200_000  # that a temperature is fitted on: more move its third digit no longer
COLDEST, HOTTEST = 0.05, 20.0  # no network that learned something lies beyond


@dataclass(frozen=True)
class Reliability:
    """Pixels by how sure the network was, in `BINS` bins of equal width from 0 to 1; void is not counted.

    `pixels`: int64 (BINS,), how many. `confidence`: float64 (BINS,), the sum of the probabilities of the classes that were shown; `right`:
    int64 (BINS,), of how many that was the true one.
    """

    pixels: np.ndarray
    confidence: np.ndarray
    right: np.ndarray

    @property
    def error(self) -> float | None:
        """The expected calibration error: |share right - mean confidence| of each bin, weighted by its pixels. None without pixels."""
        total = int(self.pixels.sum())
        return float(np.abs(self.right - self.confidence).sum() / total) if total else None

    @property
    def nine_in_ten(self) -> tuple[int, float] | None:
        """(pixels, share right) in the bin round 90 %, from 87 to 93 %; None where there are none."""
        near = int(0.9 * BINS)
        pixels = int(self.pixels[near])
        return (pixels, float(self.right[near] / pixels)) if pixels else None


def reliability(
    model: FCN,
    dataset: Dataset,
    progress: Callable[[], Any] | None = None,
    *,
    size: int | str = "known",
    mirror: bool = False,
    scales: Sequence[float] = ONE_SCALE,
) -> Reliability:
    """How sure `model` is of each pixel of `dataset`, and how often it is right. The arguments are those of `evaluate`."""
    pixels, right, confidence = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64), np.zeros(BINS)
    for labels, views in looked_at(model, dataset, progress, size, mirror, scales):
        found = averaged(views, labels.shape, slice(0, len(labels)))
        counted = labels != VOID
        sure = found.max(0)[counted].astype(np.float64)
        hit = (found.argmax(0) == labels)[counted]
        place = np.minimum((sure * BINS).astype(int), BINS - 1)
        pixels += np.bincount(place, minlength=BINS)
        right += np.bincount(place[hit], minlength=BINS)
        confidence += np.bincount(place, sure, minlength=BINS)
    return Reliability(pixels, confidence, right)


def looked_at(
    model: FCN,
    dataset: Dataset,
    progress: Callable[[], Any] | None,
    size: int | str,
    mirror: bool,
    scales: Sequence[float],
) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """(labels, the scores of all views) of each picture, the next one decoded meanwhile."""
    from minifcn.data.loader import ahead  # threads need modules that a single prediction can do without

    def load(number: int) -> tuple[np.ndarray, np.ndarray]:
        return dataset.labels(number), dataset.picture(number)

    with closing(ahead(load, len(dataset))) as pictures, evaluating(model):
        for labels, picture in pictures:
            wanted = size_for(model, picture) if size == "known" else None if size == "own" else int(size)
            yield labels, views_of(model, picture, mirror, scales_for(picture, scales, wanted))
            if progress:
                progress()


def fitted_temperature(model: FCN, dataset: Dataset, progress: Callable[[], Any] | None = None) -> float:
    """The T for which softmax(scores / T) gives the labels of `dataset` the least loss; above 1: the network was too sure.

    `dataset`: pictures that `model` was not trained on. At most `PIXELS` of their pixels are looked at, spread evenly. Raises TrainingError
    where no T is best, since those pixels are all right, or all of one class with all scores equal.
    """
    each = max(1, PIXELS // max(1, len(dataset)))
    scores, truth = [], []
    for labels, views in looked_at(model, dataset, progress, "known", False, ONE_SCALE):
        counted = np.flatnonzero(labels != VOID)
        chosen = counted[:: max(1, -(-len(counted) // each))]
        flat = resized(views[0], labels.shape, slice(0, len(labels))).reshape(len(views[0]), -1)
        scores.append(flat[:, chosen])
        truth.append(labels.ravel()[chosen])
    return best_temperature(np.concatenate(scores, 1), np.concatenate(truth))


def best_temperature(scores: np.ndarray, truth: np.ndarray) -> float:
    """As `fitted_temperature`, of pixels: scores (C, P), their classes (P,).

    The loss is convex in 1 / T. Its slope there is what the softmax expects the score to be, less the score of the true class: halving the
    range by the slope's sign, 50 times.
    """
    if not truth.size:
        raise TrainingError("temperature: every pixel is void; give pictures with labels")
    scores = scores.astype(np.float64)
    true = scores[truth, np.arange(truth.size)]

    def slope(factor: float) -> float:
        return float(((softmax(factor * scores) * scores).sum(0) - true).mean())

    low, high = 1 / HOTTEST, 1 / COLDEST
    if not slope(low) < 0 < slope(high):
        raise TrainingError(
            f"temperature: none from {COLDEST:g} to {HOTTEST:g} is best for these {truth.size:,} pixels: the network is right, or wrong, on nearly "
            "all of them; give more pictures, and such as it was not trained on"
        )
    for _ in range(50):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 1 / low


def at_temperature(model: FCN, temperature: float) -> FCN:
    """`model`, its score layers divided by `temperature` in place, so that softmax(scores) is what softmax(scores / T) was. `notes` says so."""
    for layer in (model.score_fr, *(skip.score for skip in model.skips)):
        for parameter in layer.parameters():
            parameter.data /= parameter.data.dtype.type(temperature)
            parameter.changed()
    before = float(model.notes.get("temperature", "1").partition(" ")[0])
    model.notes["temperature"] = f"{before * temperature:.4g} (scores were divided by it; minifcn eval --calibrate)"
    return model
