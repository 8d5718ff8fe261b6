"""Checks of lesson 12: the first loss, surgery, and a training loop."""

from math import log
from typing import Any

import numpy as np

import minifcn as mf
from checks.verdict import check, close, counted, wrong
from minifcn import nn

VOID = 255


@check
def first_loss(answer: Any) -> None:
    """first_loss(labels, classes, reduction) -> the loss of scores that are all zero: "sum" or "mean" over the pixels that count."""
    rng = np.random.default_rng(12)
    for classes, shape in ((21, (1, 4, 5)), (2, (3, 2, 2)), (9, (2, 7, 3)), (1, (1, 2, 2))):
        labels = rng.integers(0, classes, shape).astype(np.uint8)
        with_void = np.where(rng.random(shape) < 0.4, np.uint8(VOID), labels)
        for each in (labels, with_void, np.full(shape, VOID, np.uint8)):
            total = 0.0
            for label in each.ravel():  # softmax of zeros gives each class 1 / classes
                total += 0.0 if label == VOID else -log(1 / classes)
            count = int((each != VOID).sum())
            for reduction, wanted in (("sum", total), ("mean", total / count if count else 0.0)):
                found = answer(each, classes, reduction)
                if not count and not np.all(np.isfinite(np.asarray(found, float))):
                    wrong(
                        f"where all pixels are void the {reduction} is {found}; expected 0: nothing counts, so do not divide"
                    )
                close(found, wanted, lambda found, wanted, each=each, classes=classes, count=count, reduction=reduction: first_fault(
                    float(found), float(wanted), each, classes, count, reduction))  # fmt: skip


def first_fault(found: float, wanted: float, labels: np.ndarray, classes: int, count: int, reduction: str) -> str:
    """What a wrong first loss looks like."""
    case = f'{classes} classes, {labels.size} pixels, {labels.size - count} of them void, "{reduction}": {found:.4f}, expected {wanted:.4f}'
    per_pixel = log(classes)
    if np.isclose(found, per_pixel * (labels.size if reduction == "sum" else 1)) and count != labels.size:
        return f"void pixels cost nothing: count those that are not 255; {case}"
    if reduction == "mean" and np.isclose(found, wanted * count / labels.size):
        return f"the mean divides by the pixels that count, not by all; {case}"
    if reduction == "sum" and np.isclose(found, per_pixel):
        return f"that is the loss of one pixel; the sum has one for each pixel that counts; {case}"
    if classes > 1 and any(np.isclose(found, wanted / log(base)) for base in (2, 10)):
        return f"the loss is made with the natural logarithm; {case}"
    if np.isclose(found, -wanted):
        return f"the sign: minus the logarithm of 1 / classes is above 0; {case}"
    return f"softmax of zeros gives each class 1 / classes; {case}"


