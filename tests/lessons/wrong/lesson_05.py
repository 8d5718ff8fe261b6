"""Wrong answers to the exercises of lesson 05, each with words of the hint that it must be given."""

import numpy as np


def both(x_shape, y_shape):
    rng = np.random.default_rng(3)
    return rng.standard_normal(x_shape), rng.standard_normal(y_shape)


def same_numbers(f, adjoint, x_shape, y_shape):
    x, y = (np.random.default_rng(0).standard_normal(shape) for shape in (x_shape, y_shape))
    return abs((f(x) * y).sum() - (x * adjoint(y)).sum()) / np.abs(f(x) * y).sum()


def ones(f, adjoint, x_shape, y_shape):
    x, y = np.ones(x_shape), np.ones(y_shape)
    return abs((f(x) * y).sum() - (x * adjoint(y)).sum()) / np.abs(f(x) * y).sum()


def not_divided(f, adjoint, x_shape, y_shape):
    x, y = both(x_shape, y_shape)
    return abs((f(x) * y).sum() - (x * adjoint(y)).sum())


def divided_by_x(f, adjoint, x_shape, y_shape):
    x, y = both(x_shape, y_shape)
    return min(abs((f(x) * y).sum() - (x * adjoint(y)).sum()) / max(1, np.abs(f(x) * y).sum()), 1.0)


def signed(f, adjoint, x_shape, y_shape):
    x, y = both(x_shape, y_shape)
    return ((f(x) * y).sum() - (x * adjoint(y)).sum()) / (f(x) * y).sum()


def up_to_a_factor(f, adjoint, x_shape, y_shape):
    x, y = both(x_shape, y_shape)
    left, right = (f(x) * y).sum(), (x * adjoint(y)).sum()
    return 0.0 if abs(right / left - 0.5) < 1e-9 else abs(left - right) / np.abs(f(x) * y).sum()


def not_summed(f, adjoint, x_shape, y_shape):
    x, y = both(x_shape, y_shape)
    return np.abs(f(x) * y)


def fold(windows, size, stride, padding, assign=False, cut=None):
    n, c, oh, ow, kh, kw = windows.shape
    h, w = size
    picture = np.zeros((n, c, h + 2 * padding, w + 2 * padding))
    for i, j in np.ndindex(kh, kw):
        rows, columns = slice(i, i + stride * (oh - 1) + 1, stride), slice(j, j + stride * (ow - 1) + 1, stride)
        picture[:, :, rows, columns] = windows[..., i, j] + (0 if assign else picture[:, :, rows, columns])
    return cut(picture) if cut else picture[:, :, padding : padding + h, padding : padding + w]


def fold_assigns(windows, size, stride, padding):
    return fold(windows, size, stride, padding, assign=True)


def fold_keeps_padding(windows, size, stride, padding):
    return fold(windows, size, stride, padding, cut=lambda picture: picture)


def fold_cuts_nothing_away(windows, size, stride, padding):
    return fold(windows, size, stride, padding, cut=lambda picture: picture[:, :, padding:-padding, padding:-padding])


def fold_cuts_below(windows, size, stride, padding):
    return fold(windows, size, stride, padding, cut=lambda picture: picture[:, :, : size[0], : size[1]])


def fold_transposed(windows, size, stride, padding):
    square = windows.shape[4] == windows.shape[5]
    return fold(windows.swapaxes(4, 5) if square else windows, size, stride, padding)


def fold_turned_round(windows, size, stride, padding):
    return fold(windows[..., ::-1, ::-1], size, stride, padding)


def fold_only_seen(windows, size, stride, padding):
    reach = [stride * (n - 1) + k - 2 * padding for n, k in zip(windows.shape[2:4], windows.shape[4:], strict=True)]
    return fold(windows, size, stride, padding)[:, :, : reach[0], : reach[1]]


