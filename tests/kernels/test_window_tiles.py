"""Fast kernels against simple ones where a picture takes many tiles, and the rule that cuts the tiles."""

import numpy as np
import pytest

from minifcn import kernels
from minifcn.kernels import Window, simple
from minifcn.kernels.cpu import large_kernels, upsampling, window_tiles

TOLERANCE = {np.float32: 2e-5, np.float64: 1e-13}


def normal(dtype, *shape, seed=0):
    """Random numbers, channels last in memory as the networks have them."""
    n, c, h, w = shape
    values = np.random.default_rng([seed, *shape]).standard_normal((n, h, w, c)).astype(dtype)
    return values.transpose(0, 3, 1, 2)


def close(found, expected, dtype):
    assert found.shape == expected.shape and found.dtype == expected.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[dtype] * max(1, np.abs(expected).max()))


@pytest.fixture(params=[1, 3000, 1 << 20], ids=["a row a tile", "small tiles", "usual tiles"])
def tile_bytes(request, monkeypatch):
    monkeypatch.setattr(window_tiles, "TILE_BYTES", request.param)
    return request.param


# pictures, channels, output channels, height, width, window
CONVOLUTIONS = [
    (1, 1, 1, 40, 37, Window((3, 3), padding=((1, 1), (1, 1)))),
    (2, 3, 5, 33, 41, Window((3, 3), padding=((1, 1), (1, 1)))),
    (5, 16, 4, 6, 7, Window((3, 3), padding=((1, 1), (1, 1)))),
    (1, 17, 33, 19, 23, Window((1, 1))),
    (2, 4, 6, 25, 30, Window((5, 3), padding=((2, 2), (1, 1)))),
    (2, 3, 4, 31, 28, Window((3, 3), stride=(2, 3), padding=((1, 0), (0, 2)))),
    (1, 4, 3, 27, 29, Window((3, 2), padding=((2, 2), (1, 2)), dilation=(2, 3))),
    (3, 2, 2, 4, 90, Window((4, 7), padding=((0, 1), (3, 3)))),
    (1, 2, 3, 12, 11, Window((3, 3), padding=((50, 50), (50, 50)))),
    (2, 8, 8, 7, 7, Window((7, 7))),
    (1, 40, 50, 14, 9, Window((7, 7), padding=((3, 3), (3, 3)))),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution_and_its_gradients_tile_by_tile(tile_bytes, case, dtype):
    n, c, o, h, w, window = case
    x, weight = normal(dtype, n, c, h, w), normal(dtype, o, c, *window.kernel, seed=1) / np.sqrt(c * 9).astype(dtype)
    assert window_tiles.has_kernel(x, weight, window, 1)
    close(window_tiles.conv2d(x, weight, window, 1), simple.conv2d(x, weight, window, 1), dtype)
    grad = normal(dtype, n, o, *window.output_size((h, w)), seed=2)
    assert window_tiles.has_weight_kernel(x, grad, window, 1)
    close(
        window_tiles.conv2d_weight_gradient(x, grad, window, 1),
        simple.conv2d_weight_gradient(x, grad, window, 1),
        dtype,
    )
    if window_tiles.has_gradient_kernel(grad, weight, window, 1, x.shape):
        found = window_tiles.conv2d_input_gradient(grad, weight, window, 1, x.shape)
        close(found, simple.conv2d_input_gradient(grad, weight, window, 1, x.shape), dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", [*CONVOLUTIONS, (8, 96, 40, 3, 3, Window((7, 7), padding=((3, 3), (3, 3))))])
def test_few_windows_and_a_large_kernel(case, dtype):
    n, c, o, h, w, window = case
    x, weight = normal(dtype, n, c, h, w), normal(dtype, o, c, *window.kernel, seed=1) / np.sqrt(c * 9).astype(dtype)
    grad = normal(dtype, n, o, *window.output_size((h, w)), seed=2)
    close(large_kernels.conv2d(x, weight, window, 1), simple.conv2d(x, weight, window, 1), dtype)
    close(
        large_kernels.conv2d_weight_gradient(x, grad, window, 1),
        simple.conv2d_weight_gradient(x, grad, window, 1),
        dtype,
    )
    expected = simple.conv2d_input_gradient(grad, weight, window, 1, x.shape)
    close(large_kernels.conv2d_input_gradient(grad, weight, window, 1, x.shape), expected, dtype)


@pytest.mark.parametrize(
    "window, picture, kept",
    [
        (Window((7, 7), padding=((3, 3), (3, 3))), (3, 3), (slice(1, 6), slice(1, 6))),
        (Window((7, 7), padding=((3, 3), (3, 3))), (4, 1), (slice(0, 7), slice(3, 4))),
        (Window((3, 3), (2, 2), ((2, 0), (0, 2))), (2, 9), (slice(2, 3), slice(0, 3))),
        (Window((3, 3), padding=((1, 1), (1, 1)), dilation=(3, 3)), (2, 2), (slice(0, 3), slice(0, 3))),
    ],
)
def test_taps_that_see_padding_alone_are_left_out(window, picture, kept):
    small, left = large_kernels.seen(window, picture, window.output_size(picture))
    assert left == kept and small.kernel == tuple(some.stop - some.start for some in kept)
    assert small.output_size(picture) == window.output_size(picture)


def test_few_windows_is_asked_for_where_the_kernels_are_the_larger_array():
    window = Window((7, 7), padding=((3, 3), (3, 3)))
    for side, expected in ((12, True), (13, False)):
        x, weight, grad = np.zeros((1, 2, side, side)), np.zeros((150, 2, 7, 7)), np.zeros((1, 150, side, side))
        assert large_kernels.suits_conv2d(x, weight, window, 1) == expected
        assert large_kernels.suits_conv2d_weight_gradient(x, grad, window, 1) == expected
        assert large_kernels.suits_conv2d_input_gradient(grad, weight, window, 1, x.shape) == expected
        assert not large_kernels.suits_conv2d(x, weight, window, 2)


def test_the_input_gradient_has_a_fast_kernel_where_it_matters():
    taken = []
    for n, c, o, h, w, window in CONVOLUTIONS:
        grad = np.zeros((n, o, *window.output_size((h, w))))
        taken.append(window_tiles.has_gradient_kernel(grad, np.zeros((o, c, *window.kernel)), window, 1, (n, c, h, w)))
    # not with a stride, and not where the padding is wider than the kernel
    assert taken == [True, True, True, True, True, False, True, True, False, True, True]


def test_what_has_no_fast_kernel_runs_the_simple_one(monkeypatch):
    window = Window((3, 3), padding=((1, 1), (1, 1)))
    x, weight = normal(np.float64, 2, 4, 9, 8), normal(np.float64, 6, 2, 3, 3, seed=1)
    assert not window_tiles.has_kernel(x, weight, window, 2)
    monkeypatch.setattr(window_tiles, "conv2d", None)
    expected = np.concatenate(
        [simple.conv2d(x[:, :2], weight[:3], window, 1), simple.conv2d(x[:, 2:], weight[3:], window, 1)], 1
    )
    close(kernels.conv2d(x, weight, window, 2), expected, np.float64)


def test_inputs_are_not_written_to():
    window = Window((3, 3), padding=((1, 1), (1, 1)))
    for groups, module in ((1, window_tiles), (1, large_kernels), (4, upsampling)):
        x, weight = normal(np.float32, 2, 4, 9, 8), normal(np.float32, 4, 4 // groups, 3, 3, seed=1)
        grad = normal(np.float32, 2, 4, 9, 8, seed=2)
        for array in (x, weight, grad):
            array.base.flags.writeable = array.flags.writeable = False
        module.conv2d(x, weight, window, groups)
        module.conv2d_input_gradient(grad, weight, window, groups, x.shape)
        module.conv2d_weight_gradient(x, grad, window, groups)


def test_results_do_not_share_the_scratch_memory():
    window = Window((3, 3), padding=((1, 1), (1, 1)))
    weight = normal(np.float64, 4, 2, 3, 3, seed=1)
    first = window_tiles.conv2d(normal(np.float64, 1, 2, 20, 20), weight, window, 1)
    kept = first.copy()
    window_tiles.conv2d(normal(np.float64, 1, 2, 20, 20, seed=3), weight, window, 1)
    window_tiles.conv2d(normal(np.float32, 1, 2, 30, 30, seed=3), weight.astype(np.float32), window, 1)
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("n, size", [(1, (1, 1)), (3, (5, 7)), (1, (64, 3)), (7, (2, 2)), (0, (4, 4)), (2, (1, 900))])
@pytest.mark.parametrize("row_bytes, least", [(4, 0), (36, 100), (5000, 0), (36, 1 << 21)])
def test_tiles_cover_every_output_once(monkeypatch, n, size, row_bytes, least):
    monkeypatch.setattr(window_tiles, "TILE_BYTES", 2000)
    seen = np.zeros((n, *size), int)
    for pictures, rows in window_tiles.tiles(n, size, row_bytes, least):
        tile = seen[pictures, rows]
        tile += 1
        one_row = size[1] * row_bytes
        assert tile.size * row_bytes <= max(2000, least, one_row)  # never larger than asked, but for a row at least
        assert (
            tile.shape[0] == 1 or tile.shape[1] == size[0]
        )  # several pictures only as wholes: the product writes one block
    assert (seen == 1).all()
