"""Checks of lesson 08: what a cell sees, by rule and by gradients."""

from typing import Any

import numpy as np

import minifcn as mf
from checks.verdict import check, counted, equal, wrong
from minifcn import nn

VGG16 = [stage for count in (2, 2, 3, 3, 3) for stage in [(3, 1, 1)] * count + [(2, 2, 1)]] + [(7, 1, 1)]


def cells_behind(layers: list[tuple[int, int, int, int]], cells: set[int]) -> set[int]:
    """Every pixel that `cells` of the last layer look at, tap by tap. layers: (kernel, stride, padding, dilation)."""
    for kernel, stride, padding, dilation in reversed(layers):
        cells = {cell * stride - padding + tap * dilation for cell in cells for tap in range(kernel)}
    return cells


def span(cells: set[int]) -> tuple[int, int]:
    return min(cells), max(cells)


@check
def receptive_field(answer: Any) -> None:
    """receptive_field([(3, 1, 1), (2, 2, 1)]) -> (4, 2): size and stride, in pixels, of what a cell after the layers sees.

    Each layer is (kernel, stride, dilation). A network without layers gives pixels: (1, 1).
    """
    cases = [
        [],
        [(5, 1, 1)],
        [(3, 1, 1), (3, 1, 1)],
        [(3, 1, 1), (2, 2, 1), (3, 1, 1)],
        [(2, 2, 1), (2, 2, 1), (2, 2, 1)],
        [(3, 1, 2)],
        [(4, 3, 2), (3, 1, 3), (2, 2, 1), (1, 1, 1)],
        [(1, 2, 1), (3, 1, 1)],
        VGG16,
    ]
    for layers in cases:
        whole = [(kernel, stride, 0, dilation) for kernel, stride, dilation in layers]
        first, last = span(cells_behind(whole, {0}))
        wanted = (last - first + 1, span(cells_behind(whole, {1}))[0] - first)
        found = pair_of(answer(layers), "(size, stride)")
        if found != wanted:
            wrong(f"{field_fault(layers, found, wanted)}; for {shown(layers)} it gave {found}, expected {wanted}")
        counted()


def field_fault(layers: list[tuple[int, int, int]], found: tuple[int, int], wanted: tuple[int, int]) -> str:
    """What a wrong (size, stride) looks like."""
    if not layers:
        return "without layers a cell is a pixel: it sees itself, and its neighbour is one pixel away"
    if found == wanted[::-1]:
        return "size and stride are exchanged"
    if found[0] == wanted[0]:
        return "the stride is the product of the layers' strides"
    if found[0] == by_rule(layers, multiply_first=True):
        return "you multiply the stride before you use it; a layer's own stride counts for the layers after it only"
    if found[0] == by_rule([(kernel, stride, 1) for kernel, stride, _ in layers]):
        return "you leave the dilation out: how many cells lie from a kernel's first tap to its last, those between counted?"
    if found[0] == by_rule([(kernel, 1, dilation) for kernel, _, dilation in layers]):
        return "you count in cells: a step of one cell is as many pixels as the stride so far"
    if found[0] == np.prod([kernel for kernel, _, _ in layers]):
        return "you multiply kernels; the windows of neighbours overlap, so add (kernel - 1) times the stride so far"
    return "the size grows by (span - 1) times the stride so far, layer by layer"


def by_rule(layers: list[tuple[int, int, int]], multiply_first: bool = False) -> int:
    size, total = 1, 1
    for kernel, stride, dilation in layers:
        size += dilation * (kernel - 1) * total * (stride if multiply_first else 1)
        total *= stride
    return size


@check
def pixels_seen(answer: Any) -> None:
    """pixels_seen([(3, 1, 1), (2, 2, 0)], 0) -> (-1, 2): first and last pixel that a cell sees, both included.

    Each layer is (kernel, stride, padding). Pixels in the padding have negative numbers.
    """
    cases = [
        [(3, 1, 0)],
        [(3, 1, 1)],
        [(3, 1, 0), (2, 2, 0), (3, 1, 0)],
        [(3, 1, 1), (2, 2, 0)],
        [(5, 2, 2), (3, 1, 0), (3, 2, 1)],
        [(3, 1, 100), (3, 1, 1), (2, 2, 0), (7, 1, 0)],
        [],
    ]
    for layers in cases:
        for cell in (0, 1, 4):
            whole = [(kernel, stride, padding, 1) for kernel, stride, padding in layers]
            wanted = span(cells_behind(whole, {cell}))
            found = pair_of(answer(layers, cell), "(first, last)")
            if found != wanted:
                fault = seen_fault(whole, cell, found, wanted)
                wrong(f"{fault}; for {shown(layers)} cell {cell} it gave {found}, expected {wanted}")
            counted()


