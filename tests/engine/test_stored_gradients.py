"""Where gradients end up: on leaves, in memory of their own, in the leaf's dtype; on intermediates by request."""

import numpy as np
import pytest

import minifcn as mf
from minifcn import ops


def leaf(values, dtype="float64"):
    return mf.Tensor(np.asarray(values, dtype), requires_grad=True)


def test_leaves_do_not_share_gradient_memory():
    x, y = leaf(np.ones(3)), leaf(np.ones(3))
    (x + y).backward(np.ones(3))
    assert not np.shares_memory(x.grad, y.grad)
    x.grad *= 5
    np.testing.assert_array_equal(y.grad, np.ones(3))


@pytest.mark.parametrize(
    "make",
    [
        lambda x, y: ops.concat([x, y]),
        lambda x, y: x.reshape(3, 1) + y.reshape(3, 1),
        lambda x, y: ops.concat([x + y, y - x]).reshape(2, 3).transpose(),
        lambda x, y: (x + y)[::-1],
        lambda x, y: ops.pad(x + y, (0, 1)),
        lambda x, y: (x + y).sum(keepdims=True) + (x + y),
    ],
    ids=["concat", "reshape", "mixed", "index", "pad", "sum"],
)
def test_leaves_do_not_share_gradient_memory_after_moves(make):
    x, y = leaf([1.0, 2, 3]), leaf([4.0, 5, 6])
    result = make(x, y)
    grad = np.arange(1.0, result.size + 1).reshape(result.shape)
    before = grad.copy()
    result.backward(grad)
    for one, other in ((x.grad, y.grad), (x.grad, grad), (y.grad, grad), (x.grad, x.data), (y.grad, y.data)):
        assert not np.shares_memory(one, other)
    x.grad *= 100
    y.grad *= 100
    np.testing.assert_array_equal(grad, before)


def test_gradients_can_be_written_to():
    x = leaf(np.ones((2, 3)))
    x.sum().backward()
    x.grad *= 2
    y = leaf(np.ones((2, 3)))
    (y * 1).backward(np.broadcast_to(np.array(3.0), (2, 3)))
    y.grad += 1
    z = leaf(np.ones((2, 3)))
    z.backward(np.broadcast_to(np.array(3.0), (2, 3)))
    z.grad += 1
    np.testing.assert_array_equal(z.grad, np.full((2, 3), 4))


def test_the_callers_gradient_is_not_the_leafs():
    grad = np.ones(3)
    for make in (lambda t: t, lambda t: t + 0, lambda t: t.reshape(3), lambda t: t[:]):
        x = leaf(np.zeros(3))
        make(x).backward(grad)
        assert not np.shares_memory(x.grad, grad)
        x.grad *= 9
    np.testing.assert_array_equal(grad, np.ones(3))


def test_changing_grad_in_place_between_two_walks_is_kept():
    x = leaf([1.0])
    (x * 2).backward()
    x.grad *= 0
    (x * 3).backward()
    assert x.grad == [3]


class ReturnsItsOption(mf.Function):
    """x·slope with an array of its own as slope; backward hands that very array out where grad is 1."""

    def __init__(self, slope):
        self.slope = slope

    def forward(self, x):
        return x * self.slope

    def backward(self, grad):
        return self.slope if (grad == 1).all() else self.slope * grad


def test_a_leafs_gradient_is_not_an_array_that_the_function_keeps():
    slope = np.array([2.0, 3.0])
    x = leaf(np.ones(2))
    ReturnsItsOption(slope)(x).sum().backward()
    x.grad *= 0  # as an optimiser or a clipping would
    np.testing.assert_array_equal(slope, [2, 3])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_have_the_dtype_of_the_leaf(dtype):
    x, y = leaf(np.ones(3), dtype), leaf(np.ones(3), dtype)
    ((x * y + 2.0) / 3).backward(np.ones(3, "float64"))
    assert x.grad.dtype == y.grad.dtype == dtype
    (x * 1).sum().backward()
    assert x.grad.dtype == dtype


def test_a_backward_in_another_dtype_is_brought_back():
    class Widens(mf.Function):
        def forward(self, x):
            return x * 1

        def backward(self, grad):
            return grad.astype("float64") * 2

    x = leaf(np.ones(2), "float32")
    Widens()(x).sum().backward()
    assert x.grad.dtype == np.float32 and (x.grad == 2).all()


