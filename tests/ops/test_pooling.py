"""What pooling promises, by hand: sizes, padding, ties, NaN, windows of padding only, where maxima lie."""

import numpy as np
import pytest
from oracles import avg_pool2d, ceil_windows, max_pool2d_with_indices, windows
from twins import MISSING, torch

import minifcn as mf
from minifcn import ops
from minifcn.kernels import Window

from .calls import assert_close, check_gradient

each_choice = pytest.mark.parametrize("choice", ["simple", "fast"])
INF = np.inf


def picture(*rows):
    return np.array([[rows]], dtype=float)  # (1, 1, H, W)


def gradient_of(function, x, grad=None):
    tensor = mf.Tensor(x, requires_grad=True)
    output = function(tensor)
    output.backward(np.ones(output.shape) if grad is None else grad)
    return output.data, tensor.grad


GRID = [
    (length, k, s, p, d)
    for length in range(1, 9)
    for k in range(1, 6)
    for s in range(1, 5)
    for d in range(1, 4)
    for p in range(k)
]


def test_max_pool2d_sizes_equal_the_definition():
    for length, k, s, p, d in GRID:
        window = Window((k, 1), (s, 1), ((p, p), (0, 0)), (d, 1))
        floor, ceil = windows(length, k, s, p, p, d), ceil_windows(length, k, s, p, d)
        about = f"length {length}, kernel {k}, stride {s}, padding {p}, dilation {d}"
        assert max(0, window.output_size((length, 1))[0]) == floor, about
        assert max(0, window.ceil_output_size((length, 1))[0]) == ceil, f"ceil_mode, {about}"


@pytest.mark.skipif(torch is None, reason=MISSING)
def test_max_pool2d_sizes_equal_pytorch():
    compared = 0
    for length, k, s, p, d in GRID:
        if p > k // 2:
            continue  # PyTorch refuses
        for ceil_mode in (False, True):
            options = dict(stride=(s, 1), padding=(p, 0), dilation=(d, 1), ceil_mode=ceil_mode)
            about = f"length {length}, kernel {k}, {options}"
            try:
                theirs = torch.nn.functional.max_pool2d(torch.zeros(1, 1, length, 1), (k, 1), **options).shape
            except RuntimeError as error:
                assert "Output size is too small" in str(error)
                with pytest.raises(ValueError, match=r"max_pool2d: output size .* is below 1"):
                    ops.max_pool2d(np.zeros((1, 1, length, 1)), (k, 1), **options)
                continue
            ours = ops.max_pool2d(np.zeros((1, 1, length, 1)), (k, 1), **options).shape
            assert ours == tuple(theirs), about
            compared += 1
    assert compared > 800


@each_choice
@pytest.mark.parametrize("kernel", [2, 3, 5])
def test_pool_padding_up_to_kernel_minus_1(kernel, choice):
    x = np.random.default_rng(0).permutation(2 * 4 * 5).reshape(1, 2, 4, 5) * 0.1 - 2
    for stride in (1, 2, kernel):
        for ceil_mode in (False, True):
            options = dict(kernel_size=kernel, stride=stride, padding=kernel - 1, ceil_mode=ceil_mode)
            with mf.kernels.use(choice):
                values, indices = max_pool2d_with_indices(x, **options)
                y, found = ops.max_pool2d(x, **options, return_indices=True)
                np.testing.assert_array_equal(y.data, values)
                np.testing.assert_array_equal(found, indices)
                check_gradient(f"max_pool2d of {x.shape}, {options}", lambda t, o=options: ops.max_pool2d(t, **o), x)
                for counted in (False, True):
                    expected = avg_pool2d(x, **options, count_include_pad=counted)
                    assert_close(ops.avg_pool2d(x, **options, count_include_pad=counted).data, expected, 1e-14, options)
                    options_too = options | {"count_include_pad": counted}
                    check_gradient(
                        f"avg_pool2d of {x.shape}, {options_too}", lambda t, o=options_too: ops.avg_pool2d(t, **o), x
                    )


@each_choice
def test_max_pool2d_pads_with_minus_infinity_and_not_with_zero(choice):
    with mf.kernels.use(choice):
        y = ops.max_pool2d(picture([-5, -7], [-6, -8]), 2, stride=1, padding=1)
    np.testing.assert_array_equal(y.data, picture([-5, -5, -7], [-5, -5, -7], [-6, -6, -8]))


