"""What the tests of the operations share: sampled calls, gradients, arrays in odd memory orders, a comparison."""

from functools import cache

import numpy as np
import pytest
from oracles import ORACLES

import minifcn as mf
from minifcn.ops import OPERATIONS, Call

ORDINARY = [name for name in OPERATIONS if name not in ("conv2d", "conv_transpose2d")]


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


def empty_call(name):
    """A call on a batch of no pictures: the first input has N = 0, where no line below says otherwise."""
    rng = np.random.default_rng(0)
    none = np.zeros((0, 2, 3, 4))
    special = {
        "add": Call((none, np.ones((2, 1, 1)))),
        "sub": Call((np.ones((1, 2, 3, 4)), none)),
        "mul": Call((none, none)),
        "div": Call((none, np.ones((1, 2, 1, 4)))),
        "matmul": Call((np.zeros((0, 3)), np.ones((3, 2)))),
        "index": Call((np.zeros((2, 0)),), {"key": (slice(0, 1),)}),
        "concat": Call((none, np.zeros((0, 5, 3, 4))), {"axis": 1}, as_list=True),
        "max_unpool2d": Call((none,), {"indices": np.zeros(none.shape, int), "kernel_size": 2}),
        "maximum": Call((np.ones((2, 1, 1)), none)),
        "mean": Call((none,), {"axis": (2, 3)}),
        "pad": Call((none,), {"padding": (1, 2, 0, -1), "value": 3.0}),
        "reshape": Call((none,), {"shape": (0, 24)}),
        "softmax_cross_entropy": Call((none,), {"labels": np.zeros((0, 3, 4), int), "reduction": "mean"}),
        "sum": Call((none,), {"axis": 0}),
        "transpose": Call((none,), {"axes": (0, 2, 3, 1)}),
    }
    if name in special:
        return special[name]
    call = OPERATIONS[name].sample(rng)
    return call._replace(inputs=(call.inputs[0][:0], *call.inputs[1:]))
