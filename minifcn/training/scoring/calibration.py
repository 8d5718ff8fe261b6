"""Is 90 % right nine times in ten? Confidence held against what was right, and the temperature that brings the two together.

Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern neural networks": a network that was trained until its loss was small is surer
than it is right. Its scores divided by one number T leave every pixel its class and make softmax(scores / T) honest. T belongs to the network,
and is fitted on pictures that it was not trained on. Guo et al. take the T of the least loss. A few whole objects under a wrong name weigh so much
in it that T makes all other pixels less sure than they are right. So ours is the T at which the mean confidence is the share that is right: Clarté,
Loureiro, Krzakala, Zdeborová 2023, "Expectation consistency for calibration of neural networks". All scores are sums of what the score layers give,
so T goes into their weights: the file, the plan and an export know nothing of it and are right.
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
from minifcn.training.scoring.evaluate import ONE_SCALE, Wanted, evaluating, pairs_of, scales_at, views_of
from minifcn.training.scoring.picture_tiles import strips
from minifcn.training.scoring.winners import averaged, resized_map, softmax_in_place

BINS = 15  # as in Guo et al.
PIXELS = 200_000  # that a temperature is fitted on: more move its third digit no longer
COLDEST, HOTTEST = 0.05, 20.0  # no network that learned something lies beyond
HALVINGS = 30  # of that range: the temperature is right to eight digits
DIVIDED = "scores were divided by it; minifcn eval --calibrate"


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
    size: Wanted = "known",
    mirror: bool = False,
    scales: Sequence[float] = ONE_SCALE,
) -> Reliability:
    """How sure `model` is of each pixel of `dataset`, and how often it is right. The arguments are those of `evaluate`."""
    pixels, right, confidence = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64), np.zeros(BINS)
    for labels, views in looked_at(model, dataset, progress, size, mirror, scales):
        for rows in strips(slice(0, len(labels)), len(views[0]) * labels.shape[1]):
            found, truth = averaged(views, labels.shape, rows), labels[rows]
            counted = truth != VOID
            sure = found.max(0)[counted].astype(np.float64)
            hit = (found.argmax(0) == truth)[counted]
            place = np.minimum((sure * BINS).astype(int), BINS - 1)
            pixels += np.bincount(place, minlength=BINS)
            right += np.bincount(place[hit], minlength=BINS)
            confidence += np.bincount(place, sure, minlength=BINS)
    return Reliability(pixels, confidence, right)


def looked_at(
    model: FCN,
    dataset: Dataset,
    progress: Callable[[], Any] | None,
    size: Wanted,
    mirror: bool,
    scales: Sequence[float],
) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """(labels, the scores of all views) of each picture, the next one decoded meanwhile."""
    with closing(pairs_of(dataset)) as pictures, evaluating(model):
        for labels, picture in pictures:
            yield labels, views_of(model, picture, mirror, scales_at(model, picture, scales, size))
            if progress:
                progress()


def fitted_temperature(
    model: FCN, dataset: Dataset, progress: Callable[[], Any] | None = None, *, size: Wanted = "known"
) -> float:
    """The T for which softmax(scores / T) is as sure of its classes, in the mean, as these are right in `dataset`; above 1: it was too sure.

    `dataset`: pictures that `model` was not trained on, each looked at in one view; `size` as in `evaluate`. About `PIXELS` of their pixels
    count, drawn at random, the same ones each time. Raises TrainingError where there is no such T.
    """
    each = max(1, PIXELS // max(1, len(dataset)))
    scores, truth = [np.zeros((len(model.class_names), 0), np.float32)], [np.zeros(0, np.uint8)]
    for number, (labels, views) in enumerate(looked_at(model, dataset, progress, size, False, ONE_SCALE)):
        counted = np.flatnonzero(labels != VOID)
        # every n-th pixel may be one column of the picture
        chosen = np.random.default_rng(number).choice(counted, min(each, len(counted)), replace=False)
        whole = slice(0, len(labels))
        scores.append(np.stack([resized_map(one, labels.shape, whole).ravel()[chosen] for one in views[0]]))
        truth.append(labels.ravel()[chosen])
    return best_temperature(np.concatenate(scores, 1), np.concatenate(truth))


def best_temperature(scores: np.ndarray, truth: np.ndarray) -> float:
    """As `fitted_temperature`, of pixels: scores (C, P), their classes (P,). The hotter, the less sure: the range is halved by which is more."""
    if not truth.size:
        raise TrainingError("temperature: every pixel is void; give pictures with labels")
    right = float(np.mean(scores.argmax(0) == truth))

    def too_sure(factor: float) -> bool:
        sure = 0.0
        for some in strips(slice(0, truth.size), len(scores)):
            sure += float(softmax_in_place(factor * scores[:, some].astype(np.float64)).max(0).sum())
        return sure / truth.size > right

    low, high = 1 / HOTTEST, 1 / COLDEST
    hottest = too_sure(low)
    if hottest or not too_sure(high):
        raise TrainingError(
            f"temperature: none from {COLDEST:g} to {HOTTEST:g} makes it as sure as it is right on these {truth.size:,} pixels: "
            f"{why_none(scores, right, hottest)}"
        )
    for _ in range(HALVINGS):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if too_sure(middle) else (middle, high)
    return 1 / low


def why_none(scores: np.ndarray, right: float, too_sure: bool) -> str:
    """What to say of pixels for which there is no temperature; `right`: the share that is; `too_sure`: whether it is so even at the hottest."""
    if not np.ptp(scores, 0).any():
        return "all classes have the same score everywhere; train the network first"
    said = f"the network is right on {100 * right:.1f} % of them"
    if not too_sure:
        return (
            f"{said}, and the surer it is the better; give pictures on which it errs too, such as it was not trained on"
        )
    return f"{said}, and the less sure it is the better; see whether these labels are those that it was trained for"


def at_temperature(model: FCN, temperature: float) -> FCN:
    """`model`, its score layers divided by `temperature` in place, so that softmax(scores) is what softmax(scores / T) was. `notes` says so."""
    for layer in (model.score_fr, *(skip.score for skip in model.skips)):
        for parameter in layer.parameters():
            parameter.data /= parameter.data.dtype.type(temperature)
            parameter.changed()
    said = model.notes.get("temperature", "")
    before, ours, other = said.partition(f" ({DIVIDED})")
    if said and not ours:
        other = f"; before: {said}"  # somebody's own note
    model.notes["temperature"] = f"{(float(before) if ours else 1) * temperature:.4g} ({DIVIDED}){other}"
    return model
