"""Checks of lesson 05: the adjoint test, adding windows back, the three gradients of a convolution."""

from collections.abc import Callable
from typing import Any

import numpy as np

import minifcn as mf
from checks import loops
from checks.gradients import right_gradient, untouched
from checks.loops import Pair
from checks.verdict import check, close, counted, wrong

MATRIX = np.random.default_rng(5).standard_normal((4, 4))
WIDE = np.random.default_rng(6).standard_normal((3, 5))

FITTING = [
    ("a matrix and its transposed one", lambda x: MATRIX @ x, lambda y: MATRIX.T @ y, (4,), (4,),
     "is it the same x on both sides, and the same y?"),
    ("a wide matrix", lambda x: WIDE @ x, lambda y: WIDE.T @ y, (5, 2), (3, 2),
     "x has one shape and y the other"),
    ("a shift and the shift back", lambda x: np.roll(x, 1), lambda y: np.roll(y, -1), (6,), (6,),
     "is it the same x on both sides, and the same y?"),
    ("a matrix of huge numbers", lambda x: 1e9 * MATRIX @ x, lambda y: 1e9 * MATRIX.T @ y, (4, 3), (4, 3),
     "divide by Σ |f(x)·y|: rounding grows with the numbers"),
]  # fmt: skip

UNFIT = [
    ("a mirrored row, shifted", lambda x: x[::-1], lambda y: np.roll(y, 1), (6,), (6,),
     "ones cannot see where a number goes; take random numbers"),
    ("a matrix that is not transposed", lambda x: MATRIX @ x, lambda y: MATRIX @ y, (4,), (4,),
     "are x and y the same numbers? Then ⟨f(x), x⟩ = ⟨x, f(x)⟩, whatever f is; draw both from one generator"),

    ("half of the transposed matrix", lambda x: MATRIX @ x, lambda y: MATRIX.T @ y / 2, (4,), (4,),
     "a factor must show"),
    ("twice the transposed matrix", lambda x: MATRIX @ x, lambda y: MATRIX.T @ y * 2, (4,), (4,),
     "a factor must show in both directions"),

    ("zeros", lambda x: WIDE @ x, lambda y: np.zeros((5, 2)), (5, 2), (3, 2),
     "an adjoint that gives nothing is as wrong as can be"),
    ("a transposed matrix of tiny numbers, half", lambda x: 1e-9 * MATRIX @ x, lambda y: 5e-10 * MATRIX.T @ y, (4,), (4,),
     "divide by Σ |f(x)·y|, which is tiny here too"),
]  # fmt: skip


@check
def adjoint_error(answer: Any) -> None:
    """adjoint_error(f, adjoint, x_shape, y_shape) -> |⟨f(x), y⟩ - ⟨x, adjoint(y)⟩| / Σ |f(x)·y| for random x and y."""
    for fits, cases in ((True, FITTING), (False, UNFIT)):
        for name, f, adjoint, x_shape, y_shape, hint in cases:
            found = answer(f, adjoint, x_shape, y_shape)
            if np.shape(found) != () or not np.isfinite(found):
                wrong(f"{name}: expected one number, got {found!r}; add up all products")
            if found < -1e-12:
                wrong(f"{name}: you give {found:.2g}; an error counts in both directions: take its absolute value")
            if fits and found > 1e-12:
                wrong(f"{name}: they fit, and you give {found:.2g} and not 0 but for rounding; {hint}")
            if not fits and not found > 1e-3:
                wrong(f"{name}: they do not fit, and you give {found:.2g}; {hint}")
            if "half" in name and found > 0.5 - 1e-9:  # |a - a/2| is half of |a|, and less of what cannot cancel
                less = "a mean" if found > 0.5 + 1e-9 else "|Σ f(x)·y|, which cancels in part"
                wrong(
                    f"{name}: you give {found:.2g}, more than can be: you divide by {less}; add up the sizes of all products"
                )
            counted()


