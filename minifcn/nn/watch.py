"""Has a module changed since somebody worked something out for it?"""

from typing import Any

import numpy as np

from minifcn.nn.module import Module, Parameter

WHOLE, SAMPLES = 1 << 18, 4096  # numbers of an array up to which all are looked at; how many there are of a larger one


class Watch:
    """What a module was: its parts, by identity; the arrays of its parameters, how often they were written to, and sums of their bits.

    The sums find what NumPy writes into `parameter.data` behind the library's back. Of large arrays every so many numbers are added: there a few
    numbers that change may go unseen, unless `parameter.changed()` says so.
    """

    def __init__(self, model: Module, parameters: list[Parameter]) -> None:
        self.parts = [(vars(module), {**vars(module), "training": None}) for module in model.modules()]
        self.parameters = [(each, each.data) for each in parameters]
        self.seen = [bits(array.ravel("K")) for _, array in self.parameters]  # views, unless an array has gaps
        self.note()

    def note(self) -> None:
        """What there is now is what counts."""
        self.then = self.now()

    def now(self) -> list[Any]:
        return [(each.version.count, sum_of(seen)) for (each, _), seen in zip(self.parameters, self.seen, strict=True)]

    def same_parts(self) -> bool:
        """Whether all parts, and the arrays of all parameters, are those that they were."""
        kept = all(
            now.get(name) is then for now, part in self.parts for name, then in part.items() if name != "training"
        )
        return kept and all(parameter.data is array for parameter, array in self.parameters)

    def same_numbers(self) -> bool:
        return self.then == self.now()


sum_of = np.add.reduce  # of integers, so that no change is lost to rounding


def bits(numbers: np.ndarray) -> np.ndarray:
    """All of them, or some of many, as integers; two floats in one where that goes."""
    if numbers.size > WHOLE:
        return numbers[:: numbers.size // SAMPLES].view(f"u{numbers.itemsize}")
    return numbers.view("u8" if numbers.nbytes % 8 == 0 else "u4")
