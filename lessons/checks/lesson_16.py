"""Checks of lesson 16: void cells, class weights, patches."""

from typing import Any

import numpy as np

import minifcn as mf
from checks.verdict import check, close, counted, equal, wrong
from minifcn import nn, ops

VOID = 255


@check
def void_cells(answer: Any) -> None:
    """void_cells(labels, kept, cell) -> labels with the pixels of all cell x cell squares that were not kept void."""
    for seed, (shape, cell) in enumerate([((1, 8, 12), 4), ((2, 7, 9), 4), ((3, 5, 5), 1), ((2, 6, 11), 5)]):
        rng = np.random.default_rng([16, seed])
        labels = rng.integers(0, 4, shape).astype(np.uint8)
        labels[rng.random(shape) < 0.1] = VOID
        n, h, w = shape
        kept = rng.random((n, -(-h // cell), -(-w // cell))) < 0.5
        wanted = labels.copy()
        for at in np.ndindex(shape):
            if not kept[at[0], at[1] // cell, at[2] // cell]:
                wanted[at] = VOID
        before = labels.copy()
        found = np.asarray(answer(labels, kept, cell))
        if not np.array_equal(labels, before):
            wrong("you changed the labels that were given; the next step needs them whole, so make a copy")
        if found.dtype.kind not in "iu":
            wrong(f"the labels came back as {found.dtype}; expected integers")
        if found.dtype != np.uint8:
            wrong(f"uint8 comes in and {found.dtype} goes out; keep it: np.uint8(255)")
        equal(found, wanted, lambda found, wanted, before=before, kept=kept, cell=cell: void_fault(found, wanted, before, kept, cell))  # fmt: skip


def void_fault(found: np.ndarray, wanted: np.ndarray, labels: np.ndarray, kept: np.ndarray, cell: int) -> str:
    """What wrong labels look like."""
    dropped = np.zeros(labels.shape, bool)
    for at in np.ndindex(labels.shape):
        dropped[at] = not kept[at[0], at[1] // cell, at[2] // cell]
    if (found[dropped] == labels[dropped]).all() and (found[~dropped] == VOID).all():
        return "the wrong way round: kept cells keep their labels, the others become void"
    if (found[~dropped] == labels[~dropped]).all() and (found[dropped] == 0).all():
        return "cells that do not count became class 0; that is background, and counts. Void is 255"
    if (found[~dropped & (labels == VOID)] != VOID).any():
        return "void pixels of kept cells got a class; they stay void"
    if (
        kept.shape[1] > 1
        and (found[:, : cell * (labels.shape[1] // cell)] == wanted[:, : cell * (labels.shape[1] // cell)]).all()
    ):
        return "the last row of squares, which hangs over the edge, is wrong; there are as many squares as H / cell rounded up"
    return "pixel (y, x) belongs to the square (y // cell, x // cell); repeat each square's value `cell` times along rows and columns"


@check
def median_frequency(answer: Any) -> None:
    """median_frequency(label_maps, classes) -> weights (classes,): the median of the frequencies over the class's own, 1 for an absent class."""
    for seed, classes in enumerate([3, 4, 6]):
        rng = np.random.default_rng([16, seed])
        maps = []
        for size in ((6, 8), (5, 5), (9, 4), (7, 7)):
            some = rng.choice(classes - 1, size=min(2, classes - 1), replace=False)  # the last class never occurs
            labels = some[rng.integers(0, len(some), size)].astype(np.uint8)
            labels[rng.random(size) < 0.2] = VOID
            maps.append(labels)
        close(answer([each.copy() for each in maps], classes), weights_of(maps, classes),
              lambda found, wanted, maps=maps, classes=classes: weight_fault(found, wanted, maps, classes))  # fmt: skip
    nothing = [np.full((3, 3), VOID, np.uint8)]
    close(answer(nothing, 2), np.ones(2), "where nothing is labelled every class has weight 1")


def weights_of(
    maps: list[np.ndarray], classes: int, everywhere: bool = False, void: bool = False, middle: Any = np.median, absent: bool = False
) -> np.ndarray:  # fmt: skip
    """The definition, class by class; with its mistakes, to name them."""
    frequencies = {}
    for number in range(classes):
        showing = [each for each in maps if everywhere or (each == number).any()]
        pixels = sum(int((each == number).sum()) for each in maps)
        labelled = sum(each.size if void else int((each != VOID).sum()) for each in showing)
        if pixels or absent:
            frequencies[number] = pixels / max(labelled, 1)
    centre = middle(list(frequencies.values())) if frequencies else 1.0
    return np.array([centre / frequencies[k] if frequencies.get(k) else 1.0 for k in range(classes)])


def weight_fault(found: np.ndarray, wanted: np.ndarray, maps: list[np.ndarray], classes: int) -> str:
    """What wrong weights look like."""
    present = np.array([any((each == k).any() for each in maps) for k in range(classes)])
    numbers = f"weights {np.round(found, 3).tolist()}, expected {np.round(wanted, 3).tolist()}"

    def like(other: np.ndarray) -> bool:
        return bool(np.allclose(found[present], other[present]))

    if like(wanted):
        return f"a class that never occurs has weight 1; {numbers}"
    if like(1 / wanted):
        return f"upside down: the median over the class's own frequency, so that rare classes weigh more; {numbers}"
    if like(weights_of(maps, classes, everywhere=True)):
        return f"a class's frequency is counted over the pictures that show it, not over all; {numbers}"
    if like(weights_of(maps, classes, void=True)):
        return f"void pixels are counted among a picture's pixels; leave them out; {numbers}"
    if like(weights_of(maps, classes, middle=np.mean)):
        return f"that is the mean of the frequencies; take the median; {numbers}"
    if like(weights_of(maps, classes, absent=True)):
        return f"absent classes took part in the median with frequency 0; leave them out; {numbers}"
    ratio = found[present] / wanted[present]
    if np.allclose(ratio, ratio[0]):
        return f"the weights are right up to a factor: multiply by the median of the frequencies; {numbers}"
    return f"frequency = the class's pixels / labelled pixels of the pictures that show it; weight = median(frequencies) / frequency; {numbers}"


@check
def patches(answer: Any) -> None:
    """patches(x, labels, kept, size, stride) -> (patches (M, C, size, size), labels (M,)) of the kept cells, row by row."""
    for seed, (size, stride, shape) in enumerate(
        # a square picture first: exchanged rows and columns fit in, and are told
        [(3, 2, (2, 2, 9, 9)), (3, 1, (1, 2, 6, 8)), (7, 3, (2, 3, 19, 16)), (2, 4, (2, 1, 10, 15))]
    ):
        rng = np.random.default_rng([16, seed])
        x = rng.standard_normal(shape)
        cells = (shape[0], (shape[2] - size) // stride + 1, (shape[3] - size) // stride + 1)
        labels, kept = rng.integers(0, 5, cells), rng.random(cells) < 0.5
        wanted = [(n, i, j) for n, i, j in np.ndindex(cells) if kept[n, i, j]]
        cut, own = np.empty((len(wanted), shape[1], size, size)), np.array([labels[place] for place in wanted])
        for m, (n, i, j) in enumerate(wanted):
            for y in range(size):
                for z in range(size):
                    cut[m, :, y, z] = x[n, :, stride * i + y, stride * j + z]
        found = answer(x, labels, kept, size, stride)
        if not isinstance(found, tuple | list) or len(found) != 2:
            wrong(f"expected (patches, labels), got {type(found).__name__}")
        case = f"size {size}, stride {stride}, pictures {shape}"
        pieces = np.asarray(found[0])
        if pieces.shape != cut.shape:
            wrong(f"{shape_fault(pieces, cut, kept)}; {case}")
        if not np.array_equal(pieces, cut):
            wrong(f"{patch_fault(pieces, cut, x, wanted, size, stride)}; {case}")
        equal(
            np.asarray(found[1]).ravel(),
            own,
            f"the patches are right, the labels are not: labels[kept], in the same order; {case}",
        )
    same_gradient(answer)


def shape_fault(found: np.ndarray, wanted: np.ndarray, kept: np.ndarray) -> str:
    if len(found) == kept.size:
        return "you cut a patch for every cell; cut those of kept cells only"
    if len(found) == (~kept).sum() and found.shape[1:] == wanted.shape[1:]:
        return "you cut the cells that were not kept"
    return f"the patches have shape {found.shape}, expected {wanted.shape}"


def patch_fault(
    found: np.ndarray, wanted: np.ndarray, x: np.ndarray, places: list[tuple[int, int, int]], size: int, stride: int
) -> str:
    """What wrong patches look like."""

    def cut(rows: Any) -> np.ndarray:
        starts = [(n, *rows(i, j)) for n, i, j in places]
        pieces = [x[n, :, max(0, y) : max(0, y) + size, max(0, z) : max(0, z) + size] for n, y, z in starts]
        return np.stack(pieces) if all(piece.shape == wanted.shape[1:] for piece in pieces) else np.zeros(0)

    for starts, words in (
        (lambda i, j: (i, j), "your patches begin at pixel i; a step of one cell is `stride` pixels"),
        (lambda i, j: (stride * j, stride * i), "rows and columns are exchanged"),
        (lambda i, j: (size * i, size * j), "your patches lie side by side; they begin `stride` pixels apart and may overlap"),
        (lambda i, j: (stride * i - size // 2, stride * j - size // 2), "your patches are centred on pixel stride·i; they begin there"),
    ):  # fmt: skip
        other = cut(starts)
        if other.shape == found.shape and np.array_equal(other, found):
            return words
    if found.shape == wanted.shape and all((found == one).all((1, 2, 3)).any() for one in wanted):
        return "the patches are right, but in another order: picture by picture, row by row"
    return "a patch is `size` pixels high and wide, and begins `stride` pixels further for each cell, in all channels of its own picture"


def same_gradient(answer: Any) -> None:
    """What it is for: the loss of the patches has the gradient of the whole picture's, other cells void."""
    mf.manual_seed(16)
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 2)).astype(np.float64)
    rng = np.random.default_rng(16)
    x = rng.standard_normal((2, 2, 13, 15))
    labels = rng.integers(0, 4, (2, *net(x).shape[2:]))
    kept = rng.random(labels.shape) < 0.4

    def gradient(loss: mf.Tensor) -> np.ndarray:
        net.zero_grad()
        loss.backward()
        return np.concatenate([parameter.grad.ravel() for parameter in net.parameters()])

    whole = gradient(ops.softmax_cross_entropy(net(x), np.where(kept, labels, VOID)))
    cut, own = answer(x, labels, kept, 6, 2)
    apart = np.abs(gradient(ops.softmax_cross_entropy(net(cut), np.asarray(own).reshape(-1, 1, 1))) - whole).max()
    if apart > 1e-12:
        wrong(f"the gradient on your patches differs by {apart:.1g} from that on the whole pictures")
    counted()
