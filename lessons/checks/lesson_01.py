"""Checks of lesson 01: a central difference, a gradient by differences, and a walk downhill."""

from collections.abc import Callable
from typing import Any

import numpy as np

from checks.gradients import untouched
from checks.verdict import check, close, wrong


@check
def central_difference(answer: Any) -> None:
    """central_difference(f, x, step) -> (f(x + step) - f(x - step)) / (2·step). f takes and gives one number."""
    for x in (0.5, -2.0, 0.0, 3.0):
        for step in (0.25, 1.0, 1e-3):
            # ((x + h)³ - (x - h)³) / 2h is exactly 3x² + h²
            close(answer(lambda value: value**3, x, step), 3 * x**2 + step**2, cubic_fault(x, step), 1e-8)
    # e^(x + h) - e^(x - h) is e^x times twice the hyperbolic sine
    for x, step in ((0.0, 0.5), (1.0, 0.1), (-1.0, 2.0)):
        found = answer(lambda value: float(np.exp(value)), x, step)
        close(found, np.exp(x) * np.sinh(step) / step, "right for x³ but not for exp; call f, and nothing else")
    close(answer(abs, 0.5, 0.25), 1.0, "the slope of |x| right of 0 is 1")


def cubic_fault(x: float, step: float) -> Callable[[Any, Any], str]:
    central = 3 * x**2 + step**2
    patterns = [
        (central + 3 * x * step, "that is a forward difference, f(x + step) - f(x); step to both sides"),
        (central - 3 * x * step, "that is a backward difference, f(x) - f(x - step); step to both sides"),
        (2 * central, "twice too large: the two points lie 2·step apart"),
        (central * 2 * step, "you forget to divide by the distance of the two points"),
        (central * step, "you divide by 2 and not by the step; the two points lie 2·step apart"),
        (
            central * step**2,
            "your division is a multiplication: a / 2 * step is (a / 2) * step; put brackets, 2 * step",
        ),
        (-central, "the sign is turned round: f(x + step) - f(x - step)"),
        (3 * x**2 + step**2 / 4, "your points lie step / 2 to each side; expected step to each side"),
        (3 * x**2, "you use a step of your own (or calculus) and not the step that is given"),
    ]

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        for pattern, hint in patterns:
            if np.isclose(found, pattern, rtol=1e-6, atol=1e-7):
                return hint
        return f"for x³ at {x:g} with step {step:g} it gives {found:g}; expected {wanted:g}"

    return fault


@check
def gradient_by_differences(answer: Any) -> None:
    """gradient_by_differences(f, x, step) -> array of x's shape: a central difference for each element. f: array -> number.

    x is left as it was, and may hold whole numbers.
    """
    rng = np.random.default_rng(1)
    for shape, step in (((3,), 0.5), ((2, 3), 0.25), ((1,), 0.5), ((2, 1, 3), 0.125)):
        compare(answer, rng.standard_normal(shape), rng.standard_normal(shape), step)
    compare(answer, np.array([2, -1, 3]), rng.standard_normal(3), 0.5)


def compare(answer: Any, x: np.ndarray, factors: np.ndarray, step: float) -> None:
    """For Σ factor·x³ + (Σ x)², whose central difference is known exactly."""

    def f(at: np.ndarray) -> Any:
        return (factors * at**3).sum() + at.sum() ** 2

    total = x.sum()
    wanted = factors * (3 * x**2 + step**2) + 2 * total
    lent = x.copy()
    found = answer(f, lent, step)
    untouched("x", x, lent)
    close(found, wanted, gradient_fault(x, factors, step), 1e-8)


def rowwise(x: np.ndarray, factors: np.ndarray, step: float) -> np.ndarray:
    """What comes out where x[i] moves and x has more axes than one."""
    rest = tuple(range(1, x.ndim))
    cubes = (factors * (3 * x**2 + step**2)).sum(rest, keepdims=True)
    return np.broadcast_to(cubes + 2 * x.sum() * (x.size / len(x)), x.shape)


def gradient_fault(x: np.ndarray, factors: np.ndarray, step: float) -> Callable[[Any, Any], str]:
    central = factors * (3 * x**2 + step**2) + 2 * x.sum()
    sideways = 3 * factors * x * step + step  # what one side has more than the other
    patterns = [
        (central + sideways, "these are forward differences; step to both sides"),
        (central - sideways, "these are backward differences; step to both sides"),
        (2 * central, "twice too large: the two points lie 2·step apart"),
        (-central, "the sign is turned round: f(x + step) - f(x - step)"),
        (factors * 3 * x**2 + 2 * x.sum(), "you use a step of your own and not the one that is given"),
        (central * 2 * step, "you forget to divide by the distance of the two points"),
        (
            rowwise(x, factors, step),
            "a whole row moves at once; move one element, whatever the number of axes: np.ndindex(x.shape)",
        ),
    ]

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        for pattern, hint in patterns:
            if np.allclose(found, pattern, rtol=1e-5, atol=1e-6):
                return hint
        if x.dtype.kind == "i":
            return "right for float arrays, wrong where x holds whole numbers: adding 0.5 to one of them is rounded away; make a float array"
        if found.size > 1 and np.allclose(found, found.reshape(-1)[0]):
            return "all slopes are alike: move one element at a time, not all of them together"
        if found.size > 1 and np.isclose(found.reshape(-1)[0], wanted.reshape(-1)[0]):
            return "the first slope is right, the later ones are not: put an element back before the next one moves"
        return "expected (f(x + move) - f(x - move)) / (2·step), where move is step at one element and 0 elsewhere"

    return fault


