"""Rules of diagnosis that ask how each output depends on each element: what would another incoming gradient give, or other windows?

Each tries an explanation by carrying it out. It speaks where this gives what backward gave, element by element.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise, permutations
from typing import Any

import numpy as np

from minifcn.verify.case import Case
from minifcn.verify.report import OUTPUT_AXES, axis_name

Array = Any


def output_axis(axis: int, ndim: int) -> str:
    return axis_name(axis, ndim, OUTPUT_AXES) if ndim == 4 else f"axis {axis}"


# another incoming gradient


def incoming_moved(case: Case) -> str:
    """The incoming gradient was read in another order, or one value was taken for all."""
    if case.slopes is None:
        return ""
    for text, incoming in rearranged(case.incoming):
        if case.explains(case.carried(incoming)):
            return f"right for another incoming gradient: {text}"
    return ""


def rearranged(grad: Array) -> Iterator[tuple[str, Array]]:
    ndim = grad.ndim
    for axis, length in enumerate(grad.shape):
        name = output_axis(axis, ndim)
        for order in orders(length):
            groups = mixed_groups(list(order))
            mixed = f": {groups} groups mixed" if groups else ""
            yield f"its places along {name} are taken in the order {list(order)}{mixed}", grad.take(order, axis)
    for a in range(ndim):
        for b in range(a + 1, ndim):
            if grad.shape[a] > 1 and grad.shape[b] > 1:
                yield f"its axes {a} and {b} are exchanged", grad.swapaxes(a, b).reshape(grad.shape)
    if grad.size > 1:
        for text, value in (("first place", grad.flat[0]), ("last place", grad.flat[-1])):
            yield f"that of the {text} is taken for every place", np.full(grad.shape, value)
        yield "their sum is taken for every place", np.full(grad.shape, grad.sum())
        yield "their mean is taken for every place", np.full(grad.shape, grad.mean())
    for axis, length in enumerate(grad.shape):
        if 1 < length < grad.size:
            name = output_axis(axis, ndim)
            yield f"that of the first {name} is taken for each", np.broadcast_to(grad.take([0], axis), grad.shape)
            yield f"the sum along {name} is taken for each", np.broadcast_to(grad.sum(axis, keepdims=True), grad.shape)


def orders(length: int) -> Iterator[tuple[int, ...]]:
    """Every order of a few places; of many those that people make: turned round, moved on, groups mixed."""
    usual = tuple(range(length))
    if length <= 4:
        yield from (order for order in permutations(usual) if order != usual)
        return
    yield usual[::-1]
    yield from (usual[by:] + usual[:by] for by in range(1, length))
    for groups in range(2, length):
        if length % groups == 0:
            yield tuple(int(i) for i in np.arange(length).reshape(groups, -1).T.reshape(-1))


def mixed_groups(order: list[int]) -> int:
    """As how many groups, laid out as if they were innermost, the places come in this order; 0 where they do not."""
    length = len(order)
    for groups in range(2, length):
        if length % groups == 0 and order == list(np.arange(length).reshape(groups, -1).T.reshape(-1)):
            return groups
    return 0


def exchanged(case: Case) -> str:
    """The slopes belong to a matrix or kernel that was transposed, or should have been."""
    if case.slopes is None:
        return ""
    ndim, grad = case.analytic.ndim, case.incoming
    for a, length in enumerate(case.analytic.shape):
        for b, other in enumerate(grad.shape):
            if length != other or length < 2:
                continue
            turned = case.slopes.swapaxes(a, ndim + b)
            if case.explains(case.carried(grad, turned)):
                return (
                    f"axis {a} of it and axis {b} of the result are exchanged in the slopes: a matrix or kernel is not transposed "
                    "where it should be, or is where it should not"
                )
            square = ndim == grad.ndim == 2 and grad.shape == grad.T.shape == case.analytic.shape
            if square and case.explains(case.carried(grad.T, turned).T):
                return "the order of a matrix product is exchanged: the factors stand the other way round"
    return ""


def product_of_sums(case: Case) -> str:
    if case.slopes is None or not case.incoming.ndim:
        return ""
    axes = tuple(range(case.analytic.ndim, case.slopes.ndim))
    reached = np.where(case.slopes != 0, case.incoming, 0).sum(axes)
    if case.explains(case.slopes.sum(axes) * reached):
        return "a sum of products is taken as the product of two sums, of the slopes and of the incoming gradients"
    return ""


def part_counts(case: Case) -> str:
    """Only a block of the outputs counts: loops that end early, and blocks without their rest."""
    if case.influence is None:
        return ""
    ndim, shape = case.analytic.ndim, case.incoming.shape
    for text, kept in blocks(shape):
        if case.explains((case.influence * kept).sum(tuple(range(ndim, case.influence.ndim)))):
            return text
    return ""


def blocks(shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """(text, mask) of the outputs that count."""
    places = np.indices(shape)
    ndim = len(shape)
    for axis, length in enumerate(shape):
        name = output_axis(axis, ndim)
        for count in range(1, length):
            yield f"only the first {count} of {length} output places along {name} count", places[axis] < count
            yield f"only the last {count} of {length} output places along {name} count", places[axis] >= length - count
    if ndim >= 2:
        h, w = shape[-2:]
        for rows in range(1, h):
            for columns in range(1, w):
                kept = (places[-2] < rows) & (places[-1] < columns)
                yield f"only the first {rows} of {h} rows and {columns} of {w} columns of the output count", kept
    order = [0, *range(2, ndim)] if ndim == 4 else list(range(ndim))  # pixel after pixel, all channels of each
    numbers, total = np.zeros(shape, int), 1
    for axis in reversed(order):
        numbers, total = numbers + places[axis] * total, total * shape[axis]
    for count in range(1, total):
        text = f"only the first {count} of {total} output places count, one after the other: the rest of a loop in blocks is missing"
        yield text, numbers < count


def shares(case: Case) -> str:
    """Every output's gradient was multiplied by a number of its own: a divisor that does not fit its window."""
    if case.influence is None or case.incoming.ndim != 4 or case.analytic.ndim != 4:
        return ""
    reach = (case.influence != 0).sum((2, 3)).max((0, 1))  # how many pixels of one channel meet in each output
    uneven = reach.max(initial=0) > 1 and reach.min() != reach.max()
    if uneven and case.explains((case.influence / np.maximum(reach, 1)).sum((4, 5, 6, 7))):
        return "divided by how many meet in each output, as for a mean"
    matrix = case.influence.reshape(case.analytic.size, -1)
    acts = np.flatnonzero(np.abs(matrix).max(0) > 0)
    if not acts.size or 2 * acts.size > case.analytic.size:
        return ""  # as many unknown numbers as elements explain everything
    matrix = matrix[:, acts]
    factors, _, rank, _ = np.linalg.lstsq(matrix, case.analytic.reshape(-1), rcond=None)
    if rank < acts.size or not case.explains((matrix @ factors).reshape(case.analytic.shape)):
        return ""
    off = factors[np.abs(factors - 1) > 1e-3]
    listed = ", ".join(f"{value:.3f}" for value in np.unique(off.round(3))[:4])
    return f"the shares of {off.size} of {acts.size} outputs are off by a factor of their own ({listed}): divided by another size"


