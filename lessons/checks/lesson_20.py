"""Checks of lesson 20: strides, a convolution in tiles, Winograd's matrices, an operation of one's own in the library."""

import itertools
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from checks import clone
from checks.verdict import check, close, counted, equal, wrong


@check
def strides_of(answer: Any) -> None:
    """strides_of(shape, order) -> four integers: by how many numbers the address grows with n, c, h and w.

    `shape` is (N, C, H, W); `order` has the letters N, C, H, W as they lie in memory, the last one running fastest.
    """
    for shape in ((2, 3, 5, 7), (1, 64, 4, 6), (4, 2, 3, 1)):
        for order in ("NCHW", "NHWC", "CHWN", "WHCN", "NWHC"):
            axes = ["NCHW".index(letter) for letter in order]
            laid = np.zeros([shape[axis] for axis in axes], np.int8)  # its strides are counted by NumPy
            wanted = [laid.strides[order.index(letter)] for letter in "NCHW"]
            equal(answer(shape, order), wanted, stride_fault(shape, order, laid.strides))


def stride_fault(shape: tuple[int, ...], order: str, laid: tuple[int, ...]) -> Callable[[Any, Any], str]:
    lengths = [shape["NCHW".index(letter)] for letter in order]

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        case = f"shape {shape}, order {order}: "
        if np.array_equal(found, laid):
            return case + "these are the strides in the order of memory; the answer is in the order N, C, H, W"
        if np.array_equal(found, 4 * wanted) or np.array_equal(found, 8 * wanted):
            return case + "that is in bytes; count numbers"
        first_fastest = [int(np.prod(lengths[: order.index(letter)])) for letter in "NCHW"]
        if np.array_equal(found, first_fastest):
            return case + "you let the first letter run fastest; it is the last one"
        if np.array_equal(found, [int(np.prod(lengths[order.index(letter) :])) for letter in "NCHW"]):
            return case + "a stride is the product of the lengths *after* its letter, its own left out"
        if np.array_equal(found, np.array(np.zeros(shape, np.int8).strides)):
            return case + "these are the strides of N C H W; look at the order"
        named = dict(zip(order, shape, strict=True))
        if np.array_equal(
            found, [int(np.prod([named[letter] for letter in order[order.index(each) + 1 :]])) for each in "NCHW"]
        ):
            return case + "the shape is always (N, C, H, W); only memory has another order"
        return case + f"expected {wanted.tolist()}, got {found.tolist()}"

    return fault


@check
def tiled_convolution(answer: Any) -> None:
    """tiled_convolution(x (H, W, C), weight (KH, KW, C, O), rows, stride) -> ((H - KH) // stride + 1, (W - KW) // stride + 1, O).

    No padding; the windows of at most `rows` rows of the result exist at a time.
    """
    rng = np.random.default_rng(20)
    for h, w, c, kh, kw, o, rows, stride in (
        (6, 7, 3, 3, 3, 2, 2, 1),
        (5, 4, 1, 2, 3, 4, 3, 1),
        (7, 5, 2, 3, 1, 1, 1, 1),
        (3, 3, 2, 3, 3, 2, 8, 1),
        (9, 6, 2, 1, 2, 3, 4, 1),
        (12, 9, 2, 3, 2, 3, 2, 2),
        (11, 13, 1, 2, 2, 2, 3, 3),
    ):
        x, weight = rng.standard_normal((h, w, c)), rng.standard_normal((kh, kw, c, o))
        found = answer(x.copy(), weight.copy(), rows, stride)
        close(found, plain_convolution(x, weight, stride), tile_fault(x, weight, rows, stride))
    x, weight = (
        rng.standard_normal((66, 66, 16)).astype(np.float32),
        rng.standard_normal((3, 3, 16, 8)).astype(np.float32),
    )
    tile = 2 * 64 * 9 * 16 * 4  # bytes of the windows of two rows
    answer(x, weight, 2, 1)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        found = answer(x, weight, 2, 1)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    close(found, plain_convolution(x, weight), "the results of a larger picture are wrong", 1e-3)
    if np.asarray(found).dtype != np.float32:
        wrong(f"float32 came in and {np.asarray(found).dtype} goes out: twice the bytes; keep the type")
    most = 3 * tile + 64 * 64 * 8 * 4 + 100_000  # with a copy or two, and the result
    if peak > most:
        wrong(
            f"you held {peak / tile:.0f} tiles' worth of memory at once; make the windows of `rows` rows, use them, and write the next ones over them"
        )
    counted()


