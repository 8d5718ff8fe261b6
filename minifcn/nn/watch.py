"""Has a module changed since somebody worked something out for it?"""

from collections.abc import Iterator
from math import gcd
from operator import is_
from typing import Any
from weakref import ref

import numpy as np

from minifcn.nn.module import Module, Parameter

WHOLE, SAMPLES = (
    1 << 20,
    1 << 13,
)  # numbers of an array up to which all are looked at; how many there are of a larger one
LANES = 1021  # sums of an array, so that numbers that change places are seen; a prime: rows are not that far apart


class Watch:
    """What a module was: its parts, by identity, and what is run of them; the arrays of its parameters. `then`: how often these were written to,
    and sums of their bits.

    The sums find what NumPy writes into `parameter.data` behind the library's back. Of large arrays every so many numbers are added: there a few
    numbers that change may go unseen, unless `parameter.changed()` says so.
    """

    def __init__(self, model: Module, parameters: list[Parameter]) -> None:
        modules = list(model.modules())
        # weakly: a plan does not keep its model
        self.modules = [(ref(module), type(module), type(module).forward) for module in modules]
        self.parts = [(part, shallow(part)) for module in modules for part in containers(vars(module))]
        self.parameters = [(each, each.data) for each in parameters]
        self.then = self.now()

    def now(self) -> list[Any]:
        """What the numbers are, to be compared with `then`."""
        return [(each.version.count, sums_of(array)) for each, array in self.parameters]

    def same_parts(self) -> bool:
        """Whether all parts, and the arrays of all parameters, are those that they were."""
        kept = all(type(module()) is kind and kind.forward is forward for module, kind, forward in self.modules)
        kept = kept and all(same(part, then) for part, then in self.parts)
        return kept and all(parameter.data is array for parameter, array in self.parameters)


def containers(values: Any) -> Iterator[Any]:
    """A dictionary or list, and those in it: a layer's attributes, its options, a list of modules."""
    yield values
    for value in values.values() if isinstance(values, dict) else values:
        if isinstance(value, (dict, list)):
            yield from containers(value)


def shallow(part: Any) -> Any:
    """What lies in it now; but whether a module is in training, which is for the caller to know."""
    return (
        tuple(part) if isinstance(part, list) else {name: value for name, value in part.items() if name != "training"}
    )


def same(part: Any, then: Any) -> bool:
    """Whether the same things lie in it, and nothing else."""
    if isinstance(part, list):
        return len(part) == len(then) and all(map(is_, part, then))
    kept = all(part.get(name, part) is value for name, value in then.items())  # a part does not lie in itself
    return kept and len(part) == len(then) + ("training" in part)


def sums_of(array: np.ndarray) -> bytes:
    """Every so many of its numbers added, as integers, so that no change is lost to rounding. Of few numbers, all of them."""
    numbers = bits(array.ravel("K"))  # a view, unless the array has gaps
    rows = len(numbers) // LANES
    sums = np.add.reduce(numbers[: rows * LANES].reshape(rows, LANES), 0)
    return sums.tobytes() + numbers[rows * LANES :].tobytes()


def bits(numbers: np.ndarray) -> np.ndarray:
    """All of them, or some of many, as integers; two floats in one where that goes."""
    if numbers.size > WHOLE:
        return numbers[:: step_through(numbers.size)].view(f"u{numbers.itemsize}")
    return numbers.view("u8" if numbers.nbytes % 8 == 0 else "u4")


def step_through(count: int) -> int:
    """Of `count` numbers every so many are looked at. The step has no divisor in common with the array, so that each row, column and
    place of a kernel has its turn: a step of 288 through 3x3 kernels would see their first number alone."""
    return next(step for step in range(count // SAMPLES, 0, -1) if gcd(step, count) == 1)