# other windows


Line = tuple[int, int, int]  # (a, b, c): what place p gets from output q is what a·p + b·q + c should get
SAME: Line = (1, 0, 0)


def windows_moved(case: Case) -> str:
    """The windows lie elsewhere: another stride, no dilation, turned round. Rows and columns each, or both alike."""
    if case.slopes is None or case.analytic.ndim != 4 or case.incoming.ndim != 4:
        return ""
    influence = case.influence.sum((4, 5))  # (N, C, H, W, OH, OW)
    for forwards in (True, False):
        if forwards:  # an element takes part in windows that start at stride·q
            taken, lines = influence, [line_candidates(case.influence != 0, axis, axis + 4) for axis in (2, 3)]
        else:  # an output is painted by elements, a stride apart: what a transposed convolution does
            taken, lines = case.slopes, [line_candidates(case.slopes != 0, axis + 4, axis) for axis in (2, 3)]
        for text, where, row, column in pairs_of(*lines):
            if case.explains(gathered(case, taken, row, column, forwards)):
                return f"{text}{where}"
    return ""


def pairs_of(rows: list[tuple[str, Line]], columns: list[tuple[str, Line]]) -> Iterator[tuple[str, str, Line, Line]]:
    """The same fault along both axes, then along one of them."""
    for text, row in rows:
        yield from ((text, "", row, column) for other, column in columns if other == text)
    yield from ((text, " along the rows", row, SAME) for text, row in rows)
    yield from ((text, " along the columns", SAME, column) for text, column in columns)


