"""Checks of lesson 06: a leaky ReLU's backward, max pooling forward and backward."""

from collections.abc import Callable
from typing import Any

import numpy as np

from checks import loops
from checks.gradients import right_gradient, untouched
from checks.verdict import check, close, counted, wrong


@check
def leaky_relu_backward(answer: Any) -> None:
    """leaky_relu_backward(grad, x, slope) -> array: grad where x > 0, slope · grad elsewhere."""
    rng = np.random.default_rng(6)
    for shape, slope in (((7,), 0.1), ((2, 3, 4, 5), 0.01), ((3, 3), 0.0), ((1, 0), 0.2)):
        x, grad = rng.standard_normal(shape), rng.standard_normal(shape)
        lent_x, lent_grad = x.copy(), grad.copy()
        found = answer(lent_grad, lent_x, slope)
        untouched("grad", grad, lent_grad)
        untouched("x", x, lent_x)
        wanted = np.array([g if v > 0 else slope * g for g, v in zip(grad.flat, x.flat, strict=True)]).reshape(shape)
        close(found, wanted, leaky_fault(grad, x, slope))
    found = answer(np.array([3.0, 3.0]), np.array([0.0, -0.0]), 0.1)
    close(found, np.array([0.3, 0.3]), "exactly at 0 the left side's slope is asked for: x > 0, not x >= 0")
    found = np.asarray(answer(np.ones(3, np.float32), np.array([-1, 0, 1], np.float32), 0.1))
    if found.dtype != np.float32:
        wrong(f"float32 comes in and {found.dtype} goes out; keep it")
    counted()
    x = np.where(rng.random((3, 4)) < 0.5, -1.0, 1.0) * rng.uniform(0.2, 2, (3, 4))  # away from the kink
    right_gradient(lambda x: np.where(x > 0, x, 0.3 * x), lambda grad, x: answer(grad, x, 0.3), x)


def leaky_fault(grad: np.ndarray, x: np.ndarray, slope: float) -> Callable[[Any, Any], str]:
    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        patterns = [
            (np.where(grad > 0, grad, slope * grad), "the mask comes from x, the sign of grad does not matter"),
            (np.where(x > 0, 1, slope), "that is the slope; multiply it by the incoming gradient"),
            (np.where(x > 0, grad, 0), "below 0 something passes: slope · grad"),
            (np.where(x > 0, grad, slope), "below 0 the slope must be multiplied by grad"),
            (np.where(x > 0, grad, slope * x), "below 0 that is the forward; its slope is `slope`, not slope · x"),
            (np.where(x > 0, slope * grad, grad), "the mask is turned round: above 0 the slope is 1"),
            (np.where(x > 0, grad, -slope * grad), "the sign below 0: the line rises there as well, only slowly"),
            (-wanted, "the sign is turned round"),
        ]
        for pattern, hint in patterns:
            if np.allclose(found, pattern):
                return hint
        return "ask for the slope of the forward, above 0 and below, and what comes in with it: each slope is multiplied by grad"

    return fault


POOLS = [
    # shape, kernel, stride, padding, ceil_mode
    ((1, 1, 4, 4), 2, 2, 0, False),
    ((2, 3, 7, 8), 3, 2, 0, False),
    ((2, 2, 5, 6), 3, 1, 1, False),
    ((1, 2, 5, 7), 2, 2, 0, True),
    ((1, 2, 6, 8), 3, 3, 2, True),
    ((1, 1, 9, 10), 2, 4, 1, True),
    ((2, 1, 5, 5), 2, 3, 1, True),
    ((1, 1, 2, 2), 3, 2, 1, True),
]


@check
def max_pool2d(answer: Any) -> None:
    """max_pool2d(x, kernel, stride, padding, ceil_mode) -> (N, C, OH, OW): the largest number of each window; padding never wins."""
    for seed, (shape, kernel, stride, padding, ceil_mode) in enumerate(POOLS):
        rng = np.random.default_rng(seed)
        for x in (rng.standard_normal(shape), -1 - rng.random(shape)):  # some, and all, below 0
            lent = x.copy()
            found = answer(lent, kernel, stride, padding, ceil_mode)
            untouched("x", x, lent)
            wanted = loops.max_pool2d(x, kernel, stride, padding, ceil_mode)[0]
            called = f"x {shape}, kernel {kernel}, stride {stride}, padding {padding}, ceil_mode {ceil_mode}"
            size = getattr(found, "shape", (0,) * 4)
            if size != wanted.shape:
                wrong(f"{size_fault(size, shape, kernel, stride, padding, ceil_mode)}; got {size} for {called}")
            close(found, wanted, pool_fault(x, kernel, stride, padding, ceil_mode, called))


