"""The kernels for pools, loss, ReLU and bias against their simple twins: values, dtypes, odd shapes, every number of threads."""

import numpy as np
import pytest

import minifcn as mf
from minifcn.kernels import Window, choice, simple
from minifcn.kernels.cpu import pointwise
from minifcn.kernels.threads import get_num_threads

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SHAPES = [(1, 1, 1, 1), (2, 3, 5, 4), (3, 21, 17, 13), (1, 64, 33, 40), (8, 5, 64, 64), (0, 3, 4, 4)]


def last(array):
    """Channels last in memory, as every kernel leaves its results."""
    return np.ascontiguousarray(array.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def picture(shape, dtype, seed=0):
    return last(np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype))


def fast(name, *arguments):
    for kernel in choice.KERNELS[name]:
        if kernel.suits(*arguments):
            return kernel.run(*arguments)
    return None


def close(actual, expected, dtype):
    assert actual.shape == expected.shape and actual.dtype == dtype
    tolerance = 3e-6 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * max(1, np.abs(expected).max(initial=0)))


@DTYPES
@pytest.mark.parametrize("shape", SHAPES)
def test_relu(shape, dtype):
    x, grad = picture(shape, dtype), picture(shape, dtype, 1)
    if x.size > 3:
        x.reshape(-1)[:1] = 0
    y = fast("relu", x)
    np.testing.assert_array_equal(y, simple.relu(x))
    np.testing.assert_array_equal(fast("relu_gradient", y, grad), simple.relu_gradient(y, grad))
    np.testing.assert_array_equal(fast("relu_gradient", y, np.ascontiguousarray(grad)), simple.relu_gradient(y, grad))


def test_relu_of_what_is_no_number():
    x = last(np.array([np.nan, -np.inf, np.inf, -0.0], np.float32).reshape(1, 1, 2, 2))
    y = fast("relu", x)
    np.testing.assert_array_equal(y, simple.relu(x))
    grad = last(np.array([np.inf, np.nan, np.inf, np.nan], np.float32).reshape(1, 1, 2, 2))
    np.testing.assert_array_equal(fast("relu_gradient", y, grad), simple.relu_gradient(y, grad))


@DTYPES
@pytest.mark.parametrize("shape", SHAPES)
def test_bias(shape, dtype):
    y, bias = picture(shape, dtype), np.random.default_rng(2).standard_normal(shape[1]).astype(dtype)
    expected = simple.add_bias(y.copy(), bias)
    close(fast("add_bias", y, bias), expected, dtype)
    close(fast("bias_gradient", expected), expected.sum((0, 2, 3), dtype=np.float64).astype(dtype), dtype)


WINDOWS = {
    "2x2": Window((2, 2), (2, 2)),
    "3x3 stride 2": Window((3, 3), (2, 2)),
    "3x3 padded": Window((3, 3), (2, 2), ((1, 1), (1, 1))),
    "overlapping": Window((3, 2), (1, 1), ((1, 1), (0, 0))),
    "dilated": Window((2, 2), (1, 2), ((0, 0), (1, 1)), (2, 2)),
    "stride over kernel": Window((1, 2), (3, 3)),
}


@DTYPES
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
@pytest.mark.parametrize("shape", [(2, 3, 7, 6), (1, 16, 12, 13), (3, 5, 8, 8), (0, 2, 5, 5)])
def test_max_pool(shape, window, ceil_mode, dtype):
    x = picture(shape, dtype)
    size = (window.ceil_output_size if ceil_mode else window.output_size)(shape[2:])
    y, place = fast("max_pool2d", x, window, size)
    expected, places = simple.max_pool2d(x, window, size)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(fast("max_pool2d_values", x, window, size), expected)
    np.testing.assert_array_equal(place, places)
    grad = picture(y.shape, dtype, 3)
    close(
        fast("max_pool2d_gradient", grad, place, window, shape),
        simple.max_pool2d_gradient(grad, places, window, shape),
        dtype,
    )


def test_max_pool_of_ties_and_of_what_is_no_number():
    window = Window((2, 2), (2, 2))
    x = last(
        np.array(
            [[1, 1, np.nan, 2], [1, 1, 3, np.nan], [-np.inf, -np.inf, 0, -0.0], [-np.inf, -np.inf, -0.0, 0]], np.float32
        )[None, None]
    )
    y, place = fast("max_pool2d", x, window, (2, 2))
    expected, places = simple.max_pool2d(x, window, (2, 2))
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(fast("max_pool2d_values", x, window, (2, 2)), expected)
    np.testing.assert_array_equal(place, places)
    assert place[0, 0, 0, 0] == 0 and np.isnan(y[0, 0, 0, 1])


