"""Checks of lesson 14: a join, its backward, and the head of FCN-16s."""

from typing import Any

import numpy as np

import minifcn as mf
from checks.verdict import check, close, counted, wrong
from minifcn import ops
from minifcn.nn.initialisers import bilinear

# coarse (h, w), finer (H, W), offset: finer larger, equal, and one that ends before coarse does
CASES = [((3, 4), (3, 4), 0), ((3, 5), (9, 8), 2), ((4, 3), (4, 6), 1), ((6, 2), (7, 9), 3), ((5, 5), (3, 4), 0)]


def sums(coarse: np.ndarray, finer: np.ndarray, offset: int) -> np.ndarray:
    """The join, cell by cell."""
    n, c, h, w = coarse.shape
    rows = [y for y in range(h) if y + offset < finer.shape[2]]
    columns = [x for x in range(w) if x + offset < finer.shape[3]]
    result = np.zeros((n, c, len(rows), len(columns)))
    for y in rows:
        for x in columns:
            result[:, :, y, x] = coarse[:, :, y, x] + finer[:, :, y + offset, x + offset]
    return result


@check
def join(answer: Any) -> None:
    """join(coarse, finer, offset) -> the sum where they overlap; row 0 of coarse lies on row `offset` of finer."""
    for seed, (coarse_size, finer_size, offset) in enumerate(CASES):
        rng = np.random.default_rng([14, seed])
        coarse, finer = rng.standard_normal((2, 3, *coarse_size)), rng.standard_normal((2, 3, *finer_size))
        wanted = sums(coarse, finer, offset)
        kept = coarse.copy(), finer.copy()
        found = np.asarray(answer(coarse, finer, offset))
        if not (np.array_equal(coarse, kept[0]) and np.array_equal(finer, kept[1])):
            wrong("you changed one of the maps in place; make a new array")
        case = f"coarse {coarse_size}, finer {finer_size}, offset {offset}"
        for front, back, fault in (
            (coarse[:, :, offset:, offset:], finer, "you cut the first cells of coarse; finer begins earlier, so cut there"),
            (coarse, finer[:, :, offset : finer.shape[2] - offset, offset : finer.shape[3] - offset], "you cut finer at both ends; in front by the offset, behind to what both share"),
        ):  # fmt: skip
            if found.shape != wanted.shape and found.shape == sums(front, back, 0).shape:
                wrong(f"{fault}; {case}")
        if found.shape != wanted.shape:
            wrong(
                f"your result has {found.shape[2:]} cells, expected {wanted.shape[2:]}: cut both to what they share; {case}"
            )
        close(found, wanted, lambda found, _, a=coarse, b=finer, o=offset, case=case: f"{join_fault(found, a, b, o)}; {case}")  # fmt: skip


def join_fault(found: np.ndarray, coarse: np.ndarray, finer: np.ndarray, offset: int) -> str:
    """What a wrong join looks like."""
    h, w = found.shape[2:]
    a, b = coarse[:, :, :h, :w], finer[:, :, offset : offset + h, offset : offset + w]
    top, left = (finer.shape[2] - h) // 2, (finer.shape[3] - w) // 2
    if np.allclose(found, a + finer[:, :, :h, :w]):
        return "you cut at the far end only: row 0 of coarse lies on row `offset` of finer, so cut the first `offset` rows and columns of finer"
    if np.allclose(found, a + finer[:, :, top : top + h, left : left + w]):
        return "you cut finer in its middle; where it is cut follows from the geometry: offset"
    if np.allclose(found, a + finer[:, :, -h:, -w:]):
        return "you keep the last cells of finer; keep those from `offset` on"
    if np.allclose(found, np.maximum(a, b)):
        return "that is the larger of both; FCN-16s adds them"
    if np.allclose(found, a + finer[:, :, offset : offset + h, :w]) or np.allclose(
        found, a + finer[:, :, :h, offset : offset + w]
    ):
        return "you cut along one axis only; the offset counts for rows and columns"
    if np.allclose(found, (a + b) / 2):
        return "that is the mean of both; add them"
    if np.allclose(found, a) or np.allclose(found, b):
        return "one of the two maps is missing from your sum"
    return "result[y, x] = coarse[y, x] + finer[y + offset, x + offset]"


