"""Checks of lesson 07: log-softmax, the mean loss of maps with void pixels, and gradients of a batch in parts."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from checks.gradients import right_gradient, untouched
from checks.verdict import check, close, counted, wrong

VOID = 255


def log_softmax_by_hand(scores: np.ndarray) -> np.ndarray:
    """Place by place in Python's own floats: s - m - ln Σ e^(s - m)."""
    result = np.zeros(scores.shape)
    for n, h, w in np.ndindex(scores.shape[0], *scores.shape[2:]):
        column = [float(value) for value in scores[n, :, h, w]]
        largest = max(column)
        total = math.log(math.fsum(math.exp(value - largest) for value in column))
        result[n, :, h, w] = [value - largest - total for value in column]
    return result


@check
def log_softmax(answer: Any) -> None:
    """log_softmax(scores) -> array (N, C, H, W): the logarithm of softmax over axis 1, for scores of any size."""
    rng = np.random.default_rng(7)
    for shape, size in (((1, 3, 1, 2), 1.0), ((2, 4, 3, 5), 3.0), ((2, 2, 2, 2), 20.0), ((1, 1, 2, 3), 1.0)):
        scores = size * rng.standard_normal(shape)
        lent = scores.copy()
        with np.errstate(all="ignore"):
            found = answer(lent)
        untouched("scores", scores, lent)
        close(found, log_softmax_by_hand(scores), log_softmax_fault(scores))
    apart = np.array([[1000.0, 999.0, 998.0], [-1000.0, -999.0, -1001.0]]).T.reshape(1, 3, 1, 2)
    far = np.array([0.0, -800.0, 5.0]).reshape(1, 3, 1, 1)
    for scores, hint in (
        (apart[..., :1], "scores of 1000 overflow: subtract the largest score before you raise e to it"),
        (apart, "each place has a largest score of its own: one for all of them leaves others with ln 0"),
        (far, "a probability rounded to 0, and its logarithm is lost: do not take the logarithm of a softmax"),
    ):
        with np.errstate(all="ignore"):
            found = np.asarray(answer(scores.copy()))
        if not np.isfinite(found).all():
            wrong(hint)
        close(found, log_softmax_by_hand(scores), hint)
    with np.errstate(all="ignore"):
        found = np.asarray(answer(apart.astype(np.float32)))
    if found.dtype != np.float32:
        wrong(f"float32 comes in and {found.dtype} goes out; keep it")
    counted()


def log_softmax_fault(scores: np.ndarray) -> Callable[[np.ndarray, np.ndarray], str]:
    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        if np.allclose(found, np.exp(wanted)):
            return "that is softmax; its logarithm is asked for"
        if np.allclose(found, -wanted):
            return "the sign is turned round: logarithms of probabilities are below 0"
        for axis, name in ((3, "columns"), (2, "rows"), (0, "pictures"), ((0, 1, 2, 3), "everything")):
            with np.errstate(all="ignore"):
                if np.allclose(found, scores - np.log(np.exp(scores).sum(axis, keepdims=True))):
                    return f"your sum runs over {name}; the classes are axis 1"
        largest = scores.max(1, keepdims=True)
        if np.allclose(found, scores - largest):
            return "the logarithm of the sum is missing"
        if np.allclose(found, wanted + largest):
            return "the largest score is taken off inside the sum and not outside"
        if np.allclose(found, wanted - largest):
            return "the largest score is taken off outside and not inside the sum"
        with np.errstate(all="ignore"):
            if np.allclose(found, scores - largest + (wanted - scores + largest) / np.log(2)):
                return "that is the logarithm to base 2; take the natural one"
        if scores.shape[1] > 1 and np.allclose(found, wanted + np.log(scores.shape[1])):
            return "a mean over the channels, inside the logarithm; probabilities are divided by a sum"
        return "write ln(e^s / Σ e^s) as a difference, and take the largest score of each place off every s in it"

    return fault


