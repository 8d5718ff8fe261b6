"""At a kink every slope between both sides is right, and nothing outside; beside it there is one slope. And: random functions."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minifcn as mf

from .functions import elementwise, function, rejected, relu

AT_ZERO = np.array([[1.0, 0.0, -2.0], [0.5, -0.25, 3.0]])


@pytest.mark.parametrize("slope", [0, 0.25, 0.5, 1])
def test_relu_at_zero_may_have_any_slope_between_0_and_1(slope):
    report = mf.gradcheck(relu(at_zero=slope), AT_ZERO)
    assert report.inputs[0].kinks == 1, "the report counts the values that are right at a kink alone"
    assert report.inputs[0].kink[0, 1]
    assert "1 of them at a kink" in str(report)


@pytest.mark.parametrize("slope", [2, -1, 1.0001, -0.0001, np.nan])
def test_relu_at_zero_may_have_no_other_slope(slope):
    message = rejected(relu(at_zero=slope), AT_ZERO, match="1 of 6 elements wrong")
    assert "worst at (0, 1)" in message


@pytest.mark.parametrize("slope", [-1, -0.3, 0, 1])
def test_the_absolute_value_at_zero_may_have_any_slope_between_both(slope):
    right = elementwise(np.abs, lambda x: np.where(x == 0, slope, np.sign(x)))
    assert mf.gradcheck(right, AT_ZERO).inputs[0].kinks == 1


@pytest.mark.parametrize("slope", [1.0001, -1.0001, 1.5, -30])
def test_the_absolute_value_at_zero_may_have_no_other_slope(slope):
    message = rejected(elementwise(np.abs, lambda x: np.where(x == 0, slope, np.sign(x))), AT_ZERO)
    assert "1 of 6 elements wrong" in message and "worst at (0, 1)" in message


@pytest.mark.parametrize("factor", [2, 0.5, 1.0001, 0.9999, -1, 0])
def test_a_kink_elsewhere_excuses_nothing(factor):
    wrong = elementwise(lambda x: np.maximum(x, 0), lambda x: (x > 0) * np.where(x == 3, factor, 1.0))
    message = rejected(wrong, AT_ZERO, match="1 of 6 elements wrong")
    assert "worst at (1, 2)" in message


def test_no_kink_no_count():
    assert mf.gradcheck(relu(), np.array([1.0, -2.0, 0.5])).inputs[0].kinks == 0


def test_a_curve_may_have_a_kink_too():
    """exp(|x|): slopes -1 and 1 at 0, and curved on both sides."""

    def right(at_zero):
        return elementwise(
            lambda x: np.exp(np.abs(x)), lambda x: np.where(x == 0, at_zero, np.sign(x) * np.exp(np.abs(x)))
        )

    for slope in (-1, 0.3, 1):
        assert mf.gradcheck(right(slope), AT_ZERO).inputs[0].kinks == 1
    for slope in (1.001, -1.001):
        rejected(right(slope), AT_ZERO, match="1 of 6")


def test_a_sharp_bend_is_no_kink():
    """√(x² + 1e-8) turns within 1e-4: it has one slope at 0, and only steps far smaller show it."""

    def bend(at_zero):
        return elementwise(
            lambda x: np.sqrt(x**2 + 1e-8), lambda x: np.where(x == 0, at_zero, x / np.sqrt(x**2 + 1e-8))
        )

    mf.gradcheck(bend(0), AT_ZERO)
    for slope in (0.5, -0.5, 1, 1e-3):
        rejected(bend(slope), AT_ZERO, match="1 of 6")


# beside a kink

BESIDE = {
    "3e-4": [3e-4, 1.0, -1.0],
    "3e-6": [3e-6, 1.0, -1.0],
    "3e-6, values of 10": [3e-6, 10.0, -5.0],
    "1e-7": [1e-7, 1.0, -1.0],
    "3e-6 alone": [3e-6],
}


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("values", BESIDE.values(), ids=BESIDE)
def test_beside_a_kink_there_is_one_slope(values, side):
    """x + max(x, 0) has slope 1 on the left and 2 on the right, and the step reaches over."""
    x = np.array(values)
    x[0] *= side
    first = np.arange(x.size) == 0

    def bent(factor):
        return elementwise(lambda x: x + np.maximum(x, 0), lambda x: np.where(first, factor, 1) * (1.0 + (x > 0)))

    mf.gradcheck(bent(1), x)
    for factor in (1.0001, 0.9999, 1.5, 0.5, 2, 0, -1):
        message = rejected(bent(factor), x)
        assert f"1 of {x.size} elements wrong" in message, f"factor {factor}"


def test_a_wrong_slope_beside_a_kink_is_not_counted_as_one():
    wrong = elementwise(lambda x: np.maximum(x, 0), lambda x: (x > 0) * np.where(x < 1e-5, 0.5, 1.0))
    assert "at a kink" not in rejected(wrong, np.array([3e-6, 1.0, -1.0]))


# ties

TIES = np.array([[[[1, 1, 0, 5], [0, 1, 2, 2], [3, 3, 4, -1], [3, 3, 4, 4]]]], float)


@pytest.mark.parametrize("kernels", ["simple", "fast"])
def test_max_pool_gives_a_tie_to_the_first_and_that_is_right(kernels):
    with mf.kernels.use(kernels):
        found = mf.gradcheck(lambda x: mf.ops.max_pool2d(x, 2), TIES).inputs[0]
        mf.gradcheck(lambda x: mf.ops.max_pool2d(x, 3, stride=1), TIES)
    assert found.kinks == 10  # 3 ones, 4 threes, 3 fours


def largest(share):
    """The maximum of each row; share(winners) says what each element gets of a row's gradient."""

    def gradient(x, grad):
        return share(x == x.max(1, keepdims=True)) * grad[:, None]

    return function(lambda x: x.max(1), gradient)


