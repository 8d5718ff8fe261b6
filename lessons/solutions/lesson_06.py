"""Answers to the exercises of lesson 06."""

import numpy as np


def leaky_relu_backward(grad, x, slope):
    return np.where(x > 0, grad, grad.dtype.type(slope) * grad)


def max_pool2d(x, kernel, stride, padding, ceil_mode):
    n, c, h, w = x.shape
    oh, ow = (size_of(length, kernel, stride, padding, ceil_mode) for length in (h, w))
    # wide enough for the picture, and for a last window that hangs over
    height = max(h + 2 * padding, (oh - 1) * stride + kernel)
    width = max(w + 2 * padding, (ow - 1) * stride + kernel)
    padded = np.full((n, c, height, width), -np.inf)
    padded[:, :, padding : padding + h, padding : padding + w] = x
    y = np.zeros((n, c, oh, ow))
    for i, j in np.ndindex(oh, ow):
        top, left = i * stride, j * stride
        y[:, :, i, j] = padded[:, :, top : top + kernel, left : left + kernel].max((2, 3))
    return y


def size_of(length, kernel, stride, padding, ceil_mode):
    if not ceil_mode:
        return (length + 2 * padding - kernel) // stride + 1
    count = -(-(length + 2 * padding - kernel) // stride) + 1
    return count - 1 if (count - 1) * stride >= length + padding else count


def max_pool2d_backward(grad, x, kernel, stride, padding):
    h, w = x.shape[2:]
    oh, ow = grad.shape[2:]
    y = max_pool2d(x, kernel, stride, padding, ceil_mode=False)
    rim = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    padded = np.pad(x, rim, constant_values=-np.inf)
    inside = np.pad(np.ones((1, 1, h, w), bool), rim)  # a pixel, and not the padding
    grad_x, paid = np.zeros(padded.shape), np.zeros(grad.shape, bool)
    for i, j in np.ndindex(kernel, kernel):  # row by row, so the first maximum is met first
        looks = np.s_[:, :, i : i + stride * (oh - 1) + 1 : stride, j : j + stride * (ow - 1) + 1 : stride]
        wins = (padded[looks] == y) & inside[looks] & ~paid
        grad_x[looks] += np.where(wins, grad, 0)
        paid |= wins
    return grad_x[:, :, padding : padding + h, padding : padding + w]


SOLUTIONS = {
    "leaky_relu_backward": leaky_relu_backward,
    "max_pool2d": max_pool2d,
    "max_pool2d_backward": max_pool2d_backward,
}