@DTYPES
@pytest.mark.parametrize("pixels, classes", [(0, 3), (1, 1), (7, 2), (9000, 21), (5001, 60)])
def test_loss(pixels, classes, dtype):
    rng = np.random.default_rng(pixels)
    planes = (5 * rng.standard_normal((2, classes, pixels))).astype(dtype)
    labels, valid = rng.integers(0, classes, (2, pixels)), rng.random((2, pixels)) < 0.8
    factor = rng.standard_normal((2, pixels)).astype(dtype)
    for scores in (planes, planes.transpose(0, 2, 1).copy().transpose(0, 2, 1)):  # classes first and last in memory
        losses, softmax = fast("softmax_cross_entropy", scores, labels, valid)
        expected, probabilities = simple.softmax_cross_entropy(scores, labels, valid)
        close(losses, expected, dtype)
        close(softmax, probabilities, dtype)
        gradient = fast("softmax_cross_entropy_gradient", softmax, labels, valid, factor)
        close(gradient, simple.softmax_cross_entropy_gradient(probabilities, labels, valid, factor), dtype)


def test_loss_gradient_of_a_softmax_that_lies_in_neither_order():
    rng = np.random.default_rng(0)
    labels, valid = rng.integers(0, 3, (2, 50)), rng.random((2, 50)) < 0.8
    whole = rng.random((2, 3, 100))
    factor = rng.standard_normal((2, 50))
    expected = simple.softmax_cross_entropy_gradient(whole[:, :, ::2].copy(), labels, valid, factor)
    found = fast("softmax_cross_entropy_gradient", whole[:, :, ::2], labels, valid, factor)
    np.testing.assert_array_equal(found, expected)


def test_a_pixel_that_does_not_count_does_not_count_when_its_scores_are_infinite():
    scores = np.array([[[np.inf, np.nan, 1.0], [1.0, 0.0, 2.0]]])
    labels, valid = np.array([[0, 1, 1]]), np.array([[False, False, True]])
    losses, softmax = fast("softmax_cross_entropy", scores, labels, valid)
    np.testing.assert_array_equal(losses[0, :2], 0)
    gradient = fast("softmax_cross_entropy_gradient", softmax, labels, valid, np.ones((1, 3)))
    np.testing.assert_array_equal(gradient[:, :, :2], 0)
    assert np.isfinite(gradient).all() and losses[0, 2] == pytest.approx(np.log1p(np.exp(-1)))


def test_one_thread_and_four_give_the_same_bits():
    x = mf.Tensor(picture((4, 32, 40, 40), np.float32), requires_grad=True)
    weight = mf.Tensor(picture((64, 32, 3, 3), np.float32), requires_grad=True)
    bias = mf.Tensor(np.zeros(64, np.float32), requires_grad=True)
    labels = np.random.default_rng(0).integers(0, 64, (4, 20, 20))
    found, before = [], get_num_threads()
    try:
        for threads in (1, 4, 2):
            mf.set_num_threads(threads)
            x.grad = weight.grad = bias.grad = None
            y = mf.ops.max_pool2d(mf.ops.relu(mf.ops.conv2d(x, weight, bias, padding=1)), 2)
            mf.ops.softmax_cross_entropy(y, labels).backward()
            found.append((x.grad, weight.grad, bias.grad))
    finally:
        mf.set_num_threads(before)
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_an_optimiser_step_in_blocks_is_the_step(monkeypatch):
    monkeypatch.setattr(pointwise, "BLOCK", 100)
    rng = np.random.default_rng(0)
    data, gradient = (rng.standard_normal((7, 5, 3, 11)).astype(np.float32) for _ in range(2))
    laid = [array.copy() for array in (data, gradient)]
    last_axis_first = [np.asfortranarray(array) for array in (data, gradient)]

    def step(data, gradient):
        seen.append(data.size)
        data -= np.float32(0.1) * gradient

    for arrays, pieces in ((laid, 12), (last_axis_first, 12), ([laid[0].copy(), last_axis_first[1]], 1)):
        seen = []
        expected = arrays[0] - np.float32(0.1) * arrays[1]
        pointwise.in_blocks(step, *arrays)
        np.testing.assert_array_equal(arrays[0], expected)
        assert len(seen) == pieces and sum(seen) == data.size  # arrays that lie differently in memory go as a whole
