"""Checks of lesson 10: upsampling as painting, bilinear kernels, transposed convolution."""

from collections.abc import Callable
from typing import Any

import numpy as np

from checks.verdict import check, close, wrong


def painted(coarse: np.ndarray, kernel: np.ndarray, stride: int, padding: int, assign: bool = False) -> np.ndarray:
    """Place by place from the definition: output y gets coarse[i]·kernel[t] for every i and t with i·stride + t - padding = y."""
    result = np.zeros(stride * (len(coarse) - 1) + len(kernel) - 2 * padding)
    for i, value in enumerate(coarse):
        for t, weight in enumerate(kernel):
            y = i * stride + t - padding
            if 0 <= y < len(result):
                result[y] = value * weight + (0 if assign else result[y])
    return result


@check
def up(answer: Any) -> None:
    """up(coarse (n,), kernel (k,), stride, padding) -> the transposed convolution of a row, length stride·(n - 1) + k - 2·padding."""
    rng = np.random.default_rng(10)
    for n, k, stride, padding in ((3, 3, 2, 0), (1, 4, 2, 0), (4, 2, 3, 0), (3, 4, 2, 1), (5, 5, 1, 2), (3, 7, 4, 3)):
        coarse, kernel = rng.standard_normal(n), rng.standard_normal(k)
        wanted = painted(coarse, kernel, stride, padding)
        found = np.asarray(answer(coarse.copy(), kernel.copy(), stride, padding))
        if found.shape != wanted.shape:
            wrong(
                f"{size_fault(len(np.atleast_1d(found)), n, k, stride, padding)}; {n} cells, kernel {k}, stride {stride}, "
                f"padding {padding}: expected {len(wanted)} numbers, got {found.shape}"
            )
        close(found, wanted, row_fault(coarse, kernel, stride, padding))


NOTHING_LEFT = "nothing is left: with padding 0 the slice [0:-0] is empty; say where it ends"


def size_fault(length: int, n: int, k: int, stride: int, padding: int) -> str:
    whole = stride * (n - 1) + k
    if padding == length == 0:
        return NOTHING_LEFT
    if padding and length == whole:
        return "the padding is not cut off"
    if padding and length == whole - padding:
        return "cut the padding off at both ends"
    if padding and length == whole + 2 * padding:
        return "the padding makes the result larger; here it cuts off"
    return "the last of n cells paints at stride·(n - 1), and the kernel reaches k - 1 further"


def row_fault(
    coarse: np.ndarray, kernel: np.ndarray, stride: int, padding: int
) -> Callable[[np.ndarray, np.ndarray], str]:
    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        if np.allclose(found, painted(coarse, kernel, stride, padding, assign=True)):
            return "where two kernels overlap you keep the last one; add them"
        if np.allclose(found, painted(coarse, kernel[::-1], stride, padding)):
            return "the kernel is turned round; painted it lies as it is (only with zeros between it is turned)"
        if np.allclose(found, painted(coarse, kernel / kernel.sum(), stride, padding)):
            return "the kernel is scaled to a sum of 1; paint it as it is"
        side_by_side = painted(coarse, kernel, 1, padding)
        if stride > 1 and np.allclose(found[: len(side_by_side)], side_by_side):
            return f"the cells paint side by side; they begin {stride} places apart"
        return f"input i paints coarse[i]·kernel from place i·{stride} on"

    return fault


@check
def bilinear_kernel(answer: Any) -> None:
    """bilinear_kernel(size) -> (size, size), tent times tent: bilinear interpolation for a factor of size / 2, rounded up."""
    for size in (4, 2, 3, 1, 5, 6, 7, 16, 63, 64):
        row = tent_by_counting(size)
        wanted = np.array([[a * b for b in row] for a in row])
        close(answer(size), wanted, kernel_fault(size), 1e-6)


def tent_by_counting(size: int) -> list[float]:
    """1 at the middle, 1/f less for each place away from it; even sizes have their middle between two taps."""
    factor = size // 2 if size % 2 == 0 else (size + 1) // 2
    upward = [(i + 0.5) / factor for i in range(factor)] if size % 2 == 0 else [(i + 1) / factor for i in range(factor)]
    return upward + (upward[::-1] if size % 2 == 0 else upward[-2::-1])


def kernel_fault(size: int) -> Callable[[np.ndarray, np.ndarray], str]:
    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        if np.allclose(found / found.sum() if found.sum() else found, wanted / wanted.sum()):
            return (
                f"size {size}: right but for a factor: do not divide by the sum. The weights that meet in one place add up to 1, "
                "those of the whole kernel to the factor squared"
            )
        if np.allclose(found, found[:1]) or np.allclose(found, found[:, :1]):
            return f"size {size}: every row is alike: multiply a tent over the rows by one over the columns"
        if not np.allclose(found, found[::-1, ::-1]):
            return f"size {size}: not the same from both sides: the middle is (size - 1) / 2, for odd and even sizes"
        row = np.array(tent_by_counting(size))
        for joined, how in (
            (np.add.outer(row, row) / 2, "add"),
            (np.minimum.outer(row, row), "take the smaller of"),
        ):
            if np.allclose(found, joined):
                return f"size {size}: you {how} the tents of row and column; multiply them"
        if np.any(found <= 0):
            return f"size {size}: weights of 0 or below: the factor is size / 2 rounded up, and the tent ends above 0"
        return f"size {size}: expected 1 - |i - middle| / factor along each axis, the factor size / 2 rounded up"

    return fault


