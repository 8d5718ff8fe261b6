"""How much of a convolution is done at a time: what one kernel writes the next reads, and it should still lie in the GPU's second cache then.

But a product of a few rows leaves most of the GPU idle, and the small cache of a small GPU holds only a few. So a tile has enough rows for two waves
of cuBLAS's blocks, whatever the cache holds; and tiles are even, so that no small one comes last.
"""

import functools
from itertools import pairwise
from typing import Any

from minifcn.backend import import_cupy
from minifcn.kernels.windows import Pair

BLOCK = 128  # rows and columns of a product that one multiprocessor makes at a time
WAVES = 2
MOST_BYTES = 128 << 20  # of a tile that is wider than the cache


@functools.cache
def properties(device: int) -> dict[str, Any]:
    return dict(import_cupy().cuda.runtime.getDeviceProperties(device))


def cache_bytes(device: int) -> int:
    """Of the GPU's second cache."""
    return int(properties(device)["l2CacheSize"])


def processors(device: int) -> int:
    """How many multiprocessors the GPU has."""
    return int(properties(device)["multiProcessorCount"])


def rows_at_a_time(bytes_a_row: int, columns: int, stacked: int = 1) -> int:
    """Rows of a tile: as many as half of the cache holds, and enough for two waves. `columns` of the product, `stacked` such products at once."""
    device = import_cupy().cuda.Device().id
    bytes_a_row = max(1, bytes_a_row)
    waves = -(-WAVES * processors(device) * BLOCK * BLOCK // (max(columns, BLOCK) * stacked))
    return max(1, cache_bytes(device) // 2 // bytes_a_row, min(waves, MOST_BYTES // bytes_a_row))


def even(length: int, most: int) -> list[Pair]:
    """(first, how many) of each part: as few parts of at most `most` as there can be, none larger than another by more than one."""
    parts = -(-length // most)
    ends = [length * part // max(1, parts) for part in range(parts + 1)]
    return [(start, end - start) for start, end in pairwise(ends)]


def tiles(pictures: int, size: Pair, most: int) -> list[Pair]:
    """(first window, windows) of each tile of `most` windows: whole rows of windows, and whole pictures where that is more than one."""
    oh, ow = size
    rows = max(1, most // max(1, ow))
    if rows >= oh:
        some = even(pictures, rows // max(1, oh))
        return [(first * oh * ow, count * oh * ow) for first, count in some]
    return [((picture * oh + first) * ow, count * ow) for picture in range(pictures) for first, count in even(oh, rows)]
