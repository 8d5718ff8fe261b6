"""What the two convolutions promise beyond their values: one is the other's gradient, and nothing stale is kept."""

import numpy as np
import pytest

import minifcn as mf
from minifcn import ops

from .calls import assert_close

each_choice = pytest.mark.parametrize("choice", ["simple", "fast"])


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


@each_choice
def test_conv2d_correlates_and_does_not_turn_the_kernel_round(choice):
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = 1
    weight = np.arange(9.0).reshape(1, 1, 3, 3)
    with mf.kernels.use(choice):
        np.testing.assert_array_equal(ops.conv2d(x, weight, padding=1).data, weight[:, :, ::-1, ::-1])
        np.testing.assert_array_equal(ops.conv_transpose2d(x, weight, padding=1).data, weight)


@each_choice
@pytest.mark.parametrize("kernel", [(3, 3), (2, 2), (4, 1), (1, 6), (5, 2)])
@pytest.mark.parametrize("dilation", [1, 2, (3, 1)])
def test_conv2d_padding_same_keeps_the_size_and_puts_the_odd_pixel_last(kernel, dilation, choice):
    x, weight = normal(0, 2, 3, 7, 8), normal(1, 2, 3, *kernel)
    dh, dw = dilation if isinstance(dilation, tuple) else (dilation, dilation)
    high, wide = dh * (kernel[0] - 1), dw * (kernel[1] - 1)
    before, after = (high // 2, wide // 2), (high - high // 2, wide - wide // 2)
    enlarged = np.pad(x, ((0, 0), (0, 0), (before[0], after[0]), (before[1], after[1])))
    with mf.kernels.use(choice):
        y = ops.conv2d(x, weight, padding="same", dilation=dilation)
        assert y.shape == (2, 2, 7, 8)
        assert_close(y.data, ops.conv2d(enlarged, weight, dilation=dilation).data, 1e-13)
        assert_close(ops.conv2d(x, weight, padding="valid").data, ops.conv2d(x, weight).data, 0)


@each_choice
def test_conv2d_weights_changed_in_place_take_effect_at_the_next_call(choice):
    rng = np.random.default_rng(0)
    x, bias = rng.standard_normal((2, 16, 12, 12)), np.zeros(16)
    weight = mf.Tensor(rng.standard_normal((16, 16, 3, 3)), requires_grad=True)
    with mf.kernels.use(choice):
        first = ops.conv2d(x, weight, bias, padding=1).data.copy()
        weight.data *= 2
        bias += 1
        assert_close(ops.conv2d(x, weight, bias, padding=1).data, 2 * first + 1, 1e-12)
        weight.data[...] = 0
        assert not ops.conv_transpose2d(x, weight, padding=1).data.any()


@each_choice
def test_conv2d_input_changed_in_place_takes_effect_at_the_next_call(choice):
    x, weight = normal(0, 1, 3, 6, 6), normal(1, 4, 3, 3, 3)
    with mf.kernels.use(choice):
        first = ops.conv2d(x, weight).data.copy()
        x *= 3
        assert_close(ops.conv2d(x, weight).data, 3 * first, 1e-13)


@each_choice
def test_conv2d_results_of_two_calls_do_not_share_memory(choice):
    weight = mf.Tensor(normal(1, 4, 3, 3, 3), requires_grad=True)
    with mf.kernels.use(choice):
        one, two = ops.conv2d(normal(0, 2, 3, 9, 9), weight), ops.conv2d(normal(2, 2, 3, 9, 9), weight)
        kept = one.data.copy()
        assert not np.shares_memory(one.data, two.data)
        two.backward(np.ones(two.shape))
        again = ops.conv2d(normal(3, 2, 3, 9, 9), weight)
        again.backward(np.ones(again.shape))
    np.testing.assert_array_equal(one.data, kept)


@each_choice
def test_conv2d_of_1x1_does_not_hand_out_its_input(choice):
    x, weight = normal(0, 2, 1, 4, 4), np.ones((1, 1, 1, 1))
    before = x.copy()
    with mf.kernels.use(choice):
        for y in (ops.conv2d(x, weight, np.ones(1)), ops.conv_transpose2d(x, weight, np.ones(1))):
            y.data += 100
    np.testing.assert_array_equal(x, before)


@each_choice
@pytest.mark.parametrize("function", [ops.conv2d, ops.conv_transpose2d])
def test_conv2d_and_conv_transpose2d_compute_only_what_is_asked(function, choice):
    x, weight, bias = normal(0, 2, 3, 5, 5), normal(1, 3, 3, 3, 3), normal(2, 3)
    with mf.kernels.use(choice):
        full = [mf.Tensor(v, requires_grad=True) for v in (x, weight, bias)]
        output = function(*full)
        y = normal(3, *output.shape)
        output.backward(y)
        for number in range(3):
            some = [mf.Tensor(v, requires_grad=place == number) for place, v in enumerate((x, weight, bias))]
            function(*some).backward(y)
            assert [t.grad is not None for t in some] == [place == number for place in range(3)]
            np.testing.assert_array_equal(some[number].grad, full[number].grad)


@each_choice
@pytest.mark.parametrize("function", [ops.conv2d, ops.conv_transpose2d])
def test_conv2d_bias_gradient_is_exact_in_float32(function, choice):
    # a quarter of a million pixels: adding them one after the other in float32 would lose three digits
    bias = mf.Tensor(np.zeros(4, "float32"), requires_grad=True)
    x, weight = np.zeros((1, 1, 512, 512), "float32"), np.zeros((4, 1, 1, 1), "float32")
    weight = weight if function is ops.conv2d else weight.reshape(1, 4, 1, 1)
    with mf.kernels.use(choice):
        y = function(x, weight, bias)
        # channels last in memory, as the next layer sends it
        gradient = np.full((1, 512, 512, 4), 0.1, "float32").transpose(0, 3, 1, 2)
        y.backward(gradient)
    np.testing.assert_allclose(bias.grad, 0.1 * 512 * 512, rtol=2e-6)


@each_choice
def test_conv2d_of_nan_and_infinity_spoils_only_the_windows_that_see_them(choice):
    x = normal(0, 1, 2, 8, 8)
    x[0, 0, 0, 0] = np.nan
    with mf.kernels.use(choice):
        y = ops.conv2d(x, normal(1, 3, 2, 3, 3)).data
    assert np.isnan(y[:, :, 0, 0]).all() and np.isfinite(y[:, :, 1:, 1:]).all()


@pytest.mark.parametrize("stride, smallest", [(1, 4), (2, 6), (3, 8)])
def test_conv_transpose2d_output_size_takes_stride_sizes(stride, smallest):
    x, weight = normal(0, 1, 1, 3, 3), normal(1, 1, 1, 4, 4)
    for extra in range(stride):
        size = smallest + extra
        by_size = ops.conv_transpose2d(x, weight, stride=stride, padding=1, output_size=size)
        by_padding = ops.conv_transpose2d(x, weight, stride=stride, padding=1, output_padding=extra)
        assert by_size.shape == (1, 1, size, size)
        np.testing.assert_array_equal(by_size.data, by_padding.data)
