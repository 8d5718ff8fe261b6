"""Checks of lesson 13: where cells look, crops between maps, the least padding."""

from typing import Any

import numpy as np

from checks.verdict import Wrong, check, counted, wrong

CONV, POOL = (3, 1, 1, 1), (2, 2, 0, 1)


def middle_of_cell(layers: list[tuple[int, int, int, int]], cell: int) -> float:
    """The middle of the pixels that a cell looks at, found tap by tap. layers: (kernel, stride, padding, dilation)."""
    cells = {cell}
    for kernel, stride, padding, dilation in reversed(layers):
        cells = {c * stride - padding + t * dilation for c in cells for t in (0, kernel - 1)}
    return (min(cells) + max(cells)) / 2


@check
def landing(answer: Any) -> None:
    """landing([(kernel, stride, padding, dilation), …]) -> (stride, centre): cell i looks at pixel centre + i·stride."""
    cases = [
        [],
        [CONV],
        [(4, 2, 0, 1)],
        [CONV, POOL, CONV, POOL],
        [(3, 1, 2, 2), POOL],
        [(11, 4, 100, 1), (3, 2, 0, 1), (5, 1, 2, 1)],
        [(3, 1, 100, 1), POOL, POOL, (7, 1, 0, 1)],
        [(5, 3, 1, 1), (3, 2, 4, 3), (2, 1, 0, 1)],
    ]
    for layers in cases:
        centre = middle_of_cell(layers, 0)
        wanted = (middle_of_cell(layers, 1) - centre, centre)
        found = answer(layers)
        try:
            found = (float(found[0]), float(found[1]))
        except (TypeError, ValueError, IndexError):
            wrong(f"expected (stride, centre), got {found!r}")
        if found != wanted:
            wrong(f"{landing_fault(layers, found, wanted)}; for {layers} it gave {found}, expected {wanted}")
        counted()


def landing_fault(layers: list[Any], found: tuple[float, float], wanted: tuple[float, float]) -> str:
    """What a wrong (stride, centre) looks like."""
    if found == wanted[::-1]:
        return "stride and centre are exchanged"
    if found[0] != wanted[0]:
        return "the stride is the product of the layers' strides, from 1 on"
    if found[1] == moved(layers, dilated=False):
        return "you leave the dilation out: the middle lies half-way between the first tap and the last, the cells between them counted"
    if found[1] == moved(layers, gaps=1):
        return "k taps have k - 1 gaps between them: dilation · (kernel - 1), not dilation · kernel - 1"
    if found[1] == moved(layers[::-1]):
        return "you walk from the last layer back; the stride so far grows from the picture on"
    if found[1] == moved(layers, sign=1):
        return "the padding makes the first window begin earlier; you move it on"
    if found[1] == moved(layers, padded=False):
        return "you leave the padding out: the first window begins that many cells earlier"
    if found[1] == moved(layers, before=False):
        return "you multiply the stride before you use it; a layer moves by cells of the map before it"
    if found[1] == moved(layers, cells=True):
        return "you count in cells: a step of one cell is as many pixels as the stride so far"
    if found[1] == sum_of(layers):
        return "half cells are lost: (kernel - 1) / 2, not // 2"
    return "each layer moves the centre by ((span - 1) / 2 - padding) times the stride so far"


def moved(
    layers: list[Any], dilated: bool = True, padded: bool = True, before: bool = True, cells: bool = False, gaps: int = 0, sign: int = -1
) -> float:  # fmt: skip
    centre, total = 0.0, 1
    for kernel, stride, padding, dilation in layers:
        step = total if before else total * stride
        between = dilation * kernel - 1 if gaps else (dilation if dilated else 1) * (kernel - 1)
        by = between / 2 + sign * (padding if padded else 0)
        centre += by * (1 if cells else step)
        total *= stride
    return centre


