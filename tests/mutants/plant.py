"""Wrong versions of operations, of the kinds that people write, planted into the library itself.

A mutant names the operation, the fault, a function that plants it (a monkeypatch is handed in), and what the check must say. `sample`
draws calls on which the fault shows, for any seed; the right twin is the same call with nothing planted.

A gradient check holds backward against forward. A fault that both share, such as a wrong loss with its own right gradient, is for the
oracles in `tests/ops`; each mutant here breaks one side.
"""

from collections.abc import Callable
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pytest

import minifcn as mf
from minifcn.ops import OPERATIONS, Call

SEEDS = range(20)  # of the drawn calls
PLAIN_SEEDS = range(10)  # of np.random.default_rng(seed), which makes most inputs that people have
QUICK, QUICK_PLAIN = SEEDS[:2], PLAIN_SEEDS[:2]


def by_gradcheck(name: str, call: Call, seed: int) -> None:
    mf.gradcheck(lambda *tensors: call.run(OPERATIONS[name].function, tensors), call.inputs, seed=seed)


class Mutant(NamedTuple):
    operation: str
    fault: str
    plant: Callable[[pytest.MonkeyPatch], None]
    sample: Callable[[np.random.Generator], Call]
    says: str  # a regular expression that the message must match; "" where no diagnosis is named for the fault
    kernels: str
    check: Callable[[str, Call, int], object]
    check_name: str

    def call(self, seed: int) -> Call:
        return self.sample(np.random.default_rng([seed, 12]))

    def plain_call(self, seed: int) -> Call:
        """Inputs from the generator that everybody uses, of the seed that the check gets too."""
        return self.sample(np.random.default_rng(seed))

    def run(self, call: Call, seed: int) -> None:
        """Raises GradcheckError if the check rejects the operation as it stands."""
        with mf.kernels.use(self.kernels):
            self.check(self.operation, call, seed)

    @contextmanager
    def planted(self):
        with pytest.MonkeyPatch.context() as patch:
            self.plant(patch)
            yield


MUTANTS: list[Mutant] = []


def mutant(operation, fault, says="", sample=None, kernels="simple", check=by_gradcheck, check_name="gradcheck"):
    """Decorator: list a function that plants a fault."""

    def register(plant):
        MUTANTS.append(
            Mutant(operation, fault, plant, sample or OPERATIONS[operation].sample, says, kernels, check, check_name)
        )
        return plant

    return register