@each_choice
def test_max_pool2d_gives_a_tie_to_the_first(choice):
    with mf.kernels.use(choice):
        _, grad = gradient_of(lambda x: ops.max_pool2d(x, 2), picture([0, 3, 1, 1], [3, 3, 1, 1]))
        np.testing.assert_array_equal(grad, picture([0, 1, 1, 0], [0, 0, 0, 0]))
        _, grad = gradient_of(lambda x: ops.max_pool2d(x, 3, stride=1), np.zeros((1, 1, 3, 4)))
        np.testing.assert_array_equal(grad, picture([1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]))


@each_choice
def test_max_pool2d_adds_where_one_pixel_wins_twice(choice):
    with mf.kernels.use(choice):
        _, grad = gradient_of(lambda x: ops.max_pool2d(x, (1, 2), stride=1), picture([1, 9, 2]), picture([3, 4]))
    np.testing.assert_array_equal(grad, picture([0, 7, 0]))


@each_choice
def test_max_pool2d_lets_nan_through(choice):
    x = picture([1, np.nan, 5, 6], [2, 3, 7, 8])
    with mf.kernels.use(choice):
        y, grad = gradient_of(lambda v: ops.max_pool2d(v, 2), x)
    np.testing.assert_array_equal(y, picture([np.nan, 8]))
    np.testing.assert_array_equal(grad, picture([0, 1, 0, 0], [0, 0, 0, 1]))


@each_choice
def test_max_pool2d_window_of_padding_only_is_minus_infinity_without_gradient(choice):
    # taps at -1 and 1 of a picture with the single pixel 0: dilation steps over it
    with mf.kernels.use(choice):
        y, grad = gradient_of(lambda x: ops.max_pool2d(x, 2, stride=1, padding=1, dilation=2), np.ones((2, 3, 1, 1)))
    np.testing.assert_array_equal(y, np.full((2, 3, 1, 1), -INF))
    np.testing.assert_array_equal(grad, np.zeros((2, 3, 1, 1)))


@each_choice
def test_max_pool2d_window_of_padding_only_has_no_place_and_unpooling_leaves_it_out(choice):
    # taps at columns -1 and 2 of a picture 2 wide
    options = dict(kernel_size=(1, 2), stride=1, padding=(0, 1), dilation=(1, 3))
    with mf.kernels.use(choice):
        for x in (picture([5, 7]), picture([-INF, -INF])):
            y, places = ops.max_pool2d(x, **options, return_indices=True)
            np.testing.assert_array_equal(places, [[[[-1]]]])
            np.testing.assert_array_equal(places, max_pool2d_with_indices(x, **options)[1])
            np.testing.assert_array_equal(ops.max_unpool2d(y, places, 1, output_size=(1, 2)).data, picture([0, 0]))
        wide = dict(
            kernel_size=2, stride=(1, 2), padding=1, dilation=(4, 1)
        )  # rows -1 and 3, 0 and 4 of a picture 3 high
        x = np.random.default_rng(0).standard_normal((2, 3, 3, 5))
        y, places = ops.max_pool2d(x, **wide, return_indices=True)
        np.testing.assert_array_equal(places, max_pool2d_with_indices(x, **wide)[1])
        assert (places == -1).any()


@each_choice
def test_max_pool2d_places_are_those_of_the_loops_for_any_dilation(choice):
    rng, nowhere = np.random.default_rng(6), 0
    with mf.kernels.use(choice):
        for _ in range(250):
            kernel, stride, dilation = (tuple(int(v) for v in rng.integers(1, top, 2)) for top in (4, 4, 6))
            padding = tuple(int(rng.integers(0, k)) for k in kernel)
            h, w = (
                max(1, int(d * (k - 1) + 1 - 2 * p + rng.integers(0, 4)))
                for k, p, d in zip(kernel, padding, dilation, strict=True)
            )
            x = rng.permutation(4 * h * w).reshape(2, 2, h, w) * 0.1
            options = dict(
                kernel_size=kernel, stride=stride, padding=padding, dilation=dilation, ceil_mode=bool(rng.integers(2))
            )
            values, indices = max_pool2d_with_indices(x, **options)
            y, found = ops.max_pool2d(x, **options, return_indices=True)
            np.testing.assert_array_equal(found, indices, err_msg=str(options))
            np.testing.assert_array_equal(y.data, values, err_msg=str(options))
            nowhere += int((indices < 0).sum())
            back = ops.max_unpool2d(y, found, 1, output_size=x.shape).data
            assert np.isfinite(back).all() and (back == x)[back != 0].all()
    assert nowhere > 50


