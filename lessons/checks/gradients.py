"""An answer that is a backward, held against central differences with a random cotangent."""

from collections.abc import Callable
from typing import Any

import numpy as np

import minifcn as mf
from checks.verdict import counted, wrong


class Answer(mf.Function):
    """`forward(*arrays)` with a backward that somebody wrote: `backward(grad, *arrays)`."""

    def __init__(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        self.formula, self.answer = forward, backward

    def forward(self, *arrays: Any) -> Any:
        self.arrays = arrays
        return self.formula(*arrays)

    def backward(self, grad: Any) -> Any:
        return self.answer(grad, *self.arrays)


def right_gradient(forward: Callable[..., Any], backward: Callable[..., Any], *inputs: Any) -> None:
    """Count one case if `backward(grad, *inputs)` is the gradient of `forward(*inputs)`; else say what gradcheck says."""
    try:
        mf.gradcheck(Answer(forward, backward), inputs)
    except mf.GradcheckError as error:
        wrong(f"the gradient check disagrees: {said(str(error))}")
    except (TypeError, ValueError) as error:
        wrong(f"expected an array for each input: {error}")
    counted()


def said(report: str) -> str:
    """The one line of a report that says how the gradient is wrong."""
    lines = [line.strip() for line in report.splitlines()]
    diagnoses = [line for line in lines if line.startswith("diagnosis: ") and "as said above" not in line]
    return (diagnoses or lines[1:] or lines)[0].removeprefix("diagnosis: ")


def untouched(name: str, before: np.ndarray, after: np.ndarray) -> None:
    """Wrong where the answer changed an array that it was only lent."""
    if not np.array_equal(before, after, equal_nan=True):
        wrong(f"you changed {name}, which belongs to the caller; work on a copy")
