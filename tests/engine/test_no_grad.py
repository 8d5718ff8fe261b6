"""no_grad: nothing is remembered inside, whatever happens there, and only there."""

import threading

import numpy as np
import pytest

import minifcn as mf


def leaf():
    return mf.Tensor(np.ones(2), requires_grad=True)


def records():
    return (leaf() * 2).requires_grad


def test_inside_results_remember_nothing():
    x = leaf()
    with mf.no_grad():
        y = x * 2
        assert not y.requires_grad and y.creator is None and x.requires_grad
        np.testing.assert_array_equal(y.data, [2, 2])
        with pytest.raises(ValueError, match=r"made inside no_grad\(\)"):
            y.backward(np.ones(2))
    assert records()


def test_it_can_be_nested():
    with mf.no_grad():
        with mf.no_grad():
            assert not records()
        assert not records()
    assert records()


def test_an_exception_ends_it():
    with pytest.raises(ZeroDivisionError), mf.no_grad():
        raise ZeroDivisionError
    assert records()


def test_other_threads_do_not_see_it():
    entered, leave, seen = threading.Event(), threading.Event(), {}

    def inside():
        with mf.no_grad():
            entered.set()
            leave.wait(10)
            seen["inside"] = records()

    thread = threading.Thread(target=inside)
    thread.start()
    assert entered.wait(10)
    seen["outside"] = records()
    leave.set()
    thread.join()
    with mf.no_grad():
        other = threading.Thread(target=lambda: seen.update(started_inside=records()))
        other.start()
        other.join()
    assert seen == {"inside": False, "outside": True, "started_inside": True}


def test_it_can_decorate_a_function():
    @mf.no_grad()
    def predict(x):
        return x * 2

    assert not predict(leaf()).requires_grad and records()
    assert not predict(leaf()).requires_grad


def test_a_result_made_inside_is_a_constant_outside():
    x = leaf()
    with mf.no_grad():
        constant = x * 3
    (x * constant).sum().backward()
    np.testing.assert_array_equal(x.grad, [3, 3])


def test_a_graph_from_outside_can_be_walked_inside():
    x = leaf()
    y = (x * 2).sum()
    with mf.no_grad():
        y.backward()
    np.testing.assert_array_equal(x.grad, [2, 2])


def test_an_instance_called_inside_keeps_nothing_of_an_earlier_graph_from_being_walked():
    class Square(mf.Function):
        def forward(self, x):
            self.x = x
            return x * x

        def backward(self, grad):
            return 2 * self.x * grad

    square, x = Square(), mf.Tensor(np.array([3.0]), requires_grad=True)
    y = square(x)
    with mf.no_grad():
        square(np.array([100.0]))
    y.backward()
    assert x.grad == [6]
