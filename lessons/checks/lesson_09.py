"""Checks of lesson 09: a matrix as a kernel, a classifier window by window, net surgery."""

from collections.abc import Callable
from typing import Any

import numpy as np

from checks.verdict import Wrong, check, close, counted, equal, wrong


@check
def fc_as_convolution(answer: Any) -> None:
    """fc_as_convolution(weight (O, C·H·W), (C, H, W)) -> kernel (O, C, H, W) that does what the matrix does on a map of that shape."""
    rng = np.random.default_rng(9)
    for outputs, shape in ((4, (3, 2, 2)), (3, (2, 3, 5)), (1, (5, 1, 4)), (6, (1, 3, 3)), (2, (7, 1, 1))):
        weight = rng.standard_normal((outputs, int(np.prod(shape))))
        c, h, w = shape
        wanted = np.zeros((outputs, *shape))
        for o in range(outputs):
            for place in range(c * h * w):  # channel after channel, row after row
                wanted[o, place // (h * w), place % (h * w) // w, place % w] = weight[o, place]
        found = answer(weight.copy(), shape)
        close(found, wanted, kernel_fault(weight, shape))


def kernel_fault(weight: np.ndarray, shape: tuple[int, int, int]) -> Callable[[np.ndarray, np.ndarray], str]:
    """What a wrong kernel looks like."""
    c, h, w = shape

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        if np.array_equal(found, weight.reshape(-1, h, w, c).transpose(0, 3, 1, 2)):
            return "you fold as if channels were the fastest; the map was flattened as C, H, W: columns are the fastest"
        if np.array_equal(found, wanted[:, :, ::-1, ::-1]):
            return "the kernel is turned by 180 degrees; ops.conv2d does not turn it, so leave it as it is"
        if np.array_equal(found, weight.reshape(-1, c, w, h).transpose(0, 1, 3, 2)):
            return "rows and columns are exchanged inside the kernel; show it a map that is not square"
        if np.allclose(np.sort(found, axis=None), np.sort(wanted, axis=None)):
            return "all weights are there, in the wrong places: output o's kernel is row o of the matrix, folded"
        return "these are not the matrix's weights: no number changes, they are only laid out anew"

    return fault


@check
def window_by_window(answer: Any) -> None:
    """window_by_window(classify, x (1, C, H, W), side, stride) -> (1, classes, rows, columns), the classifier on each window."""
    rng = np.random.default_rng(10)
    for size, side, stride in (((9, 13), 4, 1), ((12, 8), 5, 3), ((7, 7), 7, 2), ((10, 17), 3, 4)):
        x = rng.standard_normal((1, 2, *size))
        matrix = rng.standard_normal((3, 2 * side * side))
        rows, columns = ((length - side) // stride + 1 for length in size)
        wanted = np.zeros((1, 3, rows, columns))
        for i in range(rows):
            for j in range(columns):
                window = x[0, :, i * stride : i * stride + side, j * stride : j * stride + side]
                wanted[0, :, i, j] = matrix @ window.ravel()
        classify = Layer(matrix, side)
        try:
            found = np.asarray(answer(classify, x.copy(), side, stride))
        except Wrong as fault:
            over = "a window that hangs over the border is not whole; " if ODD in str(fault) else ""
            raise Wrong(f"{over}{fault}") from None
        if found.shape == (1, 3, columns, rows) and rows != columns:
            wrong(
                "rows and columns are exchanged: the batch went row after row, so its answers are (rows, columns, classes)"
            )
        if found.shape == (1, rows, columns, 3):
            wrong("the classes come last; expected (1, classes, rows, columns)")
        if found.ndim == 4 and found.shape[2:] != (rows, columns):
            wrong(
                f"{found.shape[2]} x {found.shape[3]} cells for a picture {size}, side {side}, stride {stride}; "
                f"expected {rows} x {columns}: (length - side) // stride + 1"
            )
        close(found, wanted, place_fault)


ODD = "the classifier got windows of"


class Layer:
    """The fully connected layer `matrix` on windows (N, C, side, side)."""

    def __init__(self, matrix: np.ndarray, side: int) -> None:
        self.matrix, self.side = matrix, side

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        windows = np.asarray(windows)
        if windows.ndim != 4 or windows.shape[2:] != (self.side, self.side):
            raise ValueError(f"{ODD} {windows.shape}; expected (N, C, {self.side}, {self.side})")
        return windows.reshape(len(windows), -1) @ self.matrix.T

    def __repr__(self) -> str:
        return "classify"


def place_fault(found: np.ndarray, wanted: np.ndarray) -> str:
    """What answers in wrong places look like."""
    if np.allclose(np.sort(found, axis=None), np.sort(wanted, axis=None)):
        return "the answers are right and lie in the wrong places: undo the batch in the order in which it was made"
    if np.allclose(found[0, :, 0, 0], wanted[0, :, 0, 0]):
        return "the first window is right, others are not: window (i, j) begins at row i·stride and column j·stride"
    return "the first answer is already wrong: window (0, 0) is the upper left corner"


@check
def transplant(answer: Any) -> None:
    """transplant(old, new): old's arrays written into new's by name -> {"copied": …, "reshaped": …, "left": …}; ValueError where one does not fit."""
    old, new = networks()
    kept = dict(new)
    report = answer(old, new)
    for name, array in kept.items():
        if new.get(name) is not array:
            wrong(f"new[{name!r}] is another array now; write into the one that is there: new[name][...] = …")
    wanted = {"conv.weight": old["conv.weight"], "conv.bias": old["conv.bias"], "fc7.bias": old["fc7.bias"]}
    wanted |= {name: old[name].reshape(new[name].shape) for name in ("fc6.weight", "fc7.weight")}
    for name, array in wanted.items():
        close(new[name], array, f"{name} was not written as it is, in C order")
    for name in ("score.weight", "score.bias"):
        equal(new[name], np.full_like(new[name], 7), f"{name} is not in the old network; leave it alone")
    said = {"copied": ["conv.bias", "conv.weight", "fc7.bias"], "reshaped": ["fc6.weight", "fc7.weight"]}
    said["left"] = ["score.bias", "score.weight"]
    for word, names in said.items():
        found = sorted(report[word]) if isinstance(report, dict) and word in report else None
        if found != names:
            wrong(f"the report says {word}: {found}; expected {names}")
        counted()
    misfits = {
        "a name that the new network does not have": {"fc8.weight": np.ones((2, 2))},
        "another number of weights": {"fc6.weight": np.ones((5, 11))},
        "as many weights, of other outputs": {"fc7.weight": np.ones((5, 4))},
    }
    for what, misfit in misfits.items():
        old, new = networks()
        before = {name: array.copy() for name, array in new.items()}
        refuses(answer, old | misfit, new, what)
        if any(not np.array_equal(new[name], array) for name, array in before.items()):
            wrong(f"for {what} it raised, but had written some arrays already; look at all of them first")
        counted()


def networks() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The parameters of a classifier and of the network it is to become."""
    rng = np.random.default_rng(11)
    shapes: dict[str, Any] = {"conv.weight": (3, 2, 3, 3), "conv.bias": (3,), "fc6.weight": (5, 12)}
    shapes |= {"fc7.weight": (4, 5), "fc7.bias": (4,)}
    old = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    shapes |= {"fc6.weight": (5, 3, 2, 2), "fc7.weight": (4, 5, 1, 1), "score.weight": (2, 4, 1, 1), "score.bias": (2,)}
    return old, {name: np.full(shape, 7.0) for name, shape in shapes.items()}


def refuses(answer: Any, old: Any, new: Any, what: str) -> None:
    """Wrong, unless the answer raises ValueError."""
    try:
        answer(old, new)
    except Wrong as fault:
        if isinstance(fault.__cause__, ValueError):
            # NumPy raises ValueError of its own, in the middle of writing: what was written is looked at by the caller
            return
        wrong(f"for {what} expected ValueError, got {type(fault.__cause__).__name__}: check the name and the shape")
    wrong(f"{what} passed in silence; raise ValueError, or the network keeps random weights and nobody knows")