def size_fault(found: Any, shape: Any, kernel: int, stride: int, padding: int, ceil_mode: bool) -> str:
    sizes = {
        mode: tuple(loops.pool_windows_that_fit(length, kernel, stride, padding, mode) for length in shape[2:])
        for mode in (False, True)
    }
    rounded_up = tuple(-(-(length + 2 * padding - kernel) // stride) + 1 for length in shape[2:])
    expected = f"expected {sizes[ceil_mode]}"
    if ceil_mode and found[2:] == rounded_up:
        return f"a last window that starts beyond the picture sees nothing; drop it, {expected}"
    if found[2:] == sizes[not ceil_mode]:
        return f"the size is rounded {'down' if ceil_mode else 'up'}, {expected}"
    if found[2:] == tuple((length - kernel) // stride + 1 for length in shape[2:]):
        return f"the size leaves the padding out, {expected}"
    return f"the size is wrong, {expected}"


def pool_fault(x: np.ndarray, kernel: int, stride: int, padding: int, ceil_mode: bool, called: str) -> Any:
    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        if (found == 0).any() and np.array_equal(np.where(found == 0, wanted, found), wanted):
            return f"a 0 wins that is not in the picture: pad with -inf; for {called}"
        if np.array_equal(found, -loops.max_pool2d(-x, kernel, stride, padding, ceil_mode)[0]):
            return f"that is the smallest number of each window; for {called}"
        if np.array_equal(found, np.maximum(wanted, 0)):
            return f"what is below 0 is lost: begin with -inf, not with 0; for {called}"
        if np.isin(found, x).all():
            return f"every number is from the picture, but from another window: does each begin at i·stride - padding? For {called}"
        return f"each result is the largest number of its window, unchanged; for {called}"

    return fault


@check
def max_pool2d_backward(answer: Any) -> None:
    """max_pool2d_backward(grad, x, kernel, stride, padding) -> array of x's shape: each gradient at the first maximum of its window."""
    cases = [case[:4] for case in POOLS if not case[4]] + [((1, 2, 8, 9), 2, 3, 1), ((2, 1, 6, 6), 3, 1, 2)]
    for seed, (shape, kernel, stride, padding) in enumerate(cases):
        rng = np.random.default_rng(seed)
        everywhere = -np.inf * np.ones(shape)
        for ties, x in ((False, distinct(rng, shape)), (True, rng.integers(-3, 0, shape) * 1.0), (True, everywhere)):
            grad = rng.standard_normal(loops.max_pool2d(x, kernel, stride, padding)[0].shape)
            lent_x, lent = x.copy(), grad.copy()
            found = answer(lent, lent_x, kernel, stride, padding)
            untouched("grad", grad, lent)
            untouched("x", x, lent_x)
            called = f"x {shape}{' with ties' if ties else ''}, kernel {kernel}, stride {stride}, padding {padding}"
            wanted = loops.max_pool2d_gradient(grad, x, kernel, stride, padding)
            if getattr(found, "shape", None) != shape:
                cut = "; is the padding cut off?" if padding else ""
                wrong(f"expected x's shape {shape}, got {getattr(found, 'shape', None)}{cut}; for {called}")
            close(found, wanted, pool_gradient_fault(grad, x, kernel, stride, padding, called))
    right_gradient(
        lambda x: loops.max_pool2d(x, 3, 2, 1)[0], lambda grad, x: answer(grad, x, 3, 2, 1), distinct(rng, (1, 2, 5, 6))
    )


def distinct(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """No two alike, 0.1 apart, above and below 0."""
    count = int(np.prod(shape))
    return (rng.permutation(count).reshape(shape) - count // 2) * 0.1 + 0.05


def pool_gradient_fault(
    grad: np.ndarray, x: np.ndarray, kernel: int, stride: int, padding: int, called: str
) -> Callable[[np.ndarray, np.ndarray], str]:
    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        if not np.isfinite(x).any() and found.sum() != grad.sum():
            return f"where all of x is -inf a gradient is lost in the padding, which is -inf too: a pixel must win; for {called}"
        for hint, pattern in pool_mistakes(grad, x, kernel, stride, padding):
            if np.allclose(found, pattern):
                return f"{hint}; for {called}"
        if np.allclose(found, -wanted):
            return f"the sign is turned round; for {called}"
        if np.allclose(found, loops.max_pool2d_gradient(np.ones_like(grad), x, kernel, stride, padding)):
            return f"a winner gets 1 for each window; it gets that window's gradient; for {called}"
        if padding and np.allclose(found[:, :, padding:, padding:], wanted[:, :, :-padding, :-padding]):
            return f"shifted by the padding: cut it off above and left too; for {called}"
        if np.isclose(found.sum(), grad.sum()):
            return (
                f"nothing is lost, but something goes to another place than the first maximum, row by row; for {called}"
            )
        return f"each window pays its gradient once, to its first maximum; where windows overlap add; for {called}"

    return fault


def pool_mistakes(
    grad: np.ndarray, x: np.ndarray, kernel: int, stride: int, padding: int
) -> list[tuple[str, np.ndarray]]:
    """What each common mistake would have given."""
    names = ("assigned", "all", "last", "shared", "spread")
    found = {name: np.zeros(x.shape) for name in names}
    for picture, channel, i, j in np.ndindex(grad.shape):
        top, left = max(i * stride - padding, 0), max(j * stride - padding, 0)
        here = np.s_[
            picture, channel, top : i * stride - padding + kernel, left : j * stride - padding + kernel
        ]  # cut at the far edge by itself
        g, window = grad[picture, channel, i, j], x[here]
        winners = np.argwhere(window == window.max())
        found["all"][here] += g * (window == window.max())
        found["shared"][here] += g * (window == window.max()) / len(winners)
        found["spread"][here] += g / window.size
        for name, winner, add in (("assigned", winners[0], False), ("last", winners[-1], True)):
            at = (picture, channel, top + winner[0], left + winner[1])
            found[name][at] = g + (found[name][at] if add else 0)
    return [
        ("you assign where windows overlap; add: a winner collects from every window it wins", found["assigned"]),
        ("a tie is paid more than once: only the first maximum of a window gets its gradient", found["all"]),
        ("a tie goes to the last maximum; PyTorch and Caffe give it to the first, row by row", found["last"]),
        ("a tie is shared out; that is a fair gradient, but the first maximum is asked for", found["shared"]),
        ("every pixel of a window gets a share: that is average pooling", found["spread"]),
    ]
