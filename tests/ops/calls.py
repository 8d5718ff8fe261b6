"""What the tests of the operations share: sampled calls, gradients, arrays in odd memory orders, a comparison."""

from functools import cache

import numpy as np
import pytest
from oracles import ORACLES

import minifcn as mf
from minifcn.ops import OPERATIONS, Call

ORDINARY = [name for name in OPERATIONS if name not in ("conv2d", "conv_transpose2d")]
WITH_ORACLE = [
    name for name in OPERATIONS if name in ORACLES
]  # for one that lacks it, test_recipe.py speaks and nothing else


@cache
def draw(name, seed):
    """The sampled call of an operation that belongs to a seed. Shared between tests: change nothing in it."""
    return OPERATIONS[name].sample(np.random.default_rng(seed))


@cache
def by_loops(name, seed):
    call = draw(name, seed)
    return call.run(ORACLES[name], call.inputs)


def run(name, call, inputs=None, requires_grad=False):
    """(output, tensors) of a call, on other inputs if some are given."""
    tensors = [mf.Tensor(value, requires_grad=requires_grad) for value in (call.inputs if inputs is None else inputs)]
    return call.run(OPERATIONS[name].function, tensors), tensors


def gradients(name, call, cotangent, inputs=None):
    output, tensors = run(name, call, inputs, requires_grad=True)
    output.backward(cotangent)
    return [tensor.grad for tensor in tensors]


def check_gradient(about, fn, inputs, seed=0):
    """gradcheck, whose failure is one screen: what was called, and the report. The frames are the check's own and say nothing."""
    try:
        return mf.gradcheck(fn, inputs, seed=seed)
    except mf.GradcheckError as error:
        report = str(error)
    pytest.fail(
        f"{about}\n{report}", pytrace=False
    )  # down here, so that it is not told as an error while handling another


def told(name, call):
    """A call in one line: operation, shapes, options."""
    shapes = [told_array(value) for value in call.inputs]
    return f"{name}({', '.join([*shapes, *(f'{key}={told_option(value)}' for key, value in call.options.items())])})"


def told_array(value):
    return f"{value.dtype}[{' x '.join(map(str, value.shape))}]"


def told_option(value):
    """An option as written, but of a large array its shape alone."""
    if isinstance(value, tuple):
        return f"({', '.join(map(told_option, value))})"
    return told_array(value) if isinstance(value, np.ndarray) and value.size > 8 else " ".join(repr(value).split())


def cotangent_for(output, seed=0):
    return np.random.default_rng([seed, 7]).standard_normal(output.shape).astype(output.dtype)


def assert_close(actual, expected, tolerance, about=""):
    """|actual - expected| ≤ tolerance · max(1, largest |expected|), infinities alike, shapes equal."""
    __tracebackhide__ = True
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"{about}: shape {actual.shape}, expected {expected.shape}"
    finite = np.isfinite(expected)
    scale = max(1.0, float(np.abs(expected[finite]).max(initial=0)))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale, err_msg=str(about))


def fortran(array):
    return array.copy(order="F")


def reversed_axes(array):
    """The same values with a negative stride on every axis."""
    turned = (slice(None, None, -1),) * array.ndim
    return array[turned].copy()[turned]


def every_second(array):
    """The same values two apart on every axis, NaN between them."""
    wide = np.full([2 * n for n in array.shape], np.nan, array.dtype)
    holes = (slice(None, None, 2),) * array.ndim
    wide[holes] = array
    return wide[holes]


def channels_last(array):
    """Axis 1 last in memory, as the kernels leave their results."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)), -1, 1) if array.ndim > 1 else array


LAYOUTS = {layout.__name__: layout for layout in (fortran, reversed_axes, every_second, channels_last)}


@cache
def empty_batches():
    """Calls on a batch of no pictures, where they cannot be made by cutting a drawn one: N = 0."""
    rng = np.random.default_rng(0)
    none = np.zeros((0, 2, 3, 4))
    return {
        "add": Call((none, np.ones((2, 1, 1)))),
        "sub": Call((np.ones((1, 2, 3, 4)), none)),
        "mul": Call((none, none)),
        "div": Call((none, np.ones((1, 2, 1, 4)))),
        "batch_norm2d": Call((none,), {"mean": np.zeros(2), "var": np.ones(2)}),
        "matmul": Call((np.zeros((0, 3)), np.ones((3, 2)))),
        "index": Call((np.zeros((2, 0)),), {"key": (slice(0, 1),)}),
        "concat": Call((none, np.zeros((0, 5, 3, 4))), {"axis": 1}, as_list=True),
        "conv2d": Call((none, rng.standard_normal((3, 2, 2, 2)), np.ones(3))),
        "conv_transpose2d": Call((none, rng.standard_normal((2, 3, 2, 2)), np.ones(3))),
        "crop_like": Call((none,), {"reference": np.zeros((0, 1, 2, 2)), "offset": 1}),
        "max_unpool2d": Call((none,), {"indices": np.zeros(none.shape, int), "kernel_size": 2}),
        "maximum": Call((np.ones((2, 1, 1)), none)),
        "mean": Call((none,), {"axis": (2, 3)}),
        "pad": Call((none,), {"padding": (1, 2, 0, -1), "value": 3.0}),
        "reshape": Call((none,), {"shape": (0, 24)}),
        "softmax_cross_entropy": Call((none,), {"labels": np.zeros((0, 3, 4), int), "reduction": "mean"}),
        "sum": Call((none,), {"axis": 0}),
        "transpose": Call((none,), {"axes": (0, 2, 3, 1)}),
    }


@cache
def empty_call(name):
    """The listed call on an empty batch; else a drawn one with nothing left of the batch; else None.

    Cut is a call of one input, or of several that all have one shape. One with a weight or with an array among its options is not.
    """
    if name in empty_batches():
        return empty_batches()[name]
    for seed in range(200):
        call = draw(name, seed)
        arrays = any(isinstance(value, np.ndarray) for value in call.options.values())
        if call.inputs[0].ndim and len({value.shape for value in call.inputs}) == 1 and not arrays:
            return call._replace(inputs=tuple(value[:0] for value in call.inputs))
    return None


@cache
def missing_empty_batch(name):
    """What is to be done before an operation can be tried on an empty batch, in one sentence; "" where it can."""
    wanted = "empty_batches in tests/ops/calls.py wants a call of it on a batch of no pictures"
    call = empty_call(name)
    if call is None:
        return f"{name} has inputs of several shapes, or arrays among its options: {wanted}"
    try:
        run(name, call)
    except Exception as error:  # whatever it is, a person has to decide which of the two is wrong
        return f'{name} says "{error}" for {[v.shape for v in call.inputs]} {call.options}: mend it, or {wanted}'
    return ""
