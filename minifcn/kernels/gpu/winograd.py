"""3x3 convolutions at stride 1 on a GPU, in full float32: cuda/winograd.cu and batched products of cuBLAS. winograd.py has the idea.

With TF32 the tensor cores make the plain product of windows so cheap that the transforms would cost more than they save, and their rounding
errors would be those of 10 bits; so this is for "highest" alone.
"""

from functools import cache
from typing import Any

import numpy as np

from minifcn.backend import array_module, float32_matmul_precision
from minifcn.kernels.gpu.convolution import reach
from minifcn.kernels.gpu.launch import launch, on_gpu, steps
from minifcn.kernels.gpu.tiles import even, rows_at_a_time
from minifcn.kernels.products import add_product, product
from minifcn.kernels.windows import Pair, Window
from minifcn.kernels.winograd_matrices import PLACES, STEP, along_one_axis

Array = Any

LEAST_CHANNELS = 32  # on both sides: below, the transforms move more than the products


@cache
def matrices() -> dict[str, Any]:
    """The macros MATRIX_B, MATRIX_G, MATRIX_A."""
    return {
        f"MATRIX_{name}": "{" + ",".join(repr(float(value)) for value in matrix.reshape(-1)) + "}"
        for name, matrix in zip("BGA", along_one_axis(), strict=True)
    }


def fits(window: Window, groups: int, channels: Pair) -> bool:
    return (
        (window.kernel, window.stride, window.dilation, groups) == ((3, 3), (1, 1), (1, 1), 1)
        and max(side for axis in window.padding for side in axis) <= 2
        and min(channels) >= LEAST_CHANNELS
        and float32_matmul_precision() == "highest"
    )


def suits_conv2d(x: Array, weight: Array, window: Window, groups: int, *shape: Any) -> bool:
    return on_gpu(x, weight) and fits(window, groups, weight.shape[:2])


def suits_biased(x: Array, weight: Array, bias: Array, window: Window, groups: int) -> bool:
    return on_gpu(x, weight, bias) and bias.flags.c_contiguous and fits(window, groups, weight.shape[:2])


def suits_weight_gradient(x: Array, grad: Array, window: Window, groups: int) -> bool:
    return on_gpu(x, grad) and fits(window, groups, (x.shape[1], grad.shape[1]))


def blocks(tiles: int, channels: int, outputs: int, itemsize: int) -> list[Pair]:
    """(first, tiles) of each block: what is transformed of it, 36 numbers a tile and channel, stays in the cache."""
    return even(tiles, rows_at_a_time(PLACES * (channels + outputs) * itemsize, outputs, PLACES))


def grid(size: Pair) -> Pair:
    """Tiles down and across."""
    return -(-size[0] // STEP), -(-size[1] // STEP)


def of_tiles(x: Array, places: Array, window: Window, size: Pair, first: int) -> tuple[Any, ...]:
    """What the kernels take of x (N, C, H, W), whose tiles `first` … go to `places` (36, tiles, C), and how many numbers those are."""
    (top, _), (left, _) = window.padding
    return (
        x, places, *x.shape[1:], top, left, *grid(size), *steps(x), first, places.shape[1] * places.shape[2],
    )  # fmt: skip


def conv2d(x: Array, weight: Array, window: Window, groups: int) -> Array:
    """x (N, C, H, W), weight (O, C, 3, 3) -> (N, O, OH, OW)."""
    return biased(x, weight, np.uint64(0), window)


def biased_conv2d(x: Array, weight: Array, bias: Array, window: Window, groups: int) -> Array:
    """The same plus bias (O,), added before anything is written."""
    return biased(x, weight, bias, window)


def biased(x: Array, weight: Array, bias: Array, window: Window) -> Array:
    """`bias`: an array (O,), or a null pointer. The kernels are transformed together with the first block of pictures."""
    xp, n, (o, c) = array_module(x), x.shape[0], weight.shape[:2]
    size = window.output_size(x.shape[2:])
    kernels, y = xp.empty((PLACES, c, o), x.dtype), xp.empty((n, *size, o), x.dtype)
    for first, count in blocks(n * grid(size)[0] * grid(size)[1], c, o, x.itemsize):
        places = xp.empty((PLACES, count, c), x.dtype)
        arguments = (*of_tiles(x, places, window, size, first), weight, kernels, o, *steps(weight))
        numbers, largest = count * c + (0 if first else c * o), max(reach(x), places.size, kernels.size)
        launch("winograd", "places", numbers, x.dtype, arguments, largest, **matrices())
        found = product(places, kernels)  # (36, tiles, O)
        arguments = (found, bias, y, o, *size, *grid(size), first)
        launch("winograd", "outputs", count * o, x.dtype, arguments, max(y.size, found.size), **matrices())
    return y.transpose(0, 3, 1, 2)


def conv2d_input_gradient(grad: Array, weight: Array, window: Window, groups: int, shape: tuple[int, ...]) -> Array:
    """grad (N, O, OH, OW) -> `shape` (N, C, H, W): the convolution with the kernels turned round, inputs and outputs exchanged."""
    turned = weight.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]
    (top, bottom), (left, right) = window.padding
    around = ((2 - top, 2 - bottom), (2 - left, 2 - right))
    return conv2d(grad, turned, window._replace(padding=around), groups)


def conv2d_weight_gradient(x: Array, grad: Array, window: Window, groups: int) -> Array:
    """x (N, C, H, W), grad (N, O, OH, OW) -> (O, C, 3, 3). The blocks are added in their order."""
    xp, n, c, o = array_module(x), x.shape[0], x.shape[1], grad.shape[1]
    size = grad.shape[2:]
    total = xp.empty((PLACES, c, o), x.dtype)
    parts = blocks(n * grid(size)[0] * grid(size)[1], c, o, x.itemsize)
    for first, count in parts:
        places, gradients = xp.empty((PLACES, count, c), x.dtype), xp.empty((PLACES, count, o), x.dtype)
        arguments = (*of_tiles(x, places, window, size, first), grad, gradients, o, *size, *steps(grad))
        largest = max(reach(x), reach(grad), places.size, gradients.size)
        launch("winograd", "gradient_places", count * (c + o), x.dtype, arguments, largest, **matrices())
        if first:
            add_product(places.transpose(0, 2, 1), gradients, total)
        else:
            product(places.transpose(0, 2, 1), gradients, out=total)
    if not parts:  # an empty batch
        total.fill(0)
    weight = xp.empty((o, c, 3, 3), x.dtype)
    launch("winograd", "kernel_gradient", c * o, x.dtype, (total, weight, o, c), total.size, **matrices())
    return weight