def test_max_unpool2d_pays_nothing_to_a_value_without_a_place():
    places = np.array([[[[-1, 3]]]])
    y, grad = gradient_of(lambda v: ops.max_unpool2d(v, places, (1, 2)), picture([-INF, 4]), picture([10, 20, 30, 40]))
    np.testing.assert_array_equal(y, picture([0, 0, 0, 4]))
    np.testing.assert_array_equal(grad, picture([0, 40]))


@each_choice
def test_max_pool2d_of_pixels_at_minus_infinity_chooses_a_pixel_and_not_the_padding(choice):
    x = np.full((1, 1, 3, 3), -INF)
    with mf.kernels.use(choice):
        _, indices = ops.max_pool2d(x, 2, padding=1, return_indices=True)
        _, grad = gradient_of(lambda v: ops.max_pool2d(v, 2, padding=1), x)
    np.testing.assert_array_equal(indices, [[[[0, 1], [3, 4]]]])  # the first pixel of each window
    np.testing.assert_array_equal(grad, picture([1, 1, 0], [1, 1, 0], [0, 0, 0]))


@each_choice
def test_max_pool2d_keeps_an_infinite_gradient_where_it_belongs(choice):
    with mf.kernels.use(choice):
        _, grad = gradient_of(lambda x: ops.max_pool2d(x, 2), picture([1, 2], [3, 4]), picture([INF]))
    np.testing.assert_array_equal(grad, picture([0, 0], [0, INF]))


@each_choice
def test_max_pool2d_ceil_mode_window_hangs_over(choice):
    with mf.kernels.use(choice):
        y, grad = gradient_of(lambda x: ops.max_pool2d(x, (1, 3), stride=2, ceil_mode=True), picture([1, 2, 3, 4]))
    np.testing.assert_array_equal(y, picture([3, 4]))
    np.testing.assert_array_equal(grad, picture([0, 0, 1, 1]))


@each_choice
def test_avg_pool2d_of_a_window_that_hangs_over_divides_by_what_it_sees(choice):
    with mf.kernels.use(choice):
        x = picture([1, 2, 3, 4, 6])
        hanging = dict(kernel_size=(1, 3), stride=(1, 3), ceil_mode=True)
        np.testing.assert_array_equal(ops.avg_pool2d(x, **hanging).data, picture([2, 5]))
        padded = dict(kernel_size=(1, 3), stride=(1, 3), padding=(0, 1))
        np.testing.assert_array_equal(ops.avg_pool2d(x, **padded).data, picture([1, 13 / 3]))
        uncounted = ops.avg_pool2d(x, **padded, count_include_pad=False)
        np.testing.assert_array_equal(uncounted.data, picture([1.5, 13 / 3]))


def test_pool_stride_is_the_kernel_unless_given():
    x = np.random.default_rng(0).standard_normal((1, 2, 7, 7))
    for pool in (ops.max_pool2d, ops.avg_pool2d):
        np.testing.assert_array_equal(pool(x, (2, 3)).data, pool(x, (2, 3), (2, 3)).data)


def test_max_unpool2d_puts_values_back():
    x = picture([1, 5, 2, 0], [3, 4, 8, 7])
    y, indices = ops.max_pool2d(x, 2, return_indices=True)
    np.testing.assert_array_equal(indices, picture([1, 6]))
    np.testing.assert_array_equal(ops.max_unpool2d(y, indices, 2).data, picture([0, 5, 0, 0], [0, 0, 8, 0]))


def test_max_unpool2d_keeps_the_last_of_two_values_and_only_it_gets_a_gradient():
    y, grad = gradient_of(
        lambda v: ops.max_unpool2d(v, np.array([[[[1, 1]]]]), (1, 2)), picture([3, 4]), picture([10, 20, 30, 40])
    )
    np.testing.assert_array_equal(y, picture([0, 4, 0, 0]))
    np.testing.assert_array_equal(grad, picture([0, 20]))
