"""Fast kernels on a GPU: each one is a source in cuda/ with its twin in simple.py. A convolution is tiles of windows and a matrix product of cuBLAS.

A tile is as many windows as fit into half of the GPU's second cache: written by one kernel and read by the next, it never reaches the memory behind it.
"""

import functools
from typing import Any

from minifcn.backend import array_module, import_cupy
from minifcn.kernels.gpu.launch import launch, on_gpu, steps
from minifcn.kernels.products import product
from minifcn.kernels.simple import channels_last, kernel_matrix, output_rows
from minifcn.kernels.windows import Pair, Window

Array = Any


def macros(window: Window) -> dict[str, int]:
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.stride, window.dilation
    return dict(KH=kh, KW=kw, SH=sh, SW=sw, DH=dh, DW=dw)


@functools.cache
def cache_bytes(device: int) -> int:
    """Of the GPU's second cache."""
    return int(import_cupy().cuda.runtime.getDeviceProperties(device)["l2CacheSize"])


def tiles(pictures: int, size: Pair, numbers_a_window: int, itemsize: int) -> list[tuple[int, int]]:
    """(first window, windows) of each tile: whole rows of windows, as many as half of the cache holds, and whole pictures if it holds those."""
    oh, ow = size
    fits = cache_bytes(import_cupy().cuda.Device().id) // 2 // max(1, numbers_a_window * itemsize)
    rows = max(1, fits // max(1, ow))
    if rows >= oh:
        some = rows // max(1, oh) * oh  # whole pictures
        return [(start * ow, min(some, pictures * oh - start) * ow) for start in range(0, pictures * oh, some)]
    return [
        ((picture * oh + start) * ow, min(rows, oh - start) * ow)
        for picture in range(pictures)
        for start in range(0, oh, rows)
    ]


def suits_product(x: Array, weight: Array, window: Window, groups: int, *shape: Any) -> bool:
    return on_gpu(x, weight)


def is_plain(window: Window) -> bool:
    """A 1x1 convolution that looks at every pixel: its windows are the pixels."""
    return window == Window((1, 1))


def read_windows(x: Array, window: Window, size: Pair, first: int, count: int) -> Array:
    """Windows `first` … of one group's channels x (N, C, H, W), as rows (count, KH·KW·C)."""
    c, h, w = x.shape[1:]
    rows = array_module(x).empty((count, window.kernel[0] * window.kernel[1] * c), x.dtype)
    (top, _), (left, _) = window.padding
    launch(
        "windows", "columns", rows.size, x.dtype, (x, rows, c, h, w, *size, top, left, *steps(x), first),
        largest=reach(x), **macros(window),
    )  # fmt: skip
    return rows


def reach(x: Array) -> int:
    """How far the last number of x lies from the first, in numbers, in either direction."""
    return sum(abs(step) * (length - 1) for step, length in zip(steps(x), x.shape, strict=True)) + 1


def conv2d(x: Array, weight: Array, window: Window, groups: int) -> Array:
    """x (N, C, H, W), weight (O, C/G, KH, KW) -> (N, O, OH, OW)."""
    xp, n, o = array_module(x), x.shape[0], weight.shape[0]
    size, matrix = window.output_size(x.shape[2:]), kernel_matrix(weight, groups)  # (G, KH·KW·C/G, O/G)
    if groups == 1 and is_plain(window):
        found = product(channels_last(x).reshape(-1, x.shape[1]), matrix[0])  # (N·H·W, O)
    else:
        found = xp.empty((n * size[0] * size[1], o), x.dtype)
        for first, count in tiles(n, size, matrix.shape[1], x.itemsize):
            for group in range(groups):
                rows = read_windows(part(x, group, groups), window, size, first, count)
                found[first : first + count, part_of(o, group, groups)] = product(rows, matrix[group])
    return found.reshape(n, *size, o).transpose(0, 3, 1, 2)


def part_of(channels: int, group: int, groups: int) -> slice:
    return slice(group * (channels // groups), (group + 1) * (channels // groups))


def part(x: Array, group: int, groups: int) -> Array:
    """A group's channels of x (N, C, H, W)."""
    return x if groups == 1 else x[:, part_of(x.shape[1], group, groups)]


def conv2d_weight_gradient(x: Array, grad: Array, window: Window, groups: int) -> Array:
    """x (N, C, H, W), grad (N, O, OH, OW) -> (O, C/G, KH, KW). The tiles are added in their order."""
    xp, c, o = array_module(x), x.shape[1] // groups, grad.shape[1]
    rows_of_grad = output_rows(grad, groups)  # (G, N·OH·OW, O/G)
    taps = window.kernel[0] * window.kernel[1]
    found = xp.zeros((groups, taps * c, o // groups), x.dtype)
    if groups == 1 and is_plain(window):
        found[0] = product(channels_last(x).reshape(-1, c).T, rows_of_grad[0])
    else:
        for first, count in tiles(x.shape[0], grad.shape[2:], taps * c, x.itemsize):
            for group in range(groups):
                rows = read_windows(part(x, group, groups), window, grad.shape[2:], first, count)
                some = product(rows.T, rows_of_grad[group, first : first + count])
                if first:
                    found[group] += some
                else:
                    found[group] = some
    split = found.reshape(groups, *window.kernel, c, o // groups)
    return xp.ascontiguousarray(split.transpose(0, 4, 3, 1, 2)).reshape(o, c, *window.kernel)


def conv2d_input_gradient(grad: Array, weight: Array, window: Window, groups: int, shape: tuple[int, ...]) -> Array:
    """grad (N, O, OH, OW), weight (O, C/G, KH, KW) -> `shape` (N, C, H, W). Transposed convolution calls this as its forward."""
    xp, (n, c, h, w) = array_module(grad), shape
    size, taps = grad.shape[2:], window.kernel[0] * window.kernel[1]
    matrix, rows_of_grad = kernel_matrix(weight, groups), output_rows(grad, groups)
    if groups == 1 and is_plain(window):
        return product(rows_of_grad[0], matrix[0].T).reshape(n, h, w, c).transpose(0, 3, 1, 2)
    picture = xp.zeros((n, h, w, c), grad.dtype)
    for first, count in tiles(n, size, taps * c // groups, grad.itemsize):
        for group in range(groups):
            rows = product(rows_of_grad[group, first : first + count], matrix[group].T)
            add_windows(rows, picture[..., part_of(c, group, groups)], window, size, first, count)
    return picture.transpose(0, 3, 1, 2)


def add_windows(rows: Array, picture: Array, window: Window, size: Pair, first: int, count: int) -> None:
    """The adjoint of `read_windows`: rows of a tile are added to one group's picture (N, H, W, C)."""
    (oh, ow), (h, w, c) = size, picture.shape[1:]
    (top, _), (left, _) = window.padding
    first_picture, last_picture = first // (oh * ow), (first + count - 1) // (oh * ow)
    low, high = 0, h
    if first_picture == last_picture:  # the pixels that these rows of windows can reach
        start, stop = first // ow % oh, (first + count - 1) // ow % oh
        low = min(h, max(0, start * window.stride[0] - top))
        high = min(h, max(0, stop * window.stride[0] - top + window.span[0]))
    pictures = last_picture - first_picture + 1
    pn, ph, pw, _ = steps(picture)
    launch(
        "windows", "fold", pictures * (high - low) * w * c, picture.dtype,
        (rows, picture, c, h, w, oh, ow, top, left, pn, ph, pw, first, count, first_picture, low, high - low),
        largest=max(rows.size, reach(picture)), **macros(window),
    )  # fmt: skip


def suits_depthwise(x: Array, weight: Array, window: Window, groups: int, *shape: Any) -> bool:
    return on_gpu(x, weight) and groups == weight.shape[0] == x.shape[1] and weight.shape[1] == 1


def depthwise_geometry(picture: Array, maps: Array, window: Window) -> tuple[int, ...]:
    """What both kernels of depthwise.cu take after their arrays."""
    (top, _), (left, _) = window.padding
    return (*picture.shape[1:], *maps.shape[2:], top, left, *steps(picture), *steps(maps))


def depthwise(x: Array, weight: Array, window: Window, groups: int) -> Array:
    """`conv2d` where each channel has its own kernel: x (N, C, H, W), weight (C, 1, KH, KW) -> (N, C, OH, OW)."""
    xp = array_module(x)
    y = xp.empty((x.shape[0], *window.output_size(x.shape[2:]), groups), x.dtype).transpose(0, 3, 1, 2)
    arrays = (x, xp.ascontiguousarray(weight), y)
    largest = max(reach(x), y.size)
    launch(
        "depthwise", "forward", y.size, x.dtype, (*arrays, *depthwise_geometry(x, y, window)), largest, **macros(window)
    )
    return y


def depthwise_input_gradient(grad: Array, weight: Array, window: Window, groups: int, shape: tuple[int, ...]) -> Array:
    """Its transpose, bilinear upsampling among others: grad (N, C, OH, OW) -> `shape` (N, C, H, W)."""
    xp, (n, c, h, w) = array_module(grad), shape
    x = xp.empty((n, h, w, c), grad.dtype).transpose(0, 3, 1, 2)
    arrays = (grad, xp.ascontiguousarray(weight), x)
    largest = max(reach(grad), x.size)
    launch(
        "depthwise",
        "transpose",
        x.size,
        grad.dtype,
        (*arrays, *depthwise_geometry(x, grad, window)),
        largest,
        **macros(window),
    )
    return x