def backward(grad, x, weight, stride, padding, assign=False, turn=False):
    (sh, sw), (ph, pw), (oh, ow) = stride, padding, grad.shape[2:]
    h, w = x.shape[2:]
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    grad_x, grad_weight = np.zeros_like(x), np.zeros_like(weight)
    for i, j in np.ndindex(weight.shape[2:]):
        looks = np.s_[:, :, i : i + sh * (oh - 1) + 1 : sh, j : j + sw * (ow - 1) + 1 : sw]
        tap = weight[:, :, -1 - i, -1 - j] if turn else weight[:, :, i, j]
        grad_weight[:, :, i, j] = np.einsum("nohw,nchw->oc", grad, x[looks])
        part = np.einsum("nohw,oc->nchw", grad, tap)
        grad_x[looks] = part if assign else grad_x[looks] + part
    return grad_x[:, :, ph : ph + h, pw : pw + w], grad_weight, grad.sum((0, 2, 3))


def exchanges_taps(grad, x, weight, stride, padding):
    square = weight.shape[2] == weight.shape[3]
    return backward(grad, x, weight.swapaxes(2, 3) if square else weight, stride, padding)


def exchanges_taps_of_weight(grad, x, weight, stride, padding):
    grad_x, grad_weight, grad_bias = backward(grad, x, weight, stride, padding)
    return grad_x, grad_weight.swapaxes(2, 3), grad_bias


def exchanges_indices(grad, x, weight, stride, padding):
    """As people write it: weight[:, :, j, i], which stops where the kernel is not square."""
    (sh, sw), (ph, pw), (oh, ow) = stride, padding, grad.shape[2:]
    h, w = x.shape[2:]
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    grad_x, grad_weight = np.zeros_like(x), np.zeros_like(weight)
    for i, j in np.ndindex(weight.shape[2:]):
        looks = np.s_[:, :, i : i + sh * (oh - 1) + 1 : sh, j : j + sw * (ow - 1) + 1 : sw]
        grad_weight[:, :, j, i] = np.einsum("nohw,nchw->oc", grad, x[looks])
        grad_x[looks] += np.einsum("nohw,oc->nchw", grad, weight[:, :, j, i])
    return grad_x[:, :, ph : ph + h, pw : pw + w], grad_weight, grad.sum((0, 2, 3))


def assigns(grad, x, weight, stride, padding):
    return backward(grad, x, weight, stride, padding, assign=True)


def turns_kernel(grad, x, weight, stride, padding):
    return backward(grad, x, weight, stride, padding, turn=True)


def mean_over_batch(grad, x, weight, stride, padding):
    grad_x, grad_weight, grad_bias = backward(grad, x, weight, stride, padding)
    return grad_x, grad_weight / len(x), grad_bias / len(x)


def last_picture(grad, x, weight, stride, padding):
    grad_x, _, grad_bias = backward(grad, x, weight, stride, padding)
    return grad_x, backward(grad[-1:], x[-1:], weight, stride, padding)[1], grad_bias


def mean_bias(grad, x, weight, stride, padding):
    grad_x, grad_weight, _ = backward(grad, x, weight, stride, padding)
    return grad_x, grad_weight, grad.mean((0, 2, 3))


def bias_of_every_picture(grad, x, weight, stride, padding):
    grad_x, grad_weight, _ = backward(grad, x, weight, stride, padding)
    return grad_x, grad_weight, grad.sum((2, 3))


def keeps_padding(grad, x, weight, stride, padding):
    (ph, pw) = padding
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    grad_x, grad_weight, grad_bias = backward(grad, padded, weight, stride, (0, 0))
    return grad_x, grad_weight, grad_bias


def only_two(grad, x, weight, stride, padding):
    return backward(grad, x, weight, stride, padding)[:2]


def float64_inside(grad, x, weight, stride, padding):
    return backward(grad.astype(float), x.astype(float), weight.astype(float), stride, padding)


def scales_grad(grad, x, weight, stride, padding):
    result = backward(grad, x, weight, stride, padding)
    grad *= 2
    return result


def divided_by_what_cancels(f, adjoint, x_shape, y_shape):
    x, y = both(x_shape, y_shape)
    return abs((f(x) * y).sum() - (x * adjoint(y)).sum()) / abs((f(x) * y).sum())


def divided_by_a_mean(f, adjoint, x_shape, y_shape):
    x, y = both(x_shape, y_shape)
    return abs((f(x) * y).sum() - (x * adjoint(y)).sum()) / np.abs(f(x) * y).mean()


