"""Wrong answers to the exercises of lesson 06, each with words of the hint that it must be given."""

import numpy as np


def mask_from_grad(grad, x, slope):
    return np.where(grad > 0, grad, slope * grad)


def only_slope(grad, x, slope):
    return np.where(x > 0, 1.0, slope)


def plain_relu(grad, x, slope):
    return np.where(x > 0, grad, 0)


def mask_turned(grad, x, slope):
    return np.where(x > 0, slope * grad, grad)


def forward_below(grad, x, slope):
    return np.where(x > 0, grad, slope * x)


def right_side(grad, x, slope):
    return np.where(x >= 0, grad, slope * grad)


def in_place(grad, x, slope):
    grad[x <= 0] *= slope
    return grad


def doubles(grad, x, slope):
    return np.where(x > 0, grad.astype(float), slope * grad)


def pooled(x, kernel, stride, padding, ceil_mode, fill=-np.inf, drop=True, start=None, offset=0, best=np.max):
    n, c, h, w = x.shape
    size = []
    for length in (h, w):
        over = length + 2 * padding - kernel
        count = (-(-over // stride) if ceil_mode else over // stride) + 1
        size.append(count - 1 if ceil_mode and drop and (count - 1) * stride >= length + padding else count)
    room = [(count + 1) * stride + kernel + length for count, length in zip(size, (h, w), strict=True)]
    padded = np.full((n, c, *room), fill)
    padded[:, :, padding : padding + h, padding : padding + w] = x
    y = np.full((n, c, *size), -np.inf if start is None else start)
    for i, j in np.ndindex(*size):
        top, left = i * stride + offset, j * stride + offset
        window = padded[:, :, top : top + kernel, left : left + kernel]
        y[:, :, i, j] = np.maximum(y[:, :, i, j], best(window, (2, 3)))
    return y


def padded_with_zeros(x, kernel, stride, padding, ceil_mode):
    return pooled(x, kernel, stride, padding, ceil_mode, fill=0.0)


def starts_from_zero(x, kernel, stride, padding, ceil_mode):
    return pooled(x, kernel, stride, padding, ceil_mode, start=0.0)


def keeps_last_window(x, kernel, stride, padding, ceil_mode):
    return pooled(x, kernel, stride, padding, ceil_mode, drop=False)


def always_floor(x, kernel, stride, padding, ceil_mode):
    return pooled(x, kernel, stride, padding, False)


def always_ceil(x, kernel, stride, padding, ceil_mode):
    return pooled(x, kernel, stride, padding, True)


def not_padded(x, kernel, stride, padding, ceil_mode):
    return pooled(x, min(kernel, x.shape[2]), stride, 0, ceil_mode)


def smallest(x, kernel, stride, padding, ceil_mode):
    return -pooled(-x, kernel, stride, padding, ceil_mode)


def mean(x, kernel, stride, padding, ceil_mode):
    return pooled(x, kernel, stride, padding, ceil_mode, fill=0.0, best=np.mean)


def paid(grad, x, kernel, stride, padding, assign=False, order=1, many=False, guard=True, cut=True):
    h, w = x.shape[2:]
    oh, ow = grad.shape[2:]
    y = pooled(x, kernel, stride, padding, False)
    rim = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    padded = np.pad(x, rim, constant_values=-np.inf)
    inside = np.pad(np.ones((1, 1, h, w), bool), rim) if guard else np.ones((1, 1, *padded.shape[2:]), bool)
    grad_x, done = np.zeros(padded.shape), np.zeros(grad.shape, bool)
    for i, j in list(np.ndindex(kernel, kernel))[::order]:
        looks = np.s_[:, :, i : i + stride * (oh - 1) + 1 : stride, j : j + stride * (ow - 1) + 1 : stride]
        wins = (padded[looks] == y) & inside[looks] & (True if many else ~done)
        grad_x[looks] = np.where(wins, grad, grad_x[looks]) if assign else grad_x[looks] + np.where(wins, grad, 0)
        done |= wins
    return grad_x[:, :, padding : padding + h, padding : padding + w] if cut else grad_x


def assigns(grad, x, kernel, stride, padding):
    grad_x = np.zeros(x.shape)
    for picture, channel, i, j in np.ndindex(grad.shape):
        top, left = i * stride - padding, j * stride - padding
        rows, columns = slice(max(top, 0), top + kernel), slice(max(left, 0), left + kernel)
        window = x[picture, channel, rows, columns]
        row, column = np.unravel_index(window.argmax(), window.shape)
        grad_x[picture, channel, max(top, 0) + row, max(left, 0) + column] = grad[picture, channel, i, j]
    return grad_x


def pays_twice(grad, x, kernel, stride, padding):
    return paid(grad, x, kernel, stride, padding, many=True)


def last_wins(grad, x, kernel, stride, padding):
    return paid(grad, x, kernel, stride, padding, order=-1)


def lost_in_padding(grad, x, kernel, stride, padding):
    return paid(grad, x, kernel, stride, padding, guard=False)


def keeps_padding(grad, x, kernel, stride, padding):
    return paid(grad, x, kernel, stride, padding, cut=False)


def spreads(grad, x, kernel, stride, padding):
    grad_x = np.zeros(x.shape)
    for i, j in np.ndindex(grad.shape[2:]):
        top, left = i * stride - padding, j * stride - padding
        window = grad_x[:, :, max(top, 0) : top + kernel, max(left, 0) : left + kernel]
        window += grad[:, :, i, j, None, None] / (window.shape[2] * window.shape[3])
    return grad_x


def ties_shared(grad, x, kernel, stride, padding):
    grad_x = np.zeros(x.shape)
    for picture, channel, i, j in np.ndindex(grad.shape):
        top, left = i * stride - padding, j * stride - padding
        here = np.s_[picture, channel, max(top, 0) : top + kernel, max(left, 0) : left + kernel]
        winners = x[here] == x[here].max()
        grad_x[here] += grad[picture, channel, i, j] * winners / winners.sum()
    return grad_x


def falls_below(grad, x, slope):
    return np.where(x > 0, grad, -grad.dtype.type(slope) * grad)


def with_the_right_answer(change):
    """max_pool2d_backward in plain loops, and then what was done wrong to it."""

    def answer(grad, x, kernel, stride, padding):
        h, w = x.shape[2:]
        whole = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), constant_values=-np.inf)
        result = np.zeros(whole.shape)
        for place in np.ndindex(grad.shape):
            top, left = place[2] * stride, place[3] * stride
            window = whole[place[0], place[1], top : top + kernel, left : left + kernel]
            row, column = np.unravel_index(window.argmax(), window.shape)
            result[place[0], place[1], top + row, left + column] += change(grad[place])
        return result, padding, h, w

    return answer


