"""Pools for speed: whole blocks of pixels at once, in memory that stays in the cache.

A pool reads every pixel once or a few times and computes next to nothing, so three things decide:
- long runs. NumPy takes longer to begin a row than to compare the 16 numbers in it. So what a tap sees is first copied together, pixel by
  pixel (all channels of a pixel are one item, moved as one piece), and compared as one long row;
- no copy of the picture with a frame round it. What a tap sees outside the picture is filled in where it is copied together;
- no adding to scattered places. The gradient is made phase by phase: the pixels (p, q), (p, q + stride), ... of a picture get theirs from
  the same taps, shifted by whole windows, so that they are added as long rows and then dealt out to their places.

    N pictures   C channels   H W picture   OH OW windows   KH KW kernel   U V pixels of a phase
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minifcn.kernels import simple, threads
from minifcn.kernels.cpu import memory
from minifcn.kernels.cpu.calls import NOW, Calls
from minifcn.kernels.windows import Pair, Window

Array = Any

TILE = 1 << 18  # numbers worked on at a time; as `pointwise.BLOCK`


def tiles(n: int, rows: int, row_numbers: int) -> Iterator[tuple[slice, slice]]:
    """(pictures, rows), about TILE numbers at a time: several pictures, or some rows of one. The same for any number of threads."""
    numbers = n * rows * row_numbers
    wanted = -(-numbers // threads.shares(numbers, TILE, alone=2))
    pictures = wanted // max(1, rows * row_numbers)
    if pictures:
        yield from ((slice(p, min(p + pictures, n)), slice(0, rows)) for p in range(0, n, pictures))
        return
    step = max(1, wanted // max(1, row_numbers))
    yield from ((slice(p, p + 1), slice(r, min(r + step, rows))) for p in range(n) for r in range(0, rows, step))


def run(job: Callable[[Any], None], parts: Iterator[Any]) -> None:
    """`threads.run`, but a single part is done here: to wake a thread takes longer than a small pool."""
    waiting = list(parts)
    if len(waiting) > 1:
        threads.run(job, waiting)
    else:
        for part in waiting:
            job(part)


def inside(start: int, stride: int, length: int, first: int, last: int) -> tuple[int, int]:
    """Of the windows first … last - 1, those whose tap, at start + stride·window, lies in 0 … length - 1: from, to."""
    low = min(max(first, -(start // stride)), last)
    return low, max(low, min(last, (length - 1 - start) // stride + 1))


def look(do: Calls, seen: Array, picture: Array, start: Pair, stride: Pair, rows: slice, outside: float) -> None:
    """seen (N, R, OW, C) = pixel start + stride·window of the picture (N, H, W, C), for the windows of `rows`; `outside` beyond it."""
    (sh, sw), (h, w) = stride, picture.shape[1:3]
    top, bottom = inside(start[0], sh, h, rows.start, rows.stop)
    left, right = inside(start[1], sw, w, 0, seen.shape[2])
    r, c = start[0] + top * sh, start[1] + left * sw
    first, last = top - rows.start, bottom - rows.start
    if first < last and left < right:
        there = picture[:, r : r + (bottom - top - 1) * sh + 1 : sh, c : c + (right - left - 1) * sw + 1 : sw]
        copy_pixels(do, seen[:, first:last, left:right], there)
    if (first, last, left, right) != (0, seen.shape[1], 0, seen.shape[2]):
        for frame in (seen[:, :first], seen[:, last:], seen[:, first:last, :left], seen[:, first:last, right:]):
            do.copyto(frame, outside)


def copy_pixels(do: Calls, to: Array, source: Array) -> None:
    """to[...] = source, both (N, H, W, C): a pixel with all its channels is one item of bytes, moved as one piece."""
    item = np.dtype((np.void, to.shape[3] * to.itemsize))
    do.copyto(to.view(item), source.view(item))


def max_pool2d(x: Array, window: Window, size: Pair) -> tuple[Array, Array]:
    """As `simple.max_pool2d`; the numbers of the taps are uint8."""
    picture = simple.channels_last(x)  # (N, H, W, C)
    n, c = x.shape[:2]
    best, place = (memory.empty((n, *size, c), dtype) for dtype in (x.dtype, np.uint8))
    compare = compare_pairs if pairs(window) else compare_taps

    def job(tile: tuple[slice, slice]) -> None:
        high, number = best[tile], place[tile]
        compare(picture[tile[0]], window, tile[1], high, number)
        if np.isnan(high.max()):
            compare_taps(picture[tile[0]], window, tile[1], high, number, nan=True)

    run(job, tiles(n, size[0], size[1] * c))
    return best.transpose(0, 3, 1, 2), place.transpose(0, 3, 1, 2)


def max_pool2d_values(x: Array, window: Window, size: Pair) -> Array:
    """As `simple.max_pool2d_values`. NumPy's maximum lets a NaN win."""
    picture = simple.channels_last(x)  # (N, H, W, C)
    n, c = x.shape[:2]
    best = memory.empty((n, *size, c), x.dtype)

    def job(tile: tuple[slice, slice]) -> None:
        largest(NOW, picture[tile[0]], window, tile[1], best[tile])

    run(job, tiles(n, size[0], size[1] * c))
    return best.transpose(0, 3, 1, 2)