@check
def full_surgery(answer: Any) -> None:
    """full_surgery(old, new) -> (copied, reshaped, left, dropped): lists of names; writes old's arrays into new's."""
    for seed in range(3):
        rng = np.random.default_rng([12, seed])
        old = {
            "conv1.weight": rng.standard_normal((4, 3, 3, 3)),
            "conv1.bias": rng.standard_normal(4),
            "fc6.weight": rng.standard_normal((6, 4 * 2 * 3)),
            "fc6.bias": rng.standard_normal(6),
            "fc7.weight": rng.standard_normal((5, 6)),
            "fc8.weight": rng.standard_normal((10, 5)),
            "score.weight": rng.standard_normal((7, 4, 1, 1)),
            "norm.weight": rng.standard_normal((4, 6)),
        }
        shapes = {
            "conv1.weight": (4, 3, 3, 3),
            "conv1.bias": (4,),
            "fc6.weight": (6, 4, 2, 3),
            "fc6.bias": (6,),
            "fc7.weight": (5, 6, 1, 1),
            "score.weight": (4, 7, 1, 1),  # as many numbers, but neither is a matrix: not the same layer
            "norm.weight": (6, 4, 1, 1),  # other rows
            "score_fr.weight": (9, 5, 1, 1),
        }
        new = {name: np.zeros(shape) for name, shape in shapes.items()}
        arrays, before = dict(new), {name: array.copy() for name, array in old.items()}
        lists = {
            "copied": ["conv1.weight", "conv1.bias", "fc6.bias"],
            "reshaped": ["fc6.weight", "fc7.weight"],
            "left": ["score.weight", "norm.weight", "score_fr.weight"],
            "dropped": ["fc8.weight", "score.weight", "norm.weight"],
        }
        found = answer(old, new)
        try:
            parts = [list(part) for part in (found.values() if isinstance(found, dict) else found)]
        except TypeError:
            wrong(f"expected four lists (copied, reshaped, left, dropped), got {found!r:.60}")
        if len(parts) != 4:
            wrong(f"expected four lists (copied, reshaped, left, dropped), got {len(parts)}")
        if any(new[name] is not arrays[name] for name in shapes if name in new):
            wrong("you put other arrays into the dictionary; write into those that are there: new[name][...] = value")
        for (what, wanted), names in zip(lists.items(), parts, strict=True):
            if sorted(names) != sorted(wanted):
                wrong(list_fault(what, names, wanted))
            counted()
        for name in [*lists["copied"], *lists["reshaped"]]:
            if not np.array_equal(new[name].ravel(), before[name].ravel()):
                wrong(array_fault(name, new[name], before[name]))
            counted()
        if any(new[name].any() for name in lists["left"]):
            wrong("something was written into a parameter that should be left as it is")


def list_fault(what: str, names: list[str], wanted: list[str]) -> str:
    """What a wrong list of names looks like."""
    extra, missing = sorted(set(names) - set(wanted)), sorted(set(wanted) - set(names))
    if "score.weight" in extra and what in ("copied", "reshaped"):
        return "score.weight (7, 4, 1, 1) has as many numbers as (4, 7, 1, 1), but they mean other things: reshape a matrix only, with the same number of rows"
    if "norm.weight" in extra and what in ("copied", "reshaped"):
        return "norm.weight (4, 6) went into (6, 4, 1, 1): the rows are the outputs, and there must be as many"
    if what == "copied" and "fc6.weight" in extra:
        return "fc6.weight is among the copied; its shape changed, so it belongs to the reshaped"
    if what == "reshaped" and "fc7.weight" in missing:
        return "fc7.weight (5, 6) fits (5, 6, 1, 1): as many numbers and rows, a 1 x 1 convolution"
    if what == "dropped":
        return f"dropped are the names of `old` that were not written anywhere: {missing or extra}"
    if what == "left":
        return f"left are the names of `new` that were not written: {missing or extra}"
    return f"{what}: too many {extra}, missing {missing}"


def array_fault(name: str, found: np.ndarray, wanted: np.ndarray) -> str:
    """What wrong numbers look like."""
    if not found.any():
        return f"{name} is still zero: you listed it and did not write it"
    return f"{name} has other numbers than before: reshape keeps their order (no transpose)"


class Small(nn.Module):
    """A convolution that learns, on one that does not: float64, so that a trajectory can be followed digit by digit."""

    def __init__(self, seed: int) -> None:
        mf.manual_seed(seed)
        self.fixed, self.score = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 3, 1)
        self.astype(np.float64)
        for parameter in self.fixed.parameters():
            parameter.requires_grad = False

    def forward(self, x: Any) -> mf.Tensor:
        return self.score(mf.ops.relu(self.fixed(x)))


