"""Answers to the exercises of lesson 20."""

import numpy as np


def strides_of(shape, order):
    lengths = dict(zip("NCHW", shape, strict=True))
    strides, step = {}, 1
    for letter in reversed(order):  # the last one runs fastest
        strides[letter] = step
        step *= lengths[letter]
    return [strides[letter] for letter in "NCHW"]


def tiled_convolution(x, weight, rows, stride):
    kh, kw, c, o = weight.shape
    oh, ow = (x.shape[0] - kh) // stride + 1, (x.shape[1] - kw) // stride + 1
    y = np.empty((oh, ow, o), x.dtype)
    windows = np.empty((min(rows, oh), ow, kh, kw, c), x.dtype)  # one tile, written over and over
    matrix = weight.reshape(kh * kw * c, o)
    for top in range(0, oh, rows):
        now = min(rows, oh - top)  # the last tile may be shorter
        for i in range(kh):
            for j in range(kw):  # what tap (i, j) sees, from the tile's first row on
                seen = x[top * stride + i :: stride, j::stride]
                windows[:now, :, i, j] = seen[:now, :ow]
        y[top : top + now] = (windows[:now].reshape(now * ow, kh * kw * c) @ matrix).reshape(now, ow, o)
    return y


def winograd_matrices(m, r):
    n = m + r - 1
    points = [0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0][: n - 1]

    def evaluate(count):
        powers = np.array([[p**k for k in range(count)] for p in points]).reshape(n - 1, count)
        return np.vstack([powers, np.eye(count)[-1:]])  # the last row: the point infinity

    # painting is back · diag(G g) · E; sliding is its transpose
    return evaluate(m).T, evaluate(r), np.linalg.inv(evaluate(n)).T


SOLUTIONS = {"strides_of": strides_of, "tiled_convolution": tiled_convolution, "winograd_matrices": winograd_matrices}
