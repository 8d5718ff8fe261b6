"""Fast kernels on a GPU: each one is a source in cuda/ with its twin in simple.py. A convolution is tiles of windows and a matrix product of cuBLAS.

A window's numbers lie in the order (C, KH, KW) of a kernel's, so that the kernels (O, C·KH·KW) are a view for cuBLAS, which takes either side
turned, and their gradient comes out as it is kept. simple.py lays windows (KH, KW, C), and turns the kernels.
"""

from typing import Any

from minifcn.backend import array_module
from minifcn.kernels.gpu.launch import launch, on_gpu, steps
from minifcn.kernels.gpu.tiles import rows_at_a_time, tiles
from minifcn.kernels.products import add_product, product
from minifcn.kernels.simple import channels_last
from minifcn.kernels.windows import Pair, Window

Array = Any

MOST_LANES = 256  # threads that share a window
NUMBERS_A_LANE = 4  # of a window, at least: to find where it lies costs as much as some of them
BLOCK_OF_FOLD = (8, 8, 4)  # channels, columns and rows that a block of `fold` takes, as in cuda/windows.cu


def macros(window: Window) -> dict[str, int]:
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.stride, window.dilation
    return dict(KH=kh, KW=kw, SH=sh, SW=sw, DH=dh, DW=dw)


def suits_product(x: Array, weight: Array, window: Window, groups: int, *shape: Any) -> bool:
    return on_gpu(x, weight)


def is_plain(window: Window) -> bool:
    """A 1x1 convolution that looks at every pixel: its windows are the pixels."""
    return window == Window((1, 1))