def line_candidates(acts: Array, moved: int, counted: int) -> list[tuple[str, Line]]:
    """Lines to try along one axis. `moved` is the axis on which the windows lie, `counted` the one that numbers them."""
    others = tuple(axis for axis in range(acts.ndim) if axis not in (moved, counted))
    reached = acts.any(others)
    reached = reached if moved < counted else reached.T  # (places, windows)
    places = [np.flatnonzero(column) for column in reached.T]
    starts = [int(found[0]) for found in places if found.size]
    span = max((int(found[-1] - found[0]) + 1 for found in places if found.size), default=1)
    gaps = Counter(int(b - a) for a, b in pairwise(starts))
    stride = gaps.most_common(1)[0][0] if gaps else 1
    found = [
        (f"the windows lie {step} apart and not {stride}", (1, stride - step, 0))
        for step in range(1, max(span, stride) + 2)
        if step != stride and gaps
    ]
    for pad in range(4):
        found.append((TURNED, (-1, 2 * stride, span - 1 - 2 * pad)))
        for dilation in (2, 3):
            line = (dilation, stride * (1 - dilation), (dilation - 1) * pad)
            found.append((f"the windows' places lie 1 apart and not {dilation}: the dilation is forgotten", line))
    return found


TURNED = "the window is turned round: the kernel is flipped where it should not be, or not where it should"


def gathered(case: Case, taken: Array, row: Line, column: Line, forwards: bool) -> Array:
    """The gradient where the windows lie along these lines."""
    h, w = case.analytic.shape[2:]
    oh, ow = case.incoming.shape[2:]
    p, q, (ph, pw) = np.ogrid[:h, :oh], np.ogrid[:w, :ow], ((h, w) if forwards else (oh, ow))
    if forwards:
        y, x = (a * i + b * j + d for (i, j), (a, b, d) in ((p, row), (q, column)))
    else:
        y, x = (a * j + b * i + d for (i, j), (a, b, d) in ((p, row), (q, column)))
    inside = ((y >= 0) & (y < ph))[:, None, :, None] & ((x >= 0) & (x < pw))[None, :, None, :]
    y, x = np.clip(y, 0, ph - 1)[:, None, :, None], np.clip(x, 0, pw - 1)[None, :, None, :]
    if forwards:
        i, j = np.arange(oh)[None, None, :, None], np.arange(ow)[None, None, None, :]
        return np.where(inside, taken[:, :, y, x, i, j], 0).sum((4, 5))
    i, j = np.arange(h)[:, None, None, None], np.arange(w)[None, :, None, None]
    moved = taken.transpose(0, 1, 4, 5, 2, 3, 6, 7)[:, :, :, :, i, j, y, x]  # (N, C, N, O, H, W, OH, OW)
    return np.einsum("ncmohwij,moij->nchw", np.where(inside, moved, 0), case.incoming)


INFLUENCE: tuple[Callable[[Case], str], ...] = (
    incoming_moved,
    exchanged,
    windows_moved,
    product_of_sums,
    part_counts,
    shares,
)