ROWS = np.array([[2.0, 2.0, 1.0, 0.0], [3.0, 3.0, 3.0, 1.0], [0.0, 4.0, 1.0, 2.0]])


def first_of(winners):
    return winners & (winners.cumsum(1) == 1)


def last_of(winners):
    return winners & (winners[:, ::-1].cumsum(1)[:, ::-1] == 1)


SHARES = {
    "the first": first_of,
    "the last": last_of,
    "shared": lambda winners: winners / winners.sum(1, keepdims=True),
    "one more than the other": lambda winners: (
        winners * 0.25 / winners.sum(1, keepdims=True) + 0.75 * first_of(winners)
    ),
}


@pytest.mark.parametrize("share", SHARES.values(), ids=SHARES)
def test_a_tie_may_be_paid_out_in_any_shares(share):
    assert mf.gradcheck(largest(share), ROWS).ok


WRONG_SHARES = {
    "all tied get it": lambda winners: 1.0 * winners,
    "half for each of three": lambda winners: winners * np.where(winners.sum(1, keepdims=True) > 1, 0.5, 1),
    "nobody": lambda winners: winners * (winners.sum(1, keepdims=True) == 1.0),
    "one part in ten thousand too much": lambda winners: first_of(winners) + 1e-4 * last_of(winners),
}


@pytest.mark.parametrize("share", WRONG_SHARES.values(), ids=WRONG_SHARES)
def test_a_tie_is_paid_out_once(share):
    message = rejected(largest(share), ROWS)
    assert "a tie is counted more than once, or not at all" in message or "elements wrong" in message


def test_the_message_of_a_tie_paid_out_twice():
    assert "a tie is counted" in rejected(largest(lambda winners: 1.0 * winners), ROWS, match="input 0")


def test_ties_beside_a_relu_at_zero_are_right():
    """Moved together, the elements cross the ReLU's kink: its two slopes are allowed for in the sum too."""
    mf.gradcheck(lambda x: mf.ops.relu(mf.ops.max_pool2d(x, 2)), TIES - 3)


# random functions: the right gradient passes, the same one a little wrong does not

