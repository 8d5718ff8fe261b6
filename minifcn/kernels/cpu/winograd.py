"""3x3 convolution at stride 1 with a quarter of the multiplications: Winograd's F(4x4, 3x3). Twins of the kernels in `simple.py`.

The idea, along one axis. A polynomial of degree 5 is known from its values at six points. A kernel of 3 taps times 4 outputs is such a
product, so: evaluate the one and the other at six points, multiply point by point (6 products instead of 4·3), and go back. Turned
round, so that it makes the outputs of a convolution, this reads

    y = Aᵀ [(G g) ∘ (Bᵀ d)]        6 pixels d, 3 taps g -> 4 outputs y;   B, G, A are in `winograd_matrices.py`

With two axes a tile of 6x6 pixels gives 4x4 outputs at 36 products instead of 144, and the next tile starts 4 pixels on. What is the
same for every output channel (Bᵀ d) is done once a tile, what is the same for every tile (G g) once a call, and Aᵀ once, after the sum
over the channels. Between them, at each of the 36 places, stands a plain product (tiles, C) @ (C, O):

    V = B d      (tiles, 36, C)    each tile, a product (36, 36) @ (36, C)
    U = G g      (36, C, O)        each kernel, (36, 9) @ (9, O)
    M = V U      (tiles, 36, O)    each place, (tiles, C) @ (C, O)
    y = A M      (tiles, 16, O)    each tile, (16, 36) @ (36, O)

The transforms cost (36 + 16)·36 multiplications a tile and channel, whatever the number of channels, while what is saved grows
with them: from 32 or 64 channels on this wins, see `pays`. The gradients go through the same matrices: the input gradient is a convolution with the
kernel turned round, and a linear map's adjoint is its transpose: dU = Vᵀ dM with dM = Aᵀ dy, then dg = Gᵀ dU.

Why it is written with products and not with additions, as the literature has it: BLAS runs products of up to a million multiplications
without packing its operands first, at 100 GFLOP/s and more a core; additions of whole arrays move memory for every one of them.
And to a product all numbers are alike, so that the points can be chosen for small rounding errors and not for numbers like 2 and 4.

The price: a tile's values are mixed. A NaN or an infinity spoils its whole tile of outputs and not only the windows that see it, and a sum
of zeros comes out as zero but for rounding.

Source: Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks" (2016); Barabasz et al., "Error Analysis and Improving the
Accuracy of Winograd Convolution for Deep Neural Networks" (2020).
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minifcn.kernels import threads
from minifcn.kernels.cpu.calls import NOW, Calls
from minifcn.kernels.cpu.memory import empty, scratch
from minifcn.kernels.windows import Pair, Window
from minifcn.kernels.winograd_matrices import PLACES, SPAN, STEP, matrices

Array = Any

MULTIPLICATIONS = 1_000_000  # of one product: up to here OpenBLAS does not pack, 105 GFLOP/s a core against 60 to 90
BLOCK = 8192  # tiles times channels, numbers at one place of a block: V and M stay near the L2 cache
LEAST_TILES = 64  # of a block, where there are that many: fewer rows make slow products
LEAST_WORK = 1 << 22  # output pixels times channels in and out, see `pays`
PIECES = 4  # jobs at least; a fixed number, so that the results do not depend on the threads


def cut(length: int, most: int) -> list[slice]:
    """0 … length in slices of nearly the same size, `most` at most."""
    parts = -(-length // max(1, most))
    return [slice(length * part // parts, length * (part + 1) // parts) for part in range(parts)]


Finish = Callable[[Calls, Array], None]  # what is done to numbers that were made, in place: bias and ReLU


def leave(do: Calls, numbers: Array) -> None:
    """Nothing is done to them."""


class Block(NamedTuple):
    """Some tiles: those of several whole pictures, or some rows of one, or a part of a row; and their numbers among all tiles."""

    pictures: slice
    rows: slice
    columns: slice
    numbers: slice

    @property
    def shape(self) -> tuple[int, int, int]:
        """(pictures, tile rows, tile columns)"""
        n, rows, columns = (axis.stop - axis.start for axis in self[:3])
        return n, rows, columns


def number_of_tiles(n: int, size: Pair) -> int:
    return n * (-(-size[0] // STEP)) * (-(-size[1] // STEP))


def blocks(n: int, size: Pair, most: int) -> list[Block]:
    """All tiles of `n` outputs of `size` (OH, OW), in blocks of `most` at most."""
    rows, columns = (-(-length // STEP) for length in size)
    row_cuts, column_cuts = cut(rows, most // columns), cut(columns, most)
    result: list[Block] = []
    for pictures in cut(n, most // (rows * columns)):
        for row in row_cuts:
            for column in column_cuts:
                start = result[-1].numbers.stop if result else 0
                block = Block(pictures, row, column, slice(0, 0))
                result.append(block._replace(numbers=slice(start, start + math.prod(block.shape))))
    return result


def tiles_a_block(channels: int, tiles: int) -> int:
    """How many of all `tiles` one job takes."""
    return min(max(LEAST_TILES, BLOCK // channels), max(8, -(-tiles // PIECES)))


def read_tiles(do: Calls, picture: Array, block: Block, corner: Pair, span: int, out: Array) -> None:
    """picture (N, H, W, C), the first tile at -corner -> out (tiles, span·span, C); zeros beyond the picture."""
    n, rows, columns = block.shape
    h, w, c = picture.shape[1:]
    top, left = STEP * block.rows.start - corner[0], STEP * block.columns.start - corner[1]
    height, width = STEP * (rows - 1) + span, STEP * (columns - 1) + span
    first, last = min(max(top, 0), h), min(max(top + height, 0), h)  # the picture's rows that are seen
    begin, end = min(max(left, 0), w), min(max(left + width, 0), w)  # and columns
    seen = picture[block.pictures, first:last, begin:end]
    if seen.shape[1:3] != (height, width):
        strip = do.scratch(3, (n, height, width, c), picture.dtype)
        inside = strip[:, first - top : last - top]
        for frame in (
            strip[:, : first - top],
            strip[:, last - top :],
            inside[:, :, : begin - left],
            inside[:, :, end - left :],
        ):
            do.copyto(frame, 0)
        do.copyto(inside[:, :, begin - left : end - left], seen)
        seen = strip
    sn, sh, sw, sc = seen.strides
    shape = (n, rows, columns, span, span, c)
    do.copyto(out.reshape(shape), as_strided(seen, shape, (sn, STEP * sh, STEP * sw, sh, sw, sc), writeable=False))


def transform_tiles(do: Calls, picture: Array, block: Block, corner: Pair, out: Array) -> None:
    """picture (N, H, W, C) -> out (tiles, 36, C)."""
    tiles = do.scratch(2, (len(out), SPAN * SPAN, picture.shape[3]), picture.dtype)
    read_tiles(do, picture, block, corner, SPAN, tiles)
    do.matmul(matrices(picture.dtype).picture, tiles, out=out)


def write_outputs(do: Calls, transformed: Array, some: list[Block], y: Array, finish: Finish = leave) -> None:
    """transformed (tiles, 36, O) -> the blocks' outputs in y (N, OH, OW, O); what hangs over its edge is left out.

    `finish` has its turn while the outputs lie together, in the cache.
    """
    matrix, o = matrices(y.dtype).output, y.shape[3]
    outputs = do.scratch(2, (len(transformed), STEP * STEP, o), y.dtype)
    do.matmul(matrix, transformed, out=outputs)
    finish(do, outputs)
    for block in some:
        n, rows, columns = block.shape
        start = some[0].numbers.start
        tiles = outputs[block.numbers.start - start : block.numbers.stop - start]
        whole = tiles.reshape(n, rows, columns, STEP, STEP, o).transpose(0, 1, 3, 2, 4, 5)
        down, across = (slice(STEP * axis.start, STEP * axis.stop) for axis in (block.rows, block.columns))
        area = y[block.pictures, down, across]
        if area.shape[1:3] == (STEP * rows, STEP * columns):
            do.copyto(area.reshape(n, rows, STEP, columns, STEP, o), whole)  # splitting axes makes a view: y is written
            continue
        for row in range(STEP):  # of every tile
            lines = area[:, row::STEP]
            inside = lines.shape[2] // STEP * STEP
            there = whole[:, : lines.shape[1], row]  # (N, rows, columns, STEP, O)
            do.copyto(
                lines[:, :, :inside].reshape(n, lines.shape[1], inside // STEP, STEP, o), there[:, :, : inside // STEP]
            )
            if inside < lines.shape[2]:
                do.copyto(lines[:, :, inside:], there[:, :, -1, : lines.shape[2] - inside])


def transform_kernels(do: Calls, weight: Array, out: Array) -> None:
    """weight (O, C, 3, 3) -> out (36, C, O)."""
    o, c = weight.shape[:2]
    rows = do.scratch(2, (c, 3, 3, o), weight.dtype)
    for some in cut(o, 16):  # kernels lie so that more at a time would fall on the same few lines of the L1 cache
        do.copyto(rows[..., some], weight[some].transpose(1, 2, 3, 0))
    do.matmul(matrices(weight.dtype).kernel, rows.reshape(c, 9, o), out=out.transpose(1, 0, 2))


def multiply(do: Calls, transformed: Array, kernels: Array, out: Array) -> None:
    """At each place (tiles, C) @ (C, O): transformed (tiles, 36, C), kernels (36, C, O) -> out (tiles, 36, O)."""
    _, c, o = kernels.shape
    for some in cut(len(transformed), max(1, MULTIPLICATIONS // (c * o))):
        do.matmul(transformed[some].transpose(1, 0, 2), kernels, out=out[some].transpose(1, 0, 2))


def convolve(x: Array, weight: Array, corner: Pair, size: Pair) -> Array:
    """x (N, C, H, W), weight (O, C, 3, 3), the first window at -corner -> (N, O, OH, OW).

    Of tiles and kernels the fewer are transformed first, for all threads; the others where they are used, so that they stay in the cache.
    """
    (n, c), o, dtype = x.shape[:2], len(weight), x.dtype
    picture, y = x.transpose(0, 2, 3, 1), empty((n, *size, o), dtype)
    total = number_of_tiles(n, size)
    all_blocks = blocks(n, size, tiles_a_block(max(c, o), total))
    parts = cut(o, 64 if c <= 128 else 32)  # of the output channels

    def with_tiles_first() -> None:
        transformed = scratch(4, (total, PLACES, c), dtype)

        def use(part: slice) -> None:
            kernels = scratch(0, (PLACES, c, part.stop - part.start), dtype)
            transform_kernels(NOW, weight[part], kernels)
            products = scratch(1, (total, PLACES, part.stop - part.start), dtype)
            multiply(NOW, transformed, kernels, products)
            write_outputs(NOW, products, all_blocks, y[..., part])

        threads.run(lambda block: transform_tiles(NOW, picture, block, corner, transformed[block.numbers]), all_blocks)
        threads.run(use, parts)

    def with_kernels_first() -> None:
        memory = scratch(4, (o, PLACES * c), dtype)  # one part after the other, each (36, C, its O)
        kernels = [memory[part].reshape(PLACES, c, part.stop - part.start) for part in parts]

        def use(block: Block) -> None:
            tiles = math.prod(block.shape)
            transformed = scratch(0, (tiles, PLACES, c), dtype)
            transform_tiles(NOW, picture, block, corner, transformed)
            products = scratch(1, (tiles, PLACES, o), dtype)
            for part, some in zip(parts, kernels, strict=True):
                multiply(NOW, transformed, some, products[:, :, part])
            write_outputs(NOW, products, [block], y)

        threads.run(lambda number: transform_kernels(NOW, weight[parts[number]], kernels[number]), range(len(parts)))
        threads.run(use, all_blocks)

    if total:
        with_tiles_first() if total < o else with_kernels_first()
    return y.transpose(0, 3, 1, 2)


def conv2d(x: Array, weight: Array, window: Window, groups: int) -> Array:
    """As `simple.conv2d`, for one group, 3x3, stride 1 and dilation 1."""
    (top, _), (left, _) = window.padding
    return convolve(x, weight, (top, left), window.output_size(x.shape[2:]))


def conv2d_input_gradient(grad: Array, weight: Array, window: Window, groups: int, shape: tuple[int, ...]) -> Array:
    """As `simple.conv2d_input_gradient`: a convolution with the kernel turned round; a pixel is seen by windows up to 2 before it."""
    turned = weight.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]
    (top, _), (left, _) = window.padding
    return convolve(grad, turned, (2 - top, 2 - left), (shape[2], shape[3]))


def pays(n: int, c: int, o: int, size: Pair) -> bool:
    """Whether this is faster than tiles of windows, by size: at the edge of what is taken it is 0.85 to 1.6 times as fast.

    Time of `window_tiles.conv2d` / time of this, one picture, C = O, one core with AVX-512, float32 (two cores: much the same):

          C    8x8  12x12  16x16  24x24  32x32  48x48  64x64  96x96  192x192
         16    0.6    0.5    0.5    0.4    0.5    0.7    0.9    0.8    1.2
         32    0.6    0.6    0.7    0.5    0.8    1.0    1.2    1.4    1.6
         64    0.7    0.8    0.9    1.0    1.2    1.5    1.7    1.9    2.2
        128    0.8    1.0    1.1    1.3    1.7    2.1    2.3    2.5    2.7
        256    1.1    1.4    1.8    2.0    2.2    2.7    2.6    2.8    3.1
        512    1.6    1.6    2.3    2.8    2.8    3.4    3.2    3.2
    """
    outputs = n * size[0] * size[1]
    # a tile holds 16 outputs: the products pay back from half of that on
    mostly_full = outputs * 2 >= number_of_tiles(n, size) * STEP**2
    # below 16 channels the transforms take longer than all products, below 8 tiles those of the kernels do
    return outputs * c * o >= LEAST_WORK and min(c, o) >= 16 and outputs >= 8 * STEP**2 and mostly_full


def possible(array: Array, window: Window, groups: int) -> bool:
    shape = (window.kernel, window.stride, window.dilation) == ((3, 3), (1, 1), (1, 1))
    return isinstance(array, np.ndarray) and array.dtype in (np.float32, np.float64) and groups == 1 and shape


def suits_conv2d(x: Array, weight: Array, window: Window, groups: int) -> bool:
    if not possible(x, window, groups):
        return False
    return pays(x.shape[0], x.shape[1], weight.shape[0], window.output_size(x.shape[2:]))


def suits_conv2d_input_gradient(
    grad: Array, weight: Array, window: Window, groups: int, shape: tuple[int, ...]
) -> bool:
    n, c, h, w = shape
    # a transposed convolution may want pixels that no window saw
    if not possible(grad, window, groups) or window.output_size((h, w)) != grad.shape[2:]:
        return False
    return pays(n, c, grad.shape[1], (h, w))
