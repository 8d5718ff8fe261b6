"""The check's random numbers are nobody else's."""

import numpy as np
import pytest

import minifcn as mf
from minifcn.cli.commands.gradcheck import OPERATIONS
from minifcn.verify.streams import stream

from .functions import cube

X = np.random.default_rng(0).standard_normal((3, 4))


def first(generator):
    return generator.standard_normal(12)


COMMON = [*range(100), 123, 1234, 12345, 42, 2024, 2025, 2026, 31337, 2**32 - 1]


def test_no_common_seed_has_the_cotangent():
    known = {first(np.random.default_rng(seed)).tobytes() for seed in COMMON}
    known |= {first(np.random.default_rng([seed, number])).tobytes() for seed in range(20) for number in range(20)}
    known |= {first(np.random.RandomState(seed)).tobytes() for seed in COMMON[:100]}
    for seed in range(100):
        for use in ("the cotangent", "the moves of input 0", "the rule additive", "the rule two_calls"):
            assert first(stream(seed, use)).tobytes() not in known


def test_each_use_and_seed_has_its_own():
    uses = (
        "the cotangent",
        "the rule two_calls",
        "the moves of input 0",
        "the moves of input 1",
        "the rule additive",
    )
    drawn = [first(stream(seed, use)) for seed in range(20) for use in uses]
    assert len({values.tobytes() for values in drawn}) == len(drawn)
    related = np.corrcoef(np.array([stream(seed, use).standard_normal(4000) for seed in range(4) for use in uses]))
    assert np.abs(related - np.eye(len(related))).max() < 0.1


def test_the_same_again():
    np.testing.assert_array_equal(first(stream(3, "the cotangent")), first(stream(3, "the cotangent")))
    np.testing.assert_array_equal(first(stream(3, "the cotangent")), first(stream(np.int64(3), "the cotangent")))


@pytest.mark.parametrize("seed", [None, 1.0, "3", [0, 0], np.random.default_rng(0)])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(mf.GradcheckError, match=r"gradcheck: seed is .*; expected a whole number"):
        mf.gradcheck(cube(), X, seed=seed)


def cotangent_of(x, seed):
    """What comes into backward first."""
    seen = []

    class Spy(mf.Function):
        def forward(self, x):
            return x * 1.0

        def backward(self, grad):
            seen.append(grad.copy())
            return grad

    mf.gradcheck(lambda x: Spy()(x), x, seed=seed)
    return seen[0]


@pytest.mark.parametrize("seed", range(10))
def test_the_cotangent_is_no_input_of_the_same_seed(seed):
    x = np.random.default_rng(seed).standard_normal((3, 4))
    assert abs(np.corrcoef(cotangent_of(x, seed).ravel(), x.ravel())[0, 1]) < 0.9
    assert not np.isin(cotangent_of(x, seed), x).any()


def test_nor_is_it_a_sampled_call_of_the_command():
    """`minifcn gradcheck` draws case n of seed 0 from default_rng((0, n)); default_rng((0, 0)) is default_rng(0)."""
    for number in range(5):
        x = OPERATIONS["neg"].sample(np.random.default_rng((0, number))).inputs[0]
        assert not np.isin(cotangent_of(x, number), x).any()