@check
def fold_windows(answer: Any) -> None:
    """fold_windows(windows, size, stride, padding) -> (N, C, H, W): each pixel of windows (N, C, OH, OW, KH, KW) added where it was."""
    cases = [
        ((1, 1), (6, 7), (3, 3), 1, 0),
        ((2, 3), (6, 7), (3, 2), 1, 0),
        ((2, 3), (7, 8), (3, 3), 2, 1),
        ((1, 2), (8, 9), (2, 3), 3, 0),
        ((1, 2), (4, 5), (3, 3), 1, 2),
        ((2, 1), (5, 5), (1, 1), 2, 0),
    ]
    for seed, (batch, size, kernel, stride, padding) in enumerate(cases):
        count = [loops.windows_that_fit(length, k, stride, padding) for length, k in zip(size, kernel, strict=True)]
        windows = np.random.default_rng(seed).standard_normal((*batch, *count, *kernel))
        lent = windows.copy()
        found = answer(lent, size, stride, padding)
        untouched("windows", windows, lent)
        wanted = folded(windows, size, stride, padding)
        called = f"{count[0]} × {count[1]} windows of {kernel}, size {size}, stride {stride}, padding {padding}"
        shape = getattr(found, "shape", None)
        if shape != wanted.shape:
            wrong(f"{shape_fault(shape, wanted.shape, padding)}; expected {wanted.shape}, got {shape}, for {called}")
        close(found, wanted, fold_fault(windows, size, stride, padding, called))


def folded(
    windows: np.ndarray, size: Pair, stride: int, padding: int, offset: int | None = None, add: bool = True
) -> np.ndarray:
    picture = np.zeros((*windows.shape[:2], *size))
    for i, j, top, left in np.ndindex(windows.shape[2:]):
        row = i * stride - (padding if offset is None else offset) + top
        column = j * stride - (padding if offset is None else offset) + left
        if 0 <= row < size[0] and 0 <= column < size[1]:
            value = windows[:, :, i, j, top, left]
            picture[:, :, row, column] = picture[:, :, row, column] + value if add else value
    return picture


def shape_fault(found: Any, wanted: tuple[int, ...], padding: int) -> str:
    if found is None:
        return "expected an array"
    if padding == 0 and 0 in found:
        return "nothing is left: with padding 0 the slice [0:-0] is empty; cut with [padding : padding + H]"
    if padding and found[2:] == tuple(side + 2 * padding for side in wanted[2:]):
        return "the padding is still there: cut it off"
    if len(found) == 4 and found[2] <= wanted[2] and found[3] <= wanted[3]:
        return "pixels that no window looks at are missing: the picture has the size that is given, they get 0"
    return "the picture has the size that is given"


def fold_fault(
    windows: np.ndarray, size: Pair, stride: int, padding: int, called: str
) -> Callable[[np.ndarray, np.ndarray], str]:
    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        if windows.shape[4] == windows.shape[5] and np.allclose(
            found, folded(windows.swapaxes(4, 5), size, stride, padding)
        ):
            return f"rows and columns of the windows are exchanged; the last axes are (KH, KW); for {called}"
        if np.allclose(found, folded(windows[:, :, :, :, ::-1, ::-1], size, stride, padding)):
            return f"the taps are turned round: tap (i, j) lies i rows below its window's corner; for {called}"
        if stride > 1 and np.allclose(found, folded(windows, size, 1, padding)):
            return f"the windows lie side by side; they begin {stride} pixels apart; for {called}"
        times = folded(np.ones(windows.shape), size, stride, padding)
        if np.allclose(found * times, folded(windows, size, stride, padding)) and times.max() > 1:
            return f"you take the mean where windows overlap; add; for {called}"
        if padding and np.allclose(found, folded(windows, size, stride, padding, offset=0)):
            return f"shifted by the padding: cut it off above and left too; for {called}"
        if holds_one_contribution(found, windows, size, stride, padding):
            return (
                f"you assign where windows overlap; add: a pixel gets the sum of what all its windows say; for {called}"
            )
        return f"every pixel gets the sum of what its windows hold of it; for {called}"

    return fault


