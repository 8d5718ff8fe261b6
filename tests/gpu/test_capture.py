"""A captured step on CuPy itself, where there is a GPU, and on the stand-in, whose capture takes note and does nothing.

`test_graph.py` holds what a captured step may ask of Python. Here the graphs are real ones: capture, launches, memory, refusals.
"""

import numpy as np
import pytest

from minifcn.training import cuda_graph

from .device import memory, training
from .device.pretended import cublas_of_the_standin


@pytest.fixture
def able(cupy):
    """The module, with a cuBLAS: the stand-in has a pretended one."""
    with cublas_of_the_standin("stand-in" in cupy.__version__):
        yield cupy


SLOW = pytest.mark.slow
CASES = [
    ("fcn8s-atonce", "sgd"), pytest.param("fcn32s", "sgd", marks=SLOW), pytest.param("fcn32s", "all options", marks=SLOW),
    pytest.param("fcn8s", "adam", marks=SLOW),
]  # fmt: skip


@pytest.mark.parametrize("arch, case", CASES)
def test_a_captured_step_is_the_plain_one(arch, case, able):
    found = training.plain_and_graph(arch, **training.CASES[case])
    assert found["ok"], found


def test_a_captured_step_in_tf32_is_the_plain_one(able):
    found = training.in_tf32(16 if "stand-in" not in able.__version__ else 2)
    assert found["ok"], found


def test_a_graph_does_what_was_noted_at_every_launch(able):
    x, total = able.arange(6, dtype=np.float32), able.zeros((), np.float32)

    def work():
        y = able.maximum(x * 2, 3).reshape(2, 3).T.copy()
        total[...] = total + y.sum()
        return [y]

    graph, (y,) = cuda_graph.record(work)
    assert float(total) == 0  # a capture does nothing
    sums = 0.0
    for first in (0, 10, -5):
        x[...] = able.arange(first, first + 6, dtype=np.float32)
        graph.launch()
        wanted = np.maximum(2 * np.arange(first, first + 6), 3).reshape(2, 3).T
        np.testing.assert_array_equal(y.get(), wanted)
        sums += wanted.sum()
        assert float(total) == sums


def test_the_memory_of_a_graph_is_nobody_elses(able):
    assert memory.held()["ok"]


def test_a_step_that_cannot_be_captured_leaves_a_device_that_works(able):
    found = training.after_failure()
    assert found["ok"] and "NotImplementedError: calling cuBLAS" in found["said"]


def test_waiting_in_a_capture_ends_it(cupy):
    """CUDA's own refusal."""
    with pytest.raises(Exception, match=r"cudaErrorStreamCapture(Unsupported|Invalidated)"):
        cuda_graph.record(lambda: cupy.cuda.get_current_stream().synchronize() or [])
    assert float(cupy.ones(3).sum()) == 3


def test_a_capture_that_looked_at_a_value_is_refused(cupy):
    x = cupy.ones(3)
    with pytest.raises(RuntimeError, match="the current stream is capturing, so D2H transfers are disallowed"):
        cuda_graph.record(lambda: [x * float(x.sum())])
    assert not cupy.cuda.get_current_stream().is_capturing()


def test_a_graph_within_a_limit_is_refused_or_right(able):
    plain, peak = memory.plainly(2)
    said = []
    for factor in (1.3, 4.0):
        found = memory.limited(plain, int(peak * factor), 2, factor == 4.0)
        assert found["ok"], found
        said.append(found["said"])
    if "stand-in" in able.__version__:  # it has no memory but what is counted, so it is known which does not fit
        assert "the graph needs more than" in said[0][0] and said[1] == []
