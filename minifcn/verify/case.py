"""What a rule of diagnosis sees: the two gradients, and what they were made of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

Array = Any
EXPLAINED = 1e-3  # what may be left of the largest error when a rule has explained it
EXACT = 1e-5  # and when a rule tries many explanations, of which one might fit by chance
MOST = 400_000  # slopes, of each output by each element, that are worth measuring for a sentence


@dataclass(frozen=True)
class Case:
    """`analytic` and `numeric` of the input's shape, and which elements are `bad`.

    contributions(index) has the shape of the function's result: through which outputs an element acts. Their sum is the numeric
    gradient. `incoming` is the gradient that came in, `result` what the function returned, `inputs` the arrays it read, by name;
    None and nothing where they are not known.
    """

    analytic: Array
    numeric: Array
    bad: Array
    contributions: Callable[[tuple[int, ...]], Array]
    incoming: Array = None
    result: Array = None
    inputs: dict[str, Array] = field(default_factory=dict)
    name: str = ""

    @property
    def rest(self) -> float:
        """The error that may be left where a rule explains it."""
        return EXPLAINED * float(np.abs(self.analytic - self.numeric).max())

    def same(self, a: Array, b: Array) -> bool:
        return bool(np.all(np.abs(a - b) <= self.rest))

    @cached_property
    def narrow(self) -> float:
        """The same for a rule with many tries: little of the error, and what the numeric side may be off by."""
        return EXACT * float(np.abs(self.analytic - self.numeric).max()) + 1e-8 * float(np.abs(self.numeric).max())

    def explains(self, candidate: Array) -> bool:
        """Is this what backward gave? Two wrong elements at least, for one can be explained by anything."""
        if candidate.shape != self.analytic.shape or int(self.bad.sum()) < 2:
            return False
        return bool(np.all(np.abs(candidate - self.analytic) <= self.narrow))

    @cached_property
    def influence(self) -> Array:
        """contributions of every element: the axes of the input, then those of the result. None where it is too much."""
        if self.incoming is None or self.analytic.size * self.incoming.size > MOST:
            return None
        parts = [self.contributions(index) for index in np.ndindex(self.analytic.shape)]
        return np.array(parts).reshape(*self.analytic.shape, *self.incoming.shape)

    @cached_property
    def slopes(self) -> Array:
        """The same without the incoming gradient: of each output by each element."""
        if self.influence is None or not np.all(self.incoming):
            return None
        return self.influence / self.incoming

    def carried(self, incoming: Array, slopes: Array = None) -> Array:
        """The gradient that another incoming one would give, or other slopes."""
        slopes = self.slopes if slopes is None else slopes
        return np.tensordot(slopes, incoming, incoming.ndim) if incoming.ndim else slopes * incoming
