"""Checks of lesson 19: labels that begin at 1, more input channels, two heads on one trunk."""

from collections.abc import Callable
from typing import Any

import numpy as np

import minifcn as mf
from checks.verdict import check, close, counted, equal, wrong


@check
def labels_from_one(answer: Any) -> None:
    """labels_from_one(stored, classes) -> uint8: 1 … classes become 0 … classes - 1, all else becomes 255 (void)."""
    rng = np.random.default_rng(19)
    cases = [
        (np.array([[0, 1, 2], [3, 0, 3]], np.uint8), 3),
        (np.array([[-1, 0, 1, 2, 3]], np.int16), 3),
        (rng.integers(0, 41, (7, 5)), 40),
        (np.array([255, 0, 33, 34, 1], np.uint8), 33),
        (np.array([300, 256, 257, 2, -255], np.int32), 2),
        (np.zeros((0, 4), np.uint8), 3),
    ]
    for stored, classes in cases:
        given = stored.copy()
        found = answer(given, classes)
        if not np.array_equal(given, stored):
            wrong("you change the array that was given; the caller may need it")
        wanted = np.array([v - 1 if 1 <= v <= classes else 255 for v in stored.reshape(-1).tolist()], np.int64)
        equal(found, wanted.reshape(stored.shape), label_fault(stored, classes))
        if np.asarray(found).dtype != np.uint8:
            wrong(f"the numbers are right but they are {np.asarray(found).dtype}; label maps are uint8")


def label_fault(stored: np.ndarray, classes: int) -> Callable[[Any, Any], str]:
    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        off = found != wanted
        came, become = int(stored[off][0]), int(found[off][0])
        if np.array_equal(found, stored):
            return "nothing is subtracted: class 1 of the file is class 0 of the network"
        if came == 0 and become in (-1, 0):
            return f"0 means not labelled and became {become}; it must become 255, or it is taken for a class"
        if came < 0:
            return f"{came} in the file became {become}; it is no class, so 255. In uint8 it goes round the clock and lands on a number"
        if came > classes:
            return f"{came} is beyond the {classes} classes and became {become}; make it 255, or the loss trips over it"
        return f"{came} in the file became {become}; expected {int(wanted[off][0])}"

    return fault


@check
def more_channels(answer: Any) -> None:
    """more_channels(weight, extra) -> (O, C + extra, KH, KW): the old channels, then `extra` times their mean."""
    rng = np.random.default_rng(20)
    for shape, extra, dtype in (
        ((4, 3, 3, 3), 1, np.float32),
        ((2, 3, 5, 2), 2, np.float64),
        ((3, 1, 1, 1), 3, np.float32),
        ((6, 6, 2, 3), 1, np.float64),
        ((2, 3, 3, 3), 0, np.float32),
    ):
        weight = rng.standard_normal(shape).astype(dtype)
        given = weight.copy()
        found = answer(given, extra)
        if not np.array_equal(given, weight):
            wrong("you change the weights that were given; make new ones")
        wanted = np.zeros((shape[0], shape[1] + extra, *shape[2:]), dtype)
        for o, c, i, j in np.ndindex(wanted.shape):
            wanted[o, c, i, j] = (
                weight[o, c, i, j] if c < shape[1] else sum(weight[o, k, i, j] for k in range(shape[1])) / shape[1]
            )
        close(found, wanted, channel_fault(weight, extra), tolerance=1e-6)
        if np.asarray(found).dtype != dtype:
            wrong(f"{np.dtype(dtype)} came in and {np.asarray(found).dtype} goes out; keep the type")
        if found is given or np.shares_memory(found, given):
            wrong(
                "what you return lies in the memory of the old weights: training the new network would change the old one"
            )


def channel_fault(weight: np.ndarray, extra: int) -> Callable[[Any, Any], str]:
    old = weight.shape[1]

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        if not np.allclose(found[:, :old], weight, atol=1e-6):
            if np.allclose(found[:, extra:], weight, atol=1e-6):
                return "the new channels come first; the picture's own three stand first, and so must their kernels"
            return "the old channels' kernels are not what they were"
        new = found[:, old:]
        if not new.any():
            return (
                "the new channels are zero: that keeps the predictions, but here they start as the mean of the old ones"
            )
        if np.allclose(new, weight.sum(1, keepdims=True), atol=1e-6):
            return "that is the sum of the old channels; divide by how many there are"
        if np.allclose(new, weight.mean(), atol=1e-6):
            return "one number everywhere: the mean runs over the channels only, each kernel keeps its shape"
        if np.allclose(new, weight.mean((1, 2, 3), keepdims=True), atol=1e-6):
            return (
                "the kernels of the new channels are flat: the mean runs over the channels, not over rows and columns"
            )
        if np.allclose(new, weight.mean(0, keepdims=True)[:, :1], atol=1e-6):
            return "you average over axis 0, the outputs; the input channels are axis 1"
        if np.allclose(new, weight[:, -1:], atol=1e-6) or np.allclose(new, weight[:, :1], atol=1e-6):
            return "the new channels are a copy of one old channel; take the mean of all"
        return "expected the mean over axis 1 of the old weights, once for each new channel"

    return fault


