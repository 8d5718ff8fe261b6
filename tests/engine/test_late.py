"""Gradients that come later: the same numbers as at once, wherever they are needed first, and every check is made all the same."""

import threading

import numpy as np
import pytest

import minifcn as mf
from minifcn.autodiff import late
from minifcn.kernels import threads


@pytest.fixture(autouse=True)
def two_threads():
    before = threads.get_num_threads()
    threads.set_num_threads(2)
    yield
    threads.set_num_threads(before)


def leaf(values):
    return mf.Tensor(np.array(values), requires_grad=True)


class Scaled(mf.Function):
    """x·w; the gradient of w comes later."""

    fresh = True

    def __init__(self, seen=None, gives=None):
        self.seen, self.gives = seen, gives

    def forward(self, x, w):
        self.x, self.w = x, w
        return x * w

    def backward(self, grad):
        def work():
            if self.seen is not None:
                self.seen.append(threading.current_thread())
            return x * grad if self.gives is None else self.gives

        x = self.x
        found = late.late(work, grad, 1)
        if self.seen is not None:
            self.seen.append(type(found).__name__)
        return self.w * grad, found


def test_a_leaf_a_shared_leaf_and_a_result_get_what_came_later():
    x, w, v = leaf([2.0, 3.0]), leaf([5.0, 7.0]), leaf([1.0, 4.0])
    seen = []
    between = v * 2.0  # the gradient of w's place goes on to a Function here
    y = Scaled(seen)(Scaled()(Scaled()(x, w), w), between)
    y.sum().backward()
    assert "Later" in seen
    np.testing.assert_array_equal(w.grad, 2 * x.data * w.data * 2 * v.data)
    np.testing.assert_array_equal(v.grad, 2 * x.data * w.data**2)
    np.testing.assert_array_equal(x.grad, w.data**2 * 2 * v.data)
    Scaled()(x, w).sum().backward()  # and added to what is there
    np.testing.assert_array_equal(w.grad, 2 * x.data * w.data * 2 * v.data + x.data)


def test_outside_a_walk_back_it_comes_at_once():
    function = Scaled()
    function.x, function.w = np.array([2.0]), np.array([3.0])
    assert function.backward(np.array([1.0])) == (3.0, 2.0)


@pytest.mark.parametrize("watch", [mf.detect_anomaly, mf.profile, None])
def test_nothing_comes_later_while_somebody_watches(watch):
    from minifcn.autodiff.changes import watching_kept

    seen = []
    with (watch or watching_kept)():
        Scaled(seen)(leaf([2.0]), leaf([3.0])).backward()
    assert seen == [threading.current_thread(), "ndarray"]


def test_a_later_gradient_of_a_wrong_shape_is_refused_and_no_grad_is_changed():
    x, w = leaf([2.0, 3.0]), leaf([5.0, 7.0])
    with pytest.raises(ValueError, match=r"Scaled.backward: gradient 1 has shape \(3,\), its input \(2,\)"):
        Scaled(gives=np.zeros(3))(x, w).sum().backward()
    assert x.grad is None and w.grad is None


def test_a_later_gradient_takes_on_the_dtype_of_its_input():
    x, w = (mf.Tensor(np.ones(2, np.float32), requires_grad=True) for _ in range(2))
    Scaled(gives=np.ones(2))(x, w).sum().backward()
    assert w.grad.dtype == np.float32


def test_large_work_is_done_at_once():
    class Large(Scaled):
        def backward(self, grad):
            found = late.late(lambda: self.x * grad, grad, late.LARGE)
            assert isinstance(found, np.ndarray)
            return self.w * grad, found

    x, w = leaf([2.0]), leaf([3.0])
    Large()(x, w).backward()
    assert w.grad == [2.0]


def test_blas_is_held_for_the_whole_walk():
    """Else a Function's own product would round as a helper happens to be at work or not."""
    libraries = threads.libraries()
    before = [library.get_num_threads() for library in libraries]
    inside = []

    class Looks(Scaled):
        def backward(self, grad):
            inside.extend(library.get_num_threads() for library in libraries)
            return super().backward(grad)

    threads.set_blas([2] * len(libraries))
    try:
        Looks()(leaf([2.0]), leaf([3.0])).backward()
        assert inside == [1] * len(libraries)
        assert [library.get_num_threads() for library in libraries] == [2] * len(libraries)
    finally:
        threads.set_blas(before)


def test_an_error_in_work_that_came_later_is_raised_by_backward():
    class Fails(Scaled):
        def backward(self, grad):
            def work():
                raise ZeroDivisionError("later")

            return self.w * grad, late.late(work, grad, 1)

    x, w = leaf([2.0]), leaf([3.0])
    with pytest.raises(ZeroDivisionError, match="later"):
        Fails()(x, w).backward()
    assert x.grad is None and w.grad is None
    Scaled()(x, w).backward()
    assert w.grad == [2.0]


def gradients(count):
    threads.set_num_threads(count)
    mf.manual_seed(0)
    rng = np.random.default_rng(0)
    model = mf.nn.Sequential(*(mf.nn.Conv2d(c, 8, 3, padding=1) for c in (3, 8, 8, 8, 8, 8)))
    x = mf.Tensor(rng.standard_normal((2, 3, 24, 24)).astype(np.float32), requires_grad=True)
    model(x).sum().backward()
    return [x.grad, *(parameter.grad for parameter in model.parameters())]


def test_the_bits_are_those_of_one_thread():
    alone = gradients(1)
    for _ in range(5):
        for found, expected in zip(gradients(2), alone, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_the_convolutions_of_a_network_hand_their_weights_gradients_on(monkeypatch):
    handed = []
    real = threads.later
    monkeypatch.setattr(threads, "later", lambda work: (handed.append(work), real(work))[1])
    gradients(2)
    assert len(handed) == 2 * 6  # weight and bias of each
    handed.clear()
    conv = mf.nn.Conv2d(3, 4, 3)
    conv(np.ones((1, 3, 5, 5), np.float32)).sum().backward()
    assert handed == []  # of a first layer no other gradient is wanted: nothing goes on beside it


def test_a_backward_in_the_place_of_another_gets_arrays_from_it():
    """Who changes an operation, or tries a wrong one, calculates with what the right one gives."""
    from minifcn.ops.convolution import Conv2d

    class Doubled(Conv2d):
        def backward(self, grad):
            return tuple(2 * each for each in super().backward(grad))

    rng = np.random.default_rng(3)
    arrays = [rng.standard_normal(shape) for shape in ((2, 3, 8, 9), (4, 3, 3, 3), (4,))]
    gradients = []
    for kind in (Conv2d, Doubled):
        inputs = [mf.Tensor(array, requires_grad=True) for array in arrays]
        first = mf.ops.conv2d(inputs[0], inputs[1], inputs[2], padding=1)
        kind(first.creator.window, 1)(*inputs).sum().backward()
        gradients.append([each.grad for each in inputs])
    for once, twice in zip(*gradients, strict=True):
        np.testing.assert_allclose(twice, 2 * once)
