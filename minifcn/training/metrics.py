"""The four scores of the paper (section 5), from one confusion matrix over a whole set."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minifcn.data import VOID


def confusion(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """Pixels by true class (row) and predicted class (column): int64 (C, C). Pixels labelled 255 are not counted.

    `labels` and `predictions`: integers of one shape. Raises ValueError for another shape, or a class that does not exist.
    """
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.shape != predictions.shape:
        raise ValueError(
            f"confusion: labels have shape {labels.shape}, predictions {predictions.shape}; they must be equal"
        )
    counted = labels != VOID
    truth, predicted = labels[counted].astype(np.int64), predictions[counted].astype(np.int64)
    for name, values in (("labels", truth), ("predictions", predicted)):
        if values.size and not 0 <= values.min() <= values.max() < classes:
            raise ValueError(
                f"confusion: {name} reach from {values.min()} to {values.max()}; expected 0 to {classes - 1} or 255"
            )
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def scores(matrix: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """The four scores as fractions, and `per_class`: name -> IU, or None where a class is absent from truth and prediction.

    Pixel accuracy Σ n_ii / Σ t_i; mean accuracy, the mean of n_ii / t_i over classes with t_i > 0; mean IU, the mean of n_ii /
    (t_i + p_i - n_ii) over classes that are not absent; frequency weighted IU, that weighted by t_i. A score is None where nothing
    counts. `matrix` (C, C) as `confusion` gives it.
    """
    matrix = matrix.astype(np.float64)
    correct, true, predicted = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    union = true + predicted - correct
    present = union > 0
    iu = np.divide(correct, union, out=np.zeros_like(union), where=present)
    if not true.sum():
        nothing = dict.fromkeys(("pixel_accuracy", "mean_accuracy", "mean_iu", "frequency_weighted_iu"))
        return {**nothing, "per_class": dict.fromkeys(names)}
    return {
        "pixel_accuracy": float(correct.sum() / true.sum()),
        "mean_accuracy": float((correct[true > 0] / true[true > 0]).mean()),
        "mean_iu": float(iu[present].mean()),
        "frequency_weighted_iu": float((true * iu).sum() / true.sum()),
        "per_class": {name: float(iu[i]) if present[i] else None for i, name in enumerate(names)},
    }
