"""Patchwise training as loss sampling: which cells count in the loss, and what their gradients have in common.

Paper sections 3.4 and 4.3: a net trained on patches and one trained on whole pictures with the loss of some cells left out take the same
steps, so patches need not be cut. Class balance is had by choosing the cells; how alike neighbouring cells are, `gradient_correlation` says.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from minifcn import backend, ops
from minifcn.autodiff.engine import Tensor
from minifcn.data.labels import VOID
from minifcn.models import FCN
from minifcn.models.geometry import Field
from minifcn.training.errors import TrainingError


def sampled(labels: np.ndarray, keep: float, cell: int, rng: np.random.Generator, balanced: bool = False) -> np.ndarray:
    """`labels`, uint8 (N, H, W), with the pixels of some cells void: each cell x cell square is kept with probability `keep`.

    Ignoring output cells is how the paper samples patches without cutting any (sections 3.4 and 4.3). `balanced`: with the
    probabilities of `balanced_chances` instead, so that cells of rare classes come as often as those of common ones.
    """
    if keep == 1:
        return labels
    n, h, w = labels.shape
    chance = balanced_chances(labels, keep, cell) if balanced else keep
    kept = rng.random((n, -(-h // cell), -(-w // cell))) < chance
    return np.where(pixels_of(kept, cell, (h, w)), labels, np.uint8(VOID))


def pixels_of(cells: np.ndarray, cell: int, size: tuple[int, int]) -> np.ndarray:
    """A value a cell, (N, CH, CW), as a value a pixel, (N, H, W) with H, W = `size`."""
    h, w = size
    return cells.repeat(cell, 1).repeat(cell, 2)[:, :h, :w]


def cell_classes(labels: np.ndarray, cell: int) -> np.ndarray:
    """The class that each cell x cell square stands for: of those it shows, the one with the fewest pixels in `labels`.

    uint8 (N, H, W) -> uint8 (N, CH, CW); VOID where all of a square is void. The rarest and not the largest, or a class of thin and
    small things would have no cell at all.
    """
    n, h, w = labels.shape
    rows, columns = -(-h // cell), -(-w // cell)
    counts = np.bincount(labels.reshape(-1), minlength=VOID + 1)[:VOID]
    by_rarity = np.argsort(counts, kind="stable").astype(np.uint8)
    rank = np.full(VOID + 1, VOID, np.uint8)  # void is the last choice
    rank[by_rarity] = np.arange(VOID, dtype=np.uint8)
    whole = np.full((n, rows * cell, columns * cell), VOID, np.uint8)
    whole[:, :h, :w] = rank[labels]
    rarest = whole.reshape(n, rows, cell, columns, cell).min((2, 4))
    return np.append(by_rarity, np.uint8(VOID))[rarest]


def balanced_chances(labels: np.ndarray, keep: float, cell: int) -> np.ndarray:
    """How likely each cell is kept so that each class's cells come equally often: uint8 (N, H, W) -> (N, CH, CW), 0 where all is void.

    A class with n cells in the batch keeps each with probability min(1, level / n): `level` cells of it are expected, or all where it
    has fewer. The level is such that a share `keep` of all cells is expected, so that a step is as large as without balance.
    """
    classes = cell_classes(labels, cell)
    counts = np.bincount(classes.reshape(-1), minlength=VOID + 1)[:VOID]
    level = water_level(counts[counts > 0], keep * counts.sum())
    chances = np.minimum(1, level / np.maximum(counts, 1))
    return np.append(chances, 0.0)[classes]


def water_level(counts: np.ndarray, total: float) -> float:
    """The level t at which the sum of min(count, t) over `counts` is `total`, which is no more than their sum."""
    left = total
    for done, count in enumerate(sorted(counts.tolist())):
        share = left / (len(counts) - done)
        if share <= count:
            return share
        left -= count
    return float(max(counts, default=0))


def patches(x: np.ndarray, labels: np.ndarray, field: Field, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The parts of pictures that the kept cells of a net without padding see, as a batch with one label each.

    x (N, C, H, W), labels (N, OH, OW) a label a cell of the output, `cells` bool (N, OH, OW) with M True: patches (M, C, r, r), each
    x[n, :, f·i : f·i + r, f·j : f·j + r] of its cell (i, j), and labels (M, 1, 1), as the net's 1x1 output wants them. `field` is the net's:
    receptive field r, stride f. Paper section 3.4. Raises ValueError where the field has padding or a broken stride, or shapes do not agree.
    """
    size, stride = field.size, int(field.stride)
    start = field.centre - Fraction(size - 1, 2)
    if field.stride.denominator != 1 or start != 0:
        raise ValueError(
            f"patches: the field has stride {field.stride} and begins at pixel {start}; expected a whole stride and 0: take a "
            "net whose layers have no padding and do not upsample"
        )
    n, _, h, w = x.shape
    expected = (n, (h - size) // stride + 1, (w - size) // stride + 1)
    if cells.dtype != bool or cells.shape != expected or labels.shape != expected:
        raise ValueError(
            f"patches: cells are {cells.dtype} {cells.shape}, labels {labels.shape}; expected bool and labels of shape {expected}, "
            f"the output of a net of field {size} and stride {stride} on pictures {x.shape}"
        )
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (2, 3))[:, :, ::stride, ::stride]
    return windows.transpose(0, 2, 3, 1, 4, 5)[cells], labels[cells][:, None, None]


