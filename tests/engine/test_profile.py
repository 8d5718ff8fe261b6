"""mf.profile: times of a pretended clock, counts worked out by hand, a trace file whole or not at all."""

import json

import numpy as np
import pytest

import minifcn as mf
from minifcn.autodiff import profiler


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves when it is told to: clock.tick(seconds)."""

    class Clock:
        now = 100.0

        def __call__(self):
            return self.now

        def tick(self, seconds):
            self.now += seconds

    pretended = Clock()
    monkeypatch.setattr(profiler, "clock", pretended)
    return pretended


def slow(clock, forward, backward):
    """An operation that doubles, and takes so many seconds of the pretended clock."""

    class Slow(mf.Function):
        def forward(self, x):
            clock.tick(forward)
            return 2 * x

        def backward(self, grad):
            clock.tick(backward)
            return 2 * grad

    return Slow()


def leaf(*shape):
    return mf.Tensor(np.ones(shape, np.float32), requires_grad=True)


def by_name(profile):
    return {(row.name, row.direction): row for row in profile.rows()}


def test_times_calls_and_shares(clock):
    operation, x = slow(clock, 2.0, 5.0), leaf(4, 8)
    with mf.profile() as p:
        y = operation(operation(x))
        clock.tick(6.0)  # between operations
        y.backward(np.ones((4, 8), np.float32))
    clock.tick(1000.0)  # after the end nothing counts
    assert p.seconds == 20.0
    rows = p.rows()
    assert [(row.name, row.direction, row.calls, row.seconds, row.share) for row in rows] == [
        ("Slow", "backward", 2, 10.0, 0.5),
        ("Slow", "forward", 2, 4.0, 0.2),
        ("between operations", "", 0, 6.0, 0.3),
    ]
    assert rows[0].bytes == rows[1].bytes == 2 * 4 * 8 * 4  # two results of 32 float32 numbers
    np.testing.assert_array_equal(x.grad, np.full((4, 8), 4))


def test_the_table_says_it_in_words(clock):
    with mf.profile() as p:
        slow(clock, 0.25, 0)(leaf(2**18))
        clock.tick(0.75)
    lines = str(p).splitlines()
    assert lines[0].split() == ["operation", "calls", "ms", "share", "MiB", "GFLOP/s"]
    assert lines[2].split() == ["Slow", "forward", "1", "250.00", "25.0%", "1.0"]
    assert lines[3].split() == ["between", "operations", "750.00", "75.0%"]
    assert lines[4].split() == ["whole", "1000.00"]


def test_a_look_from_inside(clock):
    with mf.profile() as p:
        slow(clock, 3.0, 0)(leaf(1))
        assert p.seconds == 3.0 and "Slow" in str(p)
        clock.tick(1.0)
        assert p.seconds == 4.0


def test_an_empty_profile_can_be_printed(clock):
    with mf.profile() as p:
        pass
    assert [row.name for row in p.rows()] == ["between operations"] and "whole" in str(p)


def test_flops_of_a_convolution_and_its_backward():
    x, weight, bias = leaf(2, 4, 5, 6), leaf(6, 2, 3, 3), leaf(6)
    with mf.profile() as p:
        y = mf.ops.conv2d(x, weight, bias, padding=1, groups=2)
        y.backward(np.ones(y.shape, np.float32))
    one = (
        2 * (2 * 6 * 5 * 6) * (2 * 3 * 3)
    )  # every number of the result: two channels of its group, nine taps, 2 a multiply-add
    rows = by_name(p)
    assert rows["Conv2d", "forward"].flops == one
    assert rows["Conv2d", "backward"].flops == 2 * one  # a product for x and one for the weight


@pytest.mark.parametrize("needed", [0, 1])
def test_backward_counts_the_products_that_are_wanted(needed):
    tensors = [mf.Tensor(np.ones((1, 1, 4, 4), np.float32), requires_grad=number == needed) for number in (0, 1)]
    with mf.profile() as p:
        mf.ops.conv2d(*tensors).sum().backward()
    assert by_name(p)["Conv2d", "backward"].flops == by_name(p)["Conv2d", "forward"].flops == 32


def test_flops_of_a_transposed_convolution():
    x, weight = leaf(1, 3, 4, 5), leaf(3, 1, 4, 4)
    with mf.profile() as p:
        mf.ops.conv_transpose2d(x, weight, stride=2, groups=3)
    assert by_name(p)["ConvTranspose2d", "forward"].flops == 2 * (3 * 4 * 5) * 16  # each number meets 16 weights


def test_flops_of_a_matrix_product():
    a, b = leaf(7, 2, 3), leaf(3, 5)
    with mf.profile() as p:
        mf.ops.matmul(a, b).sum().backward()
    rows = by_name(p)
    assert rows["Matmul", "forward"].flops == 2 * 7 * 2 * 3 * 5
    assert rows["Matmul", "backward"].flops == 4 * 7 * 2 * 3 * 5
    assert rows["Sum", "forward"].flops == 0


def test_the_rate_is_flops_by_time(clock):
    class TimedMatmul(mf.ops.arithmetic.Matmul):  # what a subclass costs is known from its parent
        def forward(self, a, b):
            clock.tick(0.001)
            return super().forward(a, b)

    with mf.profile() as p:
        TimedMatmul()(leaf(100, 100), leaf(100, 100))
    assert str(p).splitlines()[2].split()[-1] == "2.0"  # two million in a millisecond


def test_a_view_costs_no_memory():
    x = leaf(4, 4)
    with mf.profile() as p:
        x[:2].reshape(8)
        x.transpose()
        x + 1
    rows = by_name(p)
    assert [rows[name, "forward"].bytes for name in ("Index", "Reshape", "Transpose", "Add")] == [0, 0, 0, 64]


def test_results_and_gradients_are_the_same_when_watched():
    rng = np.random.default_rng(0)
    pictures, labels = rng.standard_normal((1, 3, 20, 20)).astype(np.float32), rng.integers(0, 4, (1, 20, 20))
    found = []
    for watched in (False, True):
        mf.manual_seed(0)
        model = mf.models.fcn8s("tiny", 4, width=2)
        with mf.profile() if watched else mf.no_grad():
            model(pictures)
        with mf.profile() as p:
            mf.ops.softmax_cross_entropy(model(pictures), labels).backward()
        assert by_name(p)["Conv2d", "forward"].calls == by_name(p)["Conv2d", "backward"].calls == 10
        found.append([parameter.grad for parameter in model.parameters() if parameter.requires_grad])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_profiles_can_be_nested_and_end_with_an_exception(clock):
    operation = slow(clock, 1.0, 0)
    with mf.profile() as outer:
        operation(leaf(1))
        with pytest.raises(KeyError), mf.profile() as inner:
            operation(leaf(1))
            raise KeyError
        operation(leaf(1))
    operation(leaf(1))
    assert (len(outer.events), len(inner.events)) == (3, 1)
    assert (outer.seconds, inner.seconds) == (3.0, 1.0)


def test_off_nothing_is_asked_of_the_clock(monkeypatch):
    monkeypatch.setattr(profiler, "clock", None)
    (leaf(2) * 3).sum().backward()


def test_an_operation_that_fails_says_so_as_without(clock):
    class Wrong(mf.Function):
        def forward(self, x):
            return mf.Tensor(x)

        def backward(self, grad):
            return None, None

    with mf.profile(), pytest.raises(TypeError, match=r"Wrong.forward returned Tensor"):
        Wrong()(leaf(1))


def test_the_trace_is_what_chrome_reads(clock, tmp_path):
    operation = slow(clock, 0.5, 0.25)
    with mf.profile() as p:
        clock.tick(1.0)
        operation(leaf(3, 2)).backward(np.ones((3, 2), np.float32))
    p.save(tmp_path / "trace.json")
    trace = json.loads((tmp_path / "trace.json").read_text())
    forward, backward = trace["traceEvents"]
    assert (forward["name"], forward["cat"], forward["ph"]) == ("Slow forward", "forward", "X")
    assert (forward["ts"], forward["dur"]) == (1e6, 5e5) and (backward["ts"], backward["dur"]) == (1.5e6, 2.5e5)
    assert forward["args"] == {"inputs": [[3, 2]], "bytes": 24, "flops": 0}
    assert {"pid", "tid"} <= forward.keys()
    assert [path.name for path in tmp_path.iterdir()] == ["trace.json"]


def test_a_full_disk_leaves_the_trace_before(clock, tmp_path, fill_disk):
    with mf.profile() as p:
        slow(clock, 0.5, 0)(leaf(1))
    p.save(tmp_path / "trace.json")
    before = (tmp_path / "trace.json").read_bytes()
    fill_disk()
    with pytest.raises(OSError, match="No space"):
        p.save(tmp_path / "trace.json")
    assert (tmp_path / "trace.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["trace.json"]


def test_a_gpu_is_waited_for(monkeypatch):
    waited = []

    class Stream:
        def synchronize(self):
            waited.append(True)

    class Cupy:
        class cuda:
            get_current_stream = Stream

    monkeypatch.setattr(profiler.backend, "array_module", lambda array: Cupy)
    profiler.finish((np.ones(1),))
    assert waited == [True]