def sum_of(layers: list[Any]) -> float:
    centre, total = 0, 1
    for kernel, stride, padding, dilation in layers:
        centre += (dilation * (kernel - 1) // 2 - padding) * total
        total *= stride
    return centre


def vgg16(padding: int) -> dict[str, list[tuple[str, int, int, int]]]:
    conv, pool = ("conv", 3, 1, 1), ("conv", 2, 2, 0)
    pool3 = [("conv", 3, 1, padding), conv, pool, conv, conv, pool, conv, conv, conv, pool]
    pool4 = [*pool3, conv, conv, conv, pool]
    score = [*pool4, conv, conv, conv, pool, ("conv", 7, 1, 0)]
    up2, up4 = [*score, ("up", 4, 2, 0)], [*score, ("up", 4, 2, 0), ("up", 4, 2, 0)]
    return {"pool3": pool3, "pool4": pool4, "score": score, "up2": up2, "up4": up4}


@check
def crop_offset(answer: Any) -> None:
    """crop_offset(finer, other) -> cells to cut off in front of `finer` so that both cells 0 look at one pixel; ValueError where none does."""
    maps = vgg16(100)
    cases = [
        (maps["pool4"], maps["up2"], 5),  # the authors' numbers
        (maps["pool3"], maps["up4"], 9),
        ([*maps["score"], ("up", 64, 32, 0)], [], 19),
        ([*maps["up2"], ("up", 32, 16, 0)], [], 27),
        ([*maps["up4"], ("up", 16, 8, 0)], [], 31),
        ([("conv", 3, 1, 1)], [], 0),
        ([("conv", 2, 2, 0)], [("conv", 2, 2, 0), ("conv", 3, 2, 0), ("up", 4, 2, 1)], None),
        ([("conv", 4, 2, 3)], [("conv", 4, 2, 1)], 1),
        ([("conv", 2, 2, 0)], [("conv", 2, 2, 0), ("conv", 2, 2, 0), ("up", 4, 2, 1)], 0),
    ]
    for finer, other, wanted in cases:
        if wanted is None:
            refuses(answer, finer, other, "maps whose centres are half a cell apart")
            continue
        found = answer(finer, other)
        if found != wanted:
            wrong(
                f"{crop_fault(finer, other, found, wanted)}; for {len(finer)} layers, the last {finer[-1]}, and {len(other)} layers"
                f"{f', the last {other[-1]}' if other else ''} it gave {found!r}, expected {wanted}"
            )
        counted()
    refuses(answer, [("conv", 2, 2, 0)], [("conv", 6, 4, 0)], "maps of different strides")
    refuses(answer, [("conv", 4, 2, 1)], [("conv", 4, 2, 3)], "a crop below 0")


def place(layers: list[Any], first: bool = True, padded: bool = True) -> tuple[float, float]:
    """(stride, centre). `first`: the stride is divided before the centre moves back."""
    total, centre = 1.0, 0.0
    for kind, kernel, stride, padding in layers:
        by = (kernel - 1) / 2 - padding
        if kind == "conv":
            centre, total = centre + by * total, total * stride
        else:
            by = by if padded else (kernel - 1) / 2
            centre, total = centre - by * (total / stride if first else total), total / stride
    return total, centre


def crop_fault(finer: list[Any], other: list[Any], found: Any, wanted: int) -> str:
    """What a wrong offset looks like."""
    if not isinstance(found, (int, float, np.number)):
        return "expected a whole number"
    (stride, mine), (_, theirs) = place(finer), place(other)
    if found == -wanted:
        return (
            "the sign is wrong: the finer map begins earlier, so (centre of the other - centre of the finer) / stride"
        )
    if found == theirs - mine:
        return "that is the distance in pixels; count cells: divide by the stride"
    if found == (place(other, first=False)[1] - place(finer, first=False)[1]) / stride:
        return (
            "an upsampling layer's kernel is counted in cells of its result: divide the stride before the centre moves"
        )
    return "the offset is the distance of the two centres, in cells"


def refuses(answer: Any, finer: Any, other: Any, what: str) -> None:
    """Wrong, unless the answer raises ValueError."""
    try:
        found = answer(finer, other)
    except Wrong as fault:
        if not isinstance(fault.__cause__, ValueError):
            wrong(f"for {what} expected ValueError, got {type(fault.__cause__).__name__}")
        counted()
        return
    wrong(
        f"{what} passed: it gave {found!r} for {finer} and {other}; expected ValueError, since such maps cannot be joined"
    )


@check
def least_padding(answer: Any) -> None:
    """least_padding(layers, height) -> the least padding of the first layer with which a picture of `height` rows gives a cell at the end."""
    conv, pool = ("conv", 3, 1, 1), ("pool", 2, 2, 0)
    stages = [stage for count in (2, 2, 3, 3, 3) for stage in [conv] * count + [pool]]
    vgg = [*stages, ("conv", 7, 1, 0)]
    cases = [
        (vgg, 1),
        ([("conv", 3, 1, 7), pool, ("conv", 3, 1, 0)], 2),
        ([("conv", 3, 1, 0)], 1),
        ([("conv", 3, 1, 0)], 9),
        ([("conv", 11, 4, 0), ("pool", 3, 2, 0), ("conv", 5, 1, 2), ("pool", 3, 2, 0), ("conv", 6, 1, 0)], 1),
        (vgg, 100),
        (vgg, 300),
        ([("conv", 5, 1, 0), ("conv", 3, 1, 4)], 1),  # the second one's padding makes rows out of none
    ]
    for layers, height in cases:
        wanted = next(padding for padding in range(300) if cells(layers, height, padding))
        found = answer(layers, height)
        if found != wanted:
            fault = padding_fault(layers, height, found)
            wrong(f"{fault}; for {len(layers)} layers and {height} rows it gave {found!r}, expected {wanted}")
        counted()


def cells(layers: list[Any], height: int, padding: int, up: bool = True, sides: int = 2) -> int:
    """Rows at the end, by counting the windows that start inside: those of a pool may hang over the end."""
    for number, (kind, kernel, stride, own) in enumerate(layers):
        own = padding if number == 0 else own
        length = height + (sides if number == 0 else 2) * own
        begins = range(0, length, stride)
        whole = [begin for begin in begins if begin + kernel <= length]
        height = len(whole)
        if kind == "pool" and up and whole and whole[-1] + kernel < length:
            height += 1
        if kind == "pool" and up and not whole and length:
            height = 1
        if height < 1:
            return 0
    return height


def padding_fault(layers: list[Any], height: int, found: Any) -> str:
    """What a wrong padding looks like."""
    variants = {
        "pools round up: a last window may hang over": dict(up=False),
        "padding is added on both sides": dict(sides=1),
    }
    for fault, options in variants.items():
        if found == next((padding for padding in range(600) if cells(layers, height, padding, **options)), None):
            return fault
    if isinstance(found, (int, np.integer)) and found >= 0:
        if not cells(layers, height, int(found)):
            return f"with a padding of {found} no cell is left; stop where a map has no rows: what is negative divides into nonsense"
        return f"{found} is enough, and so is less: take the first that works, from 0 on, in place of the layer's own"
    return "expected a whole number from 0 on"
