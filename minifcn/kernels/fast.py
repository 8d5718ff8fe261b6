"""Kernels for speed on a CPU. Each has a simple twin of the same name and arguments in `simple.py` and is tested against it.

Where the time goes in the simple convolution: not into the product but into the bytes around it. All windows of a batch, as rows,
are nine times the picture for a 3x3 kernel; they leave the cache, and fresh memory of that size costs page faults. So here:
- windows are copied a tile at a time, into one scratch array that stays in the cache, and multiplied at once;
- a tap row of a window, KW·C numbers, lies together in memory, so that one copy moves three taps;
- the input gradient at stride 1 is itself a convolution, with the kernel turned round: no adding back.
"""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minifcn.kernels import simple, threads
from minifcn.kernels.windows import Pair, Window

Array = Any

TILE_BYTES = 1 << 20  # windows copied before one product: they and the product's operands stay in a core's L2 cache
LANES = 4  # sums that run side by side; a fixed number, so that the order of additions does not depend on the threads


def tiles(n: int, size: Pair, row_bytes: int, least: int) -> Iterator[tuple[slice, slice]]:
    """(pictures, rows) of the output, a tile at a time: several pictures, or some rows of one. `least` bytes at least, if there are."""
    wanted = max(TILE_BYTES, least)
    oh, ow = size
    pictures = wanted // max(1, oh * ow * row_bytes)
    if pictures:
        yield from ((slice(start, start + pictures), slice(0, oh)) for start in range(0, n, pictures))
        return
    rows = max(1, wanted // (ow * row_bytes))
    yield from (
        (slice(p, p + 1), slice(start, min(start + rows, oh))) for p in range(n) for start in range(0, oh, rows)
    )


class Windows:
    """Every window of a picture as a view, and copies of a tile of them as rows (M, KH·KW·C) in a scratch array of the thread."""

    scratch = threading.local()

    def __init__(self, x: Array, window: Window, size: Pair) -> None:
        picture = simple.padded(x, window, 0, size)  # (N, PH, PW, C)
        n, _, _, c = picture.shape
        sn, sh, sw, sc = picture.strides
        (kh, kw), (dh, dw) = window.kernel, window.dilation
        strides = (sn, sh * window.stride[0], sw * window.stride[1], sh * dh, sw * dw, sc)
        self.view = as_strided(picture, (n, *size, kh, kw, c), strides, writeable=False)
        self.length = kh * kw * c  # of a row

    def tiles(self, least: int) -> list[tuple[slice, slice]]:
        return list(tiles(self.view.shape[0], self.view.shape[1:3], self.length * self.view.itemsize, least))

    def rows(self, tile: tuple[slice, slice]) -> Array:
        """The windows of a tile, copied. The next call in this thread writes over them."""
        seen = self.view[tile]
        memory = getattr(self.scratch, "memory", np.empty(0, np.uint8))
        if memory.size < seen.size * seen.itemsize:
            memory = self.scratch.memory = np.empty(seen.size * seen.itemsize, np.uint8)
        copy = memory[: seen.size * seen.itemsize].view(seen.dtype).reshape(seen.shape)
        np.copyto(copy, seen)
        return copy.reshape(-1, self.length)


def conv2d(x: Array, weight: Array, window: Window, groups: int) -> Array:
    """As `simple.conv2d`, for one group."""
    size, o = window.output_size(x.shape[2:]), weight.shape[0]
    matrix = simple.kernel_matrix(weight, 1)[0]  # (KH·KW·C, O)
    windows = Windows(x, window, size)
    y = np.empty((x.shape[0], *size, o), x.dtype)

    def multiply(tile: tuple[slice, slice]) -> None:
        np.matmul(windows.rows(tile), matrix, out=y[tile].reshape(-1, o))  # whole rows of y: the reshape is a view

    threads.run(multiply, windows.tiles(weight.nbytes))
    return y.transpose(0, 3, 1, 2)


def conv2d_weight_gradient(x: Array, grad: Array, window: Window, groups: int) -> Array:
    """As `simple.conv2d_weight_gradient`, for one group."""
    o, c = grad.shape[1], x.shape[1]
    rows_of_grad = simple.channels_last(grad)
    windows = Windows(x, window, grad.shape[2:])
    totals = np.zeros((LANES, windows.length, o), x.dtype)
    all_tiles = windows.tiles(totals[0].nbytes)

    def add_up(lane: int) -> None:
        for tile in all_tiles[lane::LANES]:
            totals[lane] += windows.rows(tile).T @ rows_of_grad[tile].reshape(-1, o)

    threads.run(add_up, range(min(LANES, len(all_tiles))))
    total = totals.sum(0).reshape(*window.kernel, c, o)
    return np.ascontiguousarray(total.transpose(3, 2, 0, 1))


def conv2d_input_gradient(grad: Array, weight: Array, window: Window, groups: int, shape: tuple[int, ...]) -> Array:
    """As `simple.conv2d_input_gradient`, for one group and stride 1: as a convolution."""
    turned = weight.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]
    # every pixel of x was seen by the windows that start up to span - 1 before it
    around: Any = tuple(
        (span - 1 - before, span - 1 - after) for span, (before, after) in zip(window.span, window.padding, strict=True)
    )
    return conv2d(grad, turned, window._replace(padding=around), 1)


def has_kernel(x: Array, weight: Array, window: Window, groups: int) -> bool:
    return isinstance(x, np.ndarray) and groups == 1


def has_weight_kernel(x: Array, grad: Array, window: Window, groups: int) -> bool:
    return isinstance(x, np.ndarray) and groups == 1


def has_gradient_kernel(grad: Array, weight: Array, window: Window, groups: int, shape: tuple[int, ...]) -> bool:
    if not isinstance(grad, np.ndarray) or groups > 1:
        return False
    # the turned kernel needs span - 1 - padding of its own, and as many windows as stride 1 gives
    fits = all(max(sides) < span for span, sides in zip(window.span, window.padding, strict=True))
    return window.stride == (1, 1) and fits and window.output_size((shape[2], shape[3])) == grad.shape[2:]
