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


def up_side_by_side(coarse, kernel, stride, padding):
    result = np.zeros(stride * (len(coarse) - 1) + len(kernel))
    for i, value in enumerate(coarse):
        result[i : i + len(kernel)] += value * kernel
    return result[padding : len(result) - padding]


def up_cuts_everything(coarse, kernel, stride, padding):
    result = np.zeros(stride * (len(coarse) - 1) + len(kernel))
    for i, value in enumerate(coarse):
        result[i * stride : i * stride + len(kernel)] += value * kernel
    return result[padding:-padding]


def tent_of(size):
    return 1 - np.abs(np.arange(size) - (size - 1) / 2) / ((size + 1) // 2)


def bilinear_added(size):
    return np.add.outer(tent_of(size), tent_of(size)) / 2


def bilinear_smaller(size):
    return np.minimum.outer(tent_of(size), tent_of(size))


def own_layer(x, weight, stride, padding, step=None, share=1, cut=None):
    (n, _, h, w), (_, o, kh, kw) = x.shape, weight.shape
    step = step or stride
    whole = np.zeros((n, o, stride * (h - 1) + kh, stride * (w - 1) + kw), x.dtype)
    for i, j in np.ndindex(h, w):
        painted = np.einsum("nc,cohw->nohw", x[:, :, i, j], weight) * share
        whole[:, :, i * step : i * step + kh, j * step : j * step + kw] += painted
    return cut(whole) if cut else whole[:, :, padding : whole.shape[2] - padding, padding : whole.shape[3] - padding]


def layer_side_by_side(x, weight, stride, padding):
    return own_layer(x, weight, stride, padding, step=1)


def layer_mean(x, weight, stride, padding):
    return own_layer(x, weight, stride, padding, share=1 / x.shape[1])


def layer_cuts_everything(x, weight, stride, padding):
    return own_layer(x, weight, stride, padding, cut=lambda whole: whole[:, :, padding:-padding, padding:-padding])


def layer_cut_in_front(x, weight, stride, padding):
    return own_layer(x, weight, stride, padding, cut=lambda whole: whole[:, :, padding:, padding:])


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
    ("up", up_side_by_side, "the cells paint side by side"),
    ("up", up_cuts_everything, "[0:-0] is empty"),
    ("bilinear_kernel", bilinear_added, "you add the tents"),
    ("bilinear_kernel", bilinear_smaller, "you take the smaller of the tents"),
    ("conv_transpose2d", layer_side_by_side, "the cells paint side by side"),
    ("conv_transpose2d", layer_mean, "the mean of what the channels"),
    ("conv_transpose2d", layer_cuts_everything, "[0:-0] is empty"),
    ("conv_transpose2d", layer_cut_in_front, "at both ends"),
]
