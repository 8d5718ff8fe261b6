"""The weight gradient of a 3x3 convolution in Winograd's transformed domain; `winograd.py` has the idea and the matrices.

y = A Σ_c (G g) ∘ (B d) is linear in g, so its gradient goes back through the transposes, with the sum over tiles in the middle:

    V = B d        (36, tiles, C)    as in the convolution
    dM = Aᵀ dy     (36, tiles, O)    each tile of 4x4 output gradients, a product (36, 16) @ (16, O)
    dU = Vᵀ dM     (36, C, O)        each place, (C, tiles) @ (tiles, O)
    dg = Gᵀ dU     (9, C, O)         each kernel, (9, 36) @ (36, O)
"""

import math
from itertools import product
from typing import Any

import numpy as np

from minifcn.kernels import threads
from minifcn.kernels.cpu.calls import NOW
from minifcn.kernels.cpu.memory import empty, scratch
from minifcn.kernels.cpu.winograd import (
    LEAST_WORK,
    MULTIPLICATIONS,
    Block,
    blocks,
    cut,
    number_of_tiles,
    pays,
    possible,
    read_tiles,
    tiles_a_block,
)
from minifcn.kernels.windows import Pair, Window
from minifcn.kernels.winograd_matrices import PLACES, SPAN, STEP, matrices

Array = Any

CHANNELS = 64  # of a piece of dU: 64x64 kernels at 36 places, 590 KB, stay in the L2 cache until Gᵀ has read them
SHARED_BYTES = 1 << 26  # of all transformed tiles, of picture and gradient; beyond this they are made a block at a time
LANES = 4  # sums that run side by side; a fixed number, so that the order of additions does not depend on the threads


class Transformed:
    """One operand of the products, (N, H, W, C), tile by tile: for every CHANNELS channels an array (36, tiles, channels)."""

    def __init__(self, slot: int, picture: Array, corner: Pair, span: int, matrix: Array, tiles: int) -> None:
        self.picture, self.corner, self.span, self.matrix = picture, corner, span, matrix
        self.parts = cut(picture.shape[3], CHANNELS)
        # each part lies together: rows of 64 channels, strewn over the pages of a large array, would be slow to find
        memory = scratch(slot, (picture.shape[3], PLACES * tiles), picture.dtype)
        self.arrays = [memory[part].reshape(PLACES, tiles, part.stop - part.start) for part in self.parts]

    def fill(self, block: Block, places: slice) -> None:
        """The block's tiles become the tiles `places` of the arrays."""
        tiles = scratch(2, (math.prod(block.shape), self.span**2, self.picture.shape[3]), self.picture.dtype)
        read_tiles(NOW, self.picture, block, self.corner, self.span, tiles)
        for part, array in zip(self.parts, self.arrays, strict=True):
            np.matmul(self.matrix, tiles[:, :, part], out=array[:, places].transpose(1, 0, 2))


