"""Every wrong version is rejected, with the right words; and its right twin accepted by the same call.

A few seeds by default. With `--all` all of them: 20 of drawn calls and 10 of the plain generators that people use.
"""

import re
from functools import cache

import pytest

import minifcn as mf

from .catalogue import MUTANTS, what_is_said
from .plant import PLAIN_SEEDS, QUICK, QUICK_PLAIN, SEEDS

# (plain, seed) of every call to try
FEW = [*((False, seed) for seed in QUICK), *((True, seed) for seed in QUICK_PLAIN)]
ALL = [*((False, seed) for seed in SEEDS), *((True, seed) for seed in PLAIN_SEEDS)]
MORE = [kind for kind in ALL if kind not in FEW]


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


def assert_rejected(mutant, kinds):
    for kind in kinds:
        call = call_of(mutant, kind)
        assert accepted(mutant.operation, mutant.sample, mutant.kernels, mutant.check, kind)
        with mutant.planted(), pytest.raises(mf.GradcheckError) as caught:
            mutant.run(call, kind[1])
        told = str(caught.value)
        assert re.search(mutant.says, told), f"plain, seed {kind}: expected {mutant.says!r} in\n{told}"


each_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.operation}: {m.fault}")


@each_mutant
def test_mutant_is_rejected_and_its_right_twin_accepted(mutant):
    assert_rejected(mutant, FEW)


@pytest.mark.slow
@each_mutant
def test_mutant_is_rejected_for_all_other_seeds(mutant):
    assert_rejected(mutant, MORE)


def test_none_is_named_twice():
    names = [(mutant.operation, mutant.fault) for mutant in MUTANTS]
    assert len(set(names)) == len(names) >= 40


def test_most_mutants_are_told_apart_by_words():
    """A check that says "wrong" and no more is half a help."""
    unknown = [f"{mutant.operation}: {mutant.fault}" for mutant in MUTANTS if "no pattern" in what_is_said(mutant)]
    assert len(unknown) < 20, unknown