def largest(do: Calls, picture: Array, window: Window, rows: slice, high: Array) -> None:
    """The largest number of the windows of `rows`, of a picture (N, H, W, C), to `high` (N, R, OW, C): above against below along whole rows,
    then left against right in what is left."""
    n, r, _, c = high.shape
    tall = do.scratch(0, (n, r, picture.shape[2], c), high.dtype)
    largest_of_lines(do, picture, window, rows, tall)
    seen = do.scratch(1, high.shape, high.dtype)
    for tap in range(window.kernel[1]):
        start = (0, tap * window.dilation[1] - window.padding[1][0])
        look(do, seen if tap else high, tall, start, (1, window.stride[1]), slice(0, r), -np.inf)
        if tap:
            do.maximum(high, seen, out=high)


def largest_of_lines(do: Calls, picture: Array, window: Window, rows: slice, tall: Array) -> None:
    """The largest of what lies above each other in the windows of `rows`, for every column of the picture: to `tall` (N, R, W, C)."""
    stride, h, count = window.stride[0], picture.shape[1], tall.shape[1]
    seen = []  # by the rows of the kernel: from which of the windows to which, and what they see
    for tap in range(window.kernel[0]):
        start = tap * window.dilation[0] - window.padding[0][0]
        low, high = inside(start, stride, h, rows.start, rows.stop)
        if low < high:
            there = picture[:, start + low * stride : start + (high - 1) * stride + 1 : stride]
            seen.append((low - rows.start, high - rows.start, there))
    seen.sort(key=lambda each: each[0] - each[1])  # the one that most windows see comes first
    if not seen or seen[0][:2] != (0, count):
        do.copyto(tall, -np.inf)
        seen.insert(0, (0, count, tall))
    (_, _, base), *others = seen
    low, high, there = others[0] if others else (0, 0, base[:, :0])
    do.maximum(base[:, low:high], there, out=tall[:, low:high])
    if base is not tall:
        do.copyto(tall[:, :low], base[:, :low])
        do.copyto(tall[:, high:], base[:, high:])
    for low, high, there in others[1:]:
        do.maximum(tall[:, low:high], there, out=tall[:, low:high])


def compare_taps(picture: Array, window: Window, rows: slice, high: Array, number: Array, nan: bool = False) -> None:
    """The windows of `rows`, tap by tap: the largest value to `high`, its tap to `number`, both (N, R, OW, C)."""
    seen = memory.scratch(0, high.shape, high.dtype)
    won = memory.scratch(1, high.shape, np.uint8)
    better = won.view(bool)
    size = (rows.stop, high.shape[2])
    number[...] = simple.first_inside(window, size, np)[rows, :, None]
    for tap, (i, j) in enumerate(simple.taps(window)):
        start = (i * window.dilation[0] - window.padding[0][0], j * window.dilation[1] - window.padding[1][0])
        look(NOW, seen if tap else high, picture, start, window.stride, rows, -np.inf)
        if tap:
            np.greater(seen, high, out=better)
            if nan:
                better |= np.isnan(seen)  # as in PyTorch: each NaN wins over what came before
            np.maximum(high, seen, out=high)  # a NaN stays
            # the numbers of the taps grow, so the last that was better is the largest
            np.multiply(won, np.uint8(tap), out=won)
            np.maximum(number, won, out=number)


def pairs(window: Window) -> bool:
    """2x2 windows side by side: the pool of nearly every network."""
    return window == Window((2, 2), (2, 2))


