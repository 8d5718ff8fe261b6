"""Values that change between forward and backward: refused by name, never a gradient of other numbers."""

import numpy as np
import pytest

import minifcn as mf
from minifcn.autodiff import changes
from minifcn.nn import simple


def leaf(*shape, value=2.0):
    return mf.Tensor(np.full(shape, value), requires_grad=True)


def by_optimiser(w):
    w.grad = np.ones_like(w.data)
    mf.optim.SGD([w], lr=0.1).step()
    w.grad = None


def by_simple_step(w):
    w.grad = np.ones_like(w.data)
    simple.sgd_step([w], [np.zeros_like(w.data)], 0.1)
    w.grad = None


def by_load(w):
    holder = mf.nn.Module()
    holder.w = w
    holder.load_state_dict({"w": np.zeros(w.shape)})


def in_place(w):
    w.data *= 2


def by_a_detached_twin(w):
    w.detach().data += 1


CHANGES = [by_optimiser, by_simple_step, by_load, in_place, by_a_detached_twin]


@pytest.mark.parametrize("change", CHANGES)
def test_a_factor_changed_after_the_forward(change):
    x, w = leaf(3), mf.nn.Parameter(np.full(3, 3.0))
    loss = (x * w).sum()
    change(w)
    with pytest.raises(RuntimeError, match="input 1 of Mul was changed after the forward"):
        loss.backward()
    assert x.grad is None and w.grad is None  # nothing half-way


VIEWS = {
    "reshape": lambda w: w.reshape(3, 2),
    "transpose": lambda w: w.transpose((1, 0)),
    "a row": lambda w: w[1],
    "every second": lambda w: w[:, ::2],
    "a view of a view": lambda w: w.reshape(3, 2).transpose((1, 0))[0],
    "padded by nothing": lambda w: mf.ops.pad(w, (0, 0)),
    "no dropout": lambda w: mf.ops.dropout(w, 0.0),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_view_of_the_changed_values(change, view):
    """Where a result looks at its input's memory, it changes with it, and what was made of it is refused: right or an error."""
    w = mf.nn.Parameter(np.full((2, 3), 3.0))
    seen = view(w)
    x = leaf(*seen.shape)
    loss = (x * seen).sum()
    shared = np.shares_memory(seen.data, w.data)
    change(w)
    if not shared:
        loss.backward()
        assert np.array_equal(x.grad, np.full(seen.shape, 3.0))
    else:
        with pytest.raises(RuntimeError, match="input 1 of Mul was changed after the forward"):
            loss.backward()


def test_a_view_made_without_a_graph_and_one_that_is_written_to():
    x, w = leaf(2), leaf(2, value=3.0)
    with mf.no_grad():
        seen = w.reshape(2)
    loss = (x * seen).sum()
    w.data *= 2
    with pytest.raises(RuntimeError, match="input 1 of Mul"):
        loss.backward()
    y = mf.ops.exp(leaf(2))  # its backward needs y, and somebody writes to y by way of a view
    seen = y.reshape(2, 1)
    loss = seen.sum()
    seen.data *= 2
    with pytest.raises(RuntimeError, match="the result of Exp"):
        loss.backward()


def test_results_with_memory_of_their_own_do_not_share():
    """What an optimiser does to a weight is no change of a map that was made with it."""
    x, w = leaf(1, 1, 4, 4), leaf(1, 1, 3, 3)
    y = mf.ops.conv2d(x, w)
    assert y.version is not w.version and y.version is not x.version
    loss = mf.ops.exp(y).sum()
    y.data = y.data.copy()  # another array: what exp kept is as it was
    loss.backward()


def test_after_the_error_the_graph_still_stands():
    x, w = leaf(3), leaf(3, value=3.0)
    loss = (x * w).sum()
    w.data *= 2
    with pytest.raises(RuntimeError):
        loss.backward()
    w.data /= 2  # the numbers are back, but nobody can know that they are the same
    with pytest.raises(RuntimeError, match="input 1 of Mul"):
        loss.backward()


def test_a_second_loss_after_the_step():
    """l1.backward(); step; l2.backward(): the second one needs the weights of before."""
    w = leaf(1, 1, 3, 3)
    optimiser = mf.optim.SGD([w], lr=0.1)
    x = mf.Tensor(np.ones((1, 1, 4, 4)), requires_grad=True)
    first, second = mf.ops.conv2d(x, w).sum(), (mf.ops.conv2d(x, w) * 2).sum()
    first.backward()
    optimiser.step()
    with pytest.raises(RuntimeError, match="input 1 of Conv2d"):
        second.backward()


def test_a_result_that_was_kept():
    """ReLU looks at its own result on the way back."""
    x = leaf(4)
    y = mf.ops.relu(x)
    loss = y.sum()
    y.data *= -1
    with pytest.raises(RuntimeError, match="the result of Relu"):
        loss.backward()


def test_a_view_that_was_kept_is_known_as_its_input():
    class ByView(mf.Function):
        def forward(self, x):
            self.flat = x.reshape(-1)[::2]
            return x * 1.0

        def backward(self, grad):
            return grad * self.flat.sum()

    x = leaf(2, 2)
    loss = ByView()(x).sum()
    x.data += 1
    with pytest.raises(RuntimeError, match="input 0 of ByView"):
        loss.backward()


@pytest.mark.parametrize("change", CHANGES)
def test_what_nobody_kept_may_change(change):
    """Addition keeps nothing, and a new array in its place leaves the kept one alone."""
    x, w = leaf(3), mf.nn.Parameter(np.full(3, 3.0))
    loss = (x + w).sum()
    change(w)
    loss.backward()
    np.testing.assert_array_equal(x.grad, 1)


def test_another_array_is_no_change_of_the_old_one():
    x, w = leaf(3), leaf(3, value=3.0)
    loss = (x * w).sum()
    w.data = w.data * 100
    loss.backward()
    np.testing.assert_array_equal(x.grad, 3.0)


def test_the_usual_loop_is_no_fault():
    w = leaf(3)
    optimiser = mf.optim.SGD([w], lr=0.1, momentum=0.9)
    for _ in range(3):
        optimiser.zero_grad()
        (w * w).sum().backward()
        optimiser.step()


def test_one_operation_applied_twice_knows_each_call():
    multiply = type((leaf(1) * leaf(1)).creator)()
    a, b, c = leaf(2), leaf(2), leaf(2)
    first, second = multiply(a, b), multiply(a, c)
    b.data += 1
    second.sum().backward()
    with pytest.raises(RuntimeError, match="input 1 of Mul"):
        first.sum().backward()


def filled_twice():
    buffer, w = np.ones((1, 1, 5, 5)), leaf(1, 1, 3, 3, value=1.0)
    first = mf.ops.conv2d(mf.Tensor(buffer), w).sum()
    buffer[...] = 5
    second = mf.ops.conv2d(mf.Tensor(buffer), w).sum()
    return first + second, w


def test_numpys_own_writes_are_found_where_somebody_looks():
    with (
        mf.detect_anomaly(),
        pytest.raises(
            RuntimeError,
            match=r"Conv2d kept an array of shape \(1, 1, 5, 5\) as x, and it was written to .* at .*test_changes.py",
        ),
    ):
        filled_twice()[0].backward()


def test_a_copy_is_the_remedy():
    buffer, w = np.ones((1, 1, 5, 5)), leaf(1, 1, 3, 3, value=1.0)
    with mf.detect_anomaly():
        first = mf.ops.conv2d(mf.Tensor(buffer.copy()), w).sum()
        buffer[...] = 5
        (first + mf.ops.conv2d(mf.Tensor(buffer.copy()), w).sum()).backward()
    np.testing.assert_array_equal(w.grad, np.full((1, 1, 3, 3), 54.0))


def test_checksums_do_not_ask_for_an_order_in_memory():
    x = mf.Tensor(np.asfortranarray(np.arange(6.0).reshape(2, 3)), requires_grad=True)
    with mf.detect_anomaly():
        (x * x.transpose().transpose()).sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * np.arange(6.0).reshape(2, 3))


