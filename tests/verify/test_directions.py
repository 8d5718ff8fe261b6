"""Large arrays along random directions: quick, and the message still leads to an element that is wrong."""

import re

import numpy as np
import pytest

import minifcn as mf

from .functions import cube, elementwise, function, rejected

MANY = np.random.default_rng(0).uniform(0.5, 2, 1000)


def test_a_right_gradient_passes():
    report = mf.gradcheck(cube(), MANY, directions=5)
    found = report.inputs[0]
    assert found.directions and found.elements == report.elements == 5 and report.worst < 1e-7
    assert "0 of 5 random directions wrong (curved" in str(report)


def test_each_direction_is_another():
    found = mf.gradcheck(lambda x: x.sum(), MANY, directions=4).inputs[0]
    assert len(set(found.numeric)) == 4


@pytest.mark.parametrize("factor, text", [(1.0001, "1.0001000"), (2, "2.000"), (-1, "-1.000: the sign is turned")])
def test_a_wrong_factor_is_rejected_and_named(factor, text):
    message = rejected(cube(factor), MANY, directions=5, match="5 of 5 random directions wrong")
    assert f"diagnosis: off by a factor {text}" in message


def test_a_missing_gradient_is_rejected_and_named():
    assert "zero everywhere" in rejected(cube(0), MANY, directions=3)


def test_a_constant_is_rejected():
    rejected(cube(constant=1e-3), MANY, directions=5)


@pytest.mark.parametrize("shape", [(1000,), (25, 40), (2, 5, 10, 10)])
@pytest.mark.parametrize("seed", range(5))
def test_the_message_names_the_wrong_one_of_a_thousand(shape, seed):
    place = tuple(int(np.random.default_rng(seed).integers(n)) for n in shape)
    here = np.zeros(shape, bool)
    here[place] = True
    wrong = elementwise(lambda x: x**3, lambda x: np.where(here, 50.0, 3 * x**2))
    message = rejected(wrong, MANY.reshape(shape), directions=3, seed=seed)
    found = re.search(r"one element to look at, (\(.*?\)): analytic (\S+), numeric (\S+)", message)
    assert found, message
    assert found[1] == str(place)
    # the cotangent cancels: 50 is to 3x² as what backward said is to what is right
    right = 3 * MANY.reshape(shape)[place] ** 2
    np.testing.assert_allclose(float(found[2]) / float(found[3]), 50 / right, rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_message_names_one_of_several_wrong_ones(seed):
    wrong_places = np.random.default_rng(seed).permutation(1000)[:5]
    wrong = elementwise(lambda x: x**3, lambda x: np.where(np.isin(np.arange(1000), wrong_places), 50.0, 3 * x**2))
    message = rejected(wrong, MANY, directions=3)
    assert int(re.search(r"look at, \((\d+),\)", message)[1]) in wrong_places


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_message_names_the_element_that_is_not_finite(value):
    def gradient(x, grad):
        result = 3 * x**2 * grad
        result[617] = value if grad[617] else 0
        return result

    message = rejected(function(lambda x: x**3, gradient), MANY, directions=3)
    assert "(617,)" in message


def test_small_arrays_are_compared_element_by_element():
    report = mf.gradcheck(lambda a, b: cube()(a) + b.sum(), [MANY, MANY[:5]], directions=5)
    assert report.inputs[0].directions and not report.inputs[1].directions
    assert [found.elements for found in report.inputs.values()] == [5, 5]
    message = rejected(cube(1.0001), MANY[:5], directions=5, match="5 of 5 elements wrong")
    assert "x x x x x" in message


def test_parameters_too_are_compared_along_directions():
    weight = mf.Tensor(MANY.reshape(20, 50), requires_grad=True)
    report = mf.gradcheck(lambda x: x @ weight, np.ones((2, 20)), parameters={"weight": weight}, directions=3)
    assert report.inputs["weight"].directions and report.inputs["weight"].elements == 3
    assert report.inputs["weight"].kind == "linear" and report.worst < 1e-12


def test_it_is_quick():
    """The point of directions: the number of forward runs does not grow with the array."""
    runs = 0

    def counted(x):
        nonlocal runs
        runs += 1
        return cube()(x)

    mf.gradcheck(counted, np.random.default_rng(0).uniform(1, 2, 20_000), directions=3)
    assert runs < 120


def test_a_wrong_gradient_is_found_quickly_too():
    runs = 0

    def counted(x):
        nonlocal runs
        runs += 1
        return cube(1.5)(x)

    rejected(counted, np.random.default_rng(0).uniform(1, 2, 20_000), directions=3)
    assert runs < 300


def test_a_line_along_directions_is_held_to_a_line():
    matrix = np.random.default_rng(1).standard_normal((40, 10))

    def product(factor):
        return function(lambda x: x @ matrix, lambda x, grad: factor * grad @ matrix.T)

    assert mf.gradcheck(product(1), MANY.reshape(25, 40), directions=4).inputs[0].kind == "linear"
    rejected(product(1 + 1e-7), MANY.reshape(25, 40), directions=4)


def test_kinks_along_directions():
    """Half of the values lie at the kink: any slope between is right along a direction too, and nothing outside."""
    x = np.where(np.arange(200) % 2, 0, MANY[:200] - 1)

    def slopes(at_zero):
        return elementwise(lambda x: np.maximum(x, 0), lambda x: np.where(x == 0, at_zero, x > 0))

    for slope in (0, 0.5, 1):
        mf.gradcheck(slopes(slope), x, directions=40)
    for slope in (5, -5):
        rejected(
            slopes(slope), x, directions=40
        )  # along each single one the sum of many errors may lie between by chance


def test_directions_are_drawn_from_the_seed():
    def values(seed):
        return mf.gradcheck(cube(), MANY, directions=3, seed=seed).inputs[0].numeric

    np.testing.assert_array_equal(values(1), values(1))
    assert (values(1) != values(2)).all()
