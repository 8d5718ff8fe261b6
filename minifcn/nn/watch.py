"""Has a module changed since somebody worked something out for it?"""

import numpy as np

from minifcn.nn.module import Module, Parameter

SAMPLES = 61  # numbers of an array that are looked at


class Watch:
    """What a module was: its parts, by identity; the arrays of its parameters, how often they were written to, and some of their numbers.

    The numbers find what NumPy writes into `parameter.data` behind the library's back, where it changes a whole array. Few numbers
    changed that way may go unseen: `parameter.changed()` says so.
    """

    def __init__(self, model: Module, parameters: list[Parameter]) -> None:
        self.parts = [(vars(module), {**vars(module), "training": None}) for module in model.modules()]
        self.parameters = [(each, each.data) for each in parameters]
        # views, unless an array has gaps
        self.seen = [array.ravel("K")[:: max(1, array.size // SAMPLES)] for _, array in self.parameters]
        self.note()

    def note(self) -> None:
        """What there is now is what counts."""
        self.counts, self.numbers = self.now()

    def now(self) -> tuple[list[int], bytes]:
        counts = [parameter.version.count for parameter, _ in self.parameters]
        return counts, b"".join(map(np.ndarray.tobytes, self.seen))

    def same_parts(self) -> bool:
        """Whether all parts, and the arrays of all parameters, are those that they were."""
        kept = all(
            now.get(name) is then for now, part in self.parts for name, then in part.items() if name != "training"
        )
        return kept and all(parameter.data is array for parameter, array in self.parameters)

    def same_numbers(self) -> bool:
        return (self.counts, self.numbers) == self.now()
