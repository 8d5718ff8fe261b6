"""Answers to the exercises of lesson 08."""

import numpy as np

import minifcn as mf


def receptive_field(layers):
    size, total = 1, 1
    for kernel, stride, dilation in layers:
        size += dilation * (kernel - 1) * total  # as many cells further, each `total` pixels on
        total *= stride  # only now: a layer's own stride lies between its results, not between its inputs
    return size, total


def pixels_seen(layers, cell):
    first = last = cell
    for kernel, stride, padding in reversed(layers):
        first = first * stride - padding
        last = last * stride - padding + kernel - 1  # the last cell's window, to its last tap
    return first, last


def measured_field(net, shape, row, column):
    # many pictures: what one of them hides in a max pool or a ReLU another one shows
    many = np.random.default_rng(0).standard_normal((50, *shape[1:])).astype(np.float32)
    x = mf.Tensor(many, requires_grad=True)
    y = net(x)
    one_cell = np.zeros(y.shape, y.dtype)
    # random weights: the channels' gradients might cancel if all counted 1
    one_cell[:, :, row, column] = np.random.default_rng(1).standard_normal(y.shape[:2])
    y.backward(one_cell)
    return (x.grad != 0).any((0, 1))  # in any picture and channel


SOLUTIONS = {"receptive_field": receptive_field, "pixels_seen": pixels_seen, "measured_field": measured_field}
