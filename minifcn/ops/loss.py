"""Softmax cross-entropy on score maps, with void pixels, class weights and three reductions."""

from math import prod
from typing import Literal

import numpy as np

from minifcn import backend, kernels
from minifcn.autodiff.engine import Array, Function, Tensor, TensorLike
from minifcn.autodiff.foreign import refuse
from minifcn.ops import checks, samples
from minifcn.ops.registry import operation


class SoftmaxCrossEntropy(Function):
    """loss = Σ w·(-log softmax(scores)[label]) / divisor over the pixels that count."""

    fresh = True

    def __init__(self, labels: Array, valid: Array, weight: Array | None, reduction: str) -> None:
        self.labels, self.valid, self.weight, self.reduction = labels, valid, weight, reduction

    def forward(self, scores: Array) -> Array:
        xp = backend.array_module(scores)
        self.shape = n, classes, *size = scores.shape
        # (N, P), P pixels a picture
        labels, valid = (part.reshape(n, prod(size)) for part in (self.labels, self.valid))
        scores = scores.reshape(n, classes, prod(size))  # (N, C, P)
        losses, self.softmax = kernels.softmax_cross_entropy(scores, labels, valid)
        # (N, P), None where all pixels that count count alike
        self.factor = None if self.weight is None else xp.where(valid, self.weight[labels], 0)
        if self.factor is not None:
            losses = losses * self.factor
        if self.reduction == "none":
            return losses.reshape(self.labels.shape)
        self.divisor = None
        if self.reduction == "mean":
            total = (valid if self.factor is None else self.factor).sum(dtype=scores.dtype)
            # nothing counts: 0 and not 0 / 0
            divisor = xp.maximum(total, 1) if self.factor is None else xp.where(total == 0, 1, total)
            self.divisor = divisor.astype(scores.dtype, copy=False)
            losses = losses / self.divisor
        return losses.sum()

    def backward(self, grad: Array) -> Array:
        xp, (n, _, pixels) = backend.array_module(grad), self.softmax.shape
        labels, valid = (part.reshape(n, pixels) for part in (self.labels, self.valid))
        if self.reduction == "none":
            factor = grad.reshape(n, pixels)
        else:  # one number for a sum or mean
            factor = xp.broadcast_to(grad if self.divisor is None else grad / self.divisor, (n, pixels))
        if self.factor is not None:
            factor = self.factor * factor
        scores = kernels.softmax_cross_entropy_gradient(self.softmax, labels, valid, factor)  # (N, C, P)
        return scores.reshape(self.shape)


@operation(samples.softmax_cross_entropy)
def softmax_cross_entropy(
    scores: TensorLike,
    labels: TensorLike,
    weight: TensorLike | None = None,
    ignore_index: int = 255,
    reduction: Literal["mean", "sum", "none"] = "mean",
    *,
    check: bool = True,
) -> Tensor:
    """Multinomial logistic loss of scores (N, C, ...) against labels (N, ...), integers in 0 … C - 1 or `ignore_index`.

    `weight` (C,) multiplies each pixel's loss by its class's weight. `reduction`: "sum"; "mean", which divides by the number of
    pixels that count (by the sum of their weights where weights are given); or "none", a loss a pixel. Where no pixel counts,
    the loss is 0 and so is the gradient. `check=False` for labels that were looked at before: on a GPU to look at them is to wait for it.
    Paper section 4.1; d loss / d scores = softmax - one hot.

    >>> import numpy as np, minifcn as mf
    >>> loss = mf.ops.softmax_cross_entropy(np.zeros((1, 3, 1, 2)), np.array([[[2, 255]]]))
    >>> round(loss.item(), 4)  # ln 3
    1.0986
    """
    name = "softmax_cross_entropy"
    scores = checks.as_tensor(name, scores, "scores")
    if scores.ndim < 2 or scores.shape[1] == 0:
        raise ValueError(f"{name}: scores have shape {scores.shape}; expected (N, C, ...) with at least one class")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f'{name}: reduction is {reduction!r}; expected "mean", "sum" or "none"')
    if not checks.whole(ignore_index):
        raise TypeError(f"{name}: ignore_index is {ignore_index!r}; expected an integer")
    labels, valid = as_indices(name, scores, labels, ignore_index, check)
    weights = None if weight is None else checks.class_weights(name, weight, scores)
    return SoftmaxCrossEntropy(labels, valid, weights, reduction)(scores)


def as_indices(name: str, scores: Tensor, labels: TensorLike, ignore_index: int, check: bool) -> tuple[Array, Array]:
    """Labels as indices 0 … C - 1 (0 where ignored), and which of them count."""
    refuse(name, labels, "labels")
    values = labels.data if isinstance(labels, Tensor) else labels
    array: Array = values if backend.is_array(values) else np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}: labels have dtype {array.dtype}; expected integers, one class number a pixel")
    if isinstance(labels, Tensor):
        checks.same_device(name, scores=scores, labels=labels)
    expected = (scores.shape[0], *scores.shape[2:])
    if array.shape != expected:
        raise ValueError(
            f"{name}: labels have shape {array.shape}; expected {expected}, one a pixel of scores {scores.shape}"
        )
    if check:
        check_labels(name, array, scores.shape[1], ignore_index)
    # a plain array goes where the scores are, once it is known to be right
    array = backend.to_device(array, scores.device)
    xp, valid = backend.array_module(array), counted(array, ignore_index)
    return xp.where(valid, array, 0).astype(xp.intp, copy=False), valid


def check_labels(name: str, labels: Array, classes: int, ignore_index: int) -> None:
    """Raise ValueError where a label is neither `ignore_index` nor one of `classes`. Compared as they come: a cast could turn a wrong one right."""
    wrong = counted(labels, ignore_index) & ((labels < 0) | (labels >= classes))
    if wrong.any():
        values = [int(value) for value in backend.array_module(labels).unique(labels[wrong])[:5]]
        raise ValueError(
            f"{name}: {int(wrong.sum())} labels are out of range, such as {values}; "
            f"expected 0 to {classes - 1} for {classes} classes, or ignore_index {ignore_index}"
        )


def counted(labels: Array, ignore_index: int) -> Array:
    """Which labels count: bool, in their shape."""
    if fits(ignore_index, labels.dtype):
        return labels != ignore_index
    return backend.array_module(labels).ones(labels.shape, bool)


def fits(value: int, dtype: np.dtype) -> bool:
    """Whether labels of `dtype` can hold `value` at all; -1 can never occur in uint8."""
    limits = np.iinfo(dtype)
    return bool(limits.min <= value <= limits.max)
