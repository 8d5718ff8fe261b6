"""How the error of a central difference depends on its step: the U-curve that decides which step is used."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minifcn.autodiff.engine import Tensor
from minifcn.verify.differences import Differences, Move, choose_step
from minifcn.verify.subject import Subject

STEPS = tuple(10.0 ** (exponent / 2) for exponent in range(-26, 3))


class Curve(NamedTuple):
    """One input: the largest error over all elements at each step, over the largest gradient; and what gradcheck chooses."""

    name: str
    kind: str
    steps: Sequence[float]
    errors: list[float]
    chosen: float


def error_by_step(fn: Callable[..., Tensor], inputs: Any, steps: Sequence[float] = STEPS, seed: int = 0) -> list[Curve]:
    """A curve an input of `fn`. Rounding falls as 1 / step, truncation grows as step², and at a kink everything ends.

    `inputs` as in `gradcheck`. The errors are against backward's own gradient: for one that is right.
    """
    subject = Subject(fn, inputs, None)
    rng = np.random.default_rng(seed)  # nothing is judged here, so it may be a generator that the inputs came from
    cotangent = rng.standard_normal(subject.output_array().shape)
    curves = []
    for variable, analytic in zip(subject.variables, subject.gradients(cotangent.copy()), strict=True):
        differences = Differences(subject.output_array, variable.array, cotangent)
        moves = [Move.element(index) for index in np.ndindex(analytic.shape)]
        kind, chosen = choose_step(differences, moves, rng)
        largest = float(np.abs(analytic).max(initial=1e-300))
        errors = []
        for step in steps:
            numeric = np.array([differences.slope(move, step).value for move in moves]).reshape(analytic.shape)
            errors.append(float(np.abs(numeric - analytic).max(initial=0)) / largest)
        curves.append(Curve(variable.name, kind, steps, errors, chosen))
    return curves
