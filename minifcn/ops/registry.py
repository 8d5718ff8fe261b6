"""The one list of operations. Gradient checks, parity tests and `minifcn gradcheck` walk it, so that nothing is forgotten."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from minifcn.autodiff.engine import Tensor


class Call(NamedTuple):
    """One valid call of an operation: float64 arrays to differentiate by, and everything else by keyword.

    `as_list`: the operation takes its tensors as one list (concat).
    """

    inputs: tuple[np.ndarray, ...]
    options: dict[str, Any] = {}  # noqa: RUF012 - a NamedTuple's default, never written to
    as_list: bool = False

    def run(self, function: Callable[..., Any], tensors: Any) -> Any:
        return function(list(tensors), **self.options) if self.as_list else function(*tensors, **self.options)


class Operation(NamedTuple):
    """`sample(rng)` draws a random valid call: any shape, any option, values away from kinks."""

    name: str
    function: Callable[..., Tensor]
    sample: Callable[["np.random.Generator"], Call]


OPERATIONS: dict[str, Operation] = {}

F = TypeVar("F", bound=Callable[..., Any])


def operation(sample: Callable[["np.random.Generator"], Call]) -> Callable[[F], F]:
    """Decorator: list a function as an operation under its own name."""

    def register(function: F) -> F:
        OPERATIONS[function.__name__] = Operation(function.__name__, function, sample)
        return function

    return register
