"""One channel a group: transposed convolution by blocks of pixels, its adjoint and its kernel's gradient, against the simple ones."""

import numpy as np
import pytest

from minifcn.kernels import Window, simple
from minifcn.kernels.cpu import upsampling

from .test_window_tiles import close, normal

UPSAMPLINGS = [
    (1, 2, 5, 6, 4, 2, 0),
    (2, 3, 7, 5, 4, 2, 1),
    (2, 21, 4, 3, 16, 8, 4),
    (1, 5, 3, 4, 64, 32, 0),
    (1, 2, 3, 4, 63, 32, 16),
    (2, 3, 4, 5, 3, 2, 0),
    (1, 4, 5, 4, 5, 3, 1),
    (3, 2, 1, 1, 4, 2, 1),
    (1, 3, 6, 5, 2, 3, 0),  # a stride beyond the kernel: gaps stay zero
    (2, 3, 6, 5, 3, 1, 1),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", UPSAMPLINGS)
@pytest.mark.parametrize("larger", [0, 1])
def test_grouped_upsampling_and_its_gradient(case, larger, dtype):
    """A transposed convolution is the input gradient of a convolution; its own input gradient is that convolution."""
    n, c, h, w, kernel, stride, padding = case
    larger = min(larger, stride - 1)
    window = Window((kernel, kernel), (stride, stride), ((padding, padding), (padding, padding)))
    size = tuple(side + larger for side in window.transposed_size((h, w)))
    x, weight = normal(dtype, n, c, h, w), normal(dtype, c, 1, kernel, kernel, seed=1)
    shape = (n, c, *size)
    assert upsampling.suits_conv2d_input_gradient(x, weight, window, c, shape)
    found = upsampling.conv2d_input_gradient(x, weight, window, c, shape)
    close(found, simple.conv2d_input_gradient(x, weight, window, c, shape), dtype)
    grad = normal(dtype, *shape, seed=2)
    assert upsampling.suits_conv2d(grad, weight, window, c)
    close(upsampling.conv2d(grad, weight, window, c), simple.conv2d(grad, weight, window, c), dtype)
    assert upsampling.suits_conv2d_weight_gradient(grad, x, window, c)
    found = upsampling.conv2d_weight_gradient(grad, x, window, c)
    close(found, simple.conv2d_weight_gradient(grad, x, window, c), dtype)


def test_the_taps_of_a_block():
    """Stride 2, kernel 4, padding 1, on one axis: pixel 0 of block b gets tap 3 of cell b - 1 and tap 1 of cell b, and so on."""
    axis = upsampling.Axis(2, 1, 4)
    assert (axis.first, axis.reach, axis.before) == (-1, 3, -1)
    weight = np.arange(16.0).reshape(1, 1, 4, 4)
    window = Window((4, 4), (2, 2), ((1, 1), (1, 1)))
    matrix = upsampling.tap_matrix(weight, window)
    np.testing.assert_array_equal(upsampling.kernel_of(matrix, window), weight)
    assert matrix[0, 4].tolist() == [5, 6, 9, 10]  # the cell in the middle


def test_padding_beyond_the_kernel_and_other_arrays_are_left_to_others():
    weight, x = np.zeros((2, 1, 2, 2)), np.zeros((1, 2, 5, 5))
    for window, expected in (
        (Window((2, 2), (2, 2), ((1, 1), (1, 1))), True),
        (Window((2, 2), (2, 2), ((2, 2), (1, 1))), False),
    ):
        assert upsampling.suits_conv2d(x, weight, window, 2) == expected
    assert not upsampling.suits_conv2d(x, weight, Window((2, 2), dilation=(2, 2)), 2)