def jobs(c: int, o: int) -> int:
    """Pieces of dU, each of CHANNELS x CHANNELS kernels."""
    return -(-c // CHANNELS) * -(-o // CHANNELS)


def kernel_gradient(v: Array, dm: Array) -> Array:
    """v (36, tiles, c), dm (36, tiles, o), of some channels each -> Gᵀ (vᵀ dm) (c, 9, o), in scratch memory."""
    (_, tiles, c), o, back = v.shape, dm.shape[2], matrices(v.dtype).kernel.T
    kernels = scratch(4, (c, PLACES, o), v.dtype)
    total, more = scratch(5, (2, c, 9, o), v.dtype)
    for some in cut(tiles, max(1, MULTIPLICATIONS // (c * o))):
        np.matmul(v[:, some].transpose(0, 2, 1), dm[:, some], out=kernels.transpose(1, 0, 2))
        if some.start == 0:
            np.matmul(back, kernels, out=total)
        else:
            total += np.matmul(back, kernels, out=more)
    return total


def conv2d_weight_gradient(x: Array, grad: Array, window: Window, groups: int) -> Array:
    """As `simple.conv2d_weight_gradient`, for one group, 3x3, stride 1 and dilation 1.

    If there is room all tiles are transformed first, and then each job takes some channels; else each takes some tiles, and all channels.
    """
    (n, c), (o, *size), dtype = x.shape[:2], grad.shape[1:], x.dtype
    picture, rows_of_grad = x.transpose(0, 2, 3, 1), grad.transpose(0, 2, 3, 1)  # (N, H, W, C), (N, OH, OW, O)
    (top, _), (left, _) = window.padding
    total = number_of_tiles(n, (size[0], size[1]))
    all_blocks = blocks(n, (size[0], size[1]), tiles_a_block(max(c, o), total))
    spread = np.ascontiguousarray(matrices(dtype).output.T)  # (36, 16)

    def operands(tiles: int) -> tuple[Transformed, Transformed]:
        v = Transformed(0, picture, (top, left), SPAN, matrices(dtype).picture, tiles)
        return v, Transformed(1, rows_of_grad, (0, 0), STEP, spread, tiles)

    def pieces(v: Transformed, dm: Transformed) -> list[tuple[tuple[slice, Array], tuple[slice, Array]]]:
        """(channels, V of these) with (output channels, dM of these)."""
        return list(product(zip(v.parts, v.arrays, strict=True), zip(dm.parts, dm.arrays, strict=True)))

    def with_tiles_first() -> Array:
        result = np.empty((o, c, 9), dtype)
        v, dm = operands(total)

        def transform(block: Block) -> None:
            v.fill(block, block.numbers)
            dm.fill(block, block.numbers)

        def use(piece: tuple[tuple[slice, Array], tuple[slice, Array]]) -> None:
            (some, values), (others, grads) = piece
            kernels = kernel_gradient(values, grads).transpose(2, 0, 1)  # (o, c, 9)
            for few in cut(kernels.shape[1], 16):  # as many as the L1 cache holds while the axes change places
                result[others, some][:, few] = kernels[:, few]

        threads.run(transform, all_blocks)
        threads.run(use, pieces(v, dm))
        return result

    def with_lanes() -> Array:
        totals = empty((LANES, o, c, 9), dtype)

        def add_up(lane: int) -> None:
            totals[lane] = 0
            for block in all_blocks[lane::LANES]:
                v, dm = operands(math.prod(block.shape))
                v.fill(block, slice(None))
                dm.fill(block, slice(None))
                for (some, values), (others, grads) in pieces(v, dm):
                    totals[lane, others, some] += kernel_gradient(values, grads).transpose(2, 0, 1)

        threads.run(add_up, range(LANES))
        return totals.sum(0)

    room = total * PLACES * (c + o) * dtype.itemsize <= SHARED_BYTES
    result = with_tiles_first() if total and room and jobs(c, o) >= LANES else with_lanes()
    return result.reshape(o, c, 3, 3)


def suits_conv2d_weight_gradient(x: Array, grad: Array, window: Window, groups: int) -> bool:
    """As `suits_conv2d`, but below LANES jobs there are sums of lanes to be added up, and it takes twice the work to pay for them.

    Time of `fast.conv2d_weight_gradient` / time of this, as in `winograd.pays`:

          C    8x8  12x12  16x16  24x24  32x32  48x48  64x64  96x96  192x192
         16    0.5    0.3    0.4    0.2    0.4    0.6    0.7    0.9    1.1
         32    0.6    0.4    0.5    0.4    0.6    0.9    1.1    1.2    1.6
         64    0.7    0.6    0.7    0.5    0.8    1.2    1.6    1.8    1.9
        128    1.2    1.3    1.5    1.5    1.7    2.0    1.9    2.0    1.9
        256    1.7    1.9    2.0    2.1    2.2    2.7    2.7    2.7    2.1
        512    2.5    2.0    2.7    3.0    2.9    3.5    3.2    2.2
    """
    (n, o, *size), c = grad.shape, x.shape[1]
    if not possible(x, window, groups) or not pays(n, c, o, (size[0], size[1])):
        return False
    return jobs(c, o) >= LANES or n * size[0] * size[1] * c * o >= 2 * LEAST_WORK
