"""Checks of lesson 22: parameters counted, momenta compared, a whole network in plain NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np

import minifcn as mf
from checks.verdict import check, close, equal, wrong
from minifcn.nn.initialisers import bilinear

VGG16 = [
    (3, 64, 3),
    (64, 64, 3),
    (64, 128, 3),
    (128, 128, 3),
    (128, 256, 3),
    (256, 256, 3),
    (256, 256, 3),
    (256, 512, 3),
]
VGG16 += [(512, 512, 3)] * 5 + [(512, 4096, 7), (4096, 4096, 1), (4096, 21, 1)]


@check
def count_parameters(answer: Any) -> None:
    """count_parameters(layers) -> the number of weights and biases; layers is a list of (channels in, channels out, kernel)."""
    cases = [([], 0), ([(1, 1, 1)], 2), ([(3, 5, 2)], 65), ([(2, 3, 1), (3, 4, 3)], 121), (VGG16, 134_346_581)]
    for layers, wanted in cases:
        equal(answer(list(layers)), wanted, parameter_fault(layers))


def parameter_fault(layers: list[tuple[int, int, int]]) -> Callable[[Any, Any], str]:
    patterns = [
        (sum(o * c * k * k for c, o, k in layers), "the biases are missing: one for each channel that goes out"),
        (sum(o * c * k * k + c for c, o, k in layers), "a bias belongs to each channel that goes *out*"),
        (sum(o * c * k + o for c, o, k in layers), "a kernel has kernel · kernel taps"),
        (sum(o * k * k + o for c, o, k in layers), "each output channel has a kernel for every input channel"),
        (sum(o * c * k * k + 1 for c, o, k in layers), "not one bias a layer: one for each channel that goes out"),
    ]

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        return next(
            (hint for value, hint in patterns if found == value),
            f"of {len(layers)} layers expected {wanted:,}, got {found:,}",
        )

    return fault


@check
def same_momentum(answer: Any) -> None:
    """same_momentum(momentum, batch, new_batch) -> q with q^(1 / new_batch) = momentum^(1 / batch)."""
    close(
        answer(0.5, 2, 6), 0.125, momentum_fault(0.5, 2, 6)
    )  # 6 pictures are three steps of 2: half of the half of the half
    for momentum, batch, new in ((0.9, 20, 1), (0.99, 1, 20), (0.9, 8, 8), (0.3, 3, 2)):
        wanted = np.exp(np.log(momentum) / batch * new)  # what one picture leaves, as often as a step has pictures
        close(answer(momentum, batch, new), wanted, momentum_fault(momentum, batch, new))


def momentum_fault(momentum: float, batch: int, new: int) -> Callable[[Any, Any], str]:
    patterns = [
        (
            momentum ** (batch / new),
            "upside down: with more pictures in a step than before, a step must leave less than before, and yours leaves more",
        ),
        (momentum, "it is the same as before: but a step of another size must forget another share"),
        (
            momentum * new / batch,
            "a momentum does not grow with the batch: it is a factor, and the factors of several pictures are multiplied",
        ),
        (
            1 - (1 - momentum) * new / batch,
            "what is forgotten, 1 - p, does not grow in proportion: the second picture takes its share of what the first one left",
        ),
        (
            momentum ** (1 / batch),
            "that is what is left after one picture; a step has new_batch of them",
        ),
    ]

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        for value, hint in patterns:
            if np.isclose(found, value, rtol=1e-9):
                return hint
        return f"ask what one picture leaves: with {momentum} and {batch} a step, and with yours and {new} a step; it must be the same share"

    return fault


@check
def whole_fcn(answer: Any) -> None:
    """whole_fcn(x (3, H, W), three pairs (weight, bias)) -> scores (classes, H, W).

    Twice convolution 3x3 (padding 1), ReLU, max-pool 2x2; then a 1x1 convolution, then bilinear upsampling by 4.
    """
    rng = np.random.default_rng(22)
    for h, w, widths in ((8, 8, (3, 4, 2)), (12, 4, (2, 5, 3)), (4, 16, (4, 3, 5))):
        channels = (3, *widths)
        sizes = (3, 3, 1)
        layers = [
            (rng.standard_normal((o, c, k, k)), rng.standard_normal(o))
            for c, o, k in zip(channels, widths, sizes, strict=False)
        ]
        x = rng.standard_normal((3, h, w))
        given = x.copy()
        found = answer(given, [(weight.copy(), bias.copy()) for weight, bias in layers])
        if not np.array_equal(given, x):
            wrong("you change the picture that was given")
        close(found, by_operations(x, layers), network_fault(x, layers))


def by_operations(x: np.ndarray, layers: Any, **changes: Any) -> np.ndarray:
    """The same by the library's operations, or with one thing changed."""
    ops, maps = mf.ops, mf.Tensor(x[None])
    for weight, bias in layers[:2]:
        weight = weight[:, :, ::-1, ::-1].copy() if changes.get("turned") else weight
        weight = weight.swapaxes(2, 3).copy() if changes.get("exchanged") else weight
        maps = ops.conv2d(maps, weight, None if changes.get("no_bias") else bias, padding=1)
        maps = maps if changes.get("no_relu") else ops.relu(maps)
        maps = ops.avg_pool2d(maps, 2) if changes.get("average") else ops.max_pool2d(maps, 2)
    weight, bias = layers[2]
    scores = ops.conv2d(maps, weight, bias)
    if changes.get("relu_last"):
        scores = ops.relu(scores)
    if changes.get("nearest"):
        return scores.data[0].repeat(4, 1).repeat(4, 2)
    classes = len(bias)
    kernel = bilinear(classes, 8).astype(float)
    padding = changes.get("padding", 2)
    large = ops.conv_transpose2d(scores, kernel, stride=4, padding=padding, groups=classes).data[0]
    return large[:, : x.shape[1], : x.shape[2]]


def network_fault(x: np.ndarray, layers: Any) -> Callable[[Any, Any], str]:
    patterns = [
        ({"no_relu": True}, "a ReLU is missing after the convolutions: without it the two are one"),
        ({"no_bias": True}, "the biases of the first two convolutions are missing"),
        ({"turned": True}, "the kernels are turned round: tap (i, j) meets pixel (row + i - 1, column + j - 1)"),
        ({"exchanged": True}, "rows and columns of the kernels are exchanged: tap (i, j) lies i rows down"),
        ({"average": True}, "you average where the pool takes the maximum"),
        ({"relu_last": True}, "scores go out as they are, negative ones too: no ReLU after the 1x1 convolution"),
        (
            {"nearest": True},
            "every cell is repeated 4 times; bilinear upsampling paints a kernel of 8 that overlaps its neighbours",
        ),
        ({"padding": 0}, "the painted map is cut at its corner; cut 2 rows and columns on every side"),
    ]

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        for changes, hint in patterns:
            if np.allclose(found, by_operations(x, layers, **changes)):
                return hint
        inner = (slice(None), slice(4, -4), slice(4, -4))
        if wanted[inner].size and np.allclose(found[inner], wanted[inner]):
            return "right inside, wrong along the border: is the picture padded with zeros before each 3x3 convolution, and nothing added at the edge of the scores?"
        return "the scores are wrong; check your parts one by one against mf.ops.conv2d, relu, max_pool2d, conv_transpose2d"

    return fault
