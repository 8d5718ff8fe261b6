"""Every wrong version is rejected, with the right words; and its right twin accepted by the same call.

A few seeds by default. All of them, 20 of drawn calls and 10 of the plain generators: `pytest --all`, or MINIFCN_TEST_ALL=1.
"""

import os
import re
from functools import cache

import pytest

import minifcn as mf
from minifcn.ops import OPERATIONS

from .catalogue import MUTANTS, what_is_said
from .plant import PLAIN_SEEDS, QUICK, QUICK_PLAIN, SEEDS


@pytest.fixture(scope="module")
def kinds(request):
    """(plain, seed) of every call to try."""
    everything = request.config.getoption("--all", False) or os.environ.get("MINIFCN_TEST_ALL") == "1"
    seeds, plain = (SEEDS, PLAIN_SEEDS) if everything else (QUICK, QUICK_PLAIN)
    return [*((False, seed) for seed in seeds), *((True, seed) for seed in plain)]


def call_of(mutant, kind):
    plain, seed = kind
    return mutant.plain_call(seed) if plain else mutant.call(seed)


@cache
def accepted(operation, sample, kernels, check, kind):
    """The right twin passes; asked once for all mutants that share their calls."""
    mutant = next(
        m for m in MUTANTS if (m.operation, m.sample, m.kernels, m.check) == (operation, sample, kernels, check)
    )
    mutant.run(call_of(mutant, kind), kind[1])
    return True


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.operation}: {m.fault}")
def test_mutant_is_rejected_and_its_right_twin_accepted(mutant, kinds):
    for kind in kinds:
        call = call_of(mutant, kind)
        assert accepted(mutant.operation, mutant.sample, mutant.kernels, mutant.check, kind)
        with mutant.planted(), pytest.raises(mf.GradcheckError) as caught:
            mutant.run(call, kind[1])
        told = str(caught.value)
        assert re.search(mutant.says, told), f"plain, seed {kind}: expected {mutant.says!r} in\n{told}"


def test_every_operation_has_mutants_and_none_is_named_twice():
    assert {mutant.operation for mutant in MUTANTS} == set(OPERATIONS)
    names = [(mutant.operation, mutant.fault) for mutant in MUTANTS]
    assert len(set(names)) == len(names) >= 40


def test_most_mutants_are_told_apart_by_words():
    """A check that says "wrong" and no more is half a help."""
    unknown = [f"{mutant.operation}: {mutant.fault}" for mutant in MUTANTS if "no pattern" in what_is_said(mutant)]
    assert len(unknown) < 20, unknown
