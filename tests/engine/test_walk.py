"""The walk back: gradients complete before they are used, every node once, no recursion, memory given back."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import minifcn as mf


def leaf(values):
    return mf.Tensor(np.asarray(values, float), requires_grad=True)


class Counted(mf.Function):
    """x + 0, counting its backward calls in a list."""

    def __init__(self, calls):
        self.calls = calls

    def forward(self, x):
        return x + 0

    def backward(self, grad):
        self.calls.append(self)
        return grad


def test_one_tensor_used_twice_gets_both_gradients():
    a = leaf([3.0])
    b = a + a
    c = b + b
    c.backward()
    assert a.grad == [4]


def test_diamonds_of_products():
    # f = (a·b + a)·(a·b) + a·b: with p = ab it is p² + ap + p
    a, b = leaf(2.0), leaf(-3.0)
    p = a * b
    ((p + a) * p + p).backward()
    slope = 2 * -6 + 2 + 1
    assert a.grad == slope * -3 + -6
    assert b.grad == slope * 2


def test_a_late_use_of_an_early_tensor_is_waited_for():
    # x reaches the end directly and by a long way round; whichever is visited first must wait for the other
    for direct_first in (True, False):
        x = leaf(1.5)
        y = x * 2
        far = y
        for _ in range(5):
            far = far * 1.0 + 0.0
        z = y * far if direct_first else far * y
        z.backward()
        assert x.grad == 2 * (2 * 1.5) * 2


@pytest.mark.parametrize("doublings", [1, 10, 200])
def test_a_tower_of_diamonds_visits_each_node_once(doublings):
    calls = []
    x = leaf(1.0)
    y = x
    for _ in range(doublings):
        y = Counted(calls)(y)
        y = y + y
    y.backward()
    assert len(calls) == doublings == len(set(map(id, calls)))
    assert x.grad == 2.0**doublings


def test_a_wide_graph_visits_each_node_once():
    calls = []
    x = leaf(np.ones(3))
    shared = Counted(calls)(x)
    branches = [Counted(calls)(shared * number) for number in range(300)]
    total = branches[0]
    for branch in branches[1:]:
        total = total + branch
    total.sum().backward()
    assert len(calls) == 301
    np.testing.assert_array_equal(x.grad, np.full(3, sum(range(300))))


def test_a_random_graph_has_the_gradient_of_its_polynomial():
    rng = np.random.default_rng(0)
    for _ in range(20):
        x = leaf(rng.uniform(0.5, 1.5))
        nodes, slopes, values = [x], [1.0], [x.item()]
        for _ in range(30):
            i, j = rng.integers(len(nodes), size=2)
            product = rng.random() < 0.3
            scale = rng.uniform(0.3, 0.7)
            nodes.append((nodes[i] * nodes[j] if product else nodes[i] + nodes[j]) * scale)
            # forward mode beside it: value and slope of the same polynomial
            slope = slopes[i] * values[j] + values[i] * slopes[j] if product else slopes[i] + slopes[j]
            value = values[i] * values[j] if product else values[i] + values[j]
            slopes.append(slope * scale)
            values.append(value * scale)
        if nodes[-1].creator is not None:
            nodes[-1].backward()
            assert x.grad == pytest.approx(slopes[-1], rel=1e-9)


@pytest.mark.parametrize("length", [5_000, 50_000])
def test_a_long_chain_needs_no_recursion(length):
    x = leaf(1.0)
    y = x
    for _ in range(length):
        y = y + 1e-5
    y.backward()
    assert x.grad == 1


def test_a_long_chain_can_be_forgotten_without_a_walk():
    y = leaf(1.0)
    for _ in range(50_000):
        y = y * 1.0
    del y
    gc.collect()


def test_backward_from_the_middle_leaves_the_rest_alone():
    x = leaf(3.0)
    y = x * x
    z = y * 5
    y.backward()
    assert x.grad == 6
    with pytest.raises(RuntimeError, match="walked before"):
        z.backward()
    assert x.grad == 6


def test_two_separate_graphs_add_up():
    x = leaf([1.0, 2.0])
    (x * x).sum().backward()
    first = x.grad
    (x * 10).sum().backward()
    np.testing.assert_array_equal(x.grad, [12, 14])
    np.testing.assert_array_equal(first, [2, 4])  # whoever held the first array still has it


def test_backward_on_a_leaf_adds_ones_each_time():
    x = leaf(3.0)
    x.backward()
    x.backward(2.5)
    assert x.grad == 3.5


class TestSecondBackward:
    def test_explains_itself_and_leaves_every_grad(self):
        x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
        loss = (x * w).sum()
        loss.backward()
        before = x.grad.copy(), w.grad.copy()
        for _ in range(2):
            with pytest.raises(RuntimeError) as caught:
                loss.backward()
        assert str(caught.value) == (
            "backward: this graph was walked before (at Sum) and what it saved is gone; "
            "run the forward again, or add the losses and call backward once"
        )
        np.testing.assert_array_equal(x.grad, before[0])
        np.testing.assert_array_equal(w.grad, before[1])

    def test_is_found_deep_in_the_graph_before_anything_is_used_up(self):
        x, w = leaf(2.0), leaf(5.0)
        shared = x * x
        (shared * 1).backward()
        other = w * w
        with pytest.raises(RuntimeError, match=r"walked before \(at Mul\)"):
            (shared * 3 + other).backward()
        assert x.grad == 4 and w.grad is None
        (other * 1).backward()  # this branch was not walked: it still works
        assert w.grad == 10


class Fails(mf.Function):
    def forward(self, x):
        return x * 1

    def backward(self, grad):
        raise ZeroDivisionError("on purpose")


@pytest.mark.parametrize("with_grad", [False, True])
def test_an_exception_on_the_way_leaves_every_grad_untouched(with_grad):
    a, b, c = leaf([1.0]), leaf([2.0]), leaf([3.0])
    if with_grad:
        for tensor in (a, b, c):
            tensor.grad = np.array([7.0])
    result = Fails()(a) * b + c
    kept = result * 1
    kept.retain_grad()
    with pytest.raises(ZeroDivisionError):
        kept.sum().backward()
    assert [t.grad for t in (a, b, c)] == ([[7.0]] * 3 if with_grad else [None] * 3)
    assert kept.grad is None


class Watched(mf.Function):
    """x + 1; its backward notes which of the watched arrays are still alive."""

    def __init__(self, watched, alive):
        self.watched, self.alive = watched, alive

    def forward(self, x):
        self.x = x
        return x + 1

    def backward(self, grad):
        gc.collect()
        self.alive.append(sum(ref() is not None for ref in self.watched))
        return grad


def test_activations_go_as_the_walk_passes():
    watched, alive = [], []
    y = leaf(np.ones(1000))
    for _ in range(10):
        y = Watched(watched, alive)(y)
        watched.append(weakref.ref(y.data))
    y = y.sum()
    y.backward()
    del y
    # backward of the last layer runs first; with each step one more output is gone
    assert len(alive) == 10 and all(count <= 10 - step for step, count in enumerate(alive)), alive
    gc.collect()
    assert sum(ref() is not None for ref in watched) == 0


def test_memory_falls_while_the_walk_runs():
    levels = []

    class Level(mf.Function):
        def forward(self, x):
            self.x = x
            return x * 2

        def backward(self, grad):
            levels.append(tracemalloc.get_traced_memory()[0])
            return grad * 2

    tracemalloc.start()
    try:
        y = leaf(np.ones(100_000))
        for _ in range(10):
            y = Level()(y)
        y = y.sum()
        y.backward()
    finally:
        tracemalloc.stop()
    megabyte = 800_000
    assert levels[0] - levels[-1] > 7 * megabyte, levels


def test_nothing_is_left_in_a_cycle():
    gc.collect()
    gc.disable()
    try:
        x = leaf(np.ones(10))
        middle = x * 2
        ref = weakref.ref(middle.data)
        middle.sum().backward()
        del middle
        assert ref() is None, "the graph keeps itself alive until the garbage collector comes"
    finally:
        gc.enable()