def compare_pairs(picture: Array, window: Window, rows: slice, high: Array, number: Array) -> None:
    """As `compare_taps` where `pairs`, with half the steps: left against right in both rows at once, then above against below."""
    n, r, ow, c = high.shape
    left, right = (memory.scratch(slot, (n, 2 * r, ow, c), high.dtype) for slot in (0, 1))
    both = slice(2 * rows.start, 2 * rows.stop)
    look(NOW, left, picture, (0, 0), (1, 2), both, -np.inf)
    look(NOW, right, picture, (0, 1), (1, 2), both, -np.inf)
    side = memory.scratch(2, left.shape, np.uint8)  # 1 where the right one is larger
    np.greater(right, left, out=side.view(bool))
    np.maximum(left, right, out=left)
    above, below = left[:, 0::2], left[:, 1::2]  # rows that lie together: long runs
    np.greater(below, above, out=number.view(bool))
    np.maximum(above, below, out=high)
    # below wins: 2 and its side; above wins: its side
    side[:, 1::2] += 2
    np.multiply(number, side[:, 1::2], out=number)
    np.maximum(number, side[:, 0::2], out=number)


def integers(x: Array) -> Array:
    """The same bytes as integers. A product with 0 or 1 is then exact, and 0 even where x is infinite or NaN."""
    return x.view(np.int32 if x.itemsize == 4 else np.int64)


def max_pool2d_gradient(grad: Array, place: Array, window: Window, shape: tuple[int, ...]) -> Array:
    """As `simple.max_pool2d_gradient`, phase by phase."""
    rows, places = simple.channels_last(grad), simple.channels_last(place)  # (N, OH, OW, C)
    n, c, h, w = shape
    (sh, sw), (oh, ow) = window.stride, rows.shape[1:3]
    result = memory.empty((n, h, w, c), grad.dtype)
    plan = phases(window)
    u, v = -(-h // sh), -(-w // sw)

    def job(tile: tuple[slice, slice]) -> None:
        pictures, first, last = tile[0], tile[1].start, tile[1].stop
        some, count = result[pictures], tile[0].stop - tile[0].start
        mask = memory.scratch(0, (count, last - first, ow, c), integers(rows).dtype)
        part = memory.scratch(1, mask.shape, grad.dtype)
        whole = memory.scratch(2, (count, last - first, v, c), grad.dtype)
        for (p, q), taps in plan:
            bottom, right = min(last, -(-(h - p) // sh)), -(-(w - q) // sw)  # the phase may end before the others
            total, filled = whole[:, : bottom - first, :right], False
            for tap, up, side in taps:
                # window (row - up, column - side) sees this phase's pixel (row, column) through the tap
                r0, r1 = max(0, first - up), min(oh, bottom - up)
                c0, c1 = max(0, -side), min(ow, right - side)
                if r0 >= r1 or c0 >= c1:
                    continue
                seen = mask[:, : r1 - r0]
                np.equal(places[pictures, r0:r1], tap, out=seen)
                covers = not filled and total.shape[1:3] == (r1 - r0, ow) == (r1 - r0, c1 - c0)
                won = total if covers else part[:, : r1 - r0]
                np.multiply(integers(rows[pictures, r0:r1]), seen, out=integers(won))
                if not covers:
                    if not filled:
                        total[...] = 0
                    total[:, r0 + up - first : r1 + up - first, c0 + side : c1 + side] += won[:, :, c0:c1]
                filled = True
            if total.size:
                if not filled:
                    total[...] = 0
                copy_pixels(NOW, some[:, first * sh + p : bottom * sh : sh, q::sw], total)

    run(job, tiles(n, u, v * c))
    return result.transpose(0, 3, 1, 2)


def phases(window: Window) -> list[tuple[Pair, list[tuple[int, int, int]]]]:
    """Each phase (p, q) and the taps that meet it: (number, up, side) where window (r, s) sees its pixel (r + up, s + side)."""
    plan: dict[Pair, list[tuple[int, int, int]]] = {
        (p, q): [] for p in range(window.stride[0]) for q in range(window.stride[1])
    }
    for tap, (i, j) in enumerate(simple.taps(window)):
        up, p = divmod(i * window.dilation[0] - window.padding[0][0], window.stride[0])
        side, q = divmod(j * window.dilation[1] - window.padding[1][0], window.stride[1])
        plan[p, q].append((tap, up, side))
    return list(plan.items())
