"""Checks of lesson 15: the backward of a join, boundary accuracy, the deep jet."""

from typing import Any

import numpy as np

import minifcn as mf
from checks.lesson_14 import enlarged
from checks.verdict import check, close, counted, wrong
from minifcn import ops
from minifcn.nn.initialisers import bilinear

VOID = 255


@check
def fuse_backward(answer: Any) -> None:
    """fuse_backward(grad, a, b, how) -> (gradient of a, gradient of b) of a + b ("sum") or of the larger ("max"); ties: half each."""
    for seed, shape in enumerate([(6,), (2, 3, 4, 5), (1, 1)]):
        rng = np.random.default_rng([15, seed])
        a, b = rng.integers(-2, 3, shape).astype(float), rng.integers(-2, 3, shape).astype(float)  # with ties
        grad = rng.standard_normal(shape)
        for how in ("sum", "max"):
            wanted = np.zeros(shape), np.zeros(shape)
            for at in np.ndindex(shape):
                share = 0.5 if a[at] == b[at] else float(a[at] > b[at])
                wanted[0][at] = grad[at] if how == "sum" else share * grad[at]
                wanted[1][at] = grad[at] if how == "sum" else (1 - share) * grad[at]
            found = answer(grad, a, b, how)
            if not isinstance(found, tuple | list) or len(found) != 2:
                wrong(f"expected two arrays (gradient of a, gradient of b), got {type(found).__name__}")
            pair = np.asarray(found[0]), np.asarray(found[1])
            for part, right in zip(pair, wanted, strict=True):
                close(part, right, lambda *_, pair=pair, g=grad, a=a, b=b, how=how: fuse_fault(*pair, g, a, b, how))


def fuse_fault(first: np.ndarray, second: np.ndarray, grad: np.ndarray, a: np.ndarray, b: np.ndarray, how: str) -> str:
    """What a wrong pair of gradients looks like."""
    if how == "sum":
        if np.allclose(first, grad / 2) and np.allclose(second, grad / 2):
            return "sum: you share the gradient out; a change of a changes the sum as much, so both get all of it"
        return "sum: both sides get the gradient as it is"
    apart = a != b
    if np.allclose(first[apart], grad[apart]) and np.allclose(second[apart], grad[apart]):
        return "max: you give the gradient to both; the loser changed nothing, it gets 0"
    larger = a > b
    if np.allclose(first[larger], 0) and np.allclose(second[larger], grad[larger]):
        return "max: the gradient goes to the smaller one; exchange the two"
    ties = ~apart
    if np.allclose(first[apart], np.where(larger, grad, 0)[apart]):
        if np.allclose((first + second)[ties], 2 * grad[ties]):
            return "max: where both are equal both get all, which doubles the gradient; give half to each"
        if np.allclose((first + second)[ties], 0):
            return "max: where both are equal nobody gets anything; give half to each"
        return "max: where both are equal one side gets all; give half to each"
    return "max: all of the gradient to the larger, 0 to the smaller"


