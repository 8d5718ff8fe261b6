"""Wrong answers to the exercises of lesson 22, and words of the hint that each must get."""

import numpy as np


def count_without_bias(layers):
    return sum(o * c * k * k for c, o, k in layers)


def count_bias_of_inputs(layers):
    return sum(o * c * k * k + c for c, o, k in layers)


def count_thin_kernels(layers):
    return sum(o * c * k + o for c, o, k in layers)


def count_one_input(layers):
    return sum(o * k * k + o for c, o, k in layers)


def momentum_upside_down(momentum, batch, new_batch):
    return momentum ** (batch / new_batch)


def momentum_unchanged(momentum, batch, new_batch):
    return momentum


def momentum_in_proportion(momentum, batch, new_batch):
    return momentum * new_batch / batch


def momentum_linear(momentum, batch, new_batch):
    return 1 - (1 - momentum) * new_batch / batch


def momentum_of_one(momentum, batch, new_batch):
    return momentum ** (1 / batch)


def momentum_of_square_root(momentum, batch, new_batch):
    return momentum ** np.sqrt(new_batch / batch)


def network(
    x,
    layers,
    relu=True,
    bias=True,
    turned=False,
    pool=np.max,
    last=False,
    nearest=False,
    cut=2,
    assign=False,
    edge=False,
):
    def convolution(x, weight, b):
        kh, kw = weight.shape[2:]
        mode = {"mode": "edge"} if edge else {}
        padded = np.pad(x, ((0, 0), (kh // 2, kh // 2), (kw // 2, kw // 2)), **mode)
        result = np.zeros((len(weight), *x.shape[1:])) + b[:, None, None]
        for i, j in np.ndindex(kh, kw):
            tap = weight[:, :, kh - 1 - i, kw - 1 - j] if turned else weight[:, :, i, j]
            result += np.tensordot(tap, padded[:, i : i + x.shape[1], j : j + x.shape[2]], 1)
        return result

    for weight, b in layers[:2]:
        x = convolution(x, weight, b if bias else 0 * b)
        x = np.maximum(x, 0) if relu else x
        c, h, w = x.shape
        x = pool(x.reshape(c, h // 2, 2, w // 2, 2), axis=(2, 4))
    scores = convolution(x, *layers[2])
    scores = np.maximum(scores, 0) if last else scores
    if nearest:
        return scores.repeat(4, 1).repeat(4, 2)
    classes, h, w = scores.shape
    row = 1 - np.abs(np.arange(8) - 3.5) / 4
    painted = np.zeros((classes, 4 * h + 4, 4 * w + 4))
    for i, j in np.ndindex(h, w):
        there = (slice(None), slice(4 * i, 4 * i + 8), slice(4 * j, 4 * j + 8))
        kernel = scores[:, i, j, None, None] * np.outer(row, row)
        painted[there] = kernel if assign else painted[there] + kernel
    return painted[:, cut : cut + 4 * h, cut : cut + 4 * w]


def whole_without_relu(x, layers):
    return network(x, layers, relu=False)


def whole_without_bias(x, layers):
    return network(x, layers, bias=False)


def whole_turned(x, layers):
    return network(x, layers, turned=True)


def whole_taps_exchanged(x, layers):
    return network(x, [(weight.swapaxes(2, 3), bias) for weight, bias in layers])


def whole_average(x, layers):
    return network(x, layers, pool=np.mean)


def whole_relu_last(x, layers):
    return network(x, layers, last=True)


def whole_nearest(x, layers):
    return network(x, layers, nearest=True)


def whole_cut_at_corner(x, layers):
    return network(x, layers, cut=0)


def whole_assigns(x, layers):
    return network(x, layers, assign=True)


WRONG = [
    ("count_parameters", count_without_bias, "the biases are missing"),
    ("count_parameters", count_bias_of_inputs, "goes *out*"),
    ("count_parameters", count_thin_kernels, "kernel · kernel"),
    ("count_parameters", count_one_input, "for every input channel"),
    ("same_momentum", momentum_upside_down, "upside down"),
    ("same_momentum", momentum_unchanged, "same as before"),
    ("same_momentum", momentum_in_proportion, "of several pictures are multiplied"),
    ("same_momentum", momentum_linear, "does not grow in proportion"),
    ("same_momentum", momentum_of_square_root, "ask what one picture leaves"),
    ("same_momentum", momentum_of_one, "after one picture"),
    ("whole_fcn", whole_without_relu, "a ReLU is missing"),
    ("whole_fcn", whole_without_bias, "the biases of the first two"),
    ("whole_fcn", whole_turned, "turned round"),
    ("whole_fcn", whole_taps_exchanged, "rows and columns of the kernels are exchanged"),
    ("whole_fcn", whole_average, "takes the maximum"),
    ("whole_fcn", whole_relu_last, "no ReLU after"),
    ("whole_fcn", whole_nearest, "repeated 4 times"),
    ("whole_fcn", whole_cut_at_corner, "cut at its corner"),
    ("whole_fcn", whole_assigns, "one by one"),
]