def by_hand(w):
    w.data[...] = 100


def test_what_is_written_by_hand_goes_unseen_until_it_is_said():
    """The docstring of Tensor says so; `changed` is for whom it concerns."""
    x, w = leaf(3), leaf(3, value=3.0)
    loss, again = (x * w).sum(), (x * w).sum()
    by_hand(w)
    again.backward()
    np.testing.assert_array_equal(x.grad, 100)  # of other numbers
    w.changed()
    with pytest.raises(RuntimeError, match=r"input 1 of Mul was changed .*, or as changed\(\) said\)"):
        loss.backward()
    fresh = (x * w).sum()  # what comes after is not touched by it
    fresh.backward()
    np.testing.assert_array_equal(w.grad, 2 * 2.0)


@pytest.mark.parametrize("change", [by_hand, lambda w: w.data.sort(), lambda w: np.negative(w.data, out=w.data)])
def test_who_watches_what_was_kept_finds_every_write(change):
    x, w = leaf(3), mf.Tensor(np.array([3.0, 2.0, 1.0]), requires_grad=True)
    with changes.watching_kept():
        loss = (x * w).sum()
    change(w)
    with pytest.raises(
        RuntimeError, match=r"^backward: Mul kept an array of shape \(3,\) as \w+, and it was written to after"
    ):
        loss.backward()
    assert x.grad is None and w.grad is None


def test_who_watches_what_was_kept_lets_the_rest_be():
    x, w = leaf(3), mf.Tensor(np.array([np.nan, np.inf, 1.0]), requires_grad=True)
    with changes.watching_kept():
        loss = (x * w).sum()  # NaN is no change
        by_sum = (x + w).sum()
    loss.backward()
    by_hand(w)
    by_sum.backward()  # addition keeps nothing
    later = (x * w).sum()
    by_hand(w)
    later.backward()  # nobody watched
    assert later.creator._checksums == {}


class Scales(mf.Function):
    """Keeps its input; `careless` scales it in place on the way back, as a buffer that is no longer needed."""

    def __init__(self, careless):
        self.careless = careless

    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, grad):
        if self.careless:
            self.x *= 2
            return self.x * grad
        return 2 * self.x * grad


def test_a_backward_that_writes_to_what_another_function_kept_is_found():
    def loss(x):
        return (Scales(False)(x) * mf.Tensor(np.ones(3))).sum() + Scales(True)(x).sum()

    x = leaf(3)
    with pytest.raises(AssertionError):  # unwatched the gradient is that of other numbers
        loss(x).backward()
        np.testing.assert_array_equal(x.grad, 8)
    x = leaf(3)
    with changes.watching_kept(), pytest.raises(RuntimeError, match="Scales kept an array of shape"):
        loss(x).backward()
    assert x.grad is None


def test_watching_costs_nothing_afterwards():
    with changes.watching_kept():
        pass
    assert (leaf(2) * leaf(2)).creator._checksums == {}
