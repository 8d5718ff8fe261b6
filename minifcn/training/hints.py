"""What a person should be told about a training that went wrong without an error: the questions that FCN users ask most."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

SHORTEST = 20  # steps below which a curve says nothing


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