@check
def join_backward(answer: Any) -> None:
    """join_backward(grad, coarse_shape, finer_shape, offset) -> (gradient of coarse, gradient of finer)."""
    for seed, (coarse_size, finer_size, offset) in enumerate(CASES):
        rng = np.random.default_rng([14, seed])
        coarse, finer = rng.standard_normal((2, 3, *coarse_size)), rng.standard_normal((2, 3, *finer_size))
        grad = rng.standard_normal(sums(coarse, finer, offset).shape)
        found = answer(grad, coarse.shape, finer.shape, offset)
        try:
            first, second = (np.asarray(part, np.float64) for part in found)
        except (TypeError, ValueError):
            wrong(f"expected two arrays (gradient of coarse, gradient of finer), got {type(found).__name__}")
        case = f"coarse {coarse_size}, finer {finer_size}, offset {offset}"
        for name, part, own in (("coarse", first, coarse), ("finer", second, finer)):
            if part.shape != own.shape:
                wrong(
                    f"the gradient of {name} has shape {part.shape}, expected that of {name}, {own.shape}: zero where it was cut off; {case}"
                )
            # the join is linear: its change along a direction is the join of the direction, no step size needed
            for unit in directions(own.shape, rng):
                zero = np.zeros_like(finer if name == "coarse" else coarse)
                change = sums(unit, zero, offset) if name == "coarse" else sums(zero, unit, offset)
                if not np.isclose((part * unit).sum(), (grad * change).sum(), atol=1e-9):
                    wrong(f"{backward_fault(name, first, second, grad, offset)}; {case}")
                counted()


def directions(shape: tuple[int, ...], rng: np.random.Generator) -> list[np.ndarray]:
    """Random directions, and the corners: 1 in the first and last cell."""
    first, last = np.zeros(shape), np.zeros(shape)
    first[:, :, 0, 0], last[:, :, -1, -1] = 1, 1
    return [rng.standard_normal(shape), rng.standard_normal(shape), first, last]


def backward_fault(name: str, first: np.ndarray, second: np.ndarray, grad: np.ndarray, offset: int) -> str:
    """What a wrong gradient looks like."""
    part, start = (first, 0) if name == "coarse" else (second, offset)
    h, w = grad.shape[2:]
    inside = np.zeros(part.shape, bool)
    inside[:, :, start : start + h, start : start + w] = True
    if not part.any():
        return f"the gradient of {name} is zero everywhere: both maps of a sum get its gradient"
    if np.allclose(part[inside], grad.ravel() / 2):
        return f"you halve the gradient of {name}: a sum hands all of it to both, not a share"
    if np.allclose(part[inside], grad.ravel()):
        return f"the gradient of {name} is not zero where it was cut off; what was cut off had no say"
    if name == "finer" and np.allclose(part[:, :, :h, :w], grad):
        return "the gradient of finer lies at its beginning; it belongs `offset` rows and columns further"
    return f"the gradient of {name} differs: result[y, x] = coarse[y, x] + finer[y + offset, x + offset], so grad[y, x] goes to both places"


def tents(cells: int, factor: int) -> np.ndarray:
    """Bilinear upsampling of one axis as a matrix (factor·cells, cells): a tent round each cell's middle."""
    pixels = (np.arange(factor * cells) + 0.5) / factor - 0.5
    return np.maximum(0, 1 - np.abs(pixels[:, None] - np.arange(cells)))


def enlarged(x: np.ndarray, factor: int) -> np.ndarray:
    return np.einsum("yh,nchw,xw->ncyx", tents(x.shape[2], factor), x, tents(x.shape[3], factor))