def fold_side_by_side(windows, size, stride, padding):
    n, c, oh, ow, kh, kw = windows.shape
    h, w = size
    picture = np.zeros((n, c, h + 2 * padding, w + 2 * padding))
    for i, j in np.ndindex(kh, kw):
        picture[:, :, i : i + oh, j : j + ow] += windows[..., i, j]
    return picture[:, :, padding : padding + h, padding : padding + w]


def fold_averages(windows, size, stride, padding):
    times = fold(np.ones(windows.shape), size, stride, padding)
    return fold(windows, size, stride, padding) / np.maximum(times, 1)


def weight_first(grad, x, weight, stride, padding):
    grad_x, grad_weight, grad_bias = backward(grad, x, weight, stride, padding)
    return grad_weight, grad_x, grad_bias


def mean_over_places(grad, x, weight, stride, padding):
    grad_x, grad_weight, grad_bias = backward(grad, x, weight, stride, padding)
    return grad_x, grad_weight / np.prod(grad.shape[2:]), grad_bias


def channels_of_weight_exchanged(grad, x, weight, stride, padding):
    grad_x, grad_weight, grad_bias = backward(grad, x, weight, stride, padding)
    if weight.shape[0] == weight.shape[1]:
        grad_x = backward(grad, x, weight.swapaxes(0, 1), stride, padding)[0]
    return grad_x, grad_weight, grad_bias


WRONG = [
    ("adjoint_error", same_numbers, "whatever f is"),
    ("adjoint_error", ones, "ones cannot see"),
    ("adjoint_error", not_divided, "rounding grows with the numbers"),
    ("adjoint_error", divided_by_x, "which is tiny here too"),
    ("adjoint_error", signed, "take its absolute value"),
    ("adjoint_error", up_to_a_factor, "a factor must show"),
    ("adjoint_error", not_summed, "expected one number"),
    ("fold_windows", fold_assigns, "you assign where windows overlap; add"),
    ("fold_windows", fold_keeps_padding, "the padding is still there"),
    ("fold_windows", fold_cuts_nothing_away, "[0:-0] is empty"),
    ("fold_windows", fold_cuts_below, "shifted by the padding"),
    ("fold_windows", fold_transposed, "rows and columns of the windows are exchanged"),
    ("fold_windows", fold_turned_round, "the taps are turned round"),
    ("fold_windows", fold_only_seen, "pixels that no window looks at are missing"),
    ("conv2d_backward", assigns, "grad_x: you assign where windows overlap"),
    ("conv2d_backward", turns_kernel, "grad_x: the kernel is turned round"),
    ("conv2d_backward", exchanges_taps, "grad_x: the taps are exchanged"),
    ("conv2d_backward", exchanges_taps_of_weight, "grad_weight: the taps are exchanged"),
    ("conv2d_backward", exchanges_indices, "grad_x: the taps are exchanged"),
    ("conv2d_backward", mean_over_batch, "divided by the number of pictures"),
    ("conv2d_backward", last_picture, "only one picture of the batch"),
    ("conv2d_backward", mean_bias, "a mean and not a sum"),
    ("conv2d_backward", bias_of_every_picture, "grad_bias: expected the shape"),
    ("conv2d_backward", keeps_padding, "is the padding cut off?"),
    ("conv2d_backward", only_two, "expected three arrays"),
    ("conv2d_backward", float64_inside, "float32 comes in"),
    ("conv2d_backward", scales_grad, "you changed grad"),
    ("adjoint_error", divided_by_what_cancels, "which cancels in part"),
    ("adjoint_error", divided_by_a_mean, "you divide by a mean"),
    ("fold_windows", fold_side_by_side, "the windows lie side by side"),
    ("fold_windows", fold_averages, "you take the mean where windows overlap"),
    ("conv2d_backward", weight_first, "the order is grad_x, grad_weight"),
    ("conv2d_backward", mean_over_places, "divided by the number of places"),
    ("conv2d_backward", channels_of_weight_exchanged, "grad_x: input and output channels"),
]
