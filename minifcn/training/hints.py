"""What a person should be told about a training that went wrong without an error: the questions that FCN users ask most."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minifcn.training.scoring.metrics import ONE_CLASS, predicted_classes, shown_classes

SHORTEST = 20  # steps below which a curve says nothing
FEWEST = 4  # steps that are averaged, at least: one picture may be easy
SURE = 4.0  # standard errors: what is more than that is no chance
SUMMED = 10.0  # times what guessing gives a pixel: such a loss is no mean
FEW_EMPTY = 0.01  # of the steps: so few without a pixel to learn from are not worth a word
LOOKS = 4  # scores on the way below which they say nothing
APART, FALLEN = 0.15, 0.02  # of mean IU: training above validation, and validation below its own best


def about_loss(rows: Sequence[Mapping[str, Any]], classes: int, summed: bool = False) -> list[str]:
    """Sentences about the loss of one stage, `rows` with `loss` and, where it is known, `pixels`: how many were not void, and `weight`:
    the sum of their class weights.

    A loss is the mean over them, or where `summed` their sum, which goes with the size of the pictures: it is judged a pixel. Steps with
    no such pixel say nothing about the network; they are left out, and counted. Without `pixels` a loss of exactly 0 is such a step.

    A fresh network guesses: its loss a pixel is ln C. One that ends where it began has learned nothing; one that rises far above its
    lowest point was thrown out of it.
    """
    losses = np.array([row["loss"] for row in rows], float)
    pixels = np.array([row.get("pixels", math.nan) for row in rows], float)
    known = np.isfinite(pixels)
    empty = np.where(known, pixels == 0, losses == 0)
    said = about_empty_steps(len(rows), int(empty.sum()), bool(known.any()))
    counted = np.isfinite(losses) & ~empty
    if summed:
        weight = np.array([row.get("weight", math.nan) for row in rows], float)
        losses = losses / np.where(known & ~empty, np.where(np.isfinite(weight), weight, pixels), 1)
    guess = math.log(classes)
    unknown_sizes = not known[counted].all() and np.median(losses[counted]) > SUMMED * guess
    judge = about_sums if unknown_sizes else about_curve
    return said + (judge(losses[counted], guess, classes) if counted.sum() >= SHORTEST else [])


def about_empty_steps(steps: int, empty: int, known: bool) -> list[str]:
    """The sentence about steps in which no pixel counted, where there are enough of them."""
    if not empty or (empty < steps and (not known or empty < FEW_EMPTY * steps)):
        return []
    how_many = f"all {steps} steps" if empty == steps else f"{empty} of {steps} steps"
    rest = "the loss was 0, and nothing was learned" if empty == steps else "they are not judged here"
    return [
        f"In {how_many} there was nothing to learn: not a pixel counted, {rest}. Such a step sees void alone: labels of 255, of classes that "
        "were left out (--classes, --others), or cells that --keep-cells did not keep."
    ]


def about_curve(losses: np.ndarray, guess: float, classes: int) -> list[str]:
    """Sentences about losses a pixel. `guess`: what guessing gives, ln `classes`."""
    part = max(FEWEST, len(losses) // 10)
    start, end = losses[0], losses[-part:].mean()
    lowest = min(losses[i : i + part].mean() for i in range(len(losses) - part + 1))
    # from one step to the next: how much a loss goes with the pictures that happen to be looked at, whatever the network learns
    chance = math.sqrt(np.square(np.diff(losses)).mean() / 2) / math.sqrt(part)
    if end > 1.5 * lowest and end > 0.5 * start and end - lowest > SURE * math.sqrt(2) * chance:
        return [rose(lowest, end)]
    fresh = start >= 0.9 * guess  # a later stage starts from a trained network, and may stay where it is
    if fresh and min(end, losses[len(losses) // 2 :].mean()) > 0.95 * start:
        near = abs(start - guess) < 0.1 * guess
        return [did_not_fall(start, end, f", and {guess:.3g} is what guessing gives (ln {classes})" if near else "")]
    return []


def about_sums(losses: np.ndarray, guess: float, classes: int) -> list[str]:
    """Sentences about sums over pictures of sizes that nobody wrote down: a large picture has a large loss, whatever was learned.

    So only what chance does not explain counts as falling or rising: that the losses' ranks go with the steps, or that the large ones and
    the small ones both have moved.
    """
    third = len(losses) // 3
    first, last = losses[:third], losses[-third:]
    trend = correlation(ranks(losses), np.arange(len(losses))) * math.sqrt(len(losses) - 1)
    ratios = [float(extreme(last) / extreme(first)) for extreme in (np.min, np.max)]
    if trend < -SURE or max(ratios) < 0.8:
        return []
    start, end = float(np.median(first)), float(np.median(last))
    if trend > SURE and min(ratios) > 1.5:
        return [rose(start, end)]
    return [did_not_fall(start, end, "")] if len(set(losses)) > 1 or start > guess else []


def ranks(values: np.ndarray) -> np.ndarray:
    """The place of each value in their order, from 0; equal ones share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count + 1) / 2)[place]


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's, from -1 to 1; 0 where one of them does not vary."""
    first, second = first - first.mean(), second - second.mean()
    norm = math.sqrt(float(first @ first) * float(second @ second))
    return float(first @ second) / norm if norm else 0.0


