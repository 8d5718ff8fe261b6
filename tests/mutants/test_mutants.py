"""Every wrong version is rejected, for 20 seeds, with the right words; and its right twin accepted by the same call."""

import re

import pytest

import minifcn as mf
from minifcn.ops import OPERATIONS

from .catalogue import MUTANTS
from .plant import SEEDS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.operation}: {m.fault}")
def test_mutant_is_rejected_and_its_right_twin_accepted(mutant):
    for seed in SEEDS:
        call = mutant.call(seed)
        mutant.run(call, seed)
        with mutant.planted(), pytest.raises(mf.GradcheckError) as caught:
            mutant.run(call, seed)
        assert re.search(mutant.says, str(caught.value)), f"seed {seed}: expected {mutant.says!r} in\n{caught.value}"


def test_every_operation_has_mutants_and_none_is_named_twice():
    assert {mutant.operation for mutant in MUTANTS} == set(OPERATIONS)
    names = [(mutant.operation, mutant.fault) for mutant in MUTANTS]
    assert len(set(names)) == len(names) >= 40
