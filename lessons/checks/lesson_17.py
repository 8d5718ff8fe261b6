"""Checks of lesson 17: the confusion matrix, four scores, coarse labels."""

from typing import Any

import numpy as np

from checks.verdict import Wrong, check, close, counted, equal, wrong

VOID = 255


@check
def confusion(answer: Any) -> None:
    """confusion(labels, predictions, classes) -> (classes, classes): pixels by true class (row) and predicted class (column), 255 left out."""
    for seed, (shape, classes) in enumerate([((4, 6), 3), ((2, 5, 7), 21), ((9,), 2), ((3, 3), 5)]):
        rng = np.random.default_rng([17, seed])
        labels = rng.integers(0, classes, shape).astype(np.uint8)
        labels[rng.random(shape) < 0.2] = VOID
        predictions = rng.integers(0, max(1, classes - 1), shape).astype(np.uint8)  # the last class is never predicted
        before = labels.copy(), predictions.copy()
        wanted = table(labels, predictions, classes)
        found = np.asarray(counted_by(answer, labels, predictions, classes))
        if not (np.array_equal(labels, before[0]) and np.array_equal(predictions, before[1])):
            wrong("you changed the labels or the predictions; leave them as they are")
        if found.shape != (classes, classes):
            without_void(answer, labels, predictions, classes)
            larger = found.ndim == 2 and min(found.shape) > classes
            why = (
                "void is no class, and has no row" if larger else "classes that never occur have a row and a column too"
            )
            wrong(f"expected a table ({classes}, {classes}), got {found.shape}: {why}")
        equal(found, wanted, lambda found, wanted, a=labels, b=predictions, c=classes: table_fault(found, wanted, a, b, c))  # fmt: skip


def counted_by(answer: Any, labels: np.ndarray, predictions: np.ndarray, classes: int) -> Any:
    """The answer's table. Where it stops: is it void that it stumbles over?"""
    try:
        return answer(labels, predictions, classes)
    except Wrong:
        without_void(answer, labels, predictions, classes)
        raise


def without_void(answer: Any, labels: np.ndarray, predictions: np.ndarray, classes: int) -> None:
    """Wrong, with a hint of its own, where the answer is right once somebody else has taken the void pixels away."""
    counts = labels != VOID
    try:
        found = np.asarray(answer(labels[counts], predictions[counts], classes))
    except Wrong:
        return
    if found.shape == (classes, classes) and np.array_equal(found, table(labels, predictions, classes)):
        wrong(
            "you forgot void: a pixel labelled 255 has no row in the table and counts nowhere; of pixels with a class your table is right"
        )