POINTS = st.lists(st.integers(-16, 16).map(lambda n: n / 8), min_size=1, max_size=6).map(np.array)
COEFFICIENTS = st.lists(st.integers(-24, 24).map(lambda n: n / 8), min_size=2, max_size=5)
PROPERTY = settings(derandomize=True, deadline=None, max_examples=60)


def polynomial(coefficients, kinked, factor=1.0, constant=0.0):
    """A polynomial, lowest power first; `kinked`: and its positive part again, which bends where it crosses 0."""
    value = np.polynomial.Polynomial(coefficients)

    def formula(x):
        return value(x) + (np.maximum(value(x), 0) if kinked else 0)

    def slope(x):
        return value.deriv()(x) * (1 + (value(x) > 0) if kinked else 1)

    return elementwise(formula, slope, factor, constant), slope


def away_from_kinks(x, coefficients, kinked):
    """Where the gradient is one number: there a wrong one has no excuse."""
    return np.abs(np.polynomial.Polynomial(coefficients)(x)) > 1e-3 if kinked else np.ones(x.shape, bool)


@PROPERTY
@given(x=POINTS, coefficients=COEFFICIENTS, kinked=st.booleans(), seed=st.integers(0, 5))
def test_a_random_polynomial_passes(x, coefficients, kinked, seed):
    assert mf.gradcheck(polynomial(coefficients, kinked)[0], x, seed=seed).ok


@PROPERTY
@given(
    x=POINTS,
    coefficients=COEFFICIENTS,
    kinked=st.booleans(),
    seed=st.integers(0, 5),
    fault=st.sampled_from([{"factor": 1.0001}, {"factor": 0.9999}, {"constant": 1e-3}, {"constant": -1e-3}]),
)
def test_a_random_polynomial_with_a_small_fault_does_not(x, coefficients, kinked, seed, fault):
    wrong, slope = polynomial(coefficients, kinked, **fault)
    steep = (
        np.abs(slope(x)) > 0.1 if "factor" in fault else np.ones(x.shape, bool)
    )  # a factor shows where there is a slope
    assume((away_from_kinks(x, coefficients, kinked) & steep).any())
    rejected(wrong, x, seed=seed)


@PROPERTY
@given(
    values=st.lists(st.integers(-16, 16), min_size=12, max_size=12),
    x=POINTS,
    seed=st.integers(0, 5),
    fault=st.sampled_from([(1, 0), (1.0001, 0), (0.9999, 0), (1, 1e-3), (1 + 1e-8, 0)]),
)
def test_a_random_linear_map(values, x, seed, fault):
    matrix = np.resize(np.array(values) / 8, (3, x.size))
    factor, constant = fault
    fn = function(lambda x: matrix @ x + 1, lambda x, grad: factor * matrix.T @ grad + constant * grad.any())
    if fault == (1, 0):
        assert mf.gradcheck(fn, x, seed=seed).inputs[0].kind == "linear"
    else:
        assume(constant or np.abs(matrix).max() > 0.1)
        rejected(fn, x, seed=seed)


@PROPERTY
@given(
    x=st.lists(st.sampled_from([-1.0, -0.5, -3e-6, 0.0, 2e-6, 0.5, 1.0]), min_size=1, max_size=6).map(np.array),
    at_zero=st.sampled_from([0.0, 0.5, 1.0]),
    above=st.sampled_from([1.0, 1.0001, 0.9999, 0.0, 2.0]),
)
def test_a_random_relu(x, at_zero, above):
    """Right with any slope at 0, wrong with another one above it, however near."""
    if above == 1 or not (x > 0).any():
        mf.gradcheck(relu(at_zero, above), x)
    else:
        rejected(relu(at_zero, above), x)


def test_a_cube_that_lies_flat_at_its_middle():
    """Its slope there is 0, and a difference says step²: the step must be small enough for that to pass as rounding."""
    for constant in (0.0, 0.125, 1.0, 100.0):
        assert mf.gradcheck(polynomial([constant, 0.0, 0.125, 1.125], kinked=False)[0], np.array([0.0])).ok
