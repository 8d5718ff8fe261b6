"""What a person should be told about a training that went wrong without an error: the questions that FCN users ask most."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

SHORTEST = 20  # steps below which a curve says nothing
LOOKS = 4  # scores on the way below which they say nothing
APART, FALLEN = 0.15, 0.02  # of mean IU: training above validation, and validation below its own best


def about_loss(rows: Sequence[Mapping[str, Any]], classes: int) -> list[str]:
    """Sentences about the loss of one stage, `rows` with `loss`; a loss is the mean over pixels, or a sum of any size.

    A fresh network guesses: its mean loss is ln C. One that ends where it began has learned nothing; one that rises far above its
    lowest point was thrown out of it.
    """
    losses = np.array([row["loss"] for row in rows], float)
    losses = losses[np.isfinite(losses)]
    if len(losses) and not losses.any():
        return [
            "The loss was 0 in every step: not a pixel counted, and nothing was learned. Are all labels void (255), or of classes that were left out?"
        ]
    if len(losses) < SHORTEST:
        return []
    part = max(1, len(losses) // 10)
    start, end = losses[0], losses[-part:].mean()
    lowest = min(losses[i : i + part].mean() for i in range(0, len(losses) - part + 1, part))
    guess = math.log(classes)
    fresh = start >= 0.9 * guess  # a later stage starts from a trained network, and may stay where it is
    if end > 1.5 * lowest and end > 0.5 * start:
        return [
            f"The loss rose: from {lowest:.3g} at its lowest to {end:.3g} at the end. The learning rate is too large; try a tenth of it."
        ]
    if fresh and end > 0.95 * start:
        beside = f", and {guess:.3g} is what guessing gives (ln {classes})" if abs(start - guess) < 0.1 * guess else ""
        return [
            f"The loss did not fall: {start:.3g} at the first step, {end:.3g} at the end{beside}. Usual causes: a learning rate far too "
            "small (a rate such as 1e-10 belongs to a summed loss, --recipe paper, and to pretrained weights), or so large that every "
            "ReLU died in the first steps; labels that do not belong to the pictures; a network frozen or given no skip to train. "
            "Try the rate times 10, then times 0.1, for a few hundred steps each."
        ]
    return []


def about_scores(scores: Mapping[str, Any]) -> list[str]:
    """Sentences about the scores of one stage, as `evaluate` gives them."""
    per_class = {name: value for name, value in scores.get("per_class", {}).items() if value is not None}
    found = [name for name, value in per_class.items() if value > 0]
    if len(per_class) < 2 or len(found) > 1:
        return []
    where = f"as {found[0]}" if found else "wrongly"
    return [
        f"Every picture is labelled {where} everywhere: none of the other {len(per_class) - len(found)} classes was ever right. Usual "
        "causes: too few steps, for the largest class is learned first; a learning rate too small or too large; one class that fills "
        "nearly all pixels (try --class-weights median); label values that are not the ones the class names stand for."
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
