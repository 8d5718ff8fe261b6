"""Every operation on large finite inputs, by registration alone; and wrong versions of the classic kind, which must be seen."""

import numpy as np
import pytest

import minifcn as mf
from minifcn.autodiff.engine import Function
from minifcn.ops import OPERATIONS
from minifcn.ops.arithmetic import summed_to

from .ranges import MAGNITUDES, SIGNS, complaints

SEEDS = range(8)
each_dtype = pytest.mark.parametrize("dtype", MAGNITUDES)


@each_dtype
@pytest.mark.parametrize("name", OPERATIONS)
def test_large_inputs(name, dtype):
    count, said = complaints(name, OPERATIONS[name].function, SEEDS, dtype)
    if said:
        pytest.fail(said, pytrace=False)
    if count < 6:  # else the test would say nothing
        pytest.fail(
            f"{name}: only {count} large calls have a right value that fits {dtype}: tests/oracles.py is not right at large numbers, or "
            "LARGEST in tests/ops/ranges.py wants what the operation promises",
            pytrace=False,
        )


class Wrong(Function):
    """An operation whose forward and backward are given, both right at ordinary numbers."""

    fresh = True

    def __init__(self, there, back, axis=None):
        self.there, self.back, self.axis = there, back, axis

    def forward(self, *inputs):
        self.inputs_kept = inputs
        return self.there(*inputs)

    def backward(self, grad):
        return self.back(grad, *self.inputs_kept)


def softmax_unshifted(x, axis):
    powers = np.exp(x)
    return powers / powers.sum(axis, keepdims=True)


def log_softmax_gradient(grad, x, axis):
    return grad - softmax_unshifted(x, axis) * grad.sum(axis, keepdims=True)


def sigmoid_of_positive(x):
    return np.exp(x) / (np.exp(x) + 1)


def mean_by_sum(x, axis, keepdims):
    """The sum of many more, so that it does not fit where their mean does."""
    total = mf.ops.sum(mf.ops.mul(x, 1e4), axis, keepdims)
    return mf.ops.div(total, 1e4 * x.size / total.size)


WRONG = {  # name of the fault: (operation, tensors and options -> result, what is said)
    "sigmoid whose e^-x overflows, though its value is right": (
        "sigmoid",
        lambda x: Wrong(
            lambda v: 1 / (1 + np.exp(-v)), lambda g, v: g * np.exp(-np.abs(v)) / (1 + np.exp(-np.abs(v))) ** 2
        )(x),
        "overflow encountered in exp, but value and gradients fit",
    ),
    "sigmoid whose backward alone overflows": (
        "sigmoid",
        lambda x: Wrong(lambda v: 0.5 + np.tanh(v / 2) / 2, lambda g, v: g * np.exp(-v) / (1 + np.exp(-v)) ** 2)(x),
        "encountered in ",
    ),
    "sigmoid that hides its NaN from NumPy's warnings": (
        "sigmoid",
        lambda x: Wrong(np.errstate(all="ignore")(sigmoid_of_positive), lambda g, v: 0 * g)(x),
        "is nan, and in truth ",
    ),
    "tanh as a quotient of exponentials": (
        "tanh",
        lambda x: Wrong(
            lambda v: (np.exp(v) - np.exp(-v)) / (np.exp(v) + np.exp(-v)), lambda g, v: g * (1 - np.tanh(v) ** 2)
        )(x),
        "overflow encountered in exp",
    ),
    "softmax of scores that are not shifted": (
        "softmax",
        lambda x, axis: Wrong(lambda v: softmax_unshifted(v, axis), lambda g, v: 0 * g)(x),
        "overflow encountered in exp",
    ),
    "logarithm of a softmax": (
        "log_softmax",
        lambda x, axis: mf.ops.log(mf.ops.softmax(x, axis)),
        "divide by zero encountered in log",
    ),
    "logarithm of a softmax with a small number under it": (
        "log_softmax",
        lambda x, axis: mf.ops.log(mf.ops.softmax(x, axis) + 1e-30),
        "and in truth ",
    ),
    "quotient with b squared": (
        "div",
        lambda a, b: Wrong(
            lambda v, w: v / w, lambda g, v, w: (summed_to(g / w, v.shape), summed_to(-g * v / (w * w), w.shape))
        )(a, b),
        "overflow encountered in multiply",
    ),
    "power by way of the logarithm, in backward": (
        "sqrt",
        lambda x: Wrong(np.sqrt, lambda g, v: g * np.sqrt(v) / (v * v) * v / 2)(x),
        "overflow encountered in multiply",
    ),
    "absolute value as the root of a square": (
        "abs",
        lambda x: Wrong(lambda v: np.sqrt(v * v), lambda g, v: g * np.sign(v))(x),
        "overflow encountered in multiply",
    ),
    "mean whose sum does not fit": (
        "mean",
        mean_by_sum,
        "overflow encountered in ",
    ),
}


@pytest.mark.parametrize("fault", WRONG)
@each_dtype
def test_a_wrong_version_is_seen(fault, dtype):
    name, function, says = WRONG[fault]
    _, said = complaints(name, function, SEEDS, dtype)
    assert says in said, said
    assert complaints(name, OPERATIONS[name].function, SEEDS, dtype)[1] == "", "and the right one is not"


def test_an_overflow_that_the_result_deserves_is_no_fault():
    """e^(1e4) is infinite in float64 too: such cases do not count, and the others of the same operation do."""
    count, said = complaints("exp", mf.ops.exp, SEEDS, "float32")
    assert said == ""
    cases = sum(1 for _ in SEEDS for size in MAGNITUDES["float32"] for _ in SIGNS)
    assert 0 < count < cases