def plain_convolution(x: np.ndarray, weight: np.ndarray, stride: int = 1) -> np.ndarray:
    """Tap by tap: no windows at all."""
    kh, kw = weight.shape[:2]
    h, w = x.shape[0] - kh + 1, x.shape[1] - kw + 1
    return sum(x[i : i + h : stride, j : j + w : stride] @ weight[i, j] for i in range(kh) for j in range(kw))


def tile_fault(x: np.ndarray, weight: np.ndarray, rows: int, stride: int) -> Callable[[Any, Any], str]:
    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        if np.allclose(found, plain_convolution(x, weight[::-1, ::-1], stride)):
            return "the kernel is turned round: tap (i, j) meets pixel (row · stride + i, column · stride + j)"
        if weight.shape[0] == weight.shape[1] and np.allclose(
            found, plain_convolution(x, weight.swapaxes(0, 1), stride)
        ):
            return "the taps are exchanged: weight[i, j] meets the pixel i rows down and j columns to the right"
        last = len(wanted) // rows * rows
        if last and last < len(wanted) and np.allclose(found[:last], wanted[:last]):
            return f"the last tile is wrong: {len(wanted)} rows do not divide into tiles of {rows}, the last one is shorter"
        if np.allclose(found[:rows], wanted[:rows]):
            return "the first tile is right, the ones after it are not: tile number t begins at row t · rows · stride of the picture"
        return "expected Σ over taps and channels of x[row · stride + i, column · stride + j] @ weight[i, j]"

    return fault


@check
def winograd_matrices(answer: Any) -> None:
    """winograd_matrices(m, r) -> (A transposed (m, n), G (n, r), B transposed (n, n)), n = m + r - 1.

    A transposed @ ((G @ g) * (B transposed @ d)) are the m results of the kernel g (r,) sliding over d (n,).
    """
    rng = np.random.default_rng(21)
    for m, r in ((2, 3), (3, 2), (1, 1), (4, 3), (2, 5), (1, 3), (3, 1)):
        n = m + r - 1
        found = answer(m, r)
        if not isinstance(found, tuple | list) or len(found) != 3:
            wrong("expected three matrices: A transposed, G, B transposed")
        a, g, b = (np.asarray(part, float) for part in found)
        shapes = [(m, n), (n, r), (n, n)]
        if [part.shape for part in (a, g, b)] != shapes:
            wrong(shape_fault(m, r, [part.shape for part in (a, g, b)], shapes))
        if not all(np.isfinite(part).all() for part in (a, g, b)):
            wrong(f"F({m}, {r}): a matrix holds NaN or infinity; infinity is a row that picks the highest coefficient")
        for _ in range(3):
            pixels, kernel = rng.standard_normal(n), rng.standard_normal(r)
            wanted = np.array([sum(pixels[k + i] * kernel[i] for i in range(r)) for k in range(m)])
            close(a @ ((g @ kernel) * (b @ pixels)), wanted, winograd_fault(m, r, (a, g, b), pixels, kernel), 1e-6)


def shape_fault(m: int, r: int, found: list[Any], wanted: list[Any]) -> str:
    n = m + r - 1
    if found[0] == (n, m):
        return f"F({m}, {r}): the first matrix is {found[0]}; Aᵀ goes from the {n} products to the {m} results, so transpose it"
    if found[0][-1:] == (m * r,) or found[2][:1] == (m * r,):
        return f"F({m}, {r}): {m * r} multiplications are those of the plain way; {n} are enough"
    if found[0][-1:] == (n - 1,) or found[2][:1] == (n - 1,):
        return f"F({m}, {r}): {n - 1} values; a polynomial with {n} coefficients needs {n}: the points and infinity"
    return f"F({m}, {r}): the shapes are {found}; expected {wanted}"