@check
def conv_transpose2d(answer: Any) -> None:
    """conv_transpose2d(x (N, C, H, W), weight (C, O, KH, KW), stride, padding) -> (N, O, OH, OW), every number painting a kernel."""
    rng = np.random.default_rng(11)
    cases = [
        ((1, 1, 2, 3), (1, 1, 3, 3), 2, 0),
        ((2, 3, 3, 2), (3, 2, 2, 4), 1, 0),
        ((1, 2, 3, 4), (2, 2, 4, 4), 2, 1),
        ((2, 2, 2, 2), (2, 3, 1, 2), 3, 0),
        ((1, 4, 3, 3), (4, 1, 5, 3), 2, 1),
    ]
    for shape, kernel, stride, padding in cases:
        x, weight = rng.standard_normal(shape), rng.standard_normal(kernel)
        wanted = map_painted(x, weight, stride, padding)
        found = np.asarray(answer(x.copy(), weight.copy(), stride, padding))
        if found.ndim != 4 or found.shape != wanted.shape:
            uncut = (
                *shape[:1],
                *kernel[1:2],
                *(stride * (n - 1) + k for n, k in zip(shape[2:], kernel[2:], strict=True)),
            )
            half = tuple(side - padding * (axis > 1) for axis, side in enumerate(uncut))
            hint = (
                NOTHING_LEFT
                if padding == 0 in found.shape
                else "the padding is not cut off"
                if padding and found.shape == uncut
                else "cut the padding off at both ends"
                if padding and found.shape == half
                else "OH = stride·(H - 1) + KH - 2·padding"
            )
            wrong(
                f"{hint}; x {shape}, weight {kernel}, stride {stride}, padding {padding}: expected {wanted.shape}, got {found.shape}"
            )
        close(found, wanted, map_fault(x, weight, stride, padding))


def map_painted(x: np.ndarray, weight: np.ndarray, stride: int, padding: int, assign: bool = False) -> np.ndarray:
    """The definition in plain loops."""
    (n, c, h, w), (_, o, kh, kw) = x.shape, weight.shape
    whole = np.zeros((n, o, stride * (h - 1) + kh, stride * (w - 1) + kw))
    for i, j in np.ndindex(h, w):
        for s, t in np.ndindex(kh, kw):
            part = np.zeros((n, o))
            for channel in range(c):
                part += x[:, channel, i, j, None] * weight[channel, :, s, t]
            target = whole[:, :, i * stride + s, j * stride + t]
            target[...] = part if assign else target + part
    return whole[:, :, padding : whole.shape[2] - padding, padding : whole.shape[3] - padding]


def map_fault(x: np.ndarray, weight: np.ndarray, stride: int, padding: int) -> Callable[[np.ndarray, np.ndarray], str]:
    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        if np.allclose(found, map_painted(x, weight, stride, padding, assign=True)):
            return "where windows overlap you keep the last one; add"
        if np.allclose(found, map_painted(x, weight[:, :, ::-1, ::-1], stride, padding)):
            return "the kernel is turned by 180 degrees; painted it lies as it is"
        if weight.shape[2] == weight.shape[3] and np.allclose(
            found, map_painted(x, weight.swapaxes(2, 3), stride, padding)
        ):
            return "rows and columns of the kernel are exchanged: weight[:, :, i, j] is painted i rows down and j columns to the right"
        if weight.shape[0] == weight.shape[1] and np.allclose(
            found, map_painted(x, weight.transpose(1, 0, 2, 3), stride, padding)
        ):
            return "input and output channels of the weight are exchanged: it is (C, O, KH, KW)"
        if np.allclose(found, map_painted(x[:, :1], weight[:1], stride, padding)):
            return "only the first channel paints; every channel of x paints into every output channel"
        if x.shape[1] > 1 and np.allclose(found * x.shape[1], wanted):
            return "the mean of what the channels of x paint; add"
        side_by_side = map_painted(x, weight, 1, padding)
        if stride > 1 and np.allclose(found[(..., *map(slice, side_by_side.shape[2:]))], side_by_side):
            return f"the cells paint side by side; they begin {stride} places apart"
        return f"x[n, c, i, j]·weight[c, o] is added from row i·{stride} and column j·{stride} on, before the padding is cut"

    return fault