@check
def fcn16s_scores(answer: Any) -> None:
    """fcn16s_scores(coarse, pool4, weight, bias, upsample) -> Tensor (N, C, 16·H, 16·W), where pool4 is (N, D, H, W)."""

    def upsample(x: Any, factor: int) -> mf.Tensor:
        classes = x.shape[1]
        kernel = bilinear(classes, 2 * factor).astype(np.float64)
        return ops.conv_transpose2d(x, kernel, stride=factor, padding=factor // 2, groups=classes)

    for seed, ((h, w), (rows, columns)) in enumerate([((1, 2), (2, 4)), ((2, 2), (3, 4)), ((2, 3), (4, 5))]):
        rng = np.random.default_rng([14, seed])
        coarse, pool4 = rng.standard_normal((1, 3, h, w)), rng.standard_normal((1, 4, rows, columns))
        weight, bias = rng.standard_normal((3, 4, 1, 1)), rng.standard_normal(3)
        what = enlarged(coarse, 2)[:, :, :rows, :columns]
        where = np.einsum("od,ndhw->nohw", weight[:, :, 0, 0], pool4) + bias[:, None, None]
        wanted = enlarged(what + where, 16)
        tensors = [mf.Tensor(value, requires_grad=True) for value in (coarse, pool4, weight, bias)]
        found = answer(*tensors, upsample)
        if not isinstance(found, mf.Tensor) or not found.requires_grad:
            wrong(
                "the result has no backward: work with Tensors and mf.ops, not with their .data, or the skip never learns"
            )
        values = found.data
        if values.shape != wanted.shape:
            wrong(
                f"the result has shape {values.shape}, expected {wanted.shape}: 16 times pool4's rows and columns, {rows} x {columns}"
            )
        if not np.allclose(values, wanted, atol=1e-9):
            wrong(head_fault(values, coarse, what, where, bias))
        counted()
        cotangent = rng.standard_normal(wanted.shape)
        found.backward(cotangent)
        if tensors[0].grad is None:
            wrong("no gradient reaches the coarse scores: FCN-16s trains the trunk through both ways")
        joined = np.einsum(
            "yh,ncyx,xw->nchw", tents(rows, 16), cotangent, tents(columns, 16)
        )  # the transpose of upsampling
        close(tensors[2].grad[:, :, 0, 0], np.einsum("nohw,ndhw->od", joined, pool4), "the scores are right, but the weight's gradient is not")  # fmt: skip
        whole = np.zeros((1, 3, 2 * h, 2 * w))
        whole[:, :, :rows, :columns] = joined
        close(tensors[0].grad, np.einsum("yh,ncyx,xw->nchw", tents(h, 2), whole, tents(w, 2)),
              "the scores are right, but the coarse scores' gradient is not")  # fmt: skip


def head_fault(found: np.ndarray, coarse: np.ndarray, what: np.ndarray, where: np.ndarray, bias: np.ndarray) -> str:
    """What wrong scores look like."""
    size = found.shape[2:]
    if np.allclose(found, enlarged(what, 16)):
        return "the skip is missing: that is the coarse scores alone"
    if np.allclose(found, enlarged(where, 16)):
        return "the coarse scores are missing: that is the skip alone"
    if np.allclose(found, enlarged(what + where - bias[:, None, None], 16)):
        return "the skip's bias is missing"
    if np.allclose(found, enlarged(np.maximum(what, where), 16)):
        return "you take the larger of both; FCN-16s adds them"
    if np.allclose(found, enlarged(coarse, 32)[:, :, : size[0], : size[1]] + enlarged(where, 16)):
        return "you upsample the coarse scores by 32 in one go and add at the end; upsample by 2, add, then by 16"
    if np.allclose(found, enlarged((what + where) / 2, 16)):
        return "that is half of it: add, do not average"
    return (
        "upsample the coarse scores by 2, cut to pool4's size from cell 0 on, add the scores of pool4, upsample by 16"
    )