@check
def joint_gradient(answer: Any) -> None:
    """joint_gradient(features (N, D), heads {name: (K, D)}, labels {name: (N,)}) -> (loss, gradient (N, D)).

    The sum over the heads of the mean cross-entropy of features · matrixᵀ, over the pixels that the head has labels for; 255 is void.
    """
    rng = np.random.default_rng(21)
    for pixels, sizes, void in (
        (6, {"what": 4, "how": 3}, 0.0),
        (7, {"what": 5, "how": 2}, 0.4),
        (5, {"a": 3, "b": 2, "c": 6}, 0.3),
    ):
        features = rng.standard_normal((pixels, 3))
        heads = {name: rng.standard_normal((size, 3)) for name, size in sizes.items()}
        labels = {
            name: np.where(rng.random(pixels) < void, 255, rng.integers(0, size, pixels))
            for name, size in sizes.items()
        }
        one_joint(answer, features, heads, labels)
    labels["b"] = np.full(pixels, 255)
    one_joint(answer, features, heads, labels)
    one_joint(answer, 400 * features, heads, labels)


def one_joint(answer: Any, features: np.ndarray, heads: dict[str, np.ndarray], labels: dict[str, np.ndarray]) -> None:
    found = answer(
        features.copy(), {name: m.copy() for name, m in heads.items()}, {name: v.copy() for name, v in labels.items()}
    )
    if not isinstance(found, tuple | list) or len(found) != 2:
        wrong("expected two things, the loss and its gradient for the features")
    loss, gradient = found
    if not np.all(np.isfinite(loss)) or not np.all(np.isfinite(np.asarray(gradient, float))):
        empty = [name for name, each in labels.items() if (each == 255).all()]
        if empty and np.abs(features).max() < 100:
            wrong(
                f"head {empty[0]!r} has no labelled pixel, and its mean is that of nothing: loss and gradient 0 there"
            )
        wrong("scores of several hundred overflow: subtract each pixel's largest score before you raise e to it")
    parts = {name: head_by_loops(features, heads[name], labels[name]) for name in heads}
    close(loss, sum(part for part, _ in parts.values()), loss_fault(features, heads, labels, parts))
    close(gradient, sum(slope for _, slope in parts.values()), gradient_fault(heads, labels, parts))

    class Answered(mf.Function):
        def forward(self, x: np.ndarray) -> Any:
            value, self.slope = answer(x, heads, labels)
            return np.asarray(value, float)

        def backward(self, grad: np.ndarray) -> np.ndarray:
            return grad * self.slope

    if np.abs(features).max() < 100:
        try:
            mf.gradcheck(lambda x: Answered()(x), np.array(features))
        except mf.GradcheckError as error:
            wrong(f"the gradient is not that of your loss: {str(error).splitlines()[1].strip()}")
        counted()


def head_by_loops(features: np.ndarray, matrix: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Loss and gradient of one head, pixel by pixel."""
    total, slope = 0.0, np.zeros_like(features)
    known = [n for n in range(len(labels)) if labels[n] != 255]
    for n in known:
        scores = matrix @ features[n]
        scores = scores - scores.max()
        chances = np.exp(scores) / np.exp(scores).sum()
        total -= scores[labels[n]] - np.log(np.exp(scores).sum())
        chances[labels[n]] -= 1
        slope[n] = chances @ matrix
    return total / max(len(known), 1), slope / max(len(known), 1)


def loss_fault(features: Any, heads: Any, labels: Any, parts: Any) -> Callable[[Any, Any], str]:
    counts = {name: int((labels[name] != 255).sum()) for name in heads}
    both = np.logical_and.reduce([labels[name] != 255 for name in heads])
    shared = {name: np.where(both, labels[name], 255) for name in heads}

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        def is_like(value: float) -> bool:
            return bool(np.isclose(float(found), value))

        if is_like(float(wanted) / len(heads)):
            return "you average over the heads; their losses are added, each with weight 1"
        if is_like(sum(parts[name][0] * counts[name] / len(features) for name in heads)):
            return "you divide by all pixels; each head divides by the pixels that it has labels for"
        if is_like(sum(parts[name][0] * counts[name] for name in heads)):
            return "that is the sum over the pixels; each head takes the mean"
        if is_like(sum(parts[name][0] * counts[name] for name in heads) / max(sum(counts.values()), 1)):
            return "you divide by the labelled pixels of all heads together; each head has its own number"
        if any(is_like(parts[name][0]) for name in heads):
            return "only one head counts; add the losses of all"
        if is_like(sum(head_by_loops(features, heads[name], shared[name])[0] for name in heads)):
            return "a pixel that is void for one head still counts for the others: each head has its own void"
        return "expected for each head the mean over its labelled pixels of log Σ exp(score) - score of the label, added up"

    return fault


def gradient_fault(heads: Any, labels: Any, parts: Any) -> Callable[[Any, Any], str]:
    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        if any(np.allclose(found, slope) for _, slope in parts.values()):
            return "the loss is right, but only one head's gradient arrives; the trunk gets the sum of all"
        if np.allclose(found, wanted / len(heads)):
            return "the gradient is averaged over the heads; it is added, as the losses are"
        known = {name: max(int((labels[name] != 255).sum()), 1) for name in heads}
        if np.allclose(found, sum(parts[name][1] * known[name] for name in heads)):
            return "the gradient is not divided by the number of labelled pixels, the loss is"
        if np.allclose(found, -wanted):
            return "the sign is turned round: softmax minus one-hot"
        void = np.logical_or.reduce([labels[name] == 255 for name in heads])
        if void.any() and np.allclose(found[~void], wanted[~void]):
            return "where a label is void, that head sends no gradient: zero out its row"
        return "the loss is right, its gradient is not: for each head (softmax - one-hot) / labelled pixels, times its matrix"

    return fault