def read_windows(x: Array, window: Window, size: Pair, first: int, count: int) -> Array:
    """Windows `first` … of one group's channels x (N, C, H, W), as rows (count, C·KH·KW)."""
    c, h, w = x.shape[1:]
    numbers = window.kernel[0] * window.kernel[1] * c
    rows = array_module(x).empty((count, numbers), x.dtype)
    (top, _), (left, _) = window.padding
    lanes = min(MOST_LANES, 1 << max(0, (numbers // NUMBERS_A_LANE).bit_length() - 1))
    launch(
        "windows", "columns", count * lanes, x.dtype, (x, rows, c, h, w, *size, top, left, *steps(x), first, lanes),
        largest=max(rows.size, reach(x)), **macros(window),
    )  # fmt: skip
    return rows


def reach(x: Array) -> int:
    """How far the last number of x lies from the first, in numbers, in either direction."""
    return sum(abs(step) * (length - 1) for step, length in zip(steps(x), x.shape, strict=True)) + 1


def kernel_rows(weight: Array, groups: int) -> Array:
    """(O, C/G, KH, KW) -> (G, O/G, C/G·KH·KW), a view of kernels in C order."""
    o, *numbers = weight.shape
    return weight.reshape(groups, o // groups, numbers[0] * numbers[1] * numbers[2])


def windows_at_a_time(kernels: Array) -> int:
    """Windows of a tile, for kernels (G, O/G, C/G·KH·KW)."""
    return rows_at_a_time(kernels.shape[2] * kernels.itemsize, kernels.shape[1])


def pixel_rows(x: Array) -> Array:
    """(N, C, H, W) -> (N·H·W, C), a view where the channels lie last."""
    return channels_last(x).reshape(-1, x.shape[1])


def conv2d(x: Array, weight: Array, window: Window, groups: int) -> Array:
    """x (N, C, H, W), weight (O, C/G, KH, KW) -> (N, O, OH, OW)."""
    n, o = x.shape[0], weight.shape[0]
    size, kernels = window.output_size(x.shape[2:]), kernel_rows(weight, groups)
    if groups == 1 and is_plain(window):
        found = product(pixel_rows(x), kernels[0].T)  # (N·H·W, O)
    else:
        found = array_module(x).empty((n * size[0] * size[1], o), x.dtype)
        for first, count in tiles(n, size, windows_at_a_time(kernels)):
            for group in range(groups):
                rows = read_windows(part(x, group, groups), window, size, first, count)
                product(rows, kernels[group].T, out=found[first : first + count, part_of(o, group, groups)])
    return found.reshape(n, *size, o).transpose(0, 3, 1, 2)


def part_of(channels: int, group: int, groups: int) -> slice:
    return slice(group * (channels // groups), (group + 1) * (channels // groups))


def part(x: Array, group: int, groups: int) -> Array:
    """A group's channels of x (N, C, H, W)."""
    return x if groups == 1 else x[:, part_of(x.shape[1], group, groups)]


def conv2d_weight_gradient(x: Array, grad: Array, window: Window, groups: int) -> Array:
    """x (N, C, H, W), grad (N, O, OH, OW) -> (O, C/G, KH, KW). The tiles are added in their order.

    A tile has as many rows as the gradient has, at least: to add to that costs no more than to read the windows.
    """
    xp, c, o = array_module(x), x.shape[1] // groups, grad.shape[1]
    rows_of_grad, numbers = pixel_rows(grad), c * window.kernel[0] * window.kernel[1]
    if groups == 1 and is_plain(window):
        return product(rows_of_grad.T, pixel_rows(x)).reshape(o, c, 1, 1)
    found = xp.empty((groups, o // groups, numbers), x.dtype)
    parts = tiles(x.shape[0], grad.shape[2:], max(windows_at_a_time(found), o // groups))
    for first, count in parts:
        for group in range(groups):
            rows = read_windows(part(x, group, groups), window, grad.shape[2:], first, count)
            some = rows_of_grad[first : first + count, part_of(o, group, groups)].T
            if first:
                add_product(some, rows, found[group])
            else:
                product(some, rows, out=found[group])
    if not parts:  # an empty batch
        found.fill(0)
    return found.reshape(o, c, *window.kernel)


def conv2d_input_gradient(grad: Array, weight: Array, window: Window, groups: int, shape: tuple[int, ...]) -> Array:
    """grad (N, O, OH, OW), weight (O, C/G, KH, KW) -> `shape` (N, C, H, W). Transposed convolution calls this as its forward."""
    n, c, h, w = shape
    size, o = grad.shape[2:], grad.shape[1]
    kernels, rows_of_grad = kernel_rows(weight, groups), pixel_rows(grad)
    if groups == 1 and is_plain(window):
        return product(rows_of_grad, kernels[0]).reshape(n, h, w, c).transpose(0, 3, 1, 2)
    picture = array_module(grad).empty((n, h, w, c), grad.dtype)
    for first, count in tiles(n, size, windows_at_a_time(kernels)):
        for group in range(groups):
            rows = product(rows_of_grad[first : first + count, part_of(o, group, groups)], kernels[group])
            add_windows(rows, picture[..., part_of(c, group, groups)], window, size, first, count)
    return picture.transpose(0, 3, 1, 2)


def add_windows(rows: Array, picture: Array, window: Window, size: Pair, first: int, count: int) -> None:
    """The adjoint of `read_windows`: rows of a tile are added to one group's picture (N, H, W, C). The first tile of a picture begins it."""
    (oh, ow), (h, w, c) = size, picture.shape[1:]
    (top, _), (left, _) = window.padding
    first_picture, last_picture = first // (oh * ow), (first + count - 1) // (oh * ow)
    low, high, adds = 0, h, first % (oh * ow) > 0
    if adds:  # the pixels that these rows of windows can reach
        start, stop = first // ow % oh, (first + count - 1) // ow % oh
        low = min(h, max(0, start * window.stride[0] - top))
        high = min(h, max(0, stop * window.stride[0] - top + window.span[0]))
    pictures = last_picture - first_picture + 1
    pn, ph, pw, _ = steps(picture)
    places = pictures
    for length, some in zip((c, w, high - low), BLOCK_OF_FOLD, strict=True):
        places *= -(-length // some) * some
    launch(
        "windows", "fold", places, picture.dtype,
        (rows, picture, c, w, oh, ow, top, left, pn, ph, pw, first, count, first_picture, low, high - low, int(adds)),
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
