"""Answers to the exercises of lesson 04."""

import numpy as np


def conv2d_size(size, kernel, stride, padding):
    oh, ow = ((h + 2 * p - k) // s + 1 for h, k, s, p in zip(size, kernel, stride, padding, strict=True))
    return oh, ow


def conv2d_taps(x, weight, stride, padding):
    zero = np.zeros(len(weight), x.dtype)
    return conv2d_dilated(x, weight, zero, (stride, stride), (padding, padding), (1, 1))


def conv2d_dilated(x, weight, bias, stride, padding, dilation):
    (n, _, h, w), (o, _, kh, kw) = x.shape, weight.shape
    (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
    # a dilated kernel takes the room of a larger one
    span = dh * (kh - 1) + 1, dw * (kw - 1) + 1
    oh, ow = conv2d_size((h, w), span, stride, padding)
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    y = np.zeros((n, o, oh, ow), x.dtype) + bias[:, None, None]
    for i, j in np.ndindex(kh, kw):
        # what tap (i, j) sees of every window: (N, C, OH, OW)
        seen = x[:, :, i * dh : i * dh + sh * (oh - 1) + 1 : sh, j * dw : j * dw + sw * (ow - 1) + 1 : sw]
        y += np.einsum("nchw,oc->nohw", seen, weight[:, :, i, j])
    return y


SOLUTIONS = {"conv2d_size": conv2d_size, "conv2d_taps": conv2d_taps, "conv2d_dilated": conv2d_dilated}