def pool_sign(*arguments):
    result, padding, h, w = with_the_right_answer(lambda g: -g)(*arguments)
    return result[:, :, padding : padding + h, padding : padding + w]


def pool_ones(*arguments):
    result, padding, h, w = with_the_right_answer(lambda g: 1)(*arguments)
    return result[:, :, padding : padding + h, padding : padding + w]


def pool_uncut_in_front(*arguments):
    result, _, h, w = with_the_right_answer(lambda g: g)(*arguments)
    return result[:, :, :h, :w]


WRONG = [
    ("leaky_relu_backward", mask_from_grad, "the mask comes from x"),
    ("leaky_relu_backward", only_slope, "multiply it by the incoming gradient"),
    ("leaky_relu_backward", plain_relu, "below 0 something passes"),
    ("leaky_relu_backward", mask_turned, "the mask is turned round"),
    ("leaky_relu_backward", forward_below, "below 0 that is the forward"),
    ("leaky_relu_backward", right_side, "not x >= 0"),
    ("leaky_relu_backward", in_place, "you changed grad"),
    ("leaky_relu_backward", doubles, "float32 comes in"),
    ("max_pool2d", padded_with_zeros, "pad with -inf"),
    ("max_pool2d", starts_from_zero, "a 0 wins that is not in the picture"),
    ("max_pool2d", keeps_last_window, "starts beyond the picture"),
    ("max_pool2d", always_floor, "the size is rounded down"),
    ("max_pool2d", always_ceil, "the size is rounded up"),
    ("max_pool2d", not_padded, "the size leaves the padding out"),
    ("max_pool2d", smallest, "the smallest number of each window"),
    ("max_pool2d", mean, "the largest number of its window, unchanged"),
    ("max_pool2d_backward", assigns, "you assign where windows overlap"),
    ("max_pool2d_backward", pays_twice, "a tie is paid more than once"),
    ("max_pool2d_backward", last_wins, "a tie goes to the last maximum"),
    ("max_pool2d_backward", lost_in_padding, "lost in the padding"),
    ("max_pool2d_backward", keeps_padding, "is the padding cut off?"),
    ("max_pool2d_backward", spreads, "that is average pooling"),
    ("max_pool2d_backward", ties_shared, "a tie is shared out"),
    ("leaky_relu_backward", falls_below, "the sign below 0"),
    ("max_pool2d_backward", pool_sign, "the sign is turned round"),
    ("max_pool2d_backward", pool_ones, "a winner gets 1 for each window"),
    ("max_pool2d_backward", pool_uncut_in_front, "shifted by the padding"),
]