def rose(lowest: float, end: float) -> str:
    return f"The loss rose: from {lowest:.3g} at its lowest to {end:.3g} at the end. The learning rate is too large; try a tenth of it."


def did_not_fall(start: float, end: float, beside: str) -> str:
    return (
        f"The loss did not fall: {start:.3g} at the first step, {end:.3g} at the end{beside}. Usual causes: a learning rate far too "
        "small (a rate such as 1e-10 belongs to a summed loss, --recipe paper, and to pretrained weights), or so large that every "
        "ReLU died in the first steps; labels that do not belong to the pictures; a network frozen or given no skip to train. "
        "Try the rate times 10, then times 0.1, for a few hundred steps each."
    )


def about_nothing_scored(scores: Mapping[str, Any]) -> list[str]:
    """A sentence where there are no scores, for not a pixel counted."""
    if shown_classes(scores) or not scores.get("per_class"):
        return []
    return [
        "There are no scores: of the pictures to score not a pixel counts. Their labels are void (255) everywhere, or of classes that were left "
        "out (--classes, --others). See what minifcn check-data says."
    ]


def about_scores(scores: Mapping[str, Any]) -> list[str]:
    """Sentences about the scores of one stage, as `evaluate` gives them."""
    if nothing := about_nothing_scored(scores):
        return nothing
    per_class = {name: value for name, value in scores.get("per_class", {}).items() if value is not None}
    if len(shown := shown_classes(scores)) == 1:
        return [
            f"The mean IU is {ONE_CLASS}. All labels that are scored are {shown[0]}, or void: whoever calls every pixel {shown[0]} is right "
            "everywhere, and there was nothing to tell it from. Are the other classes' pixels void (255), or numbers that were left out? See "
            "what minifcn check-data says."
        ]
    found = [name for name, value in per_class.items() if value > 0]
    if len(per_class) < 2 or len(found) > 1:
        return []
    others = len(per_class) - len(found)
    never = "the other class was never right" if others == 1 else f"none of the other {others} classes was ever right"
    predicted = predicted_classes(scores)
    if len(predicted) == 1:
        what = (
            f"Every picture is labelled as {predicted[0]} everywhere: {never if found else 'nothing of that is right'}"
        )
    else:  # others were predicted too, and never where they are
        what = f"Only {found[0]} was ever right: {never}" if found else "Not a pixel is right: no class was"
    return [
        f"{what}. Usual causes: too few steps, for the largest class is learned first; a learning rate too small or too large; one class that "
        "fills nearly all pixels (try --class-weights median); label values that are not the ones the class names stand for."
    ]


def about_learning_by_heart(points: Sequence[Mapping[str, Any]]) -> list[str]:
    """Sentences about the scores on the way of one stage, `points` with `step`, `train_iu` and `val_iu` as fractions.

    A network that learns its pictures by heart goes on rising on them while it falls on others. Two looks together count for one: a
    few pictures make a score that jumps.
    """
    points = [point for point in points if math.isfinite(point["train_iu"]) and math.isfinite(point["val_iu"])]
    if len(points) < LOOKS:
        return []
    train, val = (np.array([point[key] for point in points]) for key in ("train_iu", "val_iu"))
    val = (val[1:] + val[:-1]) / 2
    best, now = int(val.argmax()), (train[-1] + train[-2]) / 2
    if now - val[-1] < APART or val[best] - val[-1] < FALLEN:
        return []
    return [
        f"The training pictures are being learned by heart: mean IU {100 * now:.0f} % on them and {100 * val[-1]:.0f} % on validation "
        f"pictures, which was {100 * val[best]:.0f} % at step {points[best + 1]['step']:.0f} and fell since. What helps, best first: more "
        "training pictures; more variation of those there are (--scale 0.6,1.8 --colour 0.3 --jitter 16); a start from a trained "
        f"network (--init voc7), if it had none; fewer steps (--steps {points[best + 1]['step']:.0f})."
    ]