def winograd_fault(m: int, r: int, matrices: Any, pixels: np.ndarray, kernel: np.ndarray) -> Callable[[Any, Any], str]:
    a, g, b = matrices
    sliding = np.array([pixels[k : k + r] @ kernel[::-1] for k in range(m)])

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        if np.allclose(found, sliding):
            return f"F({m}, {r}): the kernel is turned round"
        if np.allclose(a @ ((g @ kernel) * (b.T @ pixels)), wanted, atol=1e-6):
            return f"F({m}, {r}): right with the third matrix transposed: it is the inverse's transpose that meets the pixels"
        if np.allclose(a @ ((g @ kernel) * (np.linalg.pinv(b) @ pixels)), wanted, atol=1e-6) or np.allclose(
            a @ ((g @ kernel) * (np.linalg.pinv(b).T @ pixels)), wanted, atol=1e-6
        ):
            return (
                f"F({m}, {r}): right with the third matrix inverted: from values back to coefficients it is the inverse"
            )
        for one, two in itertools.combinations(range(len(b)), 2):
            if np.allclose(g[one], g[two]) and r > 1:
                return f"F({m}, {r}): rows {one} and {two} of G are equal: the points must all be different"
        return f"F({m}, {r}): Aᵀ[(G g) ∘ (Bᵀ d)] is not the sliding kernel; expected Eᵀ, G and backᵀ as in steps 1 to 3"

    return fault


SMALL = [0.0, 1.0, -1.0, 0.25, -3.0, 7.0, -19.0, 1e-8]
NUMBERS = {"float64": [*SMALL, 1e20, -1e200, 1e300], "float32": [*SMALL, 1e10, -1e30, 3e38]}


@check
def added_operation(answer: Any) -> None:
    """added_operation(clone) -> the path of a clone whose library has softsign(x) = x / (1 + |x|), with all that the recipe asks for.

    The recipe is CONTRIBUTING.md's "How to add an operation". Its tests are run: python -m pytest tests/ops tests/mutants -k softsign
    """
    folder = clone.folder_of(answer)
    said = clone.asked(folder, "softsign", NUMBERS)
    if not said["listed"]:
        wrong(
            "mf.ops has no softsign: import it in minifcn/ops/__init__.py, and list it in __all__ there (step 2 of the recipe)"
        )
    if not said["registered"]:
        wrong(
            "softsign is there, and no test will ever meet it: the decorator @operation(samples.one) registers it (step 1 of the recipe)"
        )
    counted()
    for dtype, numbers in NUMBERS.items():
        told_by(dtype, numbers, said[dtype])
    if not clone.tested(folder, "softsign"):
        wrong(
            "values and slopes are right; no test of it was found: are tests/ops and tests/mutants those of this clone?"
        )
    counted()


def told_by(dtype: str, numbers: list[float], said: dict[str, Any]) -> None:
    """Count values and slopes of one number type, or say which is wrong."""
    if said["kept"] != dtype:
        wrong(f"{dtype} comes in and {said['kept']} goes out; keep the type of x")
    for x, value, slope in zip(numbers, said["values"], said["slopes"], strict=True):
        share = 1 / (1 + abs(x))
        if not np.isclose(value, x * share, rtol=1e-6, atol=0):
            wrong(f"forward: softsign({x:g}) is {value:g} in {dtype}; expected x / (1 + |x|) = {x * share:g}")
        right = share * share  # in float32 the squares of very small shares are 0
        if not np.isclose(slope, right, rtol=1e-5, atol=1e-37 if dtype == "float32" else 1e-300):
            wrong(f"backward: at x = {x:g} the slope is {slope:g} in {dtype}, {slope_fault(x, slope)}")
    if said["warned"]:
        wrong(f"right, and NumPy warns: {said['warned'][0]}, for {dtype} up to {max(numbers):g}; {WARNED}")
    counted()


WARNED = "no step on the way may overflow: the square of a large number does, that of a share below 1 does not"


def slope_fault(x: float, slope: float) -> str:
    """What a wrong slope looks like."""
    share = 1 / (1 + abs(x))
    if np.isclose(slope, share, rtol=1e-5):
        return "which is 1 / (1 + |x|), not squared; by the rule for quotients both parts of x / (1 + |x|) move"
    if np.isclose(slope, 1 / 3):
        return "and the incoming gradient was not used: backward gives grad times the slope"
    if x < 0 and np.isclose(slope, 1 / (1 + x) ** 2 if x != -1 else np.inf, rtol=1e-5):
        return "right for positive x alone: 1 + |x|, not 1 + x"
    if x < 0 and np.isclose(slope, -share * share, rtol=1e-5):
        return "its sign is turned round: softsign rises on both sides of 0"
    return f"expected {share * share:g}; derive it for x > 0 and for x < 0, and look at both"
