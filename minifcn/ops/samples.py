"""A random valid call for each operation: what the gradient checks and the parity tests run.

Every option must be reachable, odd and tiny sizes included. Operations with kinks (ReLU, max-pool, maximum) get values from a shuffled
grid: all differ and none is near 0, so that a finite difference never steps over a kink.
"""

from typing import TypeAlias

import numpy as np

from minifcn.ops.registry import Call

Rng: TypeAlias = "np.random.Generator"  # in quotes, so that whoever draws nothing need not load it


def normal(rng: Rng, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape)


def distinct(rng: Rng, *shape: int) -> np.ndarray:
    """Values 0.1 apart, at least 0.05 away from 0, in random order."""
    count = int(np.prod(shape))
    return (rng.permutation(count).reshape(shape) - count // 2) * 0.1 + 0.05


def integer(rng: Rng, low: int, high: int) -> int:
    """low … high, both included."""
    return int(rng.integers(low, high + 1))


def pair(rng: Rng, low: int, high: int) -> int | tuple[int, int]:
    """An option as people give it: one number half of the time, else two."""
    if rng.random() < 0.5:
        return integer(rng, low, high)
    return (integer(rng, low, high), integer(rng, low, high))


def both(value: int | tuple[int, int]) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def picture_for(rng: Rng, kernel, padding, dilation, extra: int = 5) -> tuple[int, int]:
    """A picture (H, W) into which at least one window fits, often with a rest."""
    sizes = []
    for k, p, d in zip(both(kernel), both(padding), both(dilation), strict=True):
        sizes.append(integer(rng, max(1, d * (k - 1) + 1 - 2 * p), max(1, d * (k - 1) + 1 - 2 * p) + extra))
    return sizes[0], sizes[1]


def conv2d(rng: Rng) -> Call:
    groups = integer(rng, 1, 3)
    c, o = groups * integer(rng, 1, 2), groups * integer(rng, 1, 2)
    kernel = (integer(rng, 1, 4), integer(rng, 1, 4))
    stride, dilation = pair(rng, 1, 3), pair(rng, 1, 2)
    padding: object = pair(rng, 0, 3)
    if rng.random() < 0.2:
        padding, stride = "same", 1
    size = picture_for(rng, kernel, 0 if padding == "same" else padding, dilation)
    inputs = [normal(rng, integer(rng, 1, 3), c, *size), normal(rng, o, c // groups, *kernel)]
    if rng.random() < 0.7:
        inputs.append(normal(rng, o))
    return Call(tuple(inputs), dict(stride=stride, padding=padding, dilation=dilation, groups=groups))


def conv_transpose2d(rng: Rng) -> Call:
    groups = integer(rng, 1, 3)
    c, o = groups * integer(rng, 1, 2), integer(rng, 1, 2)
    kernel = (integer(rng, 1, 4), integer(rng, 1, 4))
    stride, dilation = both(pair(rng, 1, 3)), both(pair(rng, 1, 2))
    padding = tuple(integer(rng, 0, min(2, d * (k - 1) // 2)) for k, d in zip(kernel, dilation, strict=True))
    # PyTorch wants output_padding below stride or dilation
    extra = tuple(integer(rng, 0, max(s, d) - 1) for s, d in zip(stride, dilation, strict=True))
    size = (integer(rng, 1, 4), integer(rng, 1, 4))
    options: dict = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    axes = list(zip(size, stride, padding, dilation, kernel, extra, strict=True))
    smallest = [s * (n - 1) + d * (k - 1) + 1 - 2 * p for n, s, p, d, k, _ in axes]
    if min(smallest) < 1:
        return conv_transpose2d(rng)
    if rng.random() < 0.5 and all(e < s for _, s, _, _, _, e in axes):
        options["output_size"] = tuple(small + e for small, e in zip(smallest, extra, strict=True))
    else:
        options["output_padding"] = extra
    inputs = [normal(rng, integer(rng, 1, 2), c, *size), normal(rng, c, o, *kernel)]
    if "output_size" in options and rng.random() < 0.3:  # the whole shape is as good
        options["output_size"] = (len(inputs[0]), o * groups, *options["output_size"])
    if rng.random() < 0.7:
        inputs.append(normal(rng, o * groups))
    return Call(tuple(inputs), options)


def pool(rng: Rng, values, dilated: bool) -> Call:
    kernel, stride = both(pair(rng, 1, 3)), pair(rng, 1, 3)
    dilation = pair(rng, 1, 2) if dilated else 1
    padding = tuple(integer(rng, 0, k // 2) for k in kernel)  # PyTorch's limit; ours is kernel - 1
    size = picture_for(rng, kernel, padding, dilation)
    x = values(rng, integer(rng, 1, 2), integer(rng, 1, 3), *size)
    options = dict(kernel_size=kernel, stride=stride, padding=padding, ceil_mode=bool(rng.random() < 0.5))
    return Call((x,), options | ({"dilation": dilation} if dilated else {}))


def max_pool2d(rng: Rng) -> Call:
    return pool(rng, distinct, dilated=True)


def avg_pool2d(rng: Rng) -> Call:
    call = pool(rng, normal, dilated=False)
    return Call(call.inputs, call.options | {"count_include_pad": bool(rng.random() < 0.5)})


def max_unpool2d(rng: Rng) -> Call:
    n, c, oh, ow, k = (integer(rng, low, high) for low, high in ((1, 2), (1, 3), (1, 3), (1, 3), (1, 3)))
    h, w = oh * k + integer(rng, 0, k - 1), ow * k + integer(rng, 0, k - 1)
    # one place inside each window, as max-pool with stride = kernel would report it
    rows = np.arange(oh)[:, None] * k + rng.integers(0, k, (n, c, oh, ow))
    columns = np.arange(ow)[None, :] * k + rng.integers(0, k, (n, c, oh, ow))
    options: dict = dict(indices=rows * w + columns, kernel_size=k, output_size=(h, w))
    x = normal(rng, n, c, oh, ow)
    if rng.random() < 0.3:
        options["output_size"] = (n, c, h, w)  # the whole shape is as good
    if rng.random() < 0.3:
        options["indices"][rng.random(x.shape) < 0.3] = -1  # windows that saw padding only
    return Call((x,), options)


def relu(rng: Rng) -> Call:
    return Call((distinct(rng, *rng.integers(1, 5, integer(rng, 1, 4))),))


def dropout(rng: Rng) -> Call:
    options = dict(p=float(rng.choice([0.0, 0.3, 0.5])), training=bool(rng.random() < 0.7), rng=integer(rng, 0, 99))
    return Call((normal(rng, *rng.integers(1, 6, integer(rng, 1, 4))),), options)


def local_response_norm(rng: Rng) -> Call:
    x = normal(rng, integer(rng, 1, 2), integer(rng, 1, 7), integer(rng, 1, 3), integer(rng, 1, 3))
    options = dict(
        size=integer(rng, 1, 6),
        alpha=float(rng.uniform(0.1, 2)),
        beta=float(rng.uniform(0.3, 1)),
        k=float(rng.uniform(1, 2)),
    )
    return Call((x,), options)


def softmax_cross_entropy(rng: Rng) -> Call:
    n, c = integer(rng, 1, 3), integer(rng, 1, 5)
    size = tuple(int(v) for v in rng.integers(1, 4, integer(rng, 0, 2)))
    ignore = int(rng.choice([255, -1, 0, -100]))
    labels = rng.integers(0, c, (n, *size))
    labels[rng.random(labels.shape) < 0.2] = ignore
    weight = rng.uniform(0.2, 2, c) if rng.random() < 0.5 else None
    options = dict(
        labels=labels, weight=weight, ignore_index=ignore, reduction=str(rng.choice(["mean", "sum", "none"]))
    )
    return Call((3 * normal(rng, n, c, *size),), options)


def broadcast_pair(rng: Rng) -> Call:
    shape = rng.integers(1, 5, integer(rng, 1, 4))
    other = np.where(rng.random(len(shape)) < 0.3, 1, shape)[integer(rng, 0, len(shape) - 1) :]
    pairs = (normal(rng, *shape), normal(rng, *other))
    return Call(pairs if rng.random() < 0.5 else pairs[::-1])


def divide(rng: Rng) -> Call:
    a, b = broadcast_pair(rng).inputs
    return Call((a, np.where(b < 0, b - 0.5, b + 0.5)))  # away from the pole


def maximum(rng: Rng) -> Call:
    """No value of one is near any of the other: a step crosses no tie."""
    a, b = broadcast_pair(rng).inputs
    values = distinct(rng, a.size + b.size)
    return Call((values[: a.size].reshape(a.shape), values[a.size :].reshape(b.shape)))


def matmul(rng: Rng) -> Call:
    m, k, n = (integer(rng, 1, 4) for _ in range(3))
    batch = tuple(int(v) for v in rng.integers(1, 4, integer(rng, 0, 2)))
    other = tuple(np.where(rng.random(len(batch)) < 0.4, 1, batch))[integer(rng, 0, len(batch)) :]
    return Call((normal(rng, *batch, m, k), normal(rng, *other, k, n)))


def one(rng: Rng) -> Call:
    return Call((normal(rng, *rng.integers(1, 5, integer(rng, 1, 4))),))


def positive(rng: Rng) -> Call:
    return Call((rng.uniform(0.3, 3, rng.integers(1, 5, integer(rng, 1, 4))),))


def powers(rng: Rng) -> Call:
    """A base above 0 with any exponent, both to differentiate by; or any base away from 0 with a whole number as an option."""
    a, b = broadcast_pair(rng).inputs
    if rng.random() < 0.5:
        return Call((0.5 + np.abs(a), b))
    return Call((np.where(a < 0, a - 0.5, a + 0.5),), dict(b=integer(rng, -2, 3)))


def along_one_axis(rng: Rng) -> Call:
    x = one(rng).inputs[0]
    return Call((2 * x,), dict(axis=integer(rng, -x.ndim, x.ndim - 1)))


def clip(rng: Rng) -> Call:
    """Limits half-way between the values of the grid; one of them may be None, and all values may lie beyond."""
    low = 0.1 * integer(rng, -9, 5)
    high = low + 0.1 * integer(rng, 0, 9)
    limits = [dict(min=low, max=high), dict(min=low), dict(max=high)][integer(rng, 0, 2)]
    return Call((distinct(rng, *rng.integers(1, 5, integer(rng, 1, 4))),), limits)


def reduction(rng: Rng) -> Call:
    x = one(rng).inputs[0]
    axes = tuple(int(a) for a in rng.permutation(x.ndim)[: integer(rng, 1, x.ndim)])
    axis = [None, axes, axes[0], axes[0] - x.ndim][integer(rng, 0, 3)]
    return Call((x,), dict(axis=axis, keepdims=bool(rng.random() < 0.5)))


def reshape(rng: Rng) -> Call:
    x = one(rng).inputs[0]
    return Call((x,), dict(shape=[(-1,), (x.shape[0], -1), (1, x.size), (x.size, 1, 1)][integer(rng, 0, 3)]))


def transpose(rng: Rng) -> Call:
    x = one(rng).inputs[0]
    return Call((x,), dict(axes=tuple(int(a) for a in rng.permutation(x.ndim))))


def concat(rng: Rng) -> Call:
    shape = rng.integers(1, 5, integer(rng, 1, 4))
    axis = integer(rng, 0, len(shape) - 1)
    lengths = rng.integers(1, 4, integer(rng, 1, 3))
    parts = tuple(normal(rng, *np.where(np.arange(len(shape)) == axis, length, shape)) for length in lengths)
    return Call(parts, dict(axis=axis), as_list=True)


def pad(rng: Rng) -> Call:
    x = normal(rng, *rng.integers(3, 6, integer(rng, 2, 4)))
    return Call((x,), dict(padding=tuple(int(p) for p in rng.integers(-1, 3, 4)), value=float(rng.normal())))


def crop_like(rng: Rng) -> Call:
    h, w = integer(rng, 1, 3), integer(rng, 1, 3)
    offset = (integer(rng, 0, 2), integer(rng, 0, 2))
    n, c = integer(rng, 1, 2), integer(rng, 1, 3)
    x = normal(rng, n, c, h + offset[0] + integer(rng, 0, 2), w + offset[1] + integer(rng, 0, 2))
    return Call((x,), dict(reference=np.zeros((n, 1, h, w)), offset=offset))


def index(rng: Rng) -> Call:
    x = one(rng).inputs[0]
    key: list = []
    for length in x.shape[: integer(rng, 1, x.ndim)]:
        start = integer(rng, 0, length - 1)
        key.append(slice(start, integer(rng, start + 1, length), integer(rng, 1, 2)))
    place = integer(rng, 0, len(key) - 1)
    length = x.shape[place]
    if rng.random() < 0.4:
        key[place] = integer(rng, -length, length - 1)
    elif rng.random() < 0.6:
        key[place] = rng.integers(0, length, 3)  # an element may be named twice
    return Call((x,), dict(key=tuple(key)))


def resize2d(rng: Rng) -> Call:
    x = normal(rng, integer(rng, 1, 2), integer(rng, 1, 3), integer(rng, 1, 5), integer(rng, 1, 5))
    mode = str(rng.choice(["bilinear", "bilinear", "nearest"]))
    align_corners = mode == "bilinear" and bool(rng.random() < 0.5)
    return Call((x,), dict(size=pair(rng, 1, 9), mode=mode, align_corners=align_corners))


def batch_norm2d(rng: Rng) -> Call:
    c = integer(rng, 1, 3)
    x = 2 * normal(rng, integer(rng, 1, 3), c, integer(rng, 2, 4), integer(rng, 2, 3))
    options: dict = dict(eps=float(rng.choice([1e-5, 0.1])))
    if rng.random() < 0.4:
        options |= dict(mean=normal(rng, c), var=rng.uniform(0.3, 2, c))
    return Call((x, normal(rng, c), normal(rng, c)) if rng.random() < 0.7 else (x,), options)
