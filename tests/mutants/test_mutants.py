"""Every wrong version is rejected, for 20 seeds, with the right words; and its right twin accepted by the same call."""

import re
from functools import cache

import pytest

import minifcn as mf

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


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.operation}: {m.fault}")
def test_mutant_is_rejected_and_its_right_twin_accepted(mutant):
    for seed in SEEDS:
        call = mutant.call(seed)
        assert accepted(mutant.operation, mutant.sample, mutant.kernels, mutant.check, seed)
        with mutant.planted(), pytest.raises(mf.GradcheckError) as caught:
            mutant.run(call, seed)
        assert re.search(mutant.says, str(caught.value)), f"seed {seed}: expected {mutant.says!r} in\n{caught.value}"


def test_none_is_named_twice():
    names = [(mutant.operation, mutant.fault) for mutant in MUTANTS]
    assert len(set(names)) == len(names) >= 40
