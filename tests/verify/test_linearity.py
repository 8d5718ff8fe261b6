"""Backward is linear in the incoming gradient: what is not is found for any input, also for one that equals the cotangent."""

import numpy as np
import pytest

import minifcn as mf
from minifcn.verify.streams import stream

from .functions import cube, function, rejected

SHAPE = (3, 4)


def inputs(seed):
    """What most people hand in."""
    return np.random.default_rng(seed).standard_normal(SHAPE)


def relu(rule):
    """max(x, 0), with rule(x, incoming) for its backward."""
    return function(lambda x: np.maximum(x, 0), rule)


NOT_LINEAR = {
    "masked by the incoming gradient": (lambda x, g: np.maximum(g, 0), "one sign of that is stopped"),
    "masked by the negative one": (lambda x, g: np.minimum(g, 0), "one sign of that is stopped"),
    "guided": (lambda x, g: np.maximum(g, 0) * (x > 0), "one sign of that is stopped"),
    "absolute": (lambda x, g: np.abs(g) * (x > 0), "the same for -1 times that: an absolute value is taken"),
    "squared": (lambda x, g: g * g * (x > 0), "grows with its square: the incoming gradient is multiplied by itself"),
    "its sign": (lambda x, g: np.sign(g) * (x > 0), "it stays the same when that is doubled"),
    "clipped at 0.5": (lambda x, g: np.clip(g, -0.5, 0.5) * (x > 0), "it is clipped"),
    "clipped at 50": (lambda x, g: np.clip(g, -50, 50) * (x > 0), "it is clipped"),
    "clipped by its length": (lambda x, g: g / max(1, np.linalg.norm(g) / 10) * (x > 0), "it is clipped"),
    "small ones dropped": (lambda x, g: np.where(np.abs(g) > 1e-4, g, 0) * (x > 0), "small ones are dropped"),
    "leaking for negative ones": (
        lambda x, g: np.where(g > 0, g, 0.1 * g) * (x > 0),
        "positive and negative ones are treated differently",
    ),
    "with something added": (
        lambda x, g: (g + 1e-7 * (g != 0)) * (x > 0),
        "backward is not linear in the incoming gradient: ",
    ),
    "homogeneous, but no sum": (
        lambda x, g: np.cbrt(g**3 + np.roll(g, 1) ** 3) * (x > 0),
        "for the sum of two it does not give the sum",
    ),
}


@pytest.mark.parametrize("rule, says", NOT_LINEAR.values(), ids=NOT_LINEAR)
def test_what_is_not_linear_is_found_and_named(rule, says):
    for seed in (0, 1, 42):
        message = rejected(relu(rule), inputs(seed), seed=seed)
        assert "input 0: backward is not linear in the incoming gradient: " in message and says in message


@pytest.mark.parametrize("rule, says", NOT_LINEAR.values(), ids=NOT_LINEAR)
def test_it_is_found_where_the_input_is_the_cotangent_itself(rule, says):
    """The commonest slip of a check: both from one stream. Then x > 0 and grad > 0 are one mask, and x² / 2 has the slope grad."""
    for seed in range(3):
        x = stream(seed, "the cotangent").standard_normal(SHAPE)
        assert "not linear" in rejected(relu(rule), x, seed=seed)


def test_half_a_square_whose_gradient_is_the_incoming_one_times_itself():
    wrong = function(lambda x: x**2 / 2, lambda x, g: g * g)
    for seed in range(10):
        assert "multiplied by itself" in rejected(wrong, inputs(seed), seed=seed)


@pytest.mark.parametrize("size", [1e-200, 1e-20, 1.0, 1e20, 1e200])
def test_it_is_found_at_any_size(size):
    for rule, _ in NOT_LINEAR.values():
        wrong = function(lambda x: size * np.maximum(x, 0), lambda x, g, rule=rule: rule(x, g) * size)
        assert "not linear" in rejected(wrong, inputs(0))


class Both(mf.Function):
    def forward(self, a, b):
        return a + b

    def backward(self, grad):
        return grad, np.abs(grad)


def test_the_input_is_named_and_so_is_a_parameter():
    message = rejected(lambda a, b: Both()(a, b), [inputs(0), inputs(1)])
    assert "input 1: backward is not linear" in message and "right: input 0" in message
    weight = mf.Tensor(inputs(1), requires_grad=True)
    assert "parameter w: backward is not linear" in rejected(
        lambda a: Both()(a, weight), inputs(0), parameters={"w": weight}
    )


def test_one_element_in_a_thousand():
    def rule(x, g):
        result = g * (x > 0)
        result[7] = abs(g[7])
        return result

    x = np.random.default_rng(3).uniform(0.5, 2, 1000)
    assert "not linear" in rejected(relu(rule), x, directions=2)


LINEAR = {
    "a cube": cube(),
    "a sum": lambda x: x.sum(),
    "a softmax": lambda x: mf.ops.softmax_cross_entropy(x, np.array([0, 1, 2])),
    "rounding alone": lambda x: x / x,
    "large and cancelled": lambda x: (x * 1e6 - x.mean() * 1e6).sum() * (x - x.mean()).sum(),
    "small": lambda x: x * 1e-300,
    "large": lambda x: x * 1e300,
    "nothing": lambda x: x * 0.0,
}


@pytest.mark.parametrize("fn", LINEAR.values(), ids=LINEAR)
def test_what_is_linear_is_not_accused(fn):
    for seed in range(5):
        try:
            mf.gradcheck(fn, inputs(seed), seed=seed)
        except mf.GradcheckError as error:
            assert "not linear" not in str(error)


def test_float32_on_the_way_is_called_so_and_not_nonlinear():
    message = rejected(function(lambda x: 3 * x, lambda x, g: (3 * g).astype("f4") * 1.0), inputs(0))
    assert "rounded to float32" in message and "not linear" not in message


def test_tolerances_that_a_caller_gives_are_for_this_too():
    slightly = function(lambda x: 2 * x, lambda x, g: 2 * g + 1e-4 * np.abs(g))
    assert "not linear" in rejected(slightly, inputs(0))
    mf.gradcheck(slightly, inputs(0), rtol=1e-3)