def holds_one_contribution(found: np.ndarray, windows: np.ndarray, size: Pair, stride: int, padding: int) -> bool:
    """Does every pixel hold one of its windows' values, and some pixel not the sum?"""
    left = np.ones(found.shape, bool)
    for i, j, top, beside in np.ndindex(windows.shape[2:]):
        row, column = i * stride - padding + top, j * stride - padding + beside
        if 0 <= row < size[0] and 0 <= column < size[1]:
            left[:, :, row, column] &= ~np.isclose(found[:, :, row, column], windows[:, :, i, j, top, beside])
    return not (left & (found != 0)).any()


@check
def conv2d_backward(answer: Any) -> None:
    """conv2d_backward(grad, x, weight, stride, padding) -> (grad_x, grad_weight, grad_bias); stride, padding (vertical, horizontal)."""
    cases: list[tuple[Any, Any, Pair, Pair]] = [
        ((2, 3, 6, 7), (3, 3, 3, 3), (1, 1), (0, 0)),  # a square kernel first: exchanged taps fit in, and are told
        ((1, 1, 4, 5), (1, 1, 2, 3), (1, 1), (0, 0)),
        ((3, 2, 6, 7), (4, 2, 3, 2), (1, 1), (2, 1)),
        ((2, 2, 8, 9), (3, 2, 3, 3), (2, 3), (1, 0)),
        ((1, 2, 7, 8), (2, 2, 2, 2), (3, 3), (0, 0)),
        ((2, 3, 4, 4), (5, 3, 1, 1), (2, 1), (0, 1)),
    ]
    for seed, (shape, weight_shape, stride, padding) in enumerate(cases):
        rng = np.random.default_rng(seed)
        x, weight = rng.standard_normal(shape), rng.standard_normal(weight_shape)
        grad = rng.standard_normal((shape[0], weight_shape[0], *loops.conv_size(x, weight, stride, padding, (1, 1))))
        lent = grad.copy()
        found = three(answer(lent, x.copy(), weight, stride, padding))
        untouched("grad", grad, lent)
        called = f"x {shape}, weight {weight_shape}, stride {stride}, padding {padding}"
        wanted = loops.conv2d_gradients(x, weight, grad, stride, padding)
        for name, mine, right in zip(("grad_x", "grad_weight", "grad_bias"), found, wanted, strict=True):
            compare(name, mine, right, called, grad, x, weight, stride, padding)
    single = three(answer(*(array.astype(np.float32) for array in (grad, x, weight)), stride, padding))
    for name, mine in zip(("grad_x", "grad_weight", "grad_bias"), single, strict=True):
        if np.asarray(mine).dtype != np.float32:
            wrong(f"{name}: float32 comes in and {np.asarray(mine).dtype} goes out; give np.zeros the dtype of grad")
    counted()
    right_gradient(
        lambda x, weight, bias: mf.ops.conv2d(x, weight, bias, stride=(2, 1), padding=(1, 2)).data,
        lambda grad, x, weight, bias: three(answer(grad, x, weight, (2, 1), (1, 2))),
        *(rng.standard_normal(shape) for shape in ((2, 2, 5, 4), (3, 2, 3, 2), (3,))),
    )


def three(found: Any) -> tuple[Any, ...]:
    if not isinstance(found, tuple | list) or len(found) != 3:
        wrong(f"expected three arrays (grad_x, grad_weight, grad_bias), got {type(found).__name__}")
    return tuple(found)


