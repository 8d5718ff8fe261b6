"""Answers to the exercises of lesson 05."""

import numpy as np


def adjoint_error(f, adjoint, x_shape, y_shape):
    rng = np.random.default_rng(0)  # one generator: x and y must not be the same numbers
    x, y = rng.standard_normal(x_shape), rng.standard_normal(y_shape)
    products = f(x) * y
    return abs(products.sum() - (x * adjoint(y)).sum()) / np.abs(products).sum()


def fold_windows(windows, size, stride, padding):
    n, c, oh, ow, kh, kw = windows.shape
    h, w = size
    picture = np.zeros((n, c, h + 2 * padding, w + 2 * padding), windows.dtype)
    for i, j in np.ndindex(kh, kw):
        rows, columns = slice(i, i + stride * (oh - 1) + 1, stride), slice(j, j + stride * (ow - 1) + 1, stride)
        picture[:, :, rows, columns] += windows[..., i, j]  # one tap never overlaps itself
    return picture[:, :, padding : padding + h, padding : padding + w]


def conv2d_backward(grad, x, weight, stride, padding):
    (sh, sw), (ph, pw), (oh, ow) = stride, padding, grad.shape[2:]
    h, w = x.shape[2:]
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    grad_x, grad_weight = np.zeros_like(x), np.zeros_like(weight)
    for i, j in np.ndindex(weight.shape[2:]):
        # where tap (i, j) looks in all windows; forward: y += einsum("nchw,oc->nohw", x[looks], weight[:, :, i, j])
        looks = np.s_[:, :, i : i + sh * (oh - 1) + 1 : sh, j : j + sw * (ow - 1) + 1 : sw]
        grad_weight[:, :, i, j] = np.einsum("nohw,nchw->oc", grad, x[looks])
        grad_x[looks] += np.einsum("nohw,oc->nchw", grad, weight[:, :, i, j])
    return grad_x[:, :, ph : ph + h, pw : pw + w], grad_weight, grad.sum((0, 2, 3))


SOLUTIONS = {"adjoint_error": adjoint_error, "fold_windows": fold_windows, "conv2d_backward": conv2d_backward}
