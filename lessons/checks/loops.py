"""The layers of lessons 04 to 07 in plain loops: slow, and nobody's answer repeats their mistakes. Options are (vertical, horizontal)."""

from typing import Any

import numpy as np

Pair = tuple[int, int]
ONE, NONE = (1, 1), (0, 0)


def windows_that_fit(length: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Counted, by sliding one until it no longer fits."""
    count = 0
    while count * stride + dilation * (kernel - 1) < length + 2 * padding:
        count += 1
    return count


def conv_size(x: Any, weight: Any, stride: Pair, padding: Pair, dilation: Pair) -> Pair:
    h, w = (
        windows_that_fit(x.shape[2 + axis], weight.shape[2 + axis], stride[axis], padding[axis], dilation[axis])
        for axis in (0, 1)
    )
    return h, w


def conv2d(
    x: np.ndarray, weight: np.ndarray, bias: Any = None, stride: Pair = ONE, padding: Pair = NONE, dilation: Pair = ONE
) -> np.ndarray:
    """(N, C, H, W), (O, C, KH, KW) -> (N, O, OH, OW), tap by tap; what lies outside of the picture is 0."""
    n, o = len(x), len(weight)
    y = np.zeros((n, o, *conv_size(x, weight, stride, padding, dilation)))
    if bias is not None:
        y += np.asarray(bias)[:, None, None]
    for i, j, channel, top, left in np.ndindex(*y.shape[2:], *weight.shape[1:]):
        row = i * stride[0] - padding[0] + top * dilation[0]
        column = j * stride[1] - padding[1] + left * dilation[1]
        if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
            y[:, :, i, j] += x[:, channel, row, column, None] * weight[:, channel, top, left]
    return y


def conv2d_gradients(
    x: np.ndarray, weight: np.ndarray, grad: np.ndarray, stride: Pair = ONE, padding: Pair = NONE
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients of (conv2d(x, weight, bias) * grad).sum() for x, weight and bias: every product passes grad to both of its factors."""
    grad_x, grad_weight, grad_bias = np.zeros(x.shape), np.zeros(weight.shape), np.zeros(len(weight))
    for picture, out, i, j in np.ndindex(grad.shape):
        g = grad[picture, out, i, j]
        grad_bias[out] += g
        for channel, top, left in np.ndindex(weight.shape[1:]):
            row, column = i * stride[0] - padding[0] + top, j * stride[1] - padding[1] + left
            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                grad_x[picture, channel, row, column] += g * weight[out, channel, top, left]
                grad_weight[out, channel, top, left] += g * x[picture, channel, row, column]
    return grad_x, grad_weight, grad_bias


def pool_windows_that_fit(length: int, kernel: int, stride: int, padding: int, ceil_mode: bool) -> int:
    """Counted; with ceil_mode one more may hang over the far edge, if it begins before the far padding and sees what no window saw."""
    count = windows_that_fit(length, kernel, stride, padding)
    unseen = (count - 1) * stride + kernel < length + 2 * padding
    return count + (ceil_mode and unseen and count * stride < length + padding)


def max_pool2d(
    x: np.ndarray, kernel: int, stride: int, padding: int = 0, ceil_mode: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The largest number of each window, and where it lies, row·W + column: the first one, row by row. Only pixels of the picture count."""
    n, c, h, w = x.shape
    size = [pool_windows_that_fit(length, kernel, stride, padding, ceil_mode) for length in (h, w)]
    y, place = np.zeros((n, c, *size)), np.zeros((n, c, *size), int)
    for picture, channel, i, j in np.ndindex(y.shape):
        seen = [
            (row, column)
            for row in range(i * stride - padding, i * stride - padding + kernel)
            for column in range(j * stride - padding, j * stride - padding + kernel)
            if 0 <= row < h and 0 <= column < w
        ]
        best = max(seen, key=lambda pixel: x[picture, channel, pixel[0], pixel[1]])  # the first of several
        y[picture, channel, i, j] = x[picture, channel, best[0], best[1]]
        place[picture, channel, i, j] = best[0] * w + best[1]
    return y, place


def max_pool2d_gradient(
    grad: np.ndarray, x: np.ndarray, kernel: int, stride: int, padding: int = 0, ceil_mode: bool = False
) -> np.ndarray:
    place = max_pool2d(x, kernel, stride, padding, ceil_mode)[1]
    grad_x = np.zeros(x.shape)
    for picture, channel, i, j in np.ndindex(grad.shape):
        row, column = divmod(int(place[picture, channel, i, j]), x.shape[3])
        grad_x[picture, channel, row, column] += grad[picture, channel, i, j]
    return grad_x
