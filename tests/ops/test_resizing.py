"""resize2d and batch_norm2d beside what else is known of them: Pillow, repetition, straight lines, a learnt upsampling, laws of the mean."""

import numpy as np
import pytest
from PIL import Image

import minifcn as mf
from minifcn import ops
from minifcn.nn.initialisers import bilinear


def picture(*shape):
    return np.random.default_rng(0).standard_normal(shape)


@pytest.mark.parametrize("size", [(7, 9), (20, 5), (5, 6), (41, 17)])
def test_resize2d_enlarges_as_pillow_does(size):
    x = picture(1, 1, 5, 5).astype("float32")
    theirs = np.asarray(Image.fromarray(x[0, 0]).resize(size[::-1], Image.Resampling.BILINEAR))
    np.testing.assert_allclose(ops.resize2d(x, size).data[0, 0], theirs, rtol=0, atol=1e-6)


def test_resize2d_nearest_by_a_whole_factor_repeats_pixels_and_back_takes_the_first():
    x = picture(2, 3, 4, 5)
    large = ops.resize2d(x, (8, 15), mode="nearest")
    np.testing.assert_array_equal(large.data, x.repeat(2, 2).repeat(3, 3))
    np.testing.assert_array_equal(ops.resize2d(large, (4, 5), mode="nearest").data, x)


@pytest.mark.parametrize("wanted", [1, 2, 7, 30])
def test_resize2d_with_aligned_corners_keeps_a_straight_line(wanted):
    line = np.linspace(-1, 3, 6).reshape(1, 1, 6, 1)
    expected = np.linspace(-1, 3, wanted).reshape(1, 1, wanted, 1)
    np.testing.assert_allclose(ops.resize2d(line, (wanted, 1), align_corners=True).data, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"align_corners": True}, {"mode": "nearest"}])
def test_resize2d_to_the_same_size_is_the_picture(options):
    x = picture(2, 2, 5, 3)
    np.testing.assert_array_equal(ops.resize2d(x, (5, 3), **options).data, x)


def test_resize2d_inside_is_the_transposed_convolution_that_an_fcn_starts_from():
    """Section 3.3 of the paper: upsampling by a whole factor is convolution with a bilinear kernel; at the border it sees zeros."""
    x = picture(1, 1, 6, 6)
    for factor in (2, 4, 8):
        kernel = bilinear(1, 2 * factor).astype(float)
        learnt = ops.conv_transpose2d(x, kernel, stride=factor, padding=factor // 2).data
        inside = (..., slice(factor, -factor), slice(factor, -factor))
        np.testing.assert_allclose(ops.resize2d(x, 6 * factor).data[inside], learnt[inside], rtol=0, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"align_corners": True}, {"mode": "nearest"}])
@pytest.mark.parametrize("size", [(3, 13), (11, 2), (1, 1)])
def test_resize2d_and_its_backward_are_adjoint(size, options):
    x = picture(2, 3, 6, 5)

    def back(y):
        tensor = mf.Tensor(np.zeros(x.shape), requires_grad=True)
        ops.resize2d(tensor, size, **options).backward(y)
        return tensor.grad

    mf.adjoint_check(lambda v: ops.resize2d(v, size, **options), back, x, picture(2, 3, *size))


def test_batch_norm2d_leaves_mean_0_and_variance_1_and_forgets_scale_and_shift():
    x = picture(4, 3, 5, 6)
    y = ops.batch_norm2d(x, eps=1e-12).data
    np.testing.assert_allclose(y.mean((0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var((0, 2, 3)), 1, rtol=1e-9)
    np.testing.assert_allclose(ops.batch_norm2d(1000 * x - 7, eps=1e-12).data, y, rtol=0, atol=1e-9)


def test_batch_norm2d_with_the_batchs_own_mean_and_variance_as_constants_has_its_values_and_not_its_gradient():
    x = picture(4, 3, 5, 6)
    one, other = (mf.Tensor(x, requires_grad=True) for _ in range(2))
    grad = picture(4, 3, 5, 6)[::-1]
    y = ops.batch_norm2d(one)
    z = ops.batch_norm2d(other, mean=x.mean((0, 2, 3)), var=x.var((0, 2, 3)))
    np.testing.assert_allclose(y.data, z.data, rtol=0, atol=1e-12)
    y.backward(grad)
    z.backward(grad)
    np.testing.assert_allclose(one.grad.sum((0, 2, 3)), 0, atol=1e-12)  # who moves all of a channel changes nothing
    np.testing.assert_allclose((one.grad * x).sum((0, 2, 3)), 0, atol=1e-2)  # nor who stretches it, but for eps
    np.testing.assert_allclose(other.grad, grad / np.sqrt(x.var((0, 2, 3)) + 1e-5).reshape(1, 3, 1, 1), rtol=1e-9)


def test_batch_norm2d_of_a_flat_channel_is_its_bias():
    x = mf.Tensor(np.full((2, 2, 3, 3), 5, "float32"), requires_grad=True)
    y = ops.batch_norm2d(x, np.array([2.0, 3.0]), np.array([0.5, -1.0]))
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y.data, np.broadcast_to(np.array([0.5, -1.0]).reshape(1, 2, 1, 1), x.shape))
    y.backward(np.ones(x.shape))
    assert np.isfinite(x.grad).all()