@check
def walk_downhill(answer: Any) -> None:
    """walk_downhill(gradient, x, rate, momentum, count) -> (count + 1, len(x)): the start, then the place after each step.

    In a step the velocity, 0 at first, becomes momentum·velocity - rate·gradient(x), and x moves by it.
    """
    rng = np.random.default_rng(2)
    for length, rate, momentum, count in (
        (2, 0.25, 0.5, 5),
        (3, 0.1, 0.9, 8),
        (1, 0.5, 0.0, 3),
        (4, 0.2, 0.9, 1),
        (2, 0.1, 0.5, 0),
    ):
        root = rng.standard_normal((length, length))
        curvature, pull = root @ root.T / length + 0.5 * np.eye(length), rng.standard_normal(length)

        def gradient(at: Any, curvature: Any = curvature, pull: Any = pull) -> Any:
            return curvature @ at + pull

        x = 2 * rng.standard_normal(length)
        wanted = path(gradient, x, rate, momentum, count)
        lent = x.copy()
        found = np.asarray(answer(gradient, lent, rate, momentum, count))
        untouched("x", x, lent)
        if found.shape != wanted.shape:
            wrong(f"expected the shape {wanted.shape}, got {found.shape}{walk_shape_fault(found, wanted)}")
        close(found, wanted, walk_fault(gradient, x, rate, momentum, count))


def path(gradient: Any, x: np.ndarray, rate: float, momentum: float, count: int, ahead: bool = False) -> np.ndarray:
    """Every place, element by element. `ahead`: the gradient is asked for where the velocity alone would lead."""
    places = np.zeros((count + 1, len(x)))
    places[0] = x
    velocity = np.zeros(len(x))
    for step in range(count):
        slopes = gradient(places[step] + momentum * velocity * ahead)
        for i in range(len(x)):
            velocity[i] = momentum * velocity[i] - rate * slopes[i]
            places[step + 1, i] = places[step, i] + velocity[i]
    return places


def walk_shape_fault(found: np.ndarray, wanted: np.ndarray) -> str:
    if found.shape == wanted[0].shape and np.allclose(found, wanted[-1]):
        return ": that is the last place only; keep all of them"
    if found.shape == wanted[1:].shape and np.allclose(found, wanted[1:]):
        return ": the start is missing; it is the first place"
    if found.shape == wanted[1:].shape and np.allclose(found, wanted[:-1]):
        return ": the last place is missing; count steps make count + 1 places"
    return ": a row for each place, the start first"


def walk_fault(gradient: Any, x: np.ndarray, rate: float, momentum: float, count: int) -> Callable[[Any, Any], str]:
    def direction_only(at: np.ndarray) -> Any:
        return gradient(at) / np.linalg.norm(gradient(at))

    patterns = [
        (path(gradient, x, -rate, momentum, count), "you walk uphill: the gradient points up, so subtract it"),
        (path(gradient, x, 1.0, momentum, count), "the learning rate is left out"),
        (path(gradient, x, rate, 0.0, count), "the momentum is left out: the velocity keeps a part of itself from step to step"),
        (path(gradient, x, rate, 1.0, count), "the velocity keeps all of itself; multiply it by momentum"),
        (path(gradient, x, rate, -momentum, count), "the sign of the momentum is turned round: momentum·velocity - rate·gradient(x)"),
        (path(gradient, x, rate, momentum, count, ahead=True), "you ask for the gradient ahead of x (Nesterov's momentum); ask at x"),
        (path(gradient, x, rate * (1 - momentum), momentum, count), "you take a mean, (1 - momentum)·rate; the rate counts in full"),
        (path(lambda at: gradient(x), x, rate, momentum, count), "you use the gradient of the start for every step; measure it again at each place"),
        (path(direction_only, x, rate, momentum, count), "your gradients all have one length: take each as it is, long where it is steep"),
    ]  # fmt: skip

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        if count and np.allclose(found, wanted[-1]):
            return "all rows are the last place: you keep one array and change it; make a new one each step, x = x + …"
        for pattern, hint in patterns:
            if np.allclose(found, pattern):
                return hint
        if np.allclose(found, wanted[::-1]):
            return "the places are there, from the last to the first; the start comes first"
        if count and np.allclose(found[1, 0], wanted[1, 0]) and not np.allclose(found[1], wanted[1]):
            return "within a step you use elements that have moved already: one gradient a step, then move all of them"
        return "expected each row to be the row before plus the velocity, momentum·velocity - rate·gradient(row before)"

    return fault