class Correlation(NamedTuple):
    """Of pairs of cells so many cells apart (`distances`, int (D,)): the mean cosine of their gradients, `cosines`, and their number, `pairs`."""

    distances: np.ndarray
    cosines: np.ndarray
    pairs: np.ndarray


def gradient_correlation(model: FCN, picture: np.ndarray, labels: np.ndarray, max_distance: int) -> Correlation:
    """How alike the gradients of neighbouring cells are: their mean cosine at 1 … `max_distance` cells apart.

    Picture uint8 (H, W, 3), labels uint8 (H, W). Two cells are as far apart as the larger of the rows and the columns between them.
    Distances that no two cells have are left out. The cosine, because |Σ g|² = Σ|g|² + 2 Σ |g_a|·|g_b|·cos(g_a, g_b): it says what a
    second cell adds to a step that the first has not said already, which is why patches are sampled (section 3.4).
    Raises TrainingError for fewer than two cells with a gradient.
    """
    if max_distance < 1:
        raise ValueError(f"gradient_correlation: max_distance is {max_distance}; expected at least 1 cell")
    places, gradients = cell_gradients(model, picture, labels)
    if len(places) < 2:
        raise TrainingError(
            f"gradient_correlation: {len(places)} of the picture's cells have labels and a gradient; expected at least 2: take a larger "
            "picture, and a network whose score layers are not all zero"
        )
    return by_distance(places, gradients, max_distance)


def by_distance(places: np.ndarray, gradients: np.ndarray, max_distance: int) -> Correlation:
    """The mean cosine of the gradients, (M, P), of cells at `places`, (M, 2), by how far these lie apart."""
    cosines = cosine_table(gradients, gradients)
    apart = np.abs(places[:, None] - places[None]).max(2)
    once = np.triu(np.ones(apart.shape, bool), 1)  # each pair, and none of a cell with itself
    chosen = [once & (apart == distance) for distance in range(1, max_distance + 1)]
    found = [(distance, cosines[pairs].mean(), pairs.sum()) for distance, pairs in enumerate(chosen, 1) if pairs.any()]
    return Correlation(*(np.array(column) for column in zip(*found, strict=True)))


def cosine_table(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The cosines between rows, none of them zero: (A, P) and (B, P) -> (A, B)."""
    first, second = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (first, second))
    return first @ second.T


def cell_gradients(model: FCN, picture: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradient of each coarsest cell's loss, the sum over its pixels: places int (M, 2) and gradients float32 (M, P).

    With respect to all P numbers in the parameters that are trained, for their sum is what moves the weights; one backward a cell. Dropout
    is off. Cells without labels or with a gradient of zero are left out. With score layers of zero the trunk has none: train shortly first.
    """
    training = model.training
    model.eval()
    try:
        found = [
            (place, gradient)
            for place, own in labels_by_cell(labels[None], model.cell)
            if (gradient := flat_gradient(model, picture, own)).any()
        ]
    finally:
        model.train(training)
        model.zero_grad()
    if not found:
        return np.zeros((0, 2), int), np.zeros((0, 0), np.float32)
    places, gradients = zip(*found, strict=True)
    return np.array(places), np.stack(gradients)


def labels_by_cell(labels: np.ndarray, cell: int) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """For each cell of one picture (1, H, W) that has labels, row by row: its place and `labels` with all other cells void."""
    _, h, w = labels.shape
    for row, column in np.ndindex(-(-h // cell), -(-w // cell)):
        here = (slice(None), slice(row * cell, (row + 1) * cell), slice(column * cell, (column + 1) * cell))
        own = np.full_like(labels, VOID)
        own[here] = labels[here]
        if (own != VOID).any():
            yield (row, column), own


def flat_gradient(model: FCN, picture: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The gradient of the summed loss with respect to all trained parameters, in one row: float32 (P,)."""
    model.zero_grad()
    device = next(model.parameters()).device
    scores: Any = model(Tensor(backend.to_device(model.preprocessing(picture), device)))
    ops.softmax_cross_entropy(scores, backend.to_device(labels, device), reduction="sum").backward()
    trained = [p for p in model.parameters() if p.requires_grad]
    return np.concatenate([backend.to_device(p.grad, "cpu").reshape(-1) for p in trained]).astype(np.float32)
