"""Checks of lesson 03: differences with a cotangent, softmax's backward, and a judge of gradients."""

from collections.abc import Callable
from typing import Any

import numpy as np

from checks.gradients import right_gradient, untouched
from checks.verdict import check, close, counted, equal, wrong


@check
def numeric_gradient(answer: Any) -> None:
    """numeric_gradient(f, x, cotangent, step) -> array of x's shape: central differences of (f(x) * cotangent).sum().

    f maps an array to an array, perhaps of another shape. x is left as it was.
    """
    rng = np.random.default_rng(3)
    for shape, step in (((5,), 0.5), ((2, 3), 0.25), ((2, 1, 2, 3), 1e-3), ((), 0.5)):
        x, cotangent = rng.standard_normal(shape), np.asarray(rng.standard_normal(shape))
        given = x.copy() if shape else np.array(x)
        found = answer(lambda values: values**3, given, cotangent, step)
        untouched("x", np.asarray(x), given)
        # ((x + h)³ - (x - h)³) / 2h is exactly 3x² + h²
        close(found, (3 * x**2 + step**2) * cotangent, cubic_fault(x, cotangent, step))
    x, cotangent = rng.standard_normal(4), rng.standard_normal(4)
    found = answer(lambda values: values * values.sum(), x, cotangent, 0.25)  # a parabola: differences are exact
    close(
        found,
        cotangent * x.sum() + (cotangent * x).sum(),
        "where every element acts on every output it goes wrong: is an element put back before the next one moves?",
    )
    matrix, x, cotangent = rng.standard_normal((4, 3)), rng.standard_normal((3, 2)), rng.standard_normal((4, 2))
    found = answer(lambda values: matrix @ values, x, cotangent, 0.1)
    close(found, matrix.T @ cotangent, "where f's result has another shape than x, the slopes must still have x's")


def cubic_fault(x: Any, cotangent: Any, step: float) -> Callable[[Any, Any], str]:
    """What a wrong gradient of x³ looks like."""
    one_sided = [(3 * x**2 + sign * 3 * x * step + step**2) * cotangent for sign in (1, -1)]
    central = 3 * x**2 + step**2
    patterns = [
        (central * np.ones_like(cotangent), "you leave the cotangent out: every output needs its own weight"),
        (2 * central * cotangent, "twice too large: the two points lie 2·step apart"),
        (central * cotangent * step, "you forget to divide by the distance of the two points"),
        (central * cotangent * 2 * step, "you forget to divide by the distance of the two points"),
        (one_sided[0], "that is a one-sided difference, f(x + step) - f(x); take x + step and x - step"),
        (one_sided[1], "that is a one-sided difference, f(x) - f(x - step); take x + step and x - step"),
        (-central * cotangent, "the sign is turned round: f(x + step) - f(x - step)"),
        (central * cotangent / max(1, np.size(x)), "that is a mean over the outputs; add up"),
        (
            central * cotangent.sum(),
            "you add up before you weigh: each output's change has its own element of the cotangent",
        ),
        ((3 * x**2 + 1e-10) * cotangent, "you use a step of your own and not the one that is given"),
    ]

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        for pattern, hint in patterns:
            if np.allclose(found, pattern, rtol=1e-6, atol=1e-9):
                return hint
        if x.ndim and np.allclose(found, found.reshape(-1)[0]):
            return "all slopes are alike: move one element at a time, not all of them together"
        return "move one element of x to both sides; weigh how each output changed, element by element; add up; divide by the distance"

    return fault


def softmax_over_channels(x: np.ndarray) -> np.ndarray:
    exponentials = np.exp(x)
    return exponentials / exponentials.sum(1, keepdims=True)


@check
def softmax_backward(answer: Any) -> None:
    """softmax_backward(grad, y) -> (N, C, H, W): the gradient for the scores, where y is their softmax over axis 1."""
    rng = np.random.default_rng(4)
    for shape in ((2, 3, 4, 5), (1, 4, 1, 1), (3, 3, 3, 3), (1, 1, 2, 2)):
        y, grad = softmax_over_channels(2 * rng.standard_normal(shape)), rng.standard_normal(shape)
        wanted = np.zeros(shape)
        for n, j, h, w in np.ndindex(shape):  # the definition, slope by slope
            for i in range(shape[1]):
                slope = y[n, i, h, w] * ((i == j) - y[n, j, h, w])
                wanted[n, j, h, w] += grad[n, i, h, w] * slope
        lent = grad.copy()
        found = answer(lent, y)
        untouched("grad", grad, lent)
        close(found, wanted, softmax_fault(grad, y))
    single = answer(grad.astype(np.float32), y.astype(np.float32))
    equal(np.asarray(single).dtype.itemsize, 4, "float32 comes in and another dtype goes out; keep it")
    scores = rng.standard_normal((2, 3, 2, 2))
    right_gradient(softmax_over_channels, lambda grad, x: answer(grad, softmax_over_channels(x)), scores)


