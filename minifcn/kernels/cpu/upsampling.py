"""Transposed convolution where each channel has a kernel of its own: the upsampling of an FCN. And its adjoint, and its kernel's gradient.

With stride S the output is a grid of blocks of SxS pixels, a block a cell of the input, and every block is painted by few cells: by 3x3
of them where the kernel is 2S wide and centred. So, for each channel,

    blocks (M, SH·SW)  =  cells (I·J, M)ᵀ @ taps (I·J, SH·SW)

where a column of `cells` holds the cells that paint one block, and `taps` the piece of the kernel with which each of them does it. One
small product a channel; then the blocks go to their places. The gradients are products of the same three matrices.

The maps come out plane by plane, (N, C, H, W) in memory: a row of a block is written as one piece, and the loss reads planes.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minifcn.kernels import threads
from minifcn.kernels.cpu.calls import NOW, Calls
from minifcn.kernels.cpu.memory import empty
from minifcn.kernels.windows import Pair, Window

Array = Any

TILE = 1 << 17  # numbers of the large map that a job works on at a time


class Axis(NamedTuple):
    """One axis of the picture: cells first … last around block b paint it; tap s + padding - stride·i of cell b + i falls on its pixel s."""

    stride: int
    padding: int
    kernel: int

    @property
    def first(self) -> int:
        return -((self.kernel - 1 - self.padding) // self.stride)

    @property
    def reach(self) -> int:
        return (self.stride - 1 + self.padding) // self.stride - self.first + 1

    @property
    def before(self) -> int:
        """The tap with which the last of these cells paints pixel 0, at most 0: -before zeros stand before the kernel."""
        return self.padding - self.stride * (self.first + self.reach - 1)


def axes(window: Window) -> tuple[Axis, Axis]:
    rows, columns = (Axis(window.stride[axis], window.padding[axis][0], window.kernel[axis]) for axis in (0, 1))
    return rows, columns


def tap_matrix(weight: Array, window: Window) -> Array:
    """(C, 1, KH, KW) -> (C, I·J, SH·SW): which number of the kernel each cell paints each pixel of a block with, 0 where none."""
    rows, columns = axes(window)
    whole = np.zeros((len(weight), rows.reach * rows.stride, columns.reach * columns.stride), weight.dtype)
    whole[:, -rows.before : rows.kernel - rows.before, -columns.before : columns.kernel - columns.before] = weight[:, 0]
    parts = whole.reshape(-1, rows.reach, rows.stride, columns.reach, columns.stride)
    # the first cell paints with the last taps
    return parts[:, ::-1, :, ::-1].transpose(0, 1, 3, 2, 4).reshape(len(weight), rows.reach * columns.reach, -1)


def kernel_of(matrix: Array, window: Window) -> Array:
    """The adjoint of `tap_matrix`: (C, I·J, SH·SW) -> (C, 1, KH, KW). Each tap stands in one place of the matrix."""
    rows, columns = axes(window)
    parts = matrix.reshape(-1, rows.reach, columns.reach, rows.stride, columns.stride)
    whole = parts[:, ::-1, ::-1].transpose(0, 1, 3, 2, 4)
    whole = whole.reshape(len(matrix), rows.reach * rows.stride, columns.reach * columns.stride)
    return whole[:, None, -rows.before : rows.kernel - rows.before, -columns.before : columns.kernel - columns.before]


class Grid(NamedTuple):
    """The maps of one call: `small` (H, W) cells, `large` (H, W) pixels, `blocks` (rows, columns) that cover the large map."""

    window: Window
    small: Pair
    large: Pair

    @property
    def blocks(self) -> Pair:
        return (-(-self.large[0] // self.window.stride[0]), -(-self.large[1] // self.window.stride[1]))

    def jobs(self, n: int, c: int) -> list[tuple[slice, slice]]:
        """(pictures, channels), about TILE pixels each: the same for any number of threads."""
        planes = max(1, TILE // max(1, self.large[0] * self.large[1]))
        channels = min(c, planes)
        pictures = max(1, planes // channels)
        return [
            (slice(picture, min(picture + pictures, n)), slice(start, min(start + channels, c)))
            for picture in range(0, n, pictures)
            for start in range(0, c, channels)
        ]

    def cells(self, do: Calls, x: Array) -> Array:
        """x (N, C, H, W) -> (N, C, I·J, blocks), in scratch memory: the cells around each block, 0 outside of the map."""
        rows, columns = axes(self.window)
        (n, c, h, w), (bh, bw) = x.shape, self.blocks
        frame = do.scratch(4, (n, c, bh + rows.reach - 1, bw + columns.reach - 1), x.dtype)
        inner = frame[:, :, -rows.first :, -columns.first :]
        do.copyto(frame, 0)
        do.copyto(inner[:, :, :h, :w], x[:, :, : inner.shape[2], : inner.shape[3]])
        around = do.scratch(5, (n, c, rows.reach, columns.reach, bh, bw), x.dtype)
        sn, sc, sh, sw = frame.strides
        do.copyto(around, as_strided(frame, around.shape, (sn, sc, sh, sw, sh, sw), writeable=False))
        return around.reshape(n, c, rows.reach * columns.reach, bh * bw)

    def add_cells(self, cells: Array) -> Array:
        """The adjoint of `cells`, for a row a block: (N, C, blocks, I·J) -> (N, C, H, W)."""
        rows, columns = axes(self.window)
        (n, c), (h, w), (bh, bw) = cells.shape[:2], self.small, self.blocks
        frame = np.zeros((n, c, max(bh, h) + rows.reach - 1, max(bw, w) + columns.reach - 1), cells.dtype)
        split = cells.reshape(n, c, bh, bw, rows.reach, columns.reach)
        for i in range(rows.reach):
            for j in range(columns.reach):
                frame[:, :, i : i + bh, j : j + bw] += split[..., i, j]
        return frame[:, :, -rows.first :, -columns.first :][:, :, :h, :w]

    def in_blocks(self, do: Calls, n: int, c: int, dtype: Any) -> tuple[Array, Array]:
        """(N, C, blocks, SH·SW), and the same memory as (N, C, rows, SH, columns, SW), the order of pixels in the large map."""
        (bh, bw), (sh, sw) = self.blocks, self.window.stride
        blocks = do.scratch(0, (n, c, bh * bw, sh * sw), dtype)
        return blocks, blocks.reshape(n, c, bh, bw, sh, sw).transpose(0, 1, 2, 4, 3, 5)

    def split(self, planes: Array) -> Array:
        """planes (N, C, H, W) that end with a block -> (N, C, rows, SH, columns, SW), a view."""
        (bh, bw), (sh, sw) = self.blocks, self.window.stride
        return planes.reshape(*planes.shape[:2], bh, sh, bw, sw)

    def collected(self, do: Calls, x: Array) -> Array:
        """x (N, C, H, W), the large map -> (N, C, blocks, SH·SW), in scratch memory; 0 beyond the map's end."""
        (n, c, h, w), (bh, bw), (sh, sw) = x.shape, self.blocks, self.window.stride
        if (bh * sh, bw * sw) != (h, w) or not x.flags.c_contiguous:
            planes = do.scratch(1, (n, c, bh * sh, bw * sw), x.dtype)
            do.copyto(planes[:, :, h:], 0)
            do.copyto(planes[:, :, :, w:], 0)
            do.copyto(planes[:, :, :h, :w], x)
            x = planes
        blocks, pixels = self.in_blocks(do, n, c, x.dtype)
        copy_runs(do, pixels, self.split(x))
        return blocks


