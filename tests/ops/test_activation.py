"""What relu, dropout and local response normalisation promise, by hand."""

import numpy as np
import pytest

import minifcn as mf
from minifcn import ops


def gradient_of(function, x, grad):
    tensor = mf.Tensor(np.asarray(x), requires_grad=True)
    function(tensor).backward(np.asarray(grad))
    return tensor.grad


def test_relu_has_slope_0_at_0():
    x = np.array([-1.0, -0.0, 0.0, 1e-300, 2.0])
    np.testing.assert_array_equal(ops.relu(x).data, [0, 0, 0, 1e-300, 2])
    np.testing.assert_array_equal(gradient_of(ops.relu, x, np.full(5, 7.0)), [0, 0, 0, 7, 7])


def test_relu_stops_an_infinite_gradient():
    np.testing.assert_array_equal(gradient_of(ops.relu, [-1.0, 1.0], [np.inf, np.inf]), [0, np.inf])


def test_relu_lets_nan_through():
    assert np.isnan(ops.relu(np.array([np.nan])).data).all()


def test_relu_of_a_number_without_axes():
    y = ops.relu(mf.Tensor(np.float32(2), requires_grad=True))
    assert y.shape == () and y.dtype == np.float32


def test_dropout_with_p_0_or_in_evaluation_changes_nothing():
    x = np.random.default_rng(0).standard_normal((3, 4))
    for options in (dict(p=0), dict(p=0.0, training=True), dict(p=0.9, training=False), dict(p=1, training=False)):
        np.testing.assert_array_equal(ops.dropout(x, **options).data, x)
        np.testing.assert_array_equal(gradient_of(lambda t, o=options: ops.dropout(t, **o), x, x), x)


def test_dropout_with_p_1_is_zero_everywhere():
    x = np.random.default_rng(0).standard_normal((30, 40))
    for p in (1, 1.0):
        np.testing.assert_array_equal(ops.dropout(x, p).data, np.zeros_like(x))
        np.testing.assert_array_equal(gradient_of(lambda t, p=p: ops.dropout(t, p), x, x), np.zeros_like(x))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_drops_the_share_p_and_keeps_the_expected_value(p):
    y = ops.dropout(np.ones(100_000), p, rng=0).data
    np.testing.assert_allclose(np.unique(y), [0, 1 / (1 - p)], rtol=1e-15)
    assert (y == 0).mean() == pytest.approx(p, abs=0.01)  # five standard deviations are 0.008
    assert y.mean() == pytest.approx(1, abs=0.05)


def test_dropout_gradient_passes_the_mask_of_its_own_call():
    x = mf.Tensor(np.ones(1000), requires_grad=True)
    first, second = ops.dropout(x, 0.5), ops.dropout(x, 0.5)
    assert not np.array_equal(first.data, second.data)
    first.backward(np.ones(1000))
    np.testing.assert_array_equal(x.grad, first.data)
    second.backward(np.ones(1000))
    np.testing.assert_array_equal(x.grad, first.data + second.data)


def test_dropout_masks_follow_the_seed():
    x = np.ones((20, 50))
    np.testing.assert_array_equal(ops.dropout(x, 0.5, rng=3).data, ops.dropout(x, 0.5, rng=3).data)
    assert not np.array_equal(ops.dropout(x, 0.5, rng=3).data, ops.dropout(x, 0.5, rng=4).data)
    generator = np.random.default_rng(3)
    np.testing.assert_array_equal(ops.dropout(x, 0.5, rng=generator).data, ops.dropout(x, 0.5, rng=3).data)
    assert not np.array_equal(ops.dropout(x, 0.5, rng=generator).data, ops.dropout(x, 0.5, rng=3).data)


@pytest.mark.parametrize("seed", [7, (7, 1)])
def test_dropout_follows_manual_seed(seed):
    x = np.ones((20, 50))
    mf.manual_seed(seed)
    first, second = ops.dropout(x, 0.5).data, ops.dropout(x, 0.5).data
    mf.manual_seed(seed)
    np.testing.assert_array_equal(ops.dropout(x, 0.5).data, first)
    np.testing.assert_array_equal(ops.dropout(x, 0.5).data, second)
    assert not np.array_equal(first, second)


def test_dropout_draws_one_mask_whatever_the_dtype_and_memory_order():
    x = np.ones((2, 3, 4, 5))
    expected = ops.dropout(x, 0.4, rng=1).data
    assert ops.dropout(x.astype("float32"), 0.4, rng=1).dtype == np.float32
    np.testing.assert_allclose(ops.dropout(x.astype("float32"), 0.4, rng=1).data, expected, rtol=1e-6)
    np.testing.assert_array_equal(ops.dropout(np.asfortranarray(x), 0.4, rng=1).data, expected)


@pytest.mark.parametrize("number", [np.float32, np.float64, float])
def test_dropout_keeps_float32_whatever_type_p_has(number):
    x = mf.Tensor(np.ones((4, 5), "float32"), requires_grad=True)
    y = ops.dropout(x, number(0.5), rng=0)
    assert y.dtype == np.float32


@pytest.mark.parametrize("number", [np.float32, np.float64, float])
@pytest.mark.parametrize("option", ["alpha", "beta", "k"])
def test_local_response_norm_keeps_float32_whatever_type_its_options_have(option, number):
    y = ops.local_response_norm(np.ones((1, 3, 2, 2), "float32"), 3, **{option: number(0.5)})
    assert y.dtype == np.float32


def test_local_response_norm_by_hand():
    x = np.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 4, 1, 1)
    y = ops.local_response_norm(x, 3, alpha=3.0, beta=0.5, k=2.0).data.ravel()
    sums = np.array([1 + 4, 1 + 4 + 9, 4 + 9 + 16, 9 + 16])
    np.testing.assert_allclose(y, [1, 2, 3, 4] / np.sqrt(2 + sums), rtol=1e-15)
    # an even size looks one channel further back than ahead
    y = ops.local_response_norm(x, 2, alpha=2.0, beta=1.0, k=1.0).data.ravel()
    np.testing.assert_allclose(y, np.array([1, 2, 3, 4]) / (1 + np.array([1, 5, 13, 25])), rtol=1e-15)


def test_local_response_norm_wider_than_the_channels():
    x = np.array([3.0, 4.0]).reshape(1, 2, 1)
    y = ops.local_response_norm(x, 99, alpha=99.0, beta=0.5, k=0.0).data.ravel()
    np.testing.assert_allclose(y, [0.6, 0.8], rtol=1e-15)


def test_local_response_norm_takes_any_number_of_picture_axes():
    x = np.random.default_rng(0).standard_normal((2, 5, 3, 2, 2))
    expected = ops.local_response_norm(x.reshape(2, 5, 12, 1), 3).data.reshape(x.shape)
    np.testing.assert_allclose(ops.local_response_norm(x, 3).data, expected, rtol=1e-15)
    mf.gradcheck(lambda t: ops.local_response_norm(t, 3, alpha=0.5), x)
