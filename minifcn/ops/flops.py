"""How many floating-point operations a product takes, from shapes alone; a multiply-add counts two. Read by `mf.profile`."""

from math import prod

from minifcn.autodiff.profiler import FLOPS, Shape
from minifcn.ops.arithmetic import Matmul
from minifcn.ops.convolution import Conv2d, ConvTranspose2d


def conv2d(inputs: tuple[Shape, ...], result: Shape) -> int:
    """Every number of the result (N, O, OH, OW) sums one channel's weights: C/G·KH·KW of them."""
    return 2 * prod(result) * prod(inputs[1][1:])


def conv_transpose2d(inputs: tuple[Shape, ...], result: Shape) -> int:
    """Every number of x (N, C, H, W) meets its own channel's weights: O/G·KH·KW of them."""
    return 2 * prod(inputs[0]) * prod(inputs[1][1:])


def matmul(inputs: tuple[Shape, ...], result: Shape) -> int:
    """(..., M, K) @ (..., K, N)."""
    return 2 * prod(result) * inputs[0][-1]


FLOPS |= {Conv2d: conv2d, ConvTranspose2d: conv_transpose2d, Matmul: matmul}