def test_gradients_are_arrays_also_of_a_leaf_without_axes():
    x = leaf(2.0)
    (x * x).backward()
    assert isinstance(x.grad, np.ndarray) and x.grad.shape == () and x.grad == 4


def test_only_leaves_keep_a_gradient_unless_asked():
    x = leaf([1.0, 2.0])
    a = x * 2
    b = (a * 3).retain_grad()
    c = b.sum()
    assert b.retain_grad() is b
    c.backward()
    assert a.grad is None and c.grad is None
    np.testing.assert_array_equal(b.grad, [1, 1])
    np.testing.assert_array_equal(x.grad, [6, 6])
    assert not np.shares_memory(b.grad, x.grad)


def test_a_retained_gradient_is_the_whole_of_it_and_its_own_memory():
    x = leaf([1.0, 2.0])
    a = (x + 0).retain_grad()
    root = (a * a + a).retain_grad()
    root.backward(np.array([1.0, 10.0]))
    np.testing.assert_array_equal(a.grad, [3, 50])
    np.testing.assert_array_equal(root.grad, [1, 10])
    arrays = x.grad, a.grad, root.grad
    assert not any(np.shares_memory(one, other) for i, one in enumerate(arrays) for other in arrays[:i])


def test_tensors_that_want_no_gradient_get_none():
    x, constant = leaf([2.0]), mf.Tensor(np.array([3.0]))
    (x * constant).backward()
    assert constant.grad is None and x.grad == [3]


def test_a_leaf_that_does_not_count_keeps_none():
    x, unused = leaf([2.0]), leaf([1.0])
    (x * 2).backward()
    assert unused.grad is None


def test_detach_cuts_the_graph_and_shares_the_memory():
    x = leaf([2.0])
    y = x * 3
    cut = y.detach()
    assert not cut.requires_grad and np.shares_memory(cut.data, y.data)
    (cut * x).backward()
    assert x.grad == [6]


BACKWARD_ERRORS = {
    "not a scalar": (
        lambda: (leaf(np.ones((2, 3))) * 2).backward(),
        "backward: a result of shape (2, 3) needs a gradient of that shape, as in backward(grad); "
        "only a result with one element starts from 1",
    ),
    "empty": (
        lambda: (leaf(np.ones(0)) * 2).backward(),
        "backward: a result of shape (0,) needs a gradient of that shape, as in backward(grad); "
        "only a result with one element starts from 1",
    ),
    "wrong shape": (
        lambda: (leaf(np.ones((2, 3))) * 2).backward(np.ones(3)),
        "backward: the gradient has shape (3,), the result (2, 3); they must be equal",
    ),
    "a number for an array": (
        lambda: (leaf(np.ones(3)) * 2).backward(1.0),
        "backward: the gradient has shape (), the result (3,); they must be equal",
    ),
    "no gradient required": (
        lambda: (mf.Tensor(np.ones(1)) * 2).backward(),
        "backward: no input of this result requires a gradient, or it was made inside no_grad()",
    ),
    "retain_grad": (
        lambda: mf.Tensor(np.ones(1)).retain_grad(),
        "retain_grad: this tensor needs no gradient, so none will come; set requires_grad on a leaf it is made from",
    ),
}


@pytest.mark.parametrize("case", BACKWARD_ERRORS.values(), ids=BACKWARD_ERRORS)
def test_error(case):
    call, message = case
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == message


def test_a_refused_backward_uses_nothing_up():
    x = leaf(np.ones(3))
    y = x * 2
    for grad in (None, np.ones(2)):
        with pytest.raises(ValueError):
            y.backward(grad)
    y.backward(np.ones(3))
    np.testing.assert_array_equal(x.grad, np.full(3, 2))


def test_backward_takes_numbers_lists_integers_and_tensors_as_gradient():
    for grad in ([1, 2], (1.0, 2.0), np.array([1, 2]), np.array([1, 2], "float32"), mf.Tensor(np.array([1.0, 2.0]))):
        x = leaf([5.0, 6.0])
        (x * 3).backward(grad)
        np.testing.assert_array_equal(x.grad, [3, 6])
    x = leaf(5.0)
    (x * 3).backward(2)
    assert x.grad == 6


def test_backward_refuses_a_gradient_on_another_device(on_gpu):
    x = leaf(np.ones(3))
    with pytest.raises(ValueError, match=r"^backward: the gradient is on gpu, the result on cpu$"):
        (x * 2).backward(on_gpu(np.ones(3)))
