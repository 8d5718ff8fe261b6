"""Convolution by tiles of windows: the kernels for any window. Each has a simple twin of the same name and arguments in `simple.py`.

Where the time goes in the simple convolution: not into the product but into the bytes around it. All windows of a batch, as rows,
are nine times the picture for a 3x3 kernel; they leave the cache, and fresh memory of that size costs page faults. So here:
- windows are copied a tile at a time, into one scratch array that stays in the cache, and multiplied at once;
- the padding is made for a tile at a time too, around a strip of the picture, and never around a copy of all of it;
- a tap row of a window, KW·C numbers, lies together in memory, so that one copy moves three taps. Where that is still short, in the
  first layer with its 3 channels, some windows side by side make one row, and the kernels stand side by side in a wider matrix;
- the input gradient at stride 1 is itself a convolution, with the kernel turned round: no adding back.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minifcn.kernels import threads
from minifcn.kernels.cpu import memory
from minifcn.kernels.cpu.calls import NOW, Calls
from minifcn.kernels.windows import Pair, Window

Array = Any

TILE_BYTES = (
    1 << 20
)  # windows copied before one product: about a core's L2 cache, and large enough that threads seldom meet
LANES = 4  # sums that run side by side; a fixed number, so that the order of additions does not depend on the threads
MULTIPLICATIONS = (
    1_000_000  # of one product: OpenBLAS runs those up to here without packing the operands first, which is faster
)


def tiles(n: int, size: Pair, row_bytes: int, least: int) -> Iterator[tuple[slice, slice]]:
    """(pictures, rows) of the output, a tile at a time: several pictures, or some rows of one. `least` bytes at least, if there are."""
    oh, ow = size
    total = n * oh * ow * row_bytes
    wanted = max(-(-total // threads.shares(total, TILE_BYTES)), least)
    pictures = wanted // max(1, oh * ow * row_bytes)
    if pictures:
        yield from ((slice(start, min(start + pictures, n)), slice(0, oh)) for start in range(0, n, pictures))
        return
    rows = max(1, wanted // (ow * row_bytes))
    yield from (
        (slice(p, p + 1), slice(start, min(start + rows, oh))) for p in range(n) for start in range(0, oh, rows)
    )


class Windows:
    """The windows of a picture x (N, C, H, W), a tile at a time as rows, (M, KH·KW·C). `beside` windows side by side make one row."""

    def __init__(self, x: Array, window: Window, size: Pair, beside: int = 1) -> None:
        self.picture, self.window, self.size, self.beside = x.transpose(0, 2, 3, 1), window, size, beside
        self.columns = (
            window.kernel[1] + (beside - 1) * window.stride[1]
        )  # that a row sees; with a dilation `beside` is 1
        self.length = window.kernel[0] * self.columns * x.shape[1]  # of a row

    def tiles(self, least: int) -> list[tuple[slice, slice]]:
        row_bytes = -(-self.length * self.picture.itemsize // self.beside)
        return list(tiles(len(self.picture), self.size, row_bytes, least))

    def strip(self, do: Calls, pictures: slice, rows: slice) -> Array:
        """What the windows of `rows` see, (N, lines, columns, C), padding and all: a view where there is none, else in scratch memory."""
        (top, _), (left, _) = self.window.padding
        h, w = self.picture.shape[1:3]
        first = rows.start * self.window.stride[0] - top
        lines = (rows.stop - rows.start - 1) * self.window.stride[0] + self.window.span[0]
        columns = (self.size[1] - 1) * self.window.stride[1] + self.window.span[1]
        if first >= 0 and first + lines <= h and left == 0 and columns <= w:
            return self.picture[pictures, first : first + lines, :columns]
        some = self.picture[pictures]
        strip = do.scratch(3, (len(some), lines, columns, some.shape[3]), some.dtype)
        start, stop = min(max(0, -first), lines), max(0, min(h - first, lines))
        across = min(w, columns - left)
        inside = strip[:, start : max(start, stop)]
        for frame in (
            strip[:, :start],
            strip[:, max(start, stop) :],
            inside[:, :, :left],
            inside[:, :, left + across :],
        ):
            do.copyto(frame, 0)
        seen = some[:, first + start : first + max(start, stop), :across]
        for to, source in by_channel(inside[:, :, left : left + across], seen):
            do.copyto(to, source)
        return strip

    def rows(self, do: Calls, tile: tuple[slice, slice]) -> Array:
        """The windows of a tile. The next call in this thread writes over them."""
        if self.window == Window((1, 1)):  # they are the pixels
            return self.picture[tile].reshape(-1, self.length)
        pictures, rows = tile
        strip = self.strip(do, pictures, rows)
        n, _, _, c = strip.shape
        sn, sh, sw, sc = strip.strides
        (stride_h, stride_w), (dh, dw) = self.window.stride, self.window.dilation
        shape = (n, rows.stop - rows.start, self.size[1] // self.beside, self.window.kernel[0], self.columns, c)
        strides = (sn, sh * stride_h, sw * stride_w * self.beside, sh * dh, sw * dw, sc)
        copy = do.scratch(0, shape, strip.dtype)
        do.copyto(*in_pieces(copy, as_strided(strip, shape, strides, writeable=False)))
        return copy.reshape(-1, self.length)


def by_channel(to: Array, source: Array) -> list[tuple[Array, Array]]:
    """The same copy (N, H, W, C), channel by channel where a picture of few channels lies plane by plane: NumPy would run along the channels."""
    planes = source.strides[-1] > source.strides[-2] and source.shape[-1] <= source.shape[-2]
    return [(to[..., c], source[..., c]) for c in range(to.shape[-1])] if planes else [(to, source)]


def in_pieces(to: Array, source: Array) -> tuple[Array, Array]:
    """The same two arrays (…, columns, C) with what lies together in both, a run of C or columns·C numbers, as one item of bytes.

    NumPy takes longer to begin a run of 18 numbers than to copy it: 85 µs become 53.
    """
    c, item = to.shape[-1], to.itemsize
    if source.strides[-1] != item or not to.flags.c_contiguous:
        return to, source
    if source.strides[-2] == c * item:
        to, source = (array.reshape(*array.shape[:-2], -1) for array in (to, source))  # views: the two axes are one row
    piece = np.dtype((np.void, to.shape[-1] * item))
    return to.view(piece), source.view(piece)


def side_by_side(c: int, o: int, window: Window, size: Pair) -> int:
    """How many windows make a row: several where they are short and the kernels few, so that the product is too narrow otherwise."""
    if c * window.kernel[1] > 16 or window.dilation[1] > 1:
        return 1
    return max(n for n in (1, 2, 3, 4) if size[1] % n == 0 and n * o <= max(64, o))


def kernel_matrix(weight: Array, window: Window, beside: int) -> Array:
    """(O, C, KH, KW) -> (KH·columns·C, beside·O): in the columns of window b the kernel stands b strides further."""
    o, c, kh, kw = weight.shape
    matrix = np.zeros((kh, kw + (beside - 1) * window.stride[1], c, beside, o), weight.dtype)
    for place in range(beside):
        start = place * window.stride[1]
        matrix[:, start : start + kw, :, place] = weight.transpose(2, 3, 1, 0)
    return matrix.reshape(-1, beside * o)


def kernels_of(matrix: Array, window: Window, beside: int, c: int) -> Array:
    """The adjoint of `kernel_matrix`: (KH·columns·C, beside·O) -> (O, C, KH, KW)."""
    kh, kw = window.kernel
    parts = matrix.reshape(kh, -1, c, beside, matrix.shape[1] // beside)
    starts = [place * window.stride[1] for place in range(beside)]
    total = sum(parts[:, start : start + kw, :, place] for place, start in enumerate(starts))
    return np.ascontiguousarray(total.transpose(3, 2, 0, 1))


def multiply(do: Calls, rows: Array, matrix: Array, out: Array) -> None:
    """out = rows @ matrix, in products of about MULTIPLICATIONS."""
    some = MULTIPLICATIONS // matrix.size
    whole = len(rows) // some * some if some >= 64 else 0
    if whole:
        stacked = out[:whole].reshape(-1, some, out.shape[1])
        do.matmul(rows[:whole].reshape(-1, some, rows.shape[1]), matrix, out=stacked)
    if whole < len(rows):
        do.matmul(rows[whole:], matrix, out=out[whole:])


def conv2d(x: Array, weight: Array, window: Window, groups: int) -> Array:
    """As `simple.conv2d`, for one group."""
    size, (o, c) = window.output_size(x.shape[2:]), weight.shape[:2]
    beside = side_by_side(c, o, window, size)
    matrix, windows = kernel_matrix(weight, window, beside), Windows(x, window, size, beside)
    y = memory.empty((x.shape[0], *size, o), x.dtype)

    def job(tile: tuple[slice, slice]) -> None:
        multiply(
            NOW, windows.rows(NOW, tile), matrix, y[tile].reshape(-1, beside * o)
        )  # whole rows of y: the reshape is a view

    threads.run(job, windows.tiles(weight.nbytes))
    return y.transpose(0, 3, 1, 2)


def conv2d_weight_gradient(x: Array, grad: Array, window: Window, groups: int) -> Array:
    """As `simple.conv2d_weight_gradient`, for one group."""
    (o, *size), c = grad.shape[1:], x.shape[1]
    beside = side_by_side(c, o, window, (size[0], size[1]))
    windows, grads = Windows(x, window, (size[0], size[1]), beside), grad.transpose(0, 2, 3, 1)
    all_tiles = windows.tiles(windows.length * beside * o * x.itemsize)
    lanes = min(LANES, len(all_tiles))
    totals = np.zeros((lanes, beside * o, windows.length), x.dtype)

    def add_up(lane: int) -> None:
        for tile in all_tiles[lane::lanes]:
            # the gradients first: a result with the fewer rows takes three quarters of the time
            totals[lane] += grads[tile].reshape(-1, beside * o).T @ windows.rows(NOW, tile)

    threads.run(add_up, range(lanes))
    return kernels_of(totals.sum(0).T, window, beside, c)


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
