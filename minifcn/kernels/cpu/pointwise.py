"""Elementwise kernels for speed, and the sums beside them: loss, ReLU, bias.

Each of these does little with much memory. The simple kernels walk over the whole array once for every step of the formula, and each walk
fetches the array from far away. Here a block that fits the cache goes through all the steps before the next one comes, in scratch memory;
the result lies in memory that was used before (`memory.py`); and rows are made long, for NumPy takes longer to begin a row of 21 numbers
than to add it up.

    M pixels   C classes or channels   B pixels of a block
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from minifcn.kernels import simple, threads
from minifcn.kernels.cpu import memory
from minifcn.kernels.cpu.calls import NOW, Calls

Array = Any

# Numbers of an elementwise block. Smaller ones would stay in a core's own cache, but a thread that ends a NumPy call waits for Python's lock
# where another holds it, and with 5 µs a call two threads were slower than one. At 1 MiB a block they are twice as fast.
BLOCK = 1 << 18
SCORES = 160_000  # numbers of a block of the loss: in the L2 cache, and so many that two threads seldom wait for Python's lock
LONG = 1 << 12  # numbers in a row, where rows can be joined


def blocks(length: int, size: int) -> list[slice]:
    """0 … length - 1 in equal slices of about `size`. The same for any number of threads."""
    step = max(1, -(-length // threads.shares(length, size, alone=2)))
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


def run(job: Any, jobs: list[Any]) -> None:
    """`threads.run`, but a single job is done here: to wake a thread takes longer than a small array."""
    if len(jobs) > 1:
        threads.run(job, jobs)
    elif jobs:
        job(jobs[0])


def integers(x: Array) -> Array:
    """The same bytes as integers. A product with 0 or 1 is then exact, and 0 even where x is infinite or NaN."""
    return x.view(np.int32 if x.itemsize == 4 else np.int64)


def in_blocks(step: Callable[..., None], *arrays: Array) -> None:
    """step(*arrays), which changes them in place, number by number; block by block and on all threads where they lie alike in memory."""
    first = arrays[0]
    order = sorted(range(first.ndim), key=lambda axis: -first.strides[axis])
    rows = [array.transpose(order) for array in arrays]
    if first.size <= BLOCK or not all(isinstance(row, np.ndarray) and row.flags.c_contiguous for row in rows):
        step(*arrays)
        return
    rows = [row.reshape(-1) for row in rows]

    def job(block: slice) -> None:
        step(*(row[block] for row in rows))

    run(job, blocks(first.size, BLOCK))


def score_blocks(scores: Array) -> list[tuple[int, slice]]:
    """(picture, pixels), about SCORES numbers each: the same for any number of threads."""
    n, classes, pixels = scores.shape
    step = max(1, SCORES // classes)
    return [
        (picture, slice(start, min(start + step, pixels))) for picture in range(n) for start in range(0, pixels, step)
    ]


def laid_like(scores: Array) -> Array:
    """(N, C, P): an array whose classes lie in memory as those of `scores`, plane by plane or last."""
    n, classes, pixels = scores.shape
    if scores.strides[1] > scores.strides[2]:
        return memory.empty((n, classes, pixels), scores.dtype)
    return memory.empty((n, pixels, classes), scores.dtype).transpose(0, 2, 1)


def in_rows(scores: Array) -> tuple[Array, int, int]:
    """An array that lies like one of `laid_like`, a row a picture, a view; and how far apart in it the classes of a pixel and the pixels lie."""
    n, classes, pixels = scores.shape
    if scores.flags.c_contiguous:
        return scores.reshape(n, classes * pixels), pixels, 1  # not -1, which no empty batch has
    return scores.transpose(0, 2, 1).reshape(n, classes * pixels), 1, classes


def softmax_cross_entropy(scores: Array, labels: Array, valid: Array) -> tuple[Array, Array]:
    """As `simple.softmax_cross_entropy`."""
    losses, softmax = np.empty(labels.shape, scores.dtype), laid_like(scores)
    numbers = np.arange(labels.shape[1])

    def job(part: tuple[int, slice]) -> None:
        picture, some = part
        shifted = memory.scratch(0, (scores.shape[1], some.stop - some.start), scores.dtype)
        with np.errstate(
            invalid="ignore", over="ignore"
        ):  # as in the simple kernel: infinite scores, or very large ones
            np.copyto(shifted, scores[picture, :, some])
            sums = shifted.max(0)
            shifted -= sums
            # one index into one row takes a third of the time of two into two axes
            at_label = shifted.reshape(-1).take(labels[picture, some] * len(sums) + numbers[: len(sums)])
            np.exp(shifted, out=shifted)
            np.add.reduce(shifted, 0, out=sums)
            np.divide(shifted, sums, out=softmax[picture, :, some])
            np.subtract(np.log(sums), at_label, out=losses[picture, some])  # -log softmax[label]

    run(job, score_blocks(scores))
    losses[~valid] = 0
    return losses, softmax


def softmax_cross_entropy_gradient(softmax: Array, labels: Array, valid: Array, factor: Array) -> Array:
    """As `simple.softmax_cross_entropy_gradient`, to the last bit, and in the memory of `softmax`, which is lost."""
    factor = np.where(valid, factor, factor.dtype.type(0))
    if not (softmax.flags.c_contiguous or softmax.transpose(0, 2, 1).flags.c_contiguous):
        softmax = softmax.copy()
    rows, class_step, pixel_step = in_rows(softmax)
    numbers = np.arange(labels.shape[1]) * pixel_step

    def job(part: tuple[int, slice]) -> None:
        picture, some = part
        row, grad = rows[picture], softmax[picture, :, some]
        at_label = labels[picture, some] * class_step + numbers[some]
        with np.errstate(invalid="ignore"):
            row[at_label] = row.take(at_label) - row.dtype.type(1)
            grad *= factor[picture, some]
            # one infinite score makes the whole softmax of a pixel NaN, and 0·NaN is NaN
            if np.isnan(grad[0]).any():
                grad[:, ~valid[picture, some]] = 0

    run(job, score_blocks(softmax))
    return softmax


def dense(x: Array) -> Any:
    """All numbers of x as one row in the order of memory, a view; None where x has gaps or its channels do not come last."""
    last = x.transpose(0, 2, 3, 1) if x.ndim == 4 else x
    return last.reshape(-1) if last.flags.c_contiguous else None


def like(x: Array) -> Array:
    """An array of x's shape and dtype, its channels last in memory where it has four axes."""
    if x.ndim != 4:
        return memory.empty(x.shape, x.dtype)
    n, c, h, w = x.shape
    return memory.empty((n, h, w, c), x.dtype).transpose(0, 3, 1, 2)


