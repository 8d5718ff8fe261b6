"""Wrong answers to the exercises of lesson 10, and words of the hint that each must get."""

import numpy as np


def paint(coarse, kernel, stride, assign=False):
    result = np.zeros(stride * (len(coarse) - 1) + len(kernel))
    for i, value in enumerate(coarse):
        if assign:
            result[i * stride : i * stride + len(kernel)] = 0
        result[i * stride : i * stride + len(kernel)] += value * kernel
    return result


def cut(result, padding):
    return result[padding : len(result) - padding]


def up_assigns(coarse, kernel, stride, padding):
    return cut(paint(coarse, kernel, stride, assign=True), padding)


def up_turned(coarse, kernel, stride, padding):
    return cut(paint(coarse, kernel[::-1], stride), padding)


def up_uncut(coarse, kernel, stride, padding):
    return paint(coarse, kernel, stride)


def up_cut_once(coarse, kernel, stride, padding):
    return paint(coarse, kernel, stride)[padding:]


def up_enlarged(coarse, kernel, stride, padding):
    return np.pad(paint(coarse, kernel, stride), padding)


def up_whole_strides(coarse, kernel, stride, padding):
    return np.resize(paint(coarse, kernel, stride), stride * len(coarse))


def up_scaled(coarse, kernel, stride, padding):
    return cut(paint(coarse, kernel / kernel.sum(), stride), padding)


def tent(size, factor, middle):
    return 1 - np.abs(np.arange(size) - middle) / factor


def bilinear_of_caffe(size):
    """Caffe's first filler: the centre follows from the factor's parity where the size's was meant."""
    factor = -(-size // 2)
    centre = (2 * factor - 1 - factor % 2) / (2 * factor)
    row = 1 - np.abs(np.arange(size) / factor - centre)
    return np.outer(row, row)


def bilinear_rounded_down(size):
    row = tent(size, max(1, size // 2), (size - 1) / 2)
    return np.outer(row, row)


def bilinear_divided(size):
    row = tent(size, (size + 1) // 2, (size - 1) / 2)
    return np.outer(row, row) / np.outer(row, row).sum()


def bilinear_one_axis(size):
    return np.tile(tent(size, (size + 1) // 2, (size - 1) / 2), (size, 1))


def bilinear_steeper(size):
    row = tent(size, (size - 1) / 2 + 1, (size - 1) / 2)
    return np.outer(row, row)


def painted(x, weight, stride, assign=False):
    (n, _, h, w), (_, o, kh, kw) = x.shape, weight.shape
    whole = np.zeros((n, o, stride * (h - 1) + kh, stride * (w - 1) + kw))
    for i in range(h):
        for j in range(w):
            part = np.einsum("nc,cohw->nohw", x[:, :, i, j], weight)
            target = whole[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
            target[...] = part if assign else target + part
    return whole


def inner(whole, padding):
    return whole[:, :, padding : whole.shape[2] - padding, padding : whole.shape[3] - padding]


def layer_assigns(x, weight, stride, padding):
    return inner(painted(x, weight, stride, assign=True), padding)


def layer_turned(x, weight, stride, padding):
    return inner(painted(x, weight[:, :, ::-1, ::-1], stride), padding)


def layer_taps_exchanged(x, weight, stride, padding):
    square = weight.shape[2] == weight.shape[3]
    return inner(painted(x, weight.swapaxes(2, 3) if square else weight, stride), padding)


def layer_uncut(x, weight, stride, padding):
    return painted(x, weight, stride)


def layer_first_channel(x, weight, stride, padding):
    return inner(painted(x[:, :1], weight[:1], stride), padding)


def layer_channels_exchanged(x, weight, stride, padding):
    square = weight.shape[0] == weight.shape[1]
    return inner(painted(x, weight.transpose(1, 0, 2, 3) if square else weight, stride), padding)


def layer_padding_of_the_input(x, weight, stride, padding):
    return painted(np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding))), weight, stride)


WRONG = [
    ("up", up_assigns, "where two kernels overlap you keep the last one; add them"),
    ("up", up_turned, "the kernel is turned round"),
    ("up", up_uncut, "the padding is not cut off"),
    ("up", up_cut_once, "at both ends"),
    ("up", up_enlarged, "makes the result larger"),
    ("up", up_whole_strides, "the kernel reaches k - 1 further"),
    ("up", up_scaled, "scaled to a sum of 1"),
    ("bilinear_kernel", bilinear_of_caffe, "not the same from both sides"),
    ("bilinear_kernel", bilinear_rounded_down, "weights of 0 or below"),
    ("bilinear_kernel", bilinear_divided, "do not divide by the sum"),
    ("bilinear_kernel", bilinear_one_axis, "every row is alike"),
    ("bilinear_kernel", bilinear_steeper, "expected 1 - |i - middle| / factor"),
    ("conv_transpose2d", layer_assigns, "where windows overlap you keep the last one; add"),
    ("conv_transpose2d", layer_turned, "turned by 180 degrees"),
    ("conv_transpose2d", layer_taps_exchanged, "rows and columns of the kernel are exchanged"),
    ("conv_transpose2d", layer_uncut, "the padding is not cut off"),
    ("conv_transpose2d", layer_first_channel, "only the first channel paints"),
    ("conv_transpose2d", layer_channels_exchanged, "are exchanged"),
    ("conv_transpose2d", layer_padding_of_the_input, "OH = stride·(H - 1) + KH - 2·padding"),
]
