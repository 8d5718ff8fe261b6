"""Every wrong version is rejected, for 20 seeds, with the right words; and its right twin accepted by the same call."""

import re
from functools import cache

import pytest

import minifcn as mf
from minifcn.ops import OPERATIONS

from .catalogue import MUTANTS
from .plant import SEEDS


@cache
def accepted(operation, sample, kernels, check, seed):
    """The right twin passes; asked once for all mutants that share their calls."""
    mutant = next(
        m for m in MUTANTS if (m.operation, m.sample, m.kernels, m.check) == (operation, sample, kernels, check)
    )
    mutant.run(mutant.call(seed), seed)
    return True


def assert_rejected(mutant, seeds):
    for seed in seeds:
        call = mutant.call(seed)
        assert accepted(mutant.operation, mutant.sample, mutant.kernels, mutant.check, seed)
        with mutant.planted(), pytest.raises(mf.GradcheckError) as caught:
            mutant.run(call, seed)
        assert re.search(mutant.says, str(caught.value)), f"seed {seed}: expected {mutant.says!r} in\n{caught.value}"


each_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.operation}: {m.fault}")


@each_mutant
def test_mutant_is_rejected_and_its_right_twin_accepted(mutant):
    assert_rejected(mutant, SEEDS[:2])


@pytest.mark.slow
@each_mutant
def test_mutant_is_rejected_for_eighteen_more_seeds(mutant):
    assert_rejected(mutant, SEEDS[2:])


def test_every_operation_has_mutants_and_none_is_named_twice():
    assert {mutant.operation for mutant in MUTANTS} == set(OPERATIONS)
    names = [(mutant.operation, mutant.fault) for mutant in MUTANTS]
    assert len(set(names)) == len(names) >= 40