def loss_by_hand(scores: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean loss and its gradient, pixel by pixel."""
    logs = log_softmax_by_hand(np.where((labels == VOID)[:, None], 0, scores))
    pixels = [place for place in np.ndindex(labels.shape) if labels[place] != VOID]
    gradient, total = np.zeros(scores.shape), 0.0
    for n, h, w in pixels:
        total -= logs[n, labels[n, h, w], h, w]
        gradient[n, :, h, w] = np.exp(logs[n, :, h, w])
        gradient[n, labels[n, h, w], h, w] -= 1
    return total / max(len(pixels), 1), gradient / max(len(pixels), 1)


def some_maps(seed: int, shape: tuple[int, ...], void: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scores, labels = 3 * rng.standard_normal(shape), rng.integers(0, shape[1], (shape[0], *shape[2:]))
    return scores, np.where(rng.random(labels.shape) < void, VOID, labels)


@check
def mean_loss(answer: Any) -> None:
    """mean_loss(scores, labels) -> (loss, gradient): the mean of -ln softmax[label] over the pixels that are not 255, and its gradient."""
    for seed, (shape, void) in enumerate(
        (((2, 4, 3, 5), 0.0), ((1, 3, 2, 2), 0.0), ((2, 3, 4, 5), 0.3), ((3, 2, 4, 4), 0.6))
    ):
        scores, labels = some_maps(seed, shape, void)
        if void == 0.6:
            labels[0] = VOID  # one whole picture
        lent = scores.copy()
        loss, gradient = two(answer(lent, labels.copy()))
        untouched("scores", scores, lent)
        wanted_loss, wanted = loss_by_hand(scores, labels)
        close(loss, wanted_loss, loss_fault(scores, labels))
        close(gradient, wanted, loss_gradient_fault(scores, labels))
    nothing = np.full(labels.shape, VOID)
    with np.errstate(all="ignore"):
        loss, gradient = two(answer(scores, nothing))
    if not np.isfinite(loss) or not np.isfinite(gradient).all():
        wrong("all pixels are void, and you divide by 0: then the loss is 0, and the gradient too")
    close(loss, 0.0, "all pixels are void: the loss is 0")
    close(gradient, 0 * scores, "all pixels are void: the gradient is 0")
    broken, labels = some_maps(9, (1, 3, 2, 3), 0.0)
    labels[0, 0, 1], broken[0, :, 0, 1] = VOID, np.nan
    with np.errstate(all="ignore"):
        loss, gradient = two(answer(broken, labels))
    if not np.isfinite(loss) or not np.isfinite(gradient).all():
        wrong("a void pixel has scores NaN and spoils the rest: 0 · NaN is NaN; choose with np.where")
    large = np.array([1000.0, -1000.0, 0.0]).reshape(1, 3, 1, 1)
    with np.errstate(all="ignore"):
        loss, gradient = two(answer(large, np.ones((1, 1, 1), int)))
    if not np.isfinite(loss):
        wrong("scores of 1000 give no finite loss: subtract the largest score first (exercise 1)")
    close(loss, 2000.0, "with scores 1000, -1000, 0 and label 1 the loss is 2000")
    scores, labels = some_maps(4, (2, 3, 2, 3), 0.3)
    right_gradient(
        lambda s: np.asarray(two(answer(s, labels))[0]), lambda grad, s: grad * two(answer(s, labels))[1], scores
    )


def two(found: Any) -> tuple[Any, np.ndarray]:
    if not isinstance(found, tuple | list) or len(found) != 2 or np.shape(found[0]) != ():
        wrong("expected two things: the loss, one number, and the gradient, an array of the scores' shape")
    return found[0], np.asarray(found[1])


def loss_fault(scores: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray, np.ndarray], str]:
    valid = labels != VOID
    mean, _ = loss_by_hand(scores, labels)
    each = [loss_by_hand(scores[i : i + 1], labels[i : i + 1])[0] for i in range(len(scores))]
    as_class_0 = loss_by_hand(scores, np.where(valid, labels, 0))[0]
    patterns = [
        (mean * valid.sum(), "that is the sum; divide by the number of pixels that count"),
        (mean * valid.mean(), "you divide by all pixels; void ones do not count there either"),
        (mean * valid.sum() / len(scores), "you divide by the number of pictures, not of pixels"),
        (np.mean(each), "a mean of the pictures' means: every pixel of the batch shall weigh the same"),
        (np.sum(each), "you add up the pictures' means; divide the sum of all by all that count"),
        (-mean, "the sign is turned round: the loss is minus a logarithm"),
        (as_class_0, "void pixels count as class 0"),
        (mean / np.log(10), "that is the logarithm to base 10; take the natural one"),
        (mean / np.log(2), "that is the logarithm to base 2; take the natural one"),
    ]

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        said = next((hint for pattern, hint in patterns if np.isclose(found, pattern, rtol=1e-9)), "")
        return f"the loss is {float(found):.6g} and should be {float(wanted):.6g}: " + (
            said or "the mean of -ln softmax[label] over the pixels that count"
        )

    return fault


def softmax_share(scores: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """The part of the gradient that softmax is."""
    return np.where(valid[:, None], np.exp(log_softmax_by_hand(scores)), 0) / max(1, valid.sum())


def loss_gradient_fault(scores: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray, np.ndarray], str]:
    valid = labels != VOID
    shared = (~valid[:, None] * np.ones(scores.shape)).astype(bool)

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        patterns = [
            (
                wanted * valid.sum(),
                "the loss is a mean, so its gradient is divided by the number of pixels that count too",
            ),
            (wanted * valid.mean(), "divided by all pixels; the loss was divided by those that count"),
            (-wanted, "the sign is turned round: softmax - one hot"),
            (
                np.where(shared, 0, log_softmax_by_hand(scores)) / max(1, valid.sum())
                + wanted
                - softmax_share(scores, valid),
                "that has logarithms of the probabilities in it; the gradient has the probabilities themselves",
            ),
        ]
        said = next((hint for pattern, hint in patterns if np.allclose(found, pattern)), "")
        if not said and np.abs(found[shared]).max(initial=0) > 0:
            said = "a void pixel gets a gradient; it must be 0 there"
        if not said and (found[~shared] >= 0).all():
            said = "the 1 of the right class is not subtracted: softmax - one hot"
        return "gradient: " + (said or "expected (softmax - one hot) / number of pixels that count")

    return fault


@check
def gradients_in_parts(answer: Any) -> None:
    """gradients_in_parts([(scores, labels), …]) -> list: each part's gradient of the mean over the pixels that count in all parts."""
    shapes = [((2, 3, 4, 4), 0.0), ((1, 3, 2, 5), 0.5), ((3, 3, 3, 3), 0.2)]
    parts = [some_maps(seed, shape, void) for seed, (shape, void) in enumerate(shapes)]
    void_part = (parts[0][0][:1], np.full((1, 4, 4), VOID))
    for given in (parts[:1], parts[:2], parts, [parts[1], void_part, parts[0]], [void_part]):
        with np.errstate(all="ignore"):
            found = answer([(scores.copy(), labels.copy()) for scores, labels in given])
        if not isinstance(found, tuple | list) or len(found) != len(given):
            wrong(f"expected a list of {len(given)} gradients, one a part, got {type(found).__name__}")
        total = max(sum(int((labels != VOID).sum()) for _, labels in given), 1)
        for number, ((scores, labels), gradient) in enumerate(zip(given, found, strict=True)):
            count = int((labels != VOID).sum())
            own = loss_by_hand(scores, labels)[1]
            if np.shape(gradient) == scores.shape and not np.isfinite(np.asarray(gradient)).all():
                wrong(
                    f"part {number} holds NaN: where all pixels are void, its gradient is 0, and nothing is divided by 0"
                )
            close(gradient, own * (count / total), parts_fault(own, count, total, given))


def parts_fault(own: np.ndarray, count: int, total: int, parts: Any) -> Callable[[np.ndarray, np.ndarray], str]:
    pixels = sum(labels.size for _, labels in parts)
    pictures = sum(len(labels) for _, labels in parts)
    patterns = [
        (own, "each part is divided by its own pixels: a small part would weigh as much as a large one"),
        (own / len(parts), "a mean of the parts' means: pixels of small parts weigh more; divide by what counts in all parts"),
        (own * count, "that is the gradient of the sum; divide by the pixels that count in all parts"),
        (own * count / pixels, "divided by all pixels; void ones do not count"),
        (own * count / pictures, "divided by the number of pictures, not of pixels"),
        (own / total, "divided twice: by the part's own pixels and by all of them"),
    ]  # fmt: skip

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        said = next((hint for pattern, hint in patterns if np.allclose(found, pattern, rtol=1e-9, atol=1e-14)), "")
        return said or "expected (softmax - one hot) / number of pixels that count in all parts, 0 at void pixels"

    return fault
