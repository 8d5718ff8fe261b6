"""The kernels written to be read: windows and one matrix product. The same lines run on NumPy and on CuPy.

Arrays come and go as (N, C, H, W), but inside the channels lie last in memory: a window copy, a pool or an addition then runs over
neighbouring numbers. Results are views whose memory is (N, H, W, C); whatever an elementwise operation makes of them keeps that
order, so a whole network stays in it.

    N pictures   C, O channels in, out   G groups   H W picture   OH OW output   KH KW kernel
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from minifcn.backend import array_module, to_device, uniform
from minifcn.kernels.products import product
from minifcn.kernels.windows import Pair, Window

Array = Any


def channels_last(x: Array) -> Array:
    """(N, C, H, W) -> (N, H, W, C), contiguous: free where x already lies so."""
    return array_module(x).ascontiguousarray(x.transpose(0, 2, 3, 1))


def padded_size(window: Window, picture: Pair, size: Pair) -> Pair:
    """(PH, PW): picture and padding, and more where the last of `size` windows hangs over (ceil_mode)."""
    h, w = (picture[axis] + sum(window.padding[axis]) for axis in (0, 1))
    return (
        max(h, window.stride[0] * (size[0] - 1) + window.span[0]),
        max(w, window.stride[1] * (size[1] - 1) + window.span[1]),
    )


def padded(x: Array, window: Window, value: float, size: Pair) -> Array:
    """(N, C, H, W) -> (N, PH, PW, C): padding filled with `value`, wide enough for `size` = (OH, OW) windows."""
    n, c, h, w = x.shape
    ph, pw = padded_size(window, (h, w), size)
    if (ph, pw) == (h, w):
        return channels_last(x)
    (top, _), (left, _) = window.padding
    result = array_module(x).full((n, ph, pw, c), value, x.dtype)
    result[:, top : top + h, left : left + w] = x.transpose(0, 2, 3, 1)
    return result


def tap(picture: Array, window: Window, size: Pair, i: int, j: int) -> Array:
    """What tap (i, j) of every window sees: a view (N, OH, OW, C) of the padded picture (N, PH, PW, C)."""
    (sh, sw), (dh, dw), (oh, ow) = window.stride, window.dilation, size
    return picture[:, i * dh : i * dh + sh * (oh - 1) + 1 : sh, j * dw : j * dw + sw * (ow - 1) + 1 : sw]


def taps(window: Window) -> list[Pair]:
    """Every (i, j) of the kernel, row by row."""
    return [(i, j) for i in range(window.kernel[0]) for j in range(window.kernel[1])]


def columns(x: Array, window: Window, groups: int, size: Pair) -> Array:
    """im2col: the first `size` = (OH, OW) windows, one a row, (N, C, H, W) -> (G, N·OH·OW, KH·KW·C/G)."""
    xp = array_module(x)
    n, c = x.shape[:2]
    picture = padded(x, window, 0, size)
    rows = xp.empty((groups, n, *size, len(taps(window)), c // groups), x.dtype)
    for place, (i, j) in enumerate(taps(window)):
        seen = tap(picture, window, size, i, j).reshape(n, *size, groups, c // groups)  # (N, OH, OW, G, C/G)
        rows[..., place, :] = seen.transpose(3, 0, 1, 2, 4)
    return rows.reshape(groups, n * size[0] * size[1], len(taps(window)) * (c // groups))


def add_at_taps(part: Callable[[int], Array], window: Window, size: Pair, like: Array, shape: tuple[int, ...]) -> Array:
    """The adjoint of reading taps: part(number), (N, OH, OW, C), is added where that tap reads -> `shape` (N, C, H, W)."""
    n, c, h, w = shape
    picture = array_module(like).zeros((n, *padded_size(window, (h, w), size), c), like.dtype)
    for number, (i, j) in enumerate(taps(window)):
        target = tap(picture, window, size, i, j)
        target += part(number)  # windows overlap where the stride is smaller than the kernel: add, do not assign
    (top, _), (left, _) = window.padding
    return picture[:, top : top + h, left : left + w].transpose(0, 3, 1, 2)


def fold(rows: Array, window: Window, size: Pair, shape: tuple[int, ...]) -> Array:
    """col2im, the adjoint of `columns`: rows (G, N·OH·OW, KH·KW·C/G) added back where they were read -> `shape` (N, C, H, W)."""
    n, c = shape[:2]
    groups = rows.shape[0]
    split = rows.reshape(groups, n, *size, len(taps(window)), c // groups)

    def part(number: int) -> Array:
        return array_module(rows).moveaxis(split[..., number, :], 0, 3).reshape(n, *size, c)  # (N, OH, OW, G, C/G) -> C

    return add_at_taps(part, window, size, rows, shape)


def kernel_matrix(weight: Array, groups: int) -> Array:
    """(O, C/G, KH, KW) -> (G, KH·KW·C/G, O/G): one column an output channel, in the order of `columns`."""
    o, c, kh, kw = weight.shape
    split = weight.reshape(groups, o // groups, c, kh, kw)
    return split.transpose(0, 3, 4, 2, 1).reshape(groups, kh * kw * c, o // groups)


def conv2d(x: Array, weight: Array, window: Window, groups: int) -> Array:
    """x (N, C, H, W), weight (O, C/G, KH, KW) -> (N, O, OH, OW)."""
    n, o = x.shape[0], weight.shape[0]
    oh, ow = window.output_size(x.shape[2:])
    found = product(columns(x, window, groups, (oh, ow)), kernel_matrix(weight, groups))  # (G, N·OH·OW, O/G)
    return found.transpose(1, 0, 2).reshape(n, oh, ow, o).transpose(0, 3, 1, 2)


def output_rows(grad: Array, groups: int) -> Array:
    """(N, O, OH, OW) -> (G, N·OH·OW, O/G), the shape in which `conv2d` made it."""
    n, o, oh, ow = grad.shape
    return channels_last(grad).reshape(n * oh * ow, groups, o // groups).transpose(1, 0, 2)


def conv2d_input_gradient(grad: Array, weight: Array, window: Window, groups: int, shape: tuple[int, ...]) -> Array:
    """grad (N, O, OH, OW), weight (O, C/G, KH, KW) -> `shape` (N, C, H, W). Transposed convolution calls this as its forward."""
    rows = product(
        output_rows(grad, groups), kernel_matrix(weight, groups).transpose(0, 2, 1)
    )  # (G, N·OH·OW, KH·KW·C/G)
    return fold(rows, window, grad.shape[2:], shape)


def conv2d_weight_gradient(x: Array, grad: Array, window: Window, groups: int) -> Array:
    """x (N, C, H, W), grad (N, O, OH, OW) -> (O, C/G, KH, KW)."""
    xp = array_module(x)
    c, o = x.shape[1] // groups, grad.shape[1]
    rows = columns(x, window, groups, grad.shape[2:])
    found = product(rows.transpose(0, 2, 1), output_rows(grad, groups))  # (G, KH·KW·C/G, O/G)
    split = found.reshape(groups, *window.kernel, c, o // groups)
    return xp.ascontiguousarray(split.transpose(0, 4, 3, 1, 2)).reshape(o, c, *window.kernel)


def relu(x: Array) -> Array:
    """max(x, 0), in the shape and memory order of x."""
    return array_module(x).maximum(x, x.dtype.type(0))


def relu_gradient(y: Array, grad: Array) -> Array:
    """grad where y > 0, else 0: the slope is 1 above 0, and 0 at the kink, as in PyTorch."""
    return array_module(grad).where(y > 0, grad, 0)


def add_bias(y: Array, bias: Array) -> Array:
    """y (N, O, OH, OW) += bias (O,), in place; returns y."""
    y += bias[:, None, None]
    return y


def bias_gradient(grad: Array) -> Array:
    """The sum over pictures and pixels, (N, O, OH, OW) -> (O,): blocks of 64 pixels as a product with ones, then float64.

    Adding a quarter of a million float32 numbers one by one would lose three digits.
    """
    xp, block = array_module(grad), 64
    rows = channels_last(grad).reshape(-1, grad.shape[1])
    whole = len(rows) // block * block
    sums = product(xp.ones((1, block), grad.dtype), rows[:whole].reshape(-1, block, rows.shape[1]))[:, 0]
    return (sums.sum(0, dtype="float64") + rows[whole:].sum(0, dtype="float64")).astype(grad.dtype)


def max_pool2d(x: Array, window: Window, size: Pair) -> tuple[Array, Array]:
    """The largest value of each window and the number of its tap, i·KW + j: (N, C, OH, OW) twice, the second int32.

    The first maximum wins; padding is -inf, never 0; a NaN wins over all, as in PyTorch.
    """
    xp = array_module(x)
    picture = padded(x, window, -xp.inf, size)
    best = tap(picture, window, size, 0, 0).copy()  # (N, OH, OW, C)
    place = xp.empty(best.shape, xp.int32)
    place[...] = first_inside(window, size, xp)[
        :, :, None
    ]  # where all is -inf, a pixel wins and not the padding before it
    for number, (i, j) in enumerate(taps(window)[1:], start=1):
        seen = tap(picture, window, size, i, j)
        better = (seen > best) | (seen != seen)  # only NaN differs from itself
        xp.copyto(best, seen, where=better)
        xp.copyto(place, number, where=better)
    return best.transpose(0, 3, 1, 2), place.transpose(0, 3, 1, 2)


def max_pool2d_values(x: Array, window: Window, size: Pair) -> Array:
    """The largest value of each window alone, (N, C, OH, OW): all that a forward without a backward asks for."""
    return max_pool2d(x, window, size)[0]


def first_inside(window: Window, size: Pair, xp: Any) -> Array:
    """The number of each window's first tap that is not in the padding above or left, int32 (OH, OW)."""
    firsts = []
    for axis in (0, 1):
        outside = window.padding[axis][0] - xp.arange(size[axis], dtype=xp.int32) * window.stride[axis]
        first = -(-xp.maximum(outside, 0) // window.dilation[axis])
        firsts.append(xp.minimum(first, window.kernel[axis] - 1))
    return firsts[0][:, None] * window.kernel[1] + firsts[1]


def max_pool2d_gradient(grad: Array, place: Array, window: Window, shape: tuple[int, ...]) -> Array:
    """grad and place (N, C, OH, OW) -> `shape` (N, C, H, W): each gradient goes to the pixel that won."""
    xp, grad, place = array_module(grad), channels_last(grad), channels_last(place)
    return add_at_taps(lambda number: xp.where(place == number, grad, 0), window, grad.shape[1:3], grad, shape)


def avg_pool2d(x: Array, window: Window, size: Pair, count_include_pad: bool) -> Array:
    """The mean of each window, (N, C, OH, OW)."""
    picture = padded(x, window, 0, size)
    total = tap(picture, window, size, 0, 0).copy()  # (N, OH, OW, C)
    for i, j in taps(window)[1:]:
        total += tap(picture, window, size, i, j)
    return (total / window_areas(x, window, size, count_include_pad)).transpose(0, 3, 1, 2)


def avg_pool2d_gradient(
    grad: Array, window: Window, size: Pair, count_include_pad: bool, shape: tuple[int, ...]
) -> Array:
    """grad (N, C, OH, OW) -> `shape` (N, C, H, W): each pixel of a window gets the same share."""
    areas = window_areas(grad, window, size, count_include_pad, shape[2:])
    share = channels_last(grad) / areas
    return add_at_taps(lambda _: share, window, size, grad, shape)


def window_areas(
    like: Array, window: Window, size: Pair, count_include_pad: bool, picture: tuple[int, ...] | None = None
) -> Array:
    """(OH, OW, 1): the pixels that each mean divides by. What hangs over the padding (ceil_mode) never counts."""
    xp = array_module(like)
    lengths = []
    for axis, length in enumerate(picture or like.shape[2:]):
        before, after = window.padding[axis]
        start = xp.arange(size[axis]) * window.stride[axis] - before
        end = xp.minimum(start + window.kernel[axis], length + (after if count_include_pad else 0))
        lengths.append(end - (start if count_include_pad else xp.maximum(start, 0)))
    areas = lengths[0][:, None] * lengths[1][None, :]
    # a window of padding only has nothing to divide: its sum is 0, and 0 / 1 keeps it so
    return xp.maximum(areas, 1).astype(like.dtype)[:, :, None]


def softmax_cross_entropy(scores: Array, labels: Array, valid: Array) -> tuple[Array, Array]:
    """scores (N, C, P), labels in 0 … C-1 and valid (N, P) -> losses (N, P), 0 where not valid, and softmax (N, C, P)."""
    xp = array_module(scores)
    # infinite scores: NaN where the pixel counts, of no account where it does not; scores of ±3e38: 3e38 below is as good as -inf
    with np.errstate(invalid="ignore", over="ignore"):
        shifted = scores - scores.max(1, keepdims=True)  # exp cannot overflow, and log(sum) is at least 0
        exponentials = xp.exp(shifted)
        sums = exponentials.sum(1)
        losses = xp.log(sums) - xp.take_along_axis(shifted, labels[:, None], 1)[:, 0]  # -log softmax[label]
        return xp.where(valid, losses, 0), exponentials / sums[:, None]


def softmax_cross_entropy_gradient(softmax: Array, labels: Array, valid: Array, factor: Array) -> Array:
    """d(sum of factor·loss)/d scores = factor·(softmax - one hot): (N, C, P) from softmax (N, C, P), labels, valid, factor (N, P)."""
    xp = array_module(softmax)
    one_hot = xp.arange(softmax.shape[1])[:, None] == labels[:, None]  # (N, C, P)
    # where, not a product with 0: a pixel that does not count must not count when its scores are NaN
    return xp.where(valid[:, None], (softmax - one_hot) * factor[:, None], 0)


def channel_sums(x: Array, below: int, above: int) -> Array:
    """(N, C, H, W) -> the same shape: each channel's sum with `below` channels before it and `above` after it."""
    result = x.copy("K")
    channels = x.shape[1]
    for shift in range(1, min(below, channels - 1) + 1):
        result[:, shift:] += x[:, :-shift]
    for shift in range(1, min(above, channels - 1) + 1):
        result[:, :-shift] += x[:, shift:]
    return result


def kept(generator: "np.random.Generator", shape: tuple[int, ...], p: float, device: str) -> Array:
    """Dropout's mask, bool, each True with probability 1 - p. Drawn on the CPU in the order of the axes (N, C, H, W): one seed gives one
    mask, whatever device or memory order."""
    return to_device(uniform(generator, shape) >= p, device)