def softmax_fault(grad: np.ndarray, y: np.ndarray) -> Callable[[Any, Any], str]:
    """What a wrong gradient looks like."""
    axes = {"all axes": None, "the columns": 3, "the rows": 2, "the pictures": 0, "rows and columns": (2, 3)}
    right = y * (grad - (grad * y).sum(1, keepdims=True))

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        if not found.any():
            return "zeros only: with ones coming in that would pass, with other numbers it does not"
        if np.allclose(found, grad * y * (1 - y)):
            return "you take only the slope of each output by its own input; every input moves all outputs (-y_i·y_j)"
        for name, axis in axes.items():
            if np.allclose(found, y * (grad - (grad * y).sum(axis, keepdims=True))):
                return f"your sum of grad·y runs over {name}; it belongs over the channels, axis 1, at each place"
        if np.allclose(found, grad * y):
            return "the sum over the other outputs is missing: every output falls when another score rises"
        if np.allclose(found, -right):
            return "the sign is turned round"
        if np.allclose(found, right / np.where(y == 0, 1, y)):
            return "a factor y_j is missing: both slopes, of i = j and of the others, have it"
        if np.allclose(found, y * (grad + (grad * y).sum(1, keepdims=True))):
            return "the sum is added; the slope of the other outputs is negative"
        if np.allclose(found, grad * y - (grad * y).sum(1, keepdims=True)):
            return "the sum lacks its factor y_j: the slope is -y_i·y_j"
        if np.allclose(found, y * (grad - (grad * y).mean(1, keepdims=True))):
            return "that is a mean over the channels; add up"
        if np.allclose(found, y * (grad - grad.sum(1, keepdims=True))):
            return "inside the sum every grad_i has its weight y_i"
        return "take one j: write down grad_i times the slope of output i by input j for every i, add up, and see what they have in common"

    return fault


def spread(x: np.ndarray) -> np.ndarray:
    exponentials = np.exp(x - x.max())
    return exponentials / exponentials.sum()


def spread_backward(grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    return spread(x) * (grad - (grad * spread(x)).sum())


NORMAL = np.random.default_rng(5).standard_normal(12)
BESIDE_A_KINK = np.array([-1.0, 3e-6, 2.0, -4e-6, 0.5])
AT_ZERO = np.array([0.0, 1.5, 0.0, -0.7])

RIGHT = [
    ("softmax", spread, spread_backward, NORMAL, "is your tolerance wide enough for the error of a difference?"),
    ("x³ at 0", lambda x: x**3, lambda grad, x: 3 * x**2 * grad, AT_ZERO,
     "the gradient is 0 there and the difference nearly: a tolerance that is only relative forgives nothing"),
    ("relu beside its kink", lambda x: np.maximum(x, 0), lambda grad, x: grad * (x > 0), BESIDE_A_KINK,
     "an element lies 0.000003 from the kink and your step crosses it; where values disagree, try a smaller step"),
    ("a tiny function", lambda x: 1e-6 * np.sin(x), lambda grad, x: 1e-6 * np.cos(x) * grad, NORMAL,
     "all gradients are small here, and so must be what you compare them with"),
    ("a table of numbers", lambda x: x @ x.T, lambda grad, x: (grad + grad.T) @ x, NORMAL.reshape(4, 3),
     "x may have any shape, and f(x) another one"),
]  # fmt: skip

MISTAKEN = [
    ("softmax, zeros", spread, lambda grad, x: 0 * x, NORMAL,
     "its outputs always add up to 1; weigh them with random numbers"),
    ("x², incoming gradient left out", lambda x: x**2, lambda grad, x: 2 * x, NORMAL,
     "with ones coming in it cannot be seen; weigh the outputs with random numbers"),
    ("mirror, not mirrored back", lambda x: x[::-1], lambda grad, x: grad, NORMAL,
     "compare element by element, with random numbers coming in"),
    ("sine, a factor 1.001 too large", np.sin, lambda grad, x: 1.001 * np.cos(x) * grad, NORMAL,
     "your tolerance is too wide: float64 and a good step are right to nine digits"),
    ("a tiny function, half", lambda x: 1e-6 * np.sin(x), lambda grad, x: 5e-7 * np.cos(x) * grad, NORMAL,
     "the whole gradient is as small as your tolerance; make it a part of the largest gradient"),
    ("cosine, one element of twelve wrong", np.cos, lambda grad, x: -np.sin(x) * grad * (np.arange(12) != 7), NORMAL,
     "look at every element, not at a sum, a mean or a median of the errors"),

    ("square root, not a number", lambda x: np.abs(x) ** 0.5, lambda grad, x: np.full_like(x, np.nan), NORMAL,
     "NaN is neither larger nor smaller than a tolerance; ask whether the error is small, not whether it is large"),
    ("relu, the mask turned round", lambda x: np.maximum(x, 0), lambda grad, x: grad * (x <= 0), BESIDE_A_KINK,
     "try smaller steps only for the elements that disagree, and let each of them agree at some step"),
    *((f"relu, masked by what comes in, at numbers from default_rng({seed})", lambda x: np.maximum(x, 0),
       lambda grad, x: grad * (grad > 0), np.random.default_rng(seed).standard_normal(12),
       "your random numbers are those of x, so what is asked of the gradient has the answer for x; take a seed that nobody else would choose")
      for seed in (0, 1, 42)),
]  # fmt: skip


@check
def gradient_is_right(answer: Any) -> None:
    """gradient_is_right(f, backward, x) -> bool: is backward(grad, x) the gradient of (f(x) * grad).sum()? float64."""
    for wanted, cases in ((False, MISTAKEN), (True, RIGHT)):
        for name, f, backward, x, hint in cases:
            found = answer(f, backward, x.copy())
            if not isinstance(found, bool | np.bool_):
                wrong(f"it gives {type(found).__name__}; expected True or False")
            if bool(found) != wanted:
                said = "right, and you reject it" if wanted else "wrong, and you accept it"
                wrong(f"{name}: this backward is {said}; {hint}")
            counted()