@check
def boundary_accuracy(answer: Any) -> None:
    """boundary_accuracy(labels, predictions, width) -> the share of right pixels among those with another class within `width`."""
    halves = np.repeat([[0, 0, 0, 1, 1, 1, 1]], 4, axis=0)
    cases = []
    for seed, (size, width) in enumerate([((9, 12), 1), ((12, 7), 2), ((6, 16), 3)]):
        rng = np.random.default_rng([15, seed])
        labels = rng.integers(0, 3, (2, 3)).repeat(size[0] // 2, 0).repeat(size[1] // 3, 1)
        labels = np.where(rng.random(labels.shape) < 0.15, VOID, labels)
        guesses = np.where(rng.random(labels.shape) < 0.4, rng.integers(0, 3, labels.shape), labels % VOID)
        cases.append((labels, guesses, width))
    cases += [
        (halves, np.zeros_like(halves), 1),
        (np.full((3, 3), 2), np.full((3, 3), 2), 1),
    ]  # several mistakes give the same here
    for labels, guesses, width in cases:
        wanted = share_right(labels, guesses, width)
        found = float(answer(labels, guesses, width))
        if not np.isclose(found, wanted, atol=1e-9):
            wrong(
                f"{band_fault(found, labels, guesses, width)}; labels {labels.shape}, width {width}: {found:.4f}, expected {wanted:.4f}"
            )
        counted()


def share_right(
    labels: np.ndarray, guesses: np.ndarray, width: int, corners: bool = True, void_is_class: bool = False, count_void: bool = False,
    wraps: bool = False, behind: int = 1, of: Any = None,
) -> float:  # fmt: skip
    """The definition, pixel by pixel; with its mistakes, to name them."""
    right = total = 0
    around = labels if of is None else of
    for (y, x), label in np.ndenumerate(labels):
        if label == VOID and not count_void:
            continue
        near = False
        if wraps or not behind:
            ends = (
                slice(y - width if wraps else max(0, y - width), y + width + behind),
                slice(x - width if wraps else max(0, x - width), x + width + behind),
            )
            others = around[ends]
            near = bool(((others != label) & (others != VOID)).any())
        else:
            for (v, u), other in np.ndenumerate(around):
                apart = max(abs(v - y), abs(u - x)) if corners else abs(v - y) + abs(u - x)
                near |= apart <= width and other != label and (other != VOID or void_is_class)
        total += near
        right += near and guesses[y, x] == label
    return right / total if total else 1.0


def near_others(labels: np.ndarray, width: int) -> int:
    """How many pixels count."""
    return sum(
        label != VOID
        and bool(
            np.setdiff1d(
                labels[max(0, y - width) : y + width + 1, max(0, x - width) : x + width + 1], [label, VOID]
            ).size
        )
        for (y, x), label in np.ndenumerate(labels)
    )


def band_fault(found: float, labels: np.ndarray, guesses: np.ndarray, width: int) -> str:
    """What a wrong share looks like."""

    def like(value: float) -> bool:
        return bool(np.isclose(found, value, atol=1e-9))

    counts = labels != VOID
    if like((labels == guesses)[counts].mean()):
        return "that is the accuracy of all labelled pixels; count those near a boundary only"
    if like(share_right(labels, guesses, width, void_is_class=True)):
        return "a void neighbour makes no boundary; leave 255 out when you look for another class"
    if like(share_right(labels, guesses, width, count_void=True)):
        return "void pixels are counted as pixels to get right; leave them out"
    if like(share_right(labels, guesses, width, corners=False)):
        return "within `width` rows and columns is a square, corners too; you count steps"
    if like(share_right(labels, guesses, width - 1)) or like(share_right(labels, guesses, width + 1)):
        return "your band is one pixel too thin or too wide: rows - width to rows + width, both included"
    if not near_others(labels, width):
        return "no pixel is near another class here; the answer for that is 1.0"
    if like(share_right(labels, guesses, width, wraps=True)):
        return "near the upper or left edge your window begins below 0, and a slice counts such a number from the end; begin at 0"
    if like(share_right(labels, guesses, width, behind=0)):
        return "a slice ends before its last number: to row + width it needs row + width + 1"
    if like(share_right(labels, guesses, width, of=guesses)):
        return "the boundaries are those of the labels, not of the predictions"
    if like(near_others(labels, width) * share_right(labels, guesses, width) / labels.size):
        return "you divide by all pixels; count those near a boundary"
    if like(1 - share_right(labels, guesses, width)):
        return "that is the share of wrong pixels"
    return "count labelled pixels that have another class within `width` rows and columns; of those, the share whose prediction is their label"


@check
def deep_jet(answer: Any) -> None:
    """deep_jet(score_maps, scales, stride, size, upsample) -> Tensor (N, C, H, W): coarse to fine, twice as large, cut, add scale · finer."""

    def upsample(x: Any, factor: int) -> mf.Tensor:
        kernel = bilinear(2, 2 * factor).astype(np.float64)
        return ops.conv_transpose2d(x, kernel, stride=factor, padding=factor // 2, groups=2)

    cases: list[tuple[list[tuple[int, int]], list[float], int, tuple[int, int]]] = [
        ([(2, 3)], [], 4, (8, 12)),
        ([(2, 2), (4, 4)], [0.5], 4, (16, 16)),
        ([(1, 2), (2, 4), (4, 8)], [0.1, -3.0], 2, (8, 16)),
        ([(2, 2), (3, 4), (5, 7), (10, 13)], [1.0, 0.01, 2.0], 2, (19, 26)),
    ]
    for seed, (sizes, scales, stride, size) in enumerate(cases):
        rng = np.random.default_rng([15, seed])
        arrays = [rng.standard_normal((2, 2, *each)) for each in sizes]
        wanted = jet(arrays, scales, stride, size)
        tensors = [mf.Tensor(array, requires_grad=True) for array in arrays]
        found = answer(tensors, scales, stride, size, upsample)
        if not isinstance(found, mf.Tensor) or not found.requires_grad:
            wrong("the result has no backward: add and slice the Tensors themselves, not their .data")
        case = f"maps {sizes}, scales {scales}, stride {stride}, size {size}"
        if found.shape != wanted.shape:
            wrong(
                f"the result is {found.shape[2:]}, expected the picture's {size}: cut the far end after the last upsampling; {case}"
            )
        if not np.allclose(found.data, wanted, atol=1e-9):
            wrong(f"{jet_fault(found.data, arrays, scales, stride, size)}; {case}")
        counted()
        found.backward(np.ones(wanted.shape))
        for i, tensor in enumerate(tensors):
            if tensor.grad is None:
                wrong(f"the scores are right, but no gradient reaches map {i}")
            unit = rng.standard_normal(arrays[i].shape)
            moved = [array + unit if j == i else array for j, array in enumerate(arrays)]
            change = (jet(moved, scales, stride, size) - wanted).sum()  # linear: any step is exact
            close((tensor.grad * unit).sum(), change, f"the scores are right, but map {i}'s gradient is not; {case}")


def jet(arrays: list[np.ndarray], scales: list[float], stride: int, size: tuple[int, int]) -> np.ndarray:
    """The deep jet in NumPy, upsampling by the definition of a tent."""
    result = arrays[0]
    for finer, scale in zip(arrays[1:], scales, strict=True):
        result = enlarged(result, 2)[:, :, : finer.shape[2], : finer.shape[3]] + scale * finer
    return enlarged(result, stride)[:, :, : size[0], : size[1]]


def jet_fault(
    found: np.ndarray, arrays: list[np.ndarray], scales: list[float], stride: int, size: tuple[int, int]
) -> str:
    """What wrong scores look like."""
    ones = [1.0] * len(scales)
    if np.allclose(found, jet(arrays, ones, stride, size)):
        return "the scales are missing: multiply each map after the first by its own"
    if np.allclose(found, jet(arrays, scales[::-1], stride, size)):
        return "the scales are in the wrong order: scales[0] belongs to score_maps[1]"
    if len(arrays) > 2 and np.allclose(found, jet(arrays[:2], scales[:1], stride * 2 ** (len(arrays) - 2), size)):
        return "you stop after the first skip"
    last = enlarged(scales[-1] * arrays[-1], stride)[:, :, : size[0], : size[1]] if scales else None
    if last is not None and np.allclose(found, last):
        return "only the finest map is left: add to what you have so far"
    every = sum(
        enlarged(scale * array, stride * 2 ** (len(arrays) - 1 - i))[:, :, : size[0], : size[1]]
        for i, (array, scale) in enumerate(zip(arrays, [1.0, *scales], strict=True))
        if array.shape[2] * stride * 2 ** (len(arrays) - 1 - i) >= size[0]
    )
    if np.shape(every) == found.shape and np.allclose(found, every):
        return "you upsample each map to the picture and add there; upsample by 2, add, and so on, and by `stride` at the end only"
    return "for each finer map: twice as large, cut at the far end to its size, and added to it with its scale; the last upsampling is by stride"