def seen_fault(
    layers: list[tuple[int, int, int, int]], cell: int, found: tuple[int, int], wanted: tuple[int, int]
) -> str:
    """What a wrong (first, last) looks like."""
    if found == (wanted[0], wanted[1] + 1):
        return "your last pixel is one too far: it is included"
    if found == span(cells_behind([(kernel, stride, 0, 1) for kernel, stride, _, _ in layers], {cell})):
        return "you leave the padding out: window 0 begins `padding` cells before cell 0"
    if found == span(cells_behind(layers[::-1], {cell})):
        return "you walk from the picture on; walk from the last layer back, since the cell is one of the last layer"
    if found[0] == wanted[0]:
        return "the first pixel is right; the last cell's window reaches kernel - 1 cells further than where it begins"
    if found == (max(wanted[0], 0), wanted[1]):
        return "you cut the padding off; pixels in it have negative numbers, give them as they come"
    return "a cell's window begins where padding has moved it, and ends at its last tap; walk back layer by layer with the first and the last cell"


@check
def measured_field(answer: Any) -> None:
    """measured_field(net, (1, C, H, W), row, column) -> bool (H, W): which pixels can change that cell, found by gradients."""
    mf.manual_seed(8)
    pooled = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3))
    padded = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2, padding=1))
    dilated = nn.Sequential(nn.Conv2d(1, 8, (3, 1), dilation=2), nn.Conv2d(8, 4, 2))
    parted = nn.Sequential(
        nn.Conv2d(1, 2, 3)
    )  # its first channel sees the left half of the window alone, its second the right one
    parted.layers[0].weight.data[0, :, :, 2] = parted.layers[0].weight.data[1, :, :, 0] = 0
    cases = [
        (dilated, (1, 1, 9, 7), (1, 3), {1 + i + 2 * j for i in range(2) for j in range(3)}, {3, 4}),
        (pooled, (1, 2, 12, 15), (1, 3), set(range(2, 10)), set(range(6, 14))),
        (padded, (1, 3, 9, 8), (0, 2), set(range(3)), set(range(2, 7))),
        (parted, (1, 1, 6, 7), (1, 2), {1, 2, 3}, {2, 3, 4}),
    ]
    for net, shape, (row, column), rows, columns in cases:
        wanted = np.zeros(shape[2:], bool)
        wanted[np.ix_(sorted(rows), sorted(columns))] = True
        with mf.kernels.use("simple"):  # the fast ones round, and 0 may come out as 1e-9
            found = np.asarray(answer(net, shape, row, column))
        if found.shape == wanted.shape and found.dtype != bool:
            wrong(f"it gives {found.dtype}; expected bool: whether the gradient is not zero")
        if found.shape == wanted.shape and (found != wanted).any():
            if net is parted and not (found & ~wanted).any():
                wrong(
                    "a pixel that one channel of the cell sees counts, though another does not see it: walk back from all channels"
                )
            wrong(mask_fault(found, wanted, row, column))
        equal(found.astype(int), wanted.astype(int), "")  # the shape


def mask_fault(found: np.ndarray, wanted: np.ndarray, row: int, column: int) -> str:
    """What a wrong mask looks like."""
    if not found.any():
        return "no pixel has a gradient: give the input requires_grad=True and start backward at the cell"
    if found.all():
        return "every pixel is marked: you walk back from all cells; put 1 on the one cell and 0 on the others"
    if not (found & ~wanted).any():
        holes = int((wanted & ~found).sum())
        return (
            f"{holes} of {wanted.sum()} pixels of the field are missing: a max pool or ReLU hides them in one picture; "
            "join the answers for many random pictures"
        )
    rows, columns = np.nonzero(found.any(1))[0], np.nonzero(found.any(0))[0]
    right_rows, right_columns = np.nonzero(wanted.any(1))[0], np.nonzero(wanted.any(0))[0]
    return (
        f"you found rows {rows[0]} to {rows[-1]} and columns {columns[0]} to {columns[-1]} for cell ({row}, {column}), expected rows "
        f"{right_rows[0]} to {right_rows[-1]} and columns {right_columns[0]} to {right_columns[-1]}: is it another cell (row first)?"
    )


def pair_of(found: Any, what: str) -> tuple[int, int]:
    """Two numbers as a tuple, or Wrong."""
    try:
        first, second = found
        return first, second
    except (TypeError, ValueError):
        wrong(f"expected two numbers {what}, got {found!r}")
        raise


def shown(layers: list[Any]) -> str:
    return str(layers) if len(layers) < 6 else f"{len(layers)} layers"