def copy_runs(do: Calls, to: Array, source: Array) -> None:
    """to[...] = source; what lies together in both, the last axis, is moved as one piece."""
    item = np.dtype((np.void, to.shape[-1] * to.itemsize))
    do.copyto(to.view(item), source.view(item))


def paint(do: Calls, grid: Grid, x: Array, taps: Array) -> Array:
    """x (N, C, H, W), the small map, and its channels of `tap_matrix` -> (N, C, rows, SH, columns, SW), the large map in scratch memory."""
    (n, c), cells = x.shape[:2], grid.cells(do, x)
    blocks, pixels = grid.in_blocks(do, n, c, x.dtype)
    do.matmul(cells.swapaxes(2, 3), taps, out=blocks)
    return pixels


def conv2d_input_gradient(grad: Array, weight: Array, window: Window, groups: int, shape: tuple[int, ...]) -> Array:
    """As `simple.conv2d_input_gradient`, one channel a group. The transposed convolution itself: grad is the small map."""
    n, c, h, w = shape
    grid, taps = Grid(window, grad.shape[2:], (h, w)), tap_matrix(weight, window)
    (bh, bw), (sh, sw) = grid.blocks, window.stride
    result = empty((n, c, bh * sh, bw * sw), grad.dtype)

    def job(some: tuple[slice, slice]) -> None:
        copy_runs(NOW, grid.split(result[some]), paint(NOW, grid, grad[some], taps[some[1]]))

    threads.run(job, grid.jobs(n, c))
    return result[:, :, :h, :w]


def conv2d(x: Array, weight: Array, window: Window, groups: int) -> Array:
    """As `simple.conv2d`, one channel a group: x is the large map."""
    n, c = x.shape[:2]
    grid = Grid(window, window.output_size(x.shape[2:]), x.shape[2:])
    taps = tap_matrix(weight, window).swapaxes(1, 2)  # (C, SH·SW, I·J)
    cells = empty((n, c, grid.blocks[0] * grid.blocks[1], taps.shape[2]), x.dtype)

    def collect(job: tuple[slice, slice]) -> None:
        np.matmul(grid.collected(NOW, x[job]), taps[job[1]], out=cells[job])

    threads.run(collect, grid.jobs(n, c))
    return grid.add_cells(cells)


def conv2d_weight_gradient(x: Array, grad: Array, window: Window, groups: int) -> Array:
    """As `simple.conv2d_weight_gradient`, one channel a group: x is the large map, grad the small one."""
    n, c = x.shape[:2]
    grid = Grid(window, grad.shape[2:], x.shape[2:])
    cells = grid.cells(NOW, grad)
    sums = np.empty((n, c, cells.shape[2], window.stride[0] * window.stride[1]), x.dtype)

    def multiply(job: tuple[slice, slice]) -> None:
        np.matmul(cells[job], grid.collected(NOW, x[job]), out=sums[job])

    threads.run(multiply, grid.jobs(n, c))
    return np.ascontiguousarray(kernel_of(sums.sum(0), window))


def suits(array: Array, window: Window, channels: int, groups: int) -> bool:
    inside = all(sides[0] < kernel for sides, kernel in zip(window.padding, window.kernel, strict=True))
    return (
        isinstance(array, np.ndarray)
        and channels == groups > 1
        and window.dilation == (1, 1)
        and array.size > 0
        and inside
    )


def suits_conv2d(x: Array, weight: Array, window: Window, groups: int) -> bool:
    return suits(x, window, x.shape[1], groups) and weight.shape[:2] == (groups, 1)


def suits_conv2d_input_gradient(
    grad: Array, weight: Array, window: Window, groups: int, shape: tuple[int, ...]
) -> bool:
    return suits(grad, window, shape[1], groups) and weight.shape[:2] == (groups, 1)


def suits_conv2d_weight_gradient(x: Array, grad: Array, window: Window, groups: int) -> bool:
    return suits(x, window, x.shape[1], groups) and grad.shape[1] == groups