def compare(
    name: str, found: Any, wanted: np.ndarray, called: str,
    grad: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: Pair, padding: Pair,
) -> None:  # fmt: skip
    """Count one case, or say what the wrong gradient looks like."""
    shape = getattr(found, "shape", None)
    if name == "grad_x" and shape == weight.shape != wanted.shape:
        wrong(
            f"the first of the three has the shape of the weight; the order is grad_x, grad_weight, grad_bias; for {called}"
        )
    if shape != wanted.shape:
        cut = "; is the padding cut off?" if name == "grad_x" and max(padding) else ""
        wrong(f"{name}: expected the shape {wanted.shape}, got {shape}{cut}; for {called}")

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        return f"{name}: {gradient_fault(name, found, wanted, grad, x, weight, stride, padding)}; for {called}"

    close(found, wanted, fault)


def gradient_fault(
    name: str, found: np.ndarray, wanted: np.ndarray,
    grad: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: Pair, padding: Pair,
) -> str:  # fmt: skip
    if not found.any():
        return "zeros only"
    if np.allclose(found * len(x), wanted):
        return (
            "divided by the number of pictures; gradients of a batch are added up (the loss may have divided already)"
        )
    if np.allclose(found, -wanted):
        return "the sign is turned round"
    if np.allclose(found * np.prod(grad.shape[2:]), wanted):
        return "divided by the number of places; a weight acts at all of them, and they are added up"
    if found.ndim == 4 and np.allclose(found, wanted[:, :, ::-1, ::-1]):
        return "the kernel is turned round"
    square = weight.shape[2] == weight.shape[3]
    if name == "grad_weight" and square and np.allclose(found, wanted.swapaxes(2, 3)):
        return "the taps are exchanged: tap (i, j) lies i rows down and j columns to the right; i belongs to rows everywhere"
    if name == "grad_x":
        exchanged = loops.conv2d_gradients(x, weight.swapaxes(2, 3), grad, stride, padding)[0] if square else None
        if exchanged is not None and np.allclose(found, exchanged):
            return "the taps are exchanged: what weight[:, :, i, j] sends goes i rows down and j columns to the right"
        if weight.shape[0] == weight.shape[1]:
            turned = loops.conv2d_gradients(x, weight.swapaxes(0, 1), grad, stride, padding)[0]
            if np.allclose(found, turned):
                return "input and output channels of the weight are exchanged; it is (O, C, KH, KW)"
        flipped = loops.conv2d_gradients(x, weight[:, :, ::-1, ::-1], grad, stride, padding)[0]
        if np.allclose(found, flipped):
            return "the kernel is turned round: tap (i, j) of the weight goes to where tap (i, j) looked"
        if one_window_only(found, grad, weight, stride, padding):
            return "you assign where windows overlap; add: a pixel lies in several windows"
    if name == "grad_weight":
        parts = [
            loops.conv2d_gradients(x[i : i + 1], weight, grad[i : i + 1], stride, padding)[1] for i in range(len(x))
        ]
        if len(parts) > 1 and any(np.allclose(found, part) for part in parts):
            return "only one picture of the batch counts; add up over all of them"
    if name == "grad_bias" and np.allclose(found, grad.mean((0, 2, 3))):
        return "a mean and not a sum: the bias was added to every result, and every result counts"
    return "every product of the forward gives each factor grad times the other factor, added up"


def one_window_only(found: np.ndarray, grad: np.ndarray, weight: np.ndarray, stride: Pair, padding: Pair) -> bool:
    """Does every pixel of grad_x hold what one of its windows says, all output channels together?"""
    windows = np.einsum("nohw,ocij->nchwij", grad, weight)
    left = np.ones(found.shape, bool)
    for i, j, top, beside in np.ndindex(windows.shape[2:]):
        row, column = i * stride[0] - padding[0] + top, j * stride[1] - padding[1] + beside
        if 0 <= row < found.shape[2] and 0 <= column < found.shape[3]:
            left[:, :, row, column] &= ~np.isclose(found[:, :, row, column], windows[:, :, i, j, top, beside])
    return not (left & (found != 0)).any()