def table(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """Pixel by pixel."""
    result = np.zeros((classes, classes), int)
    for truth, guess in zip(labels.ravel().tolist(), predictions.ravel().tolist(), strict=True):
        if truth != VOID:
            result[truth, guess] += 1
    return result


def table_fault(
    found: np.ndarray, wanted: np.ndarray, labels: np.ndarray, predictions: np.ndarray, classes: int
) -> str:
    """What a wrong table looks like."""
    if np.array_equal(found, wanted.T):
        return "rows and columns are exchanged: rows are the true classes"
    for number, words in ((0, "void was counted as class 0"), (classes - 1, "void was counted as the last class")):
        if np.array_equal(found, table(np.where(labels == VOID, number, labels), predictions, classes)):
            return f"{words}; pixels labelled 255 count nowhere"
    if wanted.sum() and np.allclose(found, wanted / wanted.sum()):
        return "those are shares; give numbers of pixels, since tables of several pictures are added"
    if not np.array_equal(found, np.round(found)):
        return "the table holds shares of a row or a column; it counts pixels: whole numbers"
    if np.array_equal(found > 0, wanted > 0) and found.max() <= 1:
        return "you assign where pairs repeat; add (np.bincount, np.add.at or a loop)"
    if np.array_equal(found, np.diag(wanted.diagonal())):
        return "only the pixels that are right are in it; each wrong one adds to its own place, beside the diagonal"
    counts = labels != VOID
    wrapped = (labels[counts].astype(int) * classes % 256 + predictions[counts]) % 256
    if found.sum() != wanted.sum() or np.array_equal(
        found, np.bincount(wrapped, minlength=classes**2)[: classes**2].reshape(classes, classes)
    ):
        if classes**2 > 256:
            return "labels * classes overflows in uint8; make integers of them first"
        return f"the table holds {found.sum():g} pixels, and {wanted.sum()} have a label: every one of these counts, whatever was predicted, and no other"
    return "table[i, j] is the number of pixels with the label i and the prediction j"


@check
def four_scores(answer: Any) -> None:
    """four_scores(matrix) -> (pixel accuracy, mean accuracy, mean IU, frequency weighted IU), as fractions."""
    tables = [np.array([[50, 2, 0], [3, 20, 1], [4, 0, 10]])]
    for seed in range(3):
        rng = np.random.default_rng([17, seed])
        matrix = rng.integers(0, 40, (5, 5)) + np.diag(rng.integers(20, 90, 5))
        tables.append(matrix.copy())
        matrix[3] = 0  # no true pixels, yet predicted
        tables.append(matrix.copy())
        matrix[:, 4] = matrix[4] = 0  # neither true nor predicted
        tables.append(matrix)
    names = ("pixel accuracy", "mean accuracy", "mean IU", "frequency weighted IU")
    for matrix in tables:
        with np.errstate(all="ignore"):  # a division by zero shows as NaN, and is told
            found = answer(matrix.copy())
        try:
            values = [float(value) for value in found]
        except (TypeError, ValueError):
            wrong(f"expected four numbers, got {found!r:.60}")
        if len(values) != 4:
            wrong(f"expected four numbers ({', '.join(names)}), got {len(values)}")
        for name, value, right in zip(names, values, by_definition(matrix), strict=True):
            if not np.isclose(value, right, atol=1e-12):
                wrong(
                    f"{name}: {score_fault(name, value, right, matrix)}; {value:.4f}, expected {right:.4f} for {matrix.tolist()}"
                )
            counted()


def by_definition(matrix: np.ndarray) -> tuple[float, float, float, float]:
    """Class by class, as section 5 has it."""
    count = len(matrix)
    correct = [int(matrix[i, i]) for i in range(count)]
    true = [int(sum(matrix[i])) for i in range(count)]
    predicted = [int(sum(matrix[:, i])) for i in range(count)]
    total = sum(true)
    accuracies = [correct[i] / true[i] for i in range(count) if true[i]]
    iu = {i: correct[i] / (true[i] + predicted[i] - correct[i]) for i in range(count) if true[i] + predicted[i]}
    weighted = sum(true[i] * iu[i] for i in iu) / total
    return sum(correct) / total, sum(accuracies) / len(accuracies), sum(iu.values()) / len(iu), weighted


def score_fault(name: str, value: float, right: float, matrix: np.ndarray) -> str:
    """What a wrong score looks like."""
    correct, true, predicted = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    union = true + predicted - correct
    present, shown = union > 0, true > 0
    safe = np.maximum(union, 1)
    others = set(by_definition(matrix)) - {right}
    if np.isnan(value):
        return "NaN: you divide by zero where a class does not occur; choose the classes first"
    if np.isclose(value, 100 * right):
        return "that is in per cent; give a fraction"
    if name == "mean IU":
        if np.isclose(value, (correct[shown] / safe[shown]).mean()):
            return "a class without true pixels that was predicted counts, with IU 0; you drop it"
        if np.isclose(value, (correct / safe).mean()):
            return "a class that is neither true nor predicted leaves the mean; you count it as 0"
        if np.isclose(value, np.where(present, correct / safe, 1).mean()):
            return "a class that is neither true nor predicted leaves the mean; you count it as 1"
        if np.isclose(value, (correct[present] / (true + predicted)[present]).mean()):
            return "the right pixels are in both sums: the union is true + predicted - correct"
        if np.isclose(value, (2 * correct[present] / (true + predicted)[present]).mean()):
            return "that is the Dice score 2n / (t + p); IU is n / (t + p - n)"
    if name == "mean accuracy":
        found = predicted > 0
        if np.isclose(value, (correct[found] / predicted[found]).mean()) or np.isclose(
            value, (correct / np.maximum(predicted, 1)).mean()
        ):
            return "that is the mean precision (by columns); accuracy divides by the true pixels, the rows"
        if np.isclose(value, (correct / np.maximum(true, 1)).mean()):
            return "a class without true pixels has no accuracy and leaves the mean; you count it as 0"
    if name == "frequency weighted IU" and np.isclose(value, (predicted * correct / safe).sum() / predicted.sum()):
        return "you weight by predicted pixels; weight by true ones"
    if any(np.isclose(value, other) for other in others):
        return "that is another of the four; the order is pixel accuracy, mean accuracy, mean IU, frequency weighted IU"
    return "look at its formula again: rows are true, columns predicted"


@check
def coarse_labels(answer: Any) -> None:
    """coarse_labels(labels, factor) -> (H, W): each block is its most frequent class, lowest of equals; void has no vote."""
    for seed, (shape, factor) in enumerate([((4, 6), 2), ((7, 9), 3), ((5, 8), 4), ((6, 5), 1), ((3, 3), 8)]):
        rng = np.random.default_rng([17, seed])
        for voids in (0.0, 0.5):
            labels = rng.integers(0, 3, shape).astype(np.uint8)
            labels[rng.random(shape) < voids] = VOID
            labels[:factor, :factor] = VOID if voids else labels[:factor, :factor]
            wanted, before = majority(labels, factor), labels.copy()
            found = np.asarray(answer(labels, factor))
            if not np.array_equal(labels, before):
                wrong("you changed the labels that were given; work on a copy")
            if found.shape != labels.shape:
                wrong(
                    f"the result has shape {found.shape}, expected that of the labels, {labels.shape}; the last blocks may be cut off"
                )
            close(found, wanted, lambda found, _, each=before, factor=factor: f"{coarse_fault(found, each, factor)}; labels {each.shape}, factor {factor}")  # fmt: skip


def majority(labels: np.ndarray, factor: int, void_votes: bool = False, last: bool = False) -> np.ndarray:
    """The definition, pixel by pixel; with its mistakes, to name them."""
    result = np.empty_like(labels)
    for y, x in np.ndindex(labels.shape):
        top, left = y // factor * factor, x // factor * factor
        votes: dict[int, int] = {}
        for label in labels[top : top + factor, left : left + factor].ravel().tolist():
            if label != VOID or void_votes:
                votes[label] = votes.get(label, 0) + 1
        order = sorted(votes, reverse=last)
        result[y, x] = max(order, key=lambda label: votes[label]) if votes else VOID
    return result


def coarse_fault(found: np.ndarray, labels: np.ndarray, factor: int) -> str:
    """What wrong coarse labels look like."""
    wanted = majority(labels, factor)
    only_void = wanted == VOID
    if only_void.any() and (found[~only_void] == wanted[~only_void]).all():
        return "a block of void alone stays void, 255"
    if np.array_equal(found, majority(labels, factor, void_votes=True)):
        return "void has a vote in yours; leave it out, a block is void only where nothing else is"
    if np.array_equal(found, majority(labels, factor, last=True)):
        return "where two classes are equally frequent, take the lower"
    corner = labels[
        np.ix_(np.arange(labels.shape[0]) // factor * factor, np.arange(labels.shape[1]) // factor * factor)
    ]
    if np.array_equal(found, corner):
        return "that is the block's first pixel; take its most frequent class"
    if np.array_equal(found, np.where(labels == VOID, VOID, wanted)):
        return "a void pixel takes its block's class as the others do; only where the whole block is void it stays void"
    middle = [np.minimum(np.arange(length) // factor * factor + factor // 2, length - 1) for length in labels.shape]
    if np.mean(found == labels[np.ix_(*middle)]) > 0.9:
        return "that is the block's middle pixel; take its most frequent class"
    rows, columns = (length // factor * factor for length in labels.shape)
    if (found[:rows, :columns] == wanted[:rows, :columns]).all():
        return "the blocks at the far edges, which are cut off, are wrong: they are majorities of what is left of them"
    return "each factor x factor block, counted from the top left, becomes its most frequent class"
