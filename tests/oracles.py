"""The definition of every operation in plain Python loops. Slow, and independent of the library, which is held to it.

`ORACLES[name]` takes the arguments of the operation as NumPy arrays and gives an array. Only elements are touched: no
matrix product, reduction or window of NumPy is used, so that an error in the library's kernels cannot repeat here.
"""

import math
from itertools import product

import numpy as np


def two(value):
    return tuple(value) if isinstance(value, tuple | list) else (value, value)


def places(shape):
    """Every index of `shape`, the last axis fastest."""
    return product(*(range(length) for length in shape))


def filled(shape, value_at):
    """The array of `shape` whose element at each index is value_at(index)."""
    result = np.zeros(shape)
    for place in places(shape):
        result[place] = value_at(place)
    return result


def windows(length, kernel, stride, before, after, dilation):
    """How many windows fit: counted, by sliding one until it no longer fits."""
    count = 0
    while count * stride + dilation * (kernel - 1) < before + length + after:
        count += 1
    return count


def ceil_windows(length, kernel, stride, padding, dilation):
    """With ceil_mode one more may hang over the far edge: by less than a stride, starting left of the far padding."""
    count = windows(length, kernel, stride, padding, padding, dilation)
    hangs_over = count * stride + dilation * (kernel - 1) + 1 - (length + 2 * padding)
    return count + (hangs_over < stride and count * stride < length + padding)


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    (n, _, h, w), (o, c, kh, kw) = x.shape, weight.shape
    (sh, sw), (dh, dw) = two(stride), two(dilation)
    if padding == "same":
        (top, bottom), (left, right) = ((d * (k - 1) // 2, (d * (k - 1) + 1) // 2) for d, k in ((dh, kh), (dw, kw)))
    else:
        (top, left) = (bottom, right) = two(0 if padding == "valid" else padding)
    size = windows(h, kh, sh, top, bottom, dh), windows(w, kw, sw, left, right, dw)
    x, weight = x.tolist(), weight.tolist()

    def value(place):
        picture, out, row, column = place
        first = out // (o // groups) * c  # the first channel of this output channel's group
        total = 0.0 if bias is None else float(bias[out])
        for channel, i, j in places((c, kh, kw)):
            y, z = row * sh - top + i * dh, column * sw - left + j * dw
            if 0 <= y < h and 0 <= z < w:
                total += x[picture][first + channel][y][z] * weight[out][channel][i][j]
        return total

    return filled((n, o, *size), value)


def conv_transpose2d(
    x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1, output_size=None
):
    (n, c, h, w), (_, o, kh, kw) = x.shape, weight.shape
    (sh, sw), (dh, dw), (top, left), extra = two(stride), two(dilation), two(padding), two(output_padding)
    size = (
        sh * (h - 1) + dh * (kh - 1) + 1 - 2 * top + extra[0],
        sw * (w - 1) + dw * (kw - 1) + 1 - 2 * left + extra[1],
    )
    size = size if output_size is None else two(output_size)[-2:]
    result = filled((n, o * groups, *size), lambda place: 0.0 if bias is None else float(bias[place[1]]))
    for picture, channel, row, column in places(x.shape):
        group = channel // (c // groups)
        for out, i, j in places((o, kh, kw)):
            y, z = row * sh - top + i * dh, column * sw - left + j * dw  # each input pixel is stamped on the output
            if 0 <= y < size[0] and 0 <= z < size[1]:
                stamp = x[picture, channel, row, column] * weight[channel, out, i, j]
                result[picture, group * o + out, y, z] += stamp
    return result


def pool_size(x, kernel, stride, padding, dilation, ceil_mode):
    count = ceil_windows if ceil_mode else lambda length, k, s, p, d: windows(length, k, s, p, p, d)
    return tuple(count(*numbers) for numbers in zip(x.shape[2:], kernel, stride, padding, dilation, strict=True))


def max_pool2d_with_indices(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    """The maxima, and row·W + column of each; -1 where a window sees no pixel at all."""
    kernel, padding, dilation = two(kernel_size), two(padding), two(dilation)
    stride = kernel if stride is None else two(stride)
    shape = (*x.shape[:2], *pool_size(x, kernel, stride, padding, dilation, ceil_mode))
    values, indices = np.full(shape, -np.inf), np.full(shape, -1)
    for place in places(shape):
        for i, j in places(kernel):
            row = place[2] * stride[0] - padding[0] + i * dilation[0]
            column = place[3] * stride[1] - padding[1] + j * dilation[1]
            if not (0 <= row < x.shape[2] and 0 <= column < x.shape[3]):
                continue
            value = x[place[0], place[1], row, column]
            if indices[place] < 0 or value > values[place] or math.isnan(value):
                values[place], indices[place] = value, row * x.shape[3] + column
    return values, indices


def max_pool2d(x, *arguments, **options):
    return max_pool2d_with_indices(x, *arguments, **options)[0]


def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    kernel, padding = two(kernel_size), two(padding)
    stride = kernel if stride is None else two(stride)
    h, w = x.shape[2:]

    def value(place):
        total, counted = 0.0, 0
        for i, j in places(kernel):
            row, column = place[2] * stride[0] - padding[0] + i, place[3] * stride[1] - padding[1] + j
            inside = 0 <= row < h and 0 <= column < w
            if inside:
                total += x[place[0], place[1], row, column]
            # what hangs over the padding (ceil_mode) is neither picture nor padding
            counted += inside or (count_include_pad and row < h + padding[0] and column < w + padding[1])
        return total / counted if counted else 0.0

    return filled((*x.shape[:2], *pool_size(x, kernel, stride, padding, (1, 1), ceil_mode)), value)


def max_unpool2d(x, indices, kernel_size, stride=None, padding=0, output_size=None):
    kernel, padding = two(kernel_size), two(padding)
    stride = kernel if stride is None else two(stride)
    size = [s * (n - 1) + k - 2 * p for n, k, s, p in zip(x.shape[2:], kernel, stride, padding, strict=True)]
    size = size if output_size is None else two(output_size)[-2:]
    result = np.zeros((*x.shape[:2], *size))
    for place in places(x.shape):
        if indices[place] >= 0:  # -1: a window that saw padding only
            result[place[0], place[1], indices[place] // size[1], indices[place] % size[1]] = x[place]
    return result


def dropout(x, p=0.5, training=True, rng=None):
    """Documented: kept where the generator's float32 number, drawn in the order of x, is not below p."""
    numbers = np.random.default_rng(rng).random(x.shape, dtype=np.float32)
    if not training or p == 0:
        return x + 0.0
    return filled(x.shape, lambda place: x[place] / (1 - p) if numbers[place] >= p else 0.0)


def local_response_norm(x, size, alpha=1e-4, beta=0.75, k=1.0):
    def value(place):
        total = 0.0
        for channel in range(place[1] - size // 2, place[1] - size // 2 + size):
            if 0 <= channel < x.shape[1]:
                total += float(x[(place[0], channel, *place[2:])]) ** 2
        return x[place] / (k + alpha / size * total) ** beta

    return filled(x.shape, value)


def softmax_cross_entropy(scores, labels, weight=None, ignore_index=255, reduction="mean"):
    losses, divisor = np.zeros(labels.shape), 0.0
    for place in places(labels.shape):
        label = int(labels[place])
        if label == ignore_index:
            continue
        row = [float(scores[(place[0], c, *place[1:])]) for c in range(scores.shape[1])]
        largest = max(row)
        partition = largest + math.log(math.fsum(math.exp(value - largest) for value in row))
        factor = 1.0 if weight is None else float(weight[label])
        losses[place] = factor * (partition - row[label])
        divisor += factor
    if reduction == "none":
        return losses
    total = math.fsum(losses.ravel().tolist())
    return np.array(total if reduction == "sum" else total / divisor if divisor else 0.0)


def pairwise(formula):
    def oracle(a, b):
        rank = max(a.ndim, b.ndim)
        a, b = (v.reshape((1,) * (rank - v.ndim) + v.shape) for v in (a, b))
        shape = [n if m == 1 else m for m, n in zip(a.shape, b.shape, strict=True)]

        def value(place):
            left, right = (v[tuple(min(i, n - 1) for i, n in zip(place, v.shape, strict=True))] for v in (a, b))
            return formula(left, right)

        return filled(shape, value)

    return oracle


def matmul(a, b):
    rank = max(a.ndim, b.ndim)
    a, b = (v.reshape((1,) * (rank - v.ndim) + v.shape) for v in (a, b))
    batch = [n if m == 1 else m for m, n in zip(a.shape[:-2], b.shape[:-2], strict=True)]

    def value(place):
        left, right = (v[tuple(min(i, n - 1) for i, n in zip(place, v.shape[:-2], strict=False))] for v in (a, b))
        return math.fsum(float(left[place[-2], k]) * float(right[k, place[-1]]) for k in range(a.shape[-1]))

    return filled((*batch, a.shape[-2], b.shape[-1]), value)


def sum_over(x, axis=None, keepdims=False):
    axes = range(x.ndim) if axis is None else [a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
    result = np.zeros([1 if a in axes else n for a, n in enumerate(x.shape)])
    for place in places(x.shape):
        result[tuple(0 if a in axes else i for a, i in enumerate(place))] += x[place]
    return result if keepdims else result.reshape([n for a, n in enumerate(x.shape) if a not in axes])


def mean(x, axis=None, keepdims=False):
    total = sum_over(x, axis, keepdims)
    return filled(total.shape, lambda place: total[place] / (x.size / total.size))


def reshape(x, shape):
    known = math.prod(n for n in shape if n != -1)
    values = iter([x[place] for place in places(x.shape)])
    return filled([x.size // known if n == -1 else n for n in shape], lambda place: next(values))


def transpose(x, axes=None):
    axes = tuple(range(x.ndim))[::-1] if axes is None else axes
    return filled([x.shape[a] for a in axes], lambda place: x[tuple(place[axes.index(a)] for a in range(x.ndim))])


def concat(tensors, axis=0):
    shape = list(tensors[0].shape)
    shape[axis] = sum(part.shape[axis] for part in tensors)
    result, start = np.zeros(shape), 0
    for part in tensors:
        for place in places(part.shape):
            result[tuple(i + start * (a == axis) for a, i in enumerate(place))] = part[place]
        start += part.shape[axis]
    return result


def pad(x, padding, value=0.0):
    before, after = [0] * x.ndim, [0] * x.ndim
    for number, axis in enumerate(range(x.ndim - 1, x.ndim - 1 - len(padding) // 2, -1)):
        before[axis], after[axis] = padding[2 * number], padding[2 * number + 1]

    def at(place):
        source = tuple(i - b for i, b in zip(place, before, strict=True))
        return x[source] if all(0 <= i < n for i, n in zip(source, x.shape, strict=True)) else value

    return filled([n + b + a for n, b, a in zip(x.shape, before, after, strict=True)], at)


def crop_like(x, reference, offset=0):
    top, left = two(offset)
    shape = (*x.shape[:2], *reference.shape[2:])
    return filled(shape, lambda place: x[place[0], place[1], place[2] + top, place[3] + left])


def index(x, key):
    def pick(rows, first=None, *rest):
        if first is None:
            return rows
        if isinstance(first, int):
            return pick(rows[first], *rest)
        chosen = rows[first] if isinstance(first, slice) else [rows[number] for number in first]
        return [pick(row, *rest) for row in chosen]

    return np.array(pick(x.tolist(), *key), x.dtype)


def elementwise(formula):
    return lambda x: filled(x.shape, lambda place: formula(float(x[place])))


def sigmoid_of(x):
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


def pow_(a, b):
    return pairwise(lambda base, exponent: math.pow(base, exponent))(a, np.asarray(b))


def clip(x, min=None, max=None):
    def value(place):
        if min is not None and x[place] < min:
            return min
        return max if max is not None and x[place] > max else x[place]

    return filled(x.shape, value)


def log_softmax(x, axis=-1):
    axis = axis % x.ndim

    def value(place):
        row = [float(x[(*place[:axis], i, *place[axis + 1 :])]) for i in range(x.shape[axis])]
        largest = max(row)
        return float(x[place]) - largest - math.log(math.fsum(math.exp(v - largest) for v in row))

    return filled(x.shape, value)


def softmax(x, axis=-1):
    logarithms = log_softmax(x, axis)
    return filled(x.shape, lambda place: math.exp(logarithms[place]))


def resize2d(x, size, mode="bilinear", align_corners=False):
    """Each output pixel asks where it lies in the picture, and mixes the pixels around by how near they are."""
    oh, ow = two(size)

    def source(place, length, wanted):
        if align_corners:
            return place * (length - 1) / (wanted - 1) if wanted > 1 else 0.0
        return min(max((place + 0.5) * length / wanted - 0.5, 0.0), length - 1.0)

    def value(place):
        picture, channel, row, column = place
        h, w = x.shape[2:]
        if mode == "nearest":
            return x[picture, channel, row * h // oh, column * w // ow]
        y, z = source(row, h, oh), source(column, w, ow)
        mix = 0.0
        for i in range(h):
            for j in range(w):
                mix += max(0.0, 1 - abs(y - i)) * max(0.0, 1 - abs(z - j)) * float(x[picture, channel, i, j])
        return mix

    return filled((*x.shape[:2], oh, ow), value)


def batch_norm2d(x, weight=None, bias=None, mean=None, var=None, eps=1e-5):
    result = np.zeros(x.shape)
    for channel in range(x.shape[1]):
        numbers = [(p[0], channel, p[1], p[2]) for p in places((x.shape[0], *x.shape[2:]))]
        count = max(1, len(numbers))
        middle = math.fsum(float(x[p]) / count for p in numbers) if mean is None else float(mean[channel])
        # hypot: the root of a sum of squares that may not fit themselves
        spread = math.hypot(*((float(x[p]) - middle) / count**0.5 for p in numbers))
        deviation = math.hypot(spread, eps**0.5) if var is None else (float(var[channel]) + eps) ** 0.5
        for p in numbers:
            normal = (float(x[p]) - middle) / deviation
            scale = 1.0 if weight is None else float(weight[channel])
            result[p] = scale * normal + (0.0 if bias is None else float(bias[channel]))
    return result


ORACLES = {
    "abs": elementwise(lambda x: -x if x < 0 else x),
    "add": pairwise(lambda a, b: a + b),
    "avg_pool2d": avg_pool2d,
    "batch_norm2d": batch_norm2d,
    "clip": clip,
    "concat": concat,
    "conv2d": conv2d,
    "conv_transpose2d": conv_transpose2d,
    "crop_like": crop_like,
    "div": pairwise(lambda a, b: a / b),
    "dropout": dropout,
    "exp": elementwise(math.exp),
    "index": index,
    "local_response_norm": local_response_norm,
    "log": elementwise(math.log),
    "log_softmax": log_softmax,
    "matmul": matmul,
    "max_pool2d": max_pool2d,
    "max_unpool2d": max_unpool2d,
    "maximum": pairwise(lambda a, b: a if a > b else b),
    "mean": mean,
    "minimum": pairwise(lambda a, b: a if a < b else b),
    "mul": pairwise(lambda a, b: a * b),
    "neg": lambda x: filled(x.shape, lambda place: -x[place]),
    "pad": pad,
    "pow": pow_,
    "relu": lambda x: filled(x.shape, lambda place: max(x[place], 0.0)),
    "reshape": reshape,
    "resize2d": resize2d,
    "sigmoid": elementwise(sigmoid_of),
    "softmax": softmax,
    "softmax_cross_entropy": softmax_cross_entropy,
    "sqrt": elementwise(math.sqrt),
    "sub": pairwise(lambda a, b: a - b),
    "sum": sum_over,
    "tanh": elementwise(math.tanh),
    "transpose": transpose,
}
