"""How a wrong gradient is told where pytest shows it."""

import numpy as np
import pytest

import minifcn as mf
from minifcn.ops import OPERATIONS, Call

from .calls import check_gradient, told


def test_a_failure_is_told_on_one_screen():
    """Operation, shapes, options and the report, without frames: what whoever broke a backward wants to see."""
    right = OPERATIONS["avg_pool2d"]
    x = np.random.default_rng(0).standard_normal((1, 2, 6, 6))
    call = Call((x,), {"kernel_size": (2, 3), "stride": 1})

    class Wrong(mf.Function):
        fresh = True

        def forward(self, x):
            return 2 * x

        def backward(self, grad):
            return 3 * grad

    with pytest.raises(pytest.fail.Exception) as caught:
        check_gradient(told("avg_pool2d", call), lambda t: Wrong()(right.function(t, **call.options)), x)
    assert not caught.value.pytrace and caught.value.__context__ is None
    lines = str(caught.value).splitlines()
    assert lines[0] == "avg_pool2d(float64[1 x 2 x 6 x 6], kernel_size=(2, 3), stride=1)"
    assert lines[1].startswith("gradcheck: WRONG, 72 values") and "diagnosis: " in str(caught.value)
    assert len(lines) < 20


def test_a_call_is_told_in_one_line():
    call = Call(
        (np.zeros((2, 3)),), {"labels": np.zeros((4, 5), int), "key": (np.zeros(9), 1), "short": np.array([1, 2])}
    )
    assert told("f", call) == "f(float64[2 x 3], labels=int64[4 x 5], key=(float64[9], 1), short=array([1, 2]))"
