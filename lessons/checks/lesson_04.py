"""Checks of lesson 04: the size of a convolution's result, taps, dilation."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from checks import loops
from checks.gradients import untouched
from checks.loops import Pair
from checks.verdict import check, close, counted, equal, wrong


@check
def conv2d_size(answer: Any) -> None:
    """conv2d_size((5, 7), (3, 3), (1, 2), (0, 1)) -> (3, 4): rows and columns of the result, all options (vertical, horizontal)."""
    cases: list[tuple[Pair, Pair, Pair, Pair]] = [
        ((8, 8), (3, 3), (1, 1), (0, 0)),
        ((8, 9), (3, 3), (1, 1), (1, 1)),
        ((8, 9), (3, 2), (2, 3), (0, 0)),
        ((5, 7), (3, 3), (1, 2), (0, 1)),
        ((375, 500), (3, 3), (1, 1), (100, 100)),
        ((227, 227), (11, 11), (4, 4), (0, 0)),
        ((2, 3), (2, 3), (5, 5), (0, 0)),
        ((11, 10), (3, 3), (3, 4), (0, 0)),  # two thirds and three quarters of a step are left
        ((1, 1), (4, 3), (2, 1), (2, 1)),
    ]
    answers = [answer(*case) for case in cases]
    for found, (size, kernel, stride, padding) in zip(answers, cases, strict=True):
        wanted = tuple(loops.windows_that_fit(*of_axis) for of_axis in zip(size, kernel, stride, padding, strict=True))
        try:
            found = tuple(found)
        except TypeError:
            wrong(f"expected two numbers (OH, OW), got {found!r}")
        if found != wanted:
            called = f"size {size}, kernel {kernel}, stride {stride}, padding {padding}"
            wrong(f"{size_fault(cases, answers)}; for {called} it gave {found}, expected {wanted}")
        equal([int(number) for number in found], wanted, "")  # not 3.0, not True
        if not all(isinstance(number, int | np.integer) for number in found):
            wrong(f"expected whole numbers, got {found}: // divides and rounds down, / does not")


SIZE_FAULTS: dict[str, Callable[[int, int, int, int], float]] = {
    "the padding is on both sides: add it twice": lambda h, k, s, p: (h + p - k) // s + 1,
    "the padding is missing": lambda h, k, s, p: (h - k) // s + 1,
    "the padding makes the picture larger; you take it away": lambda h, k, s, p: (h - 2 * p - k) // s + 1,
    "one window too few: the first one needs no step, so add 1 after dividing": lambda h, k, s, p: (h + 2 * p - k) // s,
    "rounded up: a window that would hang over the edge is not made": lambda h, k, s, p: -(-(h + 2 * p - k) // s) + 1,
    "rounded to the nearest: a window that would hang over the edge is not made, however little": lambda h, k, s, p: round((h + 2 * p - k) / s) + 1,
    "add 1 after dividing by the stride, not before": lambda h, k, s, p: (h + 2 * p - k + 1) // s,
    "the kernel is left out: the last window begins a kernel before the end": lambda h, k, s, p: (h + 2 * p) // s,
    "take the kernel off before you divide by the stride": lambda h, k, s, p: (h + 2 * p) // s - k + 1,
    "put brackets: only the kernel is divided by the stride": lambda h, k, s, p: h + 2 * p - k // s + 1,
    "there are no half windows: // divides and rounds down, / does not": lambda h, k, s, p: (h + 2 * p - k) / s + 1,
}  # fmt: skip


def size_fault(cases: list[tuple[Pair, Pair, Pair, Pair]], answers: list[Any]) -> str:
    """What a wrong size looks like: a mistake that explains every answer, for several give the same number here and there."""
    axes = [list(zip(*case, strict=True)) for case in cases]
    for hint, size in SIZE_FAULTS.items():
        if all(list(found) == [size(*each) for each in case] for found, case in zip(answers, axes, strict=True)):
            return hint
    right = [[(h + 2 * p - k) // s + 1 for h, k, s, p in case] for case in axes]
    if all(list(found) == wanted[::-1] for found, wanted in zip(answers, right, strict=True)):
        return "rows and columns are exchanged: every pair is (vertical, horizontal)"
    return "how often can the first window be moved by the stride and still fit? And one more: the first"


def arrays(seed: int, x: tuple[int, ...], weight: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal(x), rng.standard_normal(weight)


TAPS = [
    ((2, 3, 6, 7), (3, 3, 3, 3), 1, 0),  # a square kernel first: exchanged taps fit in, and are told
    ((1, 1, 4, 5), (1, 1, 2, 3), 1, 0),
    ((2, 3, 6, 7), (4, 3, 3, 2), 1, 2),
    ((2, 2, 9, 8), (3, 2, 3, 3), 2, 1),
    ((1, 2, 7, 8), (2, 2, 2, 2), 3, 0),
    ((2, 3, 4, 4), (5, 3, 1, 1), 1, 0),
    ((1, 2, 3, 3), (2, 2, 3, 3), 2, 0),
]


@check
def conv2d_taps(answer: Any) -> None:
    """conv2d_taps(x, weight, stride, padding) -> (N, O, OH, OW): a convolution without bias; stride and padding are integers."""
    for seed, (shape, weight_shape, stride, padding) in enumerate(TAPS):
        x, weight = arrays(seed, shape, weight_shape)
        lent = x.copy()
        found = answer(lent, weight, stride, padding)
        untouched("x", x, lent)
        options = (stride, stride), (padding, padding), (1, 1)
        compare(found, x, weight, None, *options)
    single = np.asarray(answer(x.astype(np.float32), weight.astype(np.float32), stride, padding))
    if single.dtype != np.float32:
        wrong(f"float32 comes in and {single.dtype} goes out; give np.zeros the dtype of x")
    counted()


@check
def conv2d_dilated(answer: Any) -> None:
    """conv2d_dilated(x, weight, bias, stride, padding, dilation) -> (N, O, OH, OW); the last three are (vertical, horizontal)."""
    cases = [
        ((2, 3, 7, 8), (4, 3, 3, 3), (1, 1), (0, 0), (1, 1)),
        ((2, 3, 9, 9), (4, 3, 3, 3), (1, 1), (0, 0), (2, 2)),
        ((1, 2, 9, 8), (3, 2, 2, 3), (1, 1), (0, 0), (3, 2)),
        ((2, 2, 8, 11), (3, 2, 3, 2), (2, 3), (1, 2), (1, 1)),
        ((1, 2, 9, 12), (2, 2, 3, 3), (2, 1), (2, 3), (2, 3)),
        ((1, 1, 5, 5), (1, 1, 1, 1), (4, 3), (0, 1), (7, 7)),
    ]
    for seed, (shape, weight_shape, stride, padding, dilation) in enumerate(cases):
        x, weight = arrays(seed, shape, weight_shape)
        bias = np.arange(1.0, len(weight) + 1)
        compare(answer(x.copy(), weight, bias, stride, padding, dilation), x, weight, bias, stride, padding, dilation)


def compare(
    found: Any, x: np.ndarray, weight: np.ndarray, bias: Any, stride: Pair, padding: Pair, dilation: Pair
) -> None:
    """Count one case, or say what the wrong convolution looks like."""
    wanted = loops.conv2d(x, weight, bias, stride, padding, dilation)
    shape = getattr(found, "shape", None)
    called = f"x {x.shape}, weight {weight.shape}, stride {stride}, padding {padding}, dilation {dilation}"
    if shape != wanted.shape:
        if shape is not None and loops.conv_size(x, weight, stride, padding, (1, 1)) == shape[2:] and max(dilation) > 1:
            wrong(
                f"the size forgets the dilation: a window spans dilation·(kernel - 1) + 1 pixels; got {shape} for {called}"
            )
        if shape is not None and loops.conv_size(x, weight, stride, padding, dilation[::-1]) == shape[2:]:
            wrong(
                f"the dilations are exchanged: (vertical, horizontal); expected the shape {wanted.shape}, got {shape}"
            )
        if shape is not None and max(dilation) > 1:
            longer = tuple(
                (h + 2 * p - d * k) // s + 1
                for h, k, s, p, d in zip(x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True)
            )
            if shape[2:] == longer:
                wrong(
                    f"between k taps there are k - 1 gaps; the windows that you count are too long; got {shape} for {called}"
                )
        if shape is not None and max(padding) and loops.conv_size(x, weight, stride, (0, 0), dilation) == shape[2:]:
            wrong(f"the size leaves the padding out; expected the shape {wanted.shape}, got {shape}, for {called}")
        if shape is not None and loops.conv_size(x, weight, stride[::-1], padding, dilation) == shape[2:]:
            wrong(f"the strides are exchanged: (vertical, horizontal); expected the shape {wanted.shape}, got {shape}")
        wrong(f"expected the shape {wanted.shape}, got {shape}, for {called}")

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        for hint, pattern in mistakes(x, weight, bias, stride, padding, dilation):
            if pattern.shape == found.shape and np.allclose(found, pattern):
                return f"{hint}; for {called}"
        off = (np.abs(found - wanted) > 1e-9).any((0, 1))
        rows, columns = np.nonzero(off)
        if min(off.shape) > 2 and not off[1:-1, 1:-1].any():
            return f"right in the middle, wrong at places such as {(int(rows[0]), int(columns[0]))}: look at the edges; for {called}"
        return f"every result is a window times a weight, added up over channels and taps; for {called}"

    close(found, wanted, fault)


def mistakes(
    x: np.ndarray, weight: np.ndarray, bias: Any, stride: Pair, padding: Pair, dilation: Pair
) -> Iterator[tuple[str, np.ndarray]]:
    """What each common mistake would have given."""
    right: Callable[..., np.ndarray] = loops.conv2d
    yield (
        "the kernel is turned round; here it is laid on as it is",
        right(x, weight[:, :, ::-1, ::-1], bias, stride, padding, dilation),
    )
    if weight.shape[2] == weight.shape[3]:
        yield (
            "rows and columns of the kernel are exchanged",
            right(x, weight.transpose(0, 1, 3, 2), bias, stride, padding, dilation),
        )
    if weight.shape[0] == weight.shape[1]:
        yield (
            "input and output channels of the weight are exchanged; it is (O, C, KH, KW)",
            right(x, weight.transpose(1, 0, 2, 3), bias, stride, padding, dilation),
        )
    yield (
        "only the first input channel counts; add up over all of them",
        right(x[:, :1], weight[:, :1], bias, stride, padding, dilation),
    )
    yield (
        "the picture is repeated at its edge; padding is zeros",
        right(edged(x, padding), weight, bias, stride, (0, 0), dilation),
    )
    h, w = weight.shape[2:]
    last = np.zeros_like(weight)
    last[:, :, -1, -1] = weight[:, :, -1, -1]
    yield (
        "only the last tap is left: you assign in the loop over the taps; add",
        right(x, last, bias, stride, padding, dilation),
    )
    size = loops.conv_size(x, weight, stride, padding, dilation)
    if max(stride) > 1:
        yield (
            "the taps do not step by the stride: x[…, i : … : stride, j : … : stride]",
            right(x, weight, bias, (1, 1), padding, dilation)[:, :, : size[0], : size[1]],
        )
    if max(dilation) > 1:
        yield (
            "the taps are not pulled apart: neighbours look at pixels that lie the dilation apart",
            right(x, weight, bias, stride, padding, (1, 1))[:, :, : size[0], : size[1]],
        )
    if bias is not None:
        yield "the bias is missing", right(x, weight, None, stride, padding, dilation)
        yield (
            "the bias is added once a tap, it must be added once",
            right(x, weight, h * w * bias, stride, padding, dilation),
        )


def edged(x: np.ndarray, padding: Pair) -> np.ndarray:
    return np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2), mode="edge")
