"""Answers to the exercises of lesson 22."""

import numpy as np


def count_parameters(layers):
    return sum(out * into * kernel * kernel + out for into, out, kernel in layers)


def same_momentum(momentum, batch, new_batch):
    return momentum ** (new_batch / batch)  # p^(1/k) is left after a picture; a step has new_batch of them


def convolution(x, weight, bias):
    kh, kw = weight.shape[2:]
    h, w = x.shape[1:]
    padded = np.pad(x, ((0, 0), (kh // 2, kh // 2), (kw // 2, kw // 2)))
    result = bias[:, None, None] * np.ones((1, h, w))
    for i in range(kh):
        for j in range(kw):
            result += np.tensordot(weight[:, :, i, j], padded[:, i : i + h, j : j + w], 1)
    return result


def whole_fcn(x, layers):
    for weight, bias in layers[:2]:
        x = np.maximum(convolution(x, weight, bias), 0)
        c, h, w = x.shape
        x = x.reshape(c, h // 2, 2, w // 2, 2).max((2, 4))
    scores = convolution(x, *layers[2])
    classes, h, w = scores.shape
    row = 1 - np.abs(np.arange(8) - 3.5) / 4  # 1/8, 3/8, 5/8, 7/8 and back
    painted = np.zeros((classes, 4 * h + 4, 4 * w + 4))
    for i in range(h):
        for j in range(w):  # kernels overlap: add
            painted[:, 4 * i : 4 * i + 8, 4 * j : 4 * j + 8] += scores[:, i, j, None, None] * np.outer(row, row)
    return painted[:, 2:-2, 2:-2]


SOLUTIONS = {"count_parameters": count_parameters, "same_momentum": same_momentum, "whole_fcn": whole_fcn}
