"""Bilinear kernels against the reference's formula for every size, and the variance of He-normal weights."""

import numpy as np
import pytest

import minifcn as mf
from minifcn import nn, ops
from minifcn.nn.initialisers import bilinear, he_normal, undrawn

KERNELS_AND_STRIDES = [(4, 2), (8, 4), (16, 8), (64, 32), (63, 32), (3, 2), (5, 3), (6, 3)]


def reference(size):
    """The kernel of the reference's surgery.py, element by element; its centre asks whether the *size* is odd."""
    factor = (size + 1) // 2
    centre = factor - 1 if size % 2 == 1 else factor - 0.5
    line = [1 - abs(i - centre) / factor for i in range(size)]
    return np.array([[a * b for b in line] for a in line])


def caffe(size):
    """Caffe's BilinearFiller before its repair: the centre asks whether the *factor* is odd. Not to be reproduced."""
    factor = -(-size // 2)
    centre = (2 * factor - 1 - factor % 2) / (2 * factor)
    line = [1 - abs(i / factor - centre) for i in range(size)]
    return np.array([[a * b for b in line] for a in line])


@pytest.mark.parametrize("size", range(1, 65))
def test_bilinear_is_the_reference_for_every_kernel(size):
    kernel = bilinear(3, size)
    assert kernel.shape == (3, 1, size, size) and kernel.dtype == np.float32
    for channel in range(3):
        np.testing.assert_allclose(kernel[channel, 0], reference(size), rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(kernel, kernel[:, :, ::-1, ::-1])  # symmetric, to the bit
    assert kernel.min() > 0


def test_the_wrong_centre_of_caffe_is_not_reproduced():
    differ = [size for size in range(1, 65) if np.abs(bilinear(1, size)[0, 0] - caffe(size)).max() > 1e-3]
    assert {3, 6, 7, 10, 63} <= set(differ) and not {4, 5, 8, 16, 32, 64} & set(differ)
    np.testing.assert_allclose(caffe(3)[1] / caffe(3)[1].max() * 0.75, [0.25, 0.75, 0.75], atol=1e-12)  # as reported
    np.testing.assert_allclose(bilinear(1, 3)[0, 0, 1], [0.5, 1, 0.5])


@pytest.mark.parametrize("kernel, stride", KERNELS_AND_STRIDES)
def test_the_kernel_sums_to_the_square_of_the_stride(kernel, stride):
    assert bilinear(1, kernel).sum(dtype=np.float64) == pytest.approx(stride**2, rel=1e-6)


def upsampled(picture, kernel, stride):
    return ops.conv_transpose2d(picture[None, None].astype(np.float32), bilinear(1, kernel), stride=stride).data[0, 0]


@pytest.mark.parametrize("kernel, stride", KERNELS_AND_STRIDES)
def test_constants_stay_constant_inside(kernel, stride):
    y = upsampled(np.full((5, 6), 3.0), kernel, stride)
    inside = y[kernel - stride : stride * 5, kernel - stride : stride * 6]  # where all kernels overlap that ever do
    assert inside.size and y.shape == (stride * 4 + kernel, stride * 5 + kernel)
    np.testing.assert_allclose(inside, 3, rtol=1e-5)


@pytest.mark.parametrize("kernel, stride", KERNELS_AND_STRIDES)
def test_ramps_stay_ramps_inside(kernel, stride):
    """Output pixel o lies at (o - (kernel - 1) / 2) / stride in cells of the input."""
    cells = 2.0 * np.arange(5)[:, None] - 3.0 * np.arange(6)[None, :]
    y = upsampled(cells, kernel, stride)
    place = (np.arange(max(y.shape)) - (kernel - 1) / 2) / stride
    expected = 2.0 * place[: y.shape[0], None] - 3.0 * place[None, : y.shape[1]]
    inside = (slice(kernel - stride, stride * 5), slice(kernel - stride, stride * 6))
    np.testing.assert_allclose(y[inside], expected[inside], atol=2e-5)


def test_an_impulse_gives_the_kernel():
    impulse = np.zeros((3, 3))
    impulse[1, 1] = 1
    np.testing.assert_allclose(upsampled(impulse, 6, 3)[3:9, 3:9], reference(6), rtol=1e-6)


@pytest.mark.parametrize("channels, kernel", [(0, 4), (3, 0), (-1, 4), (2, -2)])
def test_bilinear_refuses_what_is_below_1(channels, kernel):
    with pytest.raises(
        ValueError, match=rf"bilinear: {channels} channels and kernel {kernel}; both must be at least 1"
    ):
        bilinear(channels, kernel)


@pytest.mark.parametrize(
    "shape, variance", [((400, 50, 3, 3), 2 / 450), ((300, 500), 2 / 500), ((200, 8, 7, 7), 2 / 392)]
)
def test_he_normal_variance(shape, variance):
    mf.manual_seed(0)
    values = he_normal(shape)
    assert values.shape == shape and values.dtype == np.float32
    spread = np.sqrt(2 / values.size)  # standard deviation of a sample variance, relative
    assert values.var(dtype=np.float64) == pytest.approx(variance, rel=5 * spread)
    assert abs(values.mean(dtype=np.float64)) < 5 * np.sqrt(variance / values.size)
    kurtosis = (values.astype(np.float64) ** 4).mean() / variance**2
    assert kurtosis == pytest.approx(3, abs=0.15)  # normal, not uniform (1.8)


def test_manual_seed_repeats_and_seeds_differ():
    def weights(seed):
        mf.manual_seed(seed)
        return (
            nn.Conv2d(3, 4, 3).weight.data,
            nn.ConvTranspose2d(3, 4, 3).weight.data,
            nn.Dropout()(np.ones(50, "f")).data,
        )

    for one, again in zip(weights(7), weights(7), strict=True):
        np.testing.assert_array_equal(one, again)
    for one, other in zip(weights(7), weights(8), strict=True):
        assert not np.array_equal(one, other)
    for one, other in zip(weights((7, 1)), weights((7, 2)), strict=True):  # a sequence is a seed as well
        assert not np.array_equal(one, other)
    first = nn.Conv2d(3, 4, 3).weight.data
    assert not np.array_equal(first, nn.Conv2d(3, 4, 3).weight.data)  # two layers are not the same layer twice


def test_seeds_do_not_touch_numpys_own_generator():
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    mf.manual_seed(1)
    nn.Conv2d(3, 4, 3)
    np.testing.assert_array_equal(before, np.random.get_state()[1])


def test_undrawn_weights_are_zeros_that_cost_no_random_number():
    mf.manual_seed(5)
    with undrawn():
        layer = nn.Conv2d(3, 4, 3)
        transposed = nn.ConvTranspose2d(3, 4, 3)
    for found in (layer, transposed):
        assert not found.weight.data.any() and found.weight.dtype == np.float32 and not found.bias.data.any()
    assert (layer.weight.shape, transposed.weight.shape) == ((4, 3, 3, 3), (3, 4, 3, 3))
    after = he_normal((4, 3, 3, 3))
    mf.manual_seed(5)
    np.testing.assert_array_equal(after, he_normal((4, 3, 3, 3)))
    assert after.any()


def test_undrawn_ends_with_its_block_however_it_ends():
    with pytest.raises(KeyError), undrawn():
        raise KeyError
    assert nn.Conv2d(3, 4, 3).weight.data.any()


def test_an_undrawn_layer_can_be_filled():
    drawn = nn.Conv2d(3, 4, 3)
    with undrawn():
        layer = nn.Conv2d(3, 4, 3)
    layer.load_state_dict(drawn.state_dict())
    np.testing.assert_array_equal(layer.weight.data, drawn.weight.data)


@pytest.mark.parametrize("seed", [-1, "a", 1.5, (1, -2)])
def test_a_seed_that_is_none(seed):
    with pytest.raises((TypeError, ValueError), match=r"manual_seed: seed is .*; expected an integer of at least 0"):
        mf.manual_seed(seed)