def trajectory(
    model: Small, x: np.ndarray, labels: np.ndarray, steps: int, rate: float, pile_up: bool = False
) -> tuple[list[float], np.ndarray]:
    """The losses and the last score weights, by hand: d loss / d scores = (softmax - one hot) / pixels that count."""
    before = np.maximum(
        np.einsum("oc,nchw->nohw", model.fixed.weight.data[:, :, 0, 0], x) + model.fixed.bias.data[:, None, None],  # type: ignore[union-attr]
        0,
    )
    weight, bias = model.score.weight.data[:, :, 0, 0].copy(), model.score.bias.data.copy()  # type: ignore[union-attr]
    counts = labels != VOID
    one_hot = (labels[:, None] == np.arange(3)[:, None, None]).astype(float)
    losses, sums = [], (np.zeros_like(weight), np.zeros_like(bias))
    for _ in range(steps):
        scores = np.einsum("oc,nchw->nohw", weight, before) + bias[:, None, None]
        chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        losses.append(float(-np.log((chances * one_hot).sum(1)[counts]).mean()))
        slope = (chances - one_hot) * counts[:, None] / counts.sum()
        new = (np.einsum("nohw,nchw->oc", slope, before), slope.sum((0, 2, 3)))
        sums = (sums[0] + new[0], sums[1] + new[1]) if pile_up else new
        weight, bias = weight - rate * sums[0], bias - rate * sums[1]
    return losses, weight


@check
def training(answer: Any) -> None:
    """training(model, x, labels, steps, rate) -> losses, each before its step. Plain gradient descent, in place, void left out."""
    for seed, steps, rate, size in ((0, 4, 0.3, (5, 4)), (1, 3, 0.1, (2, 6)), (2, 1, 0.5, (3, 3))):
        rng = np.random.default_rng([12, seed])
        x = rng.standard_normal((2, 3, *size))
        labels = rng.integers(0, 3, (2, *size)).astype(np.uint8)
        labels[:, 0] = VOID
        model, twin = Small(seed), Small(seed)
        wanted, weight = trajectory(twin, x, labels, steps, rate)
        found = np.asarray(answer(model, x, labels, steps, rate), np.float64).ravel()
        if not np.array_equal(model.fixed.weight.data, twin.fixed.weight.data):
            wrong("you moved a parameter that does not learn: leave those with requires_grad False as they are")
        piled, _ = trajectory(twin, x, labels, steps, rate, pile_up=True)
        if len(found) != steps:
            wrong(f"{steps} steps give {steps} losses, you return {len(found)}")
        if not np.allclose(found, wanted, atol=1e-9):
            wrong(loss_fault(found, np.array(wanted), np.array(piled), twin, x, labels, steps, rate))
        close(model.score.weight.data[:, :, 0, 0], weight,
              "the losses are right and the last weights are not: the model must have made its last step too, in place")  # fmt: skip


def loss_fault(
    found: np.ndarray, wanted: np.ndarray, piled: np.ndarray, twin: Small, x: np.ndarray, labels: np.ndarray, steps: int,
    rate: float,
) -> str:  # fmt: skip
    """What a wrong row of losses looks like."""
    if np.allclose(found, piled):
        return "gradients pile up: backward adds to what is there, so forget the old ones before each backward (model.zero_grad())"
    if np.allclose(found, wanted[0]):
        return "the loss never changes: the weights do not move; write into parameter.data"
    uphill, _ = trajectory(twin, x, labels, steps, -rate)
    if np.allclose(found, uphill):
        return "the loss rises: you walk uphill, so subtract the gradient"
    later, _ = trajectory(twin, x, labels, steps + 1, rate)
    if np.allclose(found, later[1:]):
        return "you note each loss after its step; note the one that you called backward on"
    count = int((labels != VOID).sum())
    if np.isclose(found[0], wanted[0] * count):
        return f"the first loss is {count} times too large: it is the sum over the pixels that count, take the mean"
    if not np.isclose(found[0], wanted[0]):
        return f"the first loss is {found[0]:.4f} before any step, expected {wanted[0]:.4f}: the mean over the pixels that are not void"
    return f"losses {np.round(found, 4).tolist()}, expected {np.round(wanted, 4).tolist()}: mean loss, void left out, weight - rate · gradient"