@cache
def zeros(dtype: Any) -> Array:
    """A row of zeros. The larger of a number and 0 costs four times as much as the larger of two numbers of arrays: NumPy 1.24 to 2.4."""
    row = np.zeros(LONG, dtype)
    row.setflags(write=False)
    return row


def along(do: Calls, function: str, numbers: Array, row: Array, out: Array) -> None:
    """out = function(numbers, row), the row again and again: numbers and out as one row each, as they lie in memory."""
    source, to = numbers.reshape(-1), out.reshape(-1)
    whole = len(source) // len(row) * len(row)
    call = getattr(do, function)
    if whole:
        call(source[:whole].reshape(-1, len(row)), row, out=to[:whole].reshape(-1, len(row)))
    if whole < len(source):
        call(source[whole:], row[: len(source) - whole], out=to[whole:])


def relu(x: Array) -> Array:
    """As `simple.relu`."""
    result = like(x)
    source, to = dense(x), dense(result)
    run(lambda block: along(NOW, "maximum", source[block], zeros(x.dtype), to[block]), blocks(x.size, BLOCK))
    return result


def relu_gradient(y: Array, grad: Array) -> Array:
    """As `simple.relu_gradient`."""
    result = like(y)
    values, to = dense(y), dense(result)
    source = dense(grad)
    if source is None:
        source = simple.channels_last(grad).reshape(-1)

    def job(block: slice) -> None:
        mask = memory.scratch(0, (block.stop - block.start,), integers(to).dtype)
        np.greater(values[block], 0, out=mask)
        np.multiply(integers(source[block]), mask, out=integers(to[block]))

    run(job, blocks(y.size, BLOCK))
    return result


def bias_row(bias: Array) -> Array:
    """bias (O,) for several pixels one after the other: about LONG numbers, a whole number of pixels."""
    return np.tile(bias, max(1, LONG // len(bias)))


def add_bias(y: Array, bias: Array) -> Array:
    """y (N, O, OH, OW) += bias (O,), in place: several pixels with all their channels make one long row."""
    rows = y.transpose(0, 2, 3, 1).reshape(-1)  # a view: suits() asked for channels last
    row = bias_row(bias)

    def job(block: slice) -> None:
        numbers = rows[block.start * len(row) : block.stop * len(row)]
        along(NOW, "add", numbers, row, numbers)

    run(job, blocks(-(-rows.size // len(row)), max(1, BLOCK // len(row))))
    return y


def bias_gradient(grad: Array) -> Array:
    """As `simple.bias_gradient`: 256 pixels at a time as a product with ones, then float64. The order of additions is fixed."""
    rows = simple.channels_last(grad).reshape(-1, grad.shape[1])  # (M, O)
    ones = np.ones(256, grad.dtype)
    parts = blocks(len(rows), max(1, BLOCK // rows.shape[1]))
    sums = np.zeros((len(parts), rows.shape[1]))

    def job(number: int) -> None:
        some = rows[parts[number]]
        whole = len(some) // 256 * 256
        sums[number] = (ones @ some[:whole].reshape(-1, 256, some.shape[1])).sum(0, dtype=np.float64)
        sums[number] += some[whole:].sum(0, dtype=np.float64)

    run(job, list(range(len(parts))))
    return sums.sum(0).astype(grad.dtype)


def _fits(x: Array) -> bool:
    return isinstance(x, np.ndarray) and x.dtype in (np.float32, np.float64)


def suits_loss(scores: Array, *others: Array) -> bool:
    return _fits(scores)


def suits_relu(x: Array, grad: Array | None = None) -> bool:
    return (
        _fits(x)
        and dense(x) is not None
        and (grad is None or (_fits(grad) and grad.dtype == x.dtype and (x.ndim == 4 or dense(grad) is not None)))
    )


def suits_bias(y: Array, bias: Array | None = None) -> bool:
    return _fits(y) and y.ndim == 4 and (bias is None or dense(y) is not None)
