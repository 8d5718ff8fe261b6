"""Convolution with few windows and a large kernel, as fc6 of a fully convolutional VGG: 12x12 windows, 4096 kernels of 7x7x512.

Here the kernels are the large array, 411 MB, and all windows together are small. So nothing is done to the kernels: they lie in memory as
(O, C·KH·KW), a matrix, and the windows are laid out in that order. Every job takes some of the output channels, with all windows.
"""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minifcn.kernels import simple, threads
from minifcn.kernels.cpu.calls import NOW, Calls
from minifcn.kernels.cpu.memory import empty
from minifcn.kernels.cpu.window_tiles import Windows
from minifcn.kernels.windows import Pair, Window

Array = Any

JOBS, LEAST = 16, 32  # jobs at most, and channels of a job at least; fixed numbers, so that threads change no result


def parts(channels: int) -> list[slice]:
    size = -(-channels // threads.shares(channels, max(LEAST, -(-channels // JOBS))))
    return [slice(start, min(start + size, channels)) for start in range(0, channels, size)]


def seen(window: Window, picture: Pair, size: Pair) -> tuple[Window, tuple[slice, slice]]:
    """The window without the taps that see nothing but padding, and the taps that are left: on 3x3 pixels 5x5 of fc6's 7x7."""
    kept = [slice(0, kernel) for kernel in window.kernel]
    if window.dilation == (1, 1):
        for axis in (0, 1):
            before, reach = window.padding[axis][0], window.stride[axis] * (size[axis] - 1)
            first = max(0, before - reach)  # it comes to row 0 in the last window
            last = min(
                window.kernel[axis] - 1, picture[axis] - 1 + before
            )  # it leaves the picture after the first window
            kept[axis] = slice(first, last + 1) if first <= last else slice(0, 1)
    lost = [(some.start, whole - some.stop) for some, whole in zip(kept, window.kernel, strict=True)]
    padding = [
        (before - first, after - last) for (before, after), (first, last) in zip(window.padding, lost, strict=True)
    ]
    kernel = (kept[0].stop - kept[0].start, kept[1].stop - kept[1].start)
    return window._replace(kernel=kernel, padding=(padding[0], padding[1])), (kept[0], kept[1])


def copy_windows(do: Calls, x: Array, window: Window, rows: Array) -> None:
    """Every window, its pixels in the order of a kernel: x (N, C, H, W) -> rows (N, OH, OW, C, KH, KW)."""
    n, oh, ow = rows.shape[:3]
    strip = Windows(x, window, (oh, ow)).strip(do, slice(0, n), slice(0, oh))
    sn, sh, sw, sc = strip.strides
    (stride_h, stride_w), (dh, dw) = window.stride, window.dilation
    strides = (sn, sh * stride_h, sw * stride_w, sc, sh * dh, sw * dw)
    do.copyto(rows, as_strided(strip, rows.shape, strides, writeable=False))


def columns(x: Array, window: Window, size: Pair) -> Array:
    """Every window as a row: (N, C, H, W) -> (N·OH·OW, C·KH·KW)."""
    n, c = x.shape[:2]
    rows = empty((n, *size, c, *window.kernel), x.dtype)
    threads.run(lambda some: copy_windows(NOW, x[:, some], window, rows[:, :, :, some]), parts(c))
    return rows.reshape(n * size[0] * size[1], -1)


def conv2d(x: Array, weight: Array, window: Window, groups: int) -> Array:
    """As `simple.conv2d`, for one group."""
    n, o, size = x.shape[0], weight.shape[0], window.output_size(x.shape[2:])
    small, (some_rows, some_columns) = seen(window, x.shape[2:], size)
    rows, matrix = columns(x, small, size), weight[:, :, some_rows, some_columns].reshape(o, -1)
    y = empty((len(rows), o), x.dtype)

    def multiply(some: slice) -> None:
        np.matmul(rows, matrix[some].T, out=y[:, some])

    threads.run(multiply, parts(o))
    return y.reshape(n, *size, o).transpose(0, 3, 1, 2)


def conv2d_weight_gradient(x: Array, grad: Array, window: Window, groups: int) -> Array:
    """As `simple.conv2d_weight_gradient`, for one group."""
    o, c, size = grad.shape[1], x.shape[1], grad.shape[2:]
    small, (some_rows, some_columns) = seen(window, x.shape[2:], size)
    rows, grads = columns(x, small, size), simple.output_rows(grad, 1)[0]
    result = empty((o, rows.shape[1]), x.dtype)

    def multiply(some: slice) -> None:
        np.matmul(grads[:, some].T, rows, out=result[some])

    threads.run(multiply, parts(o))
    if small == window:
        return result.reshape(o, c, *window.kernel)
    whole = empty((o, c, *window.kernel), x.dtype)
    whole[...] = 0
    whole[:, :, some_rows, some_columns] = result.reshape(o, c, *small.kernel)
    return whole


def conv2d_input_gradient(grad: Array, weight: Array, window: Window, groups: int, shape: tuple[int, ...]) -> Array:
    """As `simple.conv2d_input_gradient`, for one group: a row of kernel size for every window, added where the window lay."""
    n, c, h, w = shape
    size = grad.shape[2:]
    small, (some_rows, some_columns) = seen(window, (h, w), size)
    taps = simple.taps(small)
    grads, matrix = simple.output_rows(grad, 1)[0], weight[:, :, some_rows, some_columns].reshape(-1, c, len(taps))
    ph, pw = simple.padded_size(small, (h, w), size)
    picture = empty((n, ph, pw, c), grad.dtype)

    def paint(some: slice) -> None:
        count = some.stop - some.start
        kernels = matrix[:, some].reshape(len(weight), -1)
        rows = (grads @ kernels).reshape(n, *size, count, len(taps))
        area = picture[..., some]
        area[...] = 0
        for number, (i, j) in enumerate(taps):
            target = simple.tap(area, small, size, i, j)
            target += rows[..., number]

    threads.run(paint, parts(c))
    (top, _), (left, _) = small.padding
    return picture[:, top : top + h, left : left + w].transpose(0, 3, 1, 2)


def few_windows(array: Array, windows: int, channels: int, groups: int) -> bool:
    """Fewer windows than kernels: then the kernels are the larger array."""
    return isinstance(array, np.ndarray) and groups == 1 and 0 < windows <= channels


def suits_conv2d(x: Array, weight: Array, window: Window, groups: int) -> bool:
    oh, ow = window.output_size(x.shape[2:])
    return few_windows(x, x.shape[0] * oh * ow, len(weight), groups)


def suits_conv2d_weight_gradient(x: Array, grad: Array, window: Window, groups: int) -> bool:
    n, o, oh, ow = grad.shape
    return few_windows(x, n * oh * ow, o, groups)


def suits_conv2d_input_gradient(
    grad: Array, weight: Array, window: Window, groups: int, shape: tuple[int, ...]
) -> bool:
    n, o, oh, ow = grad.shape
    return few_windows(grad, n * oh * ow, o, groups)
