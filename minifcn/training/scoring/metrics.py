"""The four scores of the paper (section 5) and those of each class, from a confusion matrix; the band at boundaries."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minifcn.autodiff.foreign import refuse
from minifcn.data import VOID
from minifcn.kernels.whole import whole

BAND = 5  # pixels on each side of a boundary


def confusion(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """Pixels by true class (row) and predicted class (column): int64 (C, C). Pixels labelled 255 are not counted.

    `labels` and `predictions`: integers of one shape. Raises ValueError for another shape, or a class that does not exist.
    """
    if not whole(classes) or not 1 <= classes <= VOID:
        raise ValueError(
            f"confusion: classes is {classes!r}; expected an integer from 1 to {VOID}, for label {VOID} is void"
        )
    labels, predictions = (
        class_numbers("confusion", name, values) for name, values in (("labels", labels), ("predictions", predictions))
    )
    if labels.shape != predictions.shape:
        raise ValueError(
            f"confusion: labels have shape {labels.shape}, predictions {predictions.shape}; they must be equal"
        )
    counted = labels != VOID
    truth, predicted = labels[counted].astype(np.int64), predictions[counted].astype(np.int64)
    for name, values in (("labels", truth), ("predictions", predicted)):
        if values.size and not 0 <= values.min() <= values.max() < classes:
            void = " or 255" if name == "labels" else ""
            raise ValueError(
                f"confusion: {name} reach from {values.min()} to {values.max()}; expected 0 to {classes - 1}{void}"
            )
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def class_numbers(operation: str, name: str, values: Any) -> np.ndarray:
    """`values` as an array of integers; TypeError for masks, fractions and what else is no class number."""
    refuse(operation, values, name)
    values = np.asarray(values)
    if values.dtype.kind not in "iu" and values.size:
        raise TypeError(f"{operation}: {name} have dtype {values.dtype}; expected integers, one class number a pixel")
    return values


def scores(matrix: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """The four scores as fractions, and `per_class`: name -> IU, or None where a class is absent from truth and prediction.

    Pixel accuracy Σ n_ii / Σ t_i; mean accuracy, the mean of n_ii / t_i over classes with t_i > 0; mean IU, the mean of n_ii /
    (t_i + p_i - n_ii) over classes that are not absent; frequency weighted IU, that weighted by t_i. A score is None where nothing
    counts. `matrix` (C, C) as `confusion` gives it.
    """
    matrix = square("scores", matrix, names).astype(np.float64)
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        raise ValueError(
            f"scores: two classes are called {twice[0]!r}, and per_class has one place for a name; name each another"
        )
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


ONE_CLASS = "meaningless: one class alone"


def doubt(classes: float) -> str:
    """What is put behind a mean IU over labels that show so many classes, in brackets: nothing where it means something.

    Where one class is alone, whoever calls every pixel that gets 100 %, and there was nothing to tell it from.

    >>> doubt(1), doubt(2)
    (' (meaningless: one class alone)', '')
    """
    return f" ({ONE_CLASS})" if classes == 1 else ""


def doubtful(scores: Mapping[str, Any]) -> str:
    """`doubt` about the mean IU of `scores`, as `evaluate` gives them."""
    return doubt(len(shown_classes(scores)))


def shown_classes(scores: Mapping[str, Any]) -> list[str]:
    """The classes that the labels show, by the confusion matrix; without one, those that have an IU."""
    per_class = scores.get("per_class", {})
    matrix = scores.get("confusion")
    if matrix is None:
        return [name for name, iu in per_class.items() if iu is not None]
    return [name for name, row in zip(per_class, matrix, strict=True) if sum(row)]


def predicted_classes(scores: Mapping[str, Any]) -> list[str]:
    """The classes that were predicted anywhere, by the confusion matrix; none where there is none."""
    matrix = scores.get("confusion") or []
    return [
        name
        for name, column in zip(scores.get("per_class", {}), zip(*matrix, strict=True), strict=False)
        if sum(column)
    ]


def square(operation: str, matrix: Any, names: Sequence[str]) -> np.ndarray:
    """`matrix` as an array (C, C) of counts, one row a name; else ValueError."""
    matrix = np.asarray(matrix)
    if matrix.shape != (len(names), len(names)):
        raise ValueError(f"{operation}: matrix has shape {matrix.shape}, but there are {len(names)} names; give C by C")
    if matrix.size and not matrix.min() >= 0:  # NaN neither
        raise ValueError(
            f"{operation}: matrix holds {matrix.min()}; expected how many pixels, as `confusion` counts them"
        )
    return matrix


class ClassScore(NamedTuple):
    """What one class came to. Fractions are None where they would divide by 0."""

    name: str
    iu: float | None
    accuracy: float | None  # of the class's pixels, those found: n_ii / t_i, also called recall
    precision: float | None  # of the pixels predicted as the class, those right: n_ii / p_i
    pixels: int  # true ones, t_i
    # the two other classes, or fewer, that most of its pixels were predicted as: (name, share of `pixels`)
    taken_for: tuple[tuple[str, float], ...]


def class_scores(matrix: Any, names: Sequence[str]) -> list[ClassScore]:
    """A ClassScore for each of `names`, in their order. `matrix` (C, C) as `confusion` gives it; else ValueError."""
    matrix = square("class_scores", matrix, names)
    found = []
    for i, name in enumerate(names):
        correct, true, predicted = int(matrix[i, i]), int(matrix[i].sum()), int(matrix[:, i].sum())
        others = [j for j in np.argsort(-matrix[i], kind="stable") if j != i and matrix[i, j] > 0]
        found.append(
            ClassScore(
                name,
                iu=share(correct, true + predicted - correct),
                accuracy=share(correct, true),
                precision=share(correct, predicted),
                pixels=true,
                taken_for=tuple((names[j], float(matrix[i, j] / true)) for j in others[:2]),
            )
        )
    return found


def share(part: int, whole: int) -> float | None:
    """part / whole, None where the whole is 0."""
    return float(part / whole) if whole else None


def near_boundary(labels: np.ndarray, width: int = BAND) -> np.ndarray:
    """The trimap: where a pixel with another label lies within `width` rows and `width` columns. bool (H, W).

    `labels` integers (H, W). Void is a label here as any other: VOC draws it round every object, so that two classes
    hardly ever touch, and trimaps on VOC, as of Krähenbühl and Koltun (2011) and Chen et al. (2015), are bands along
    that line. The edge of the picture is no boundary. Raises ValueError for another rank, or a width below 1.
    """
    labels = np.asarray(labels)
    if labels.ndim != 2:
        raise ValueError(f"near_boundary: labels have shape {labels.shape}; expected (H, W)")
    if width < 1:
        raise ValueError(f"near_boundary: width is {width}; expected at least 1 pixel")
    # a window holds one label alone where its least and its greatest are equal
    return window_extreme(labels, width, np.minimum) != window_extreme(labels, width, np.maximum)


def window_extreme(labels: np.ndarray, width: int, extreme: np.ufunc) -> np.ndarray:
    """np.minimum or np.maximum of the 2 · width + 1 rows and columns round each pixel: (H, W) -> (H, W)."""
    for _ in range(2):  # over rows, then, transposed, over columns; transposed twice is as it was
        result = labels.copy()
        for reach in range(1, min(width, len(labels) - 1) + 1):
            extreme(result[reach:], labels[:-reach], out=result[reach:])
            extreme(result[:-reach], labels[reach:], out=result[:-reach])
        labels = result.T
    return labels
