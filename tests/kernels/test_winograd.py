"""Winograd's convolution and its gradients against the simple kernels, on every kind of edge, and the rule that says where they run."""

import numpy as np
import pytest

from minifcn.kernels import Window, simple, threads
from minifcn.kernels.cpu import winograd, winograd_gradient
from minifcn.kernels.winograd_matrices import along_one_axis

# of the largest value; the expected values are computed in float64
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-11}


def normal(dtype, *shape, seed=0):
    """Random numbers, channels last in memory as the networks have them."""
    n, c, h, w = shape
    values = np.random.default_rng([seed, *shape]).standard_normal((n, h, w, c)).astype(dtype)
    return values.transpose(0, 3, 1, 2)


def close(found, expected, dtype):
    assert found.shape == expected.shape and found.dtype == dtype
    largest = np.abs(expected).max() if expected.size else 0
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[dtype] * largest)


def window(top=1, bottom=None, left=None, right=None):
    bottom, left = top if bottom is None else bottom, top if left is None else left
    return Window((3, 3), padding=((top, bottom), (left, left if right is None else right)))


# pictures, channels, output channels, height, width, window
CASES = [
    (1, 3, 4, 16, 24, window()),
    (2, 5, 7, 13, 11, window()),
    (1, 2, 3, 14, 15, window(0)),
    (2, 3, 2, 17, 18, window(2)),
    (1, 3, 5, 9, 10, window(5, 3, 0, 4)),
    (1, 2, 3, 2, 2, window(9)),  # most tiles see padding only
    (3, 4, 6, 3, 3, window(0)),  # one output
    (2, 3, 70, 1, 1, window()),  # a picture smaller than a tile
    (1, 4, 3, 1, 30, window()),
    (5, 2, 3, 30, 1, window()),
    (0, 3, 4, 8, 8, window()),
    (1, 1, 1, 41, 43, window()),
    (2, 70, 9, 40, 45, window()),  # several blocks; two pieces of input channels
    (1, 9, 140, 12, 50, window(2)),  # fewer tiles than kernels; several pieces of output channels
    (3, 150, 130, 6, 7, window()),
    (40, 3, 3, 5, 6, window()),  # many small pictures in a block
]


def both_ways(dtype, n, c, o, h, w, around):
    x, weight = normal(np.float64, n, c, h, w), normal(np.float64, o, c, 3, 3, seed=1)
    grad = normal(np.float64, n, o, *around.output_size((h, w)), seed=2)
    return (x, weight, grad), tuple(array.astype(dtype) for array in (x, weight, grad))


def check(case, dtype):
    *sizes, around = case
    (x, weight, grad), (x_, weight_, grad_) = both_ways(dtype, *sizes, around)
    close(winograd.conv2d(x_, weight_, around, 1), simple.conv2d(x, weight, around, 1), dtype)
    found = winograd.conv2d_input_gradient(grad_, weight_, around, 1, x.shape)
    close(found, simple.conv2d_input_gradient(grad, weight, around, 1, x.shape), dtype)
    found = winograd_gradient.conv2d_weight_gradient(x_, grad_, around, 1)
    close(found, simple.conv2d_weight_gradient(x, grad, around, 1), dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_convolution_and_its_gradients(case, dtype):
    check(case, dtype)


@pytest.mark.parametrize("case", CASES)
def test_cut_into_as_many_pieces_as_can_be(case, monkeypatch):
    monkeypatch.setattr(winograd, "BLOCK", 1)
    monkeypatch.setattr(winograd, "LEAST_TILES", 2)
    monkeypatch.setattr(winograd, "MULTIPLICATIONS", 1)
    monkeypatch.setattr(winograd_gradient, "MULTIPLICATIONS", 1)
    monkeypatch.setattr(winograd_gradient, "CHANNELS", 2)
    check(case, np.float64)
    monkeypatch.setattr(winograd_gradient, "SHARED_BYTES", 0)
    check(case, np.float64)


@pytest.mark.parametrize("size", [24, 11])
@pytest.mark.parametrize("channels", [64, 512])
def test_rounding_errors_with_many_channels(channels, size):
    """All values of one sign, as behind a ReLU, add up the largest sums; a trained network's weights have both signs."""
    case = (1, channels, 64, size, size, window())
    (x, weight, grad), _ = both_ways(np.float64, *case)
    x = np.abs(x)
    found = winograd.conv2d(x.astype(np.float32), weight.astype(np.float32), window(), 1)
    close(found, simple.conv2d(x, weight, window(), 1), np.float32)
    found = winograd_gradient.conv2d_weight_gradient(x.astype(np.float32), grad.astype(np.float32), window(), 1)
    close(found, simple.conv2d_weight_gradient(x, grad, window(), 1), np.float32)


def test_one_axis_by_hand():
    """The three matrices are a convolution: 4 outputs of 3 taps, exact in rational numbers and so to rounding here."""
    b, g, a = along_one_axis()
    pixels, taps = np.array([3.0, -1, 4, 1, -5, 9]), np.array([2.0, 7, -1])
    np.testing.assert_allclose(a @ ((g @ taps) * (b @ pixels)), [-5, 25, 20, -42], rtol=1e-13)
    assert b.shape == (6, 6) and g.shape == (6, 3) and a.shape == (4, 6)
    np.testing.assert_array_equal(b, b.astype(np.float32))  # no rounding of the matrix that meets the picture first


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_memory_order_and_read_only_inputs(dtype):
    x, weight, grad = (
        normal(dtype, 2, 6, 18, 19),
        normal(dtype, 5, 6, 3, 3, seed=1),
        normal(dtype, 2, 5, 18, 19, seed=2),
    )

    def results(x, weight, grad):
        return (
            winograd.conv2d(x, weight, window(), 1),
            winograd.conv2d_input_gradient(grad, weight, window(), 1, x.shape),
            winograd_gradient.conv2d_weight_gradient(x, grad, window(), 1),
        )

    expected = results(x, weight, grad)
    for reorder in (
        np.ascontiguousarray,
        np.asfortranarray,
        lambda array: np.repeat(array, 2, axis=3)[..., ::2],
        lambda array: array[:, ::-1, ::-1].copy()[:, ::-1, ::-1],
    ):
        inputs = [reorder(array) for array in (x, weight, grad)]
        for array in inputs:
            array.flags.writeable = False
        for found, wanted in zip(results(*inputs), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
    for result in expected[:2]:
        assert result.transpose(0, 2, 3, 1).flags.c_contiguous
    assert expected[2].flags.c_contiguous


def test_results_do_not_share_the_scratch_memory():
    x, weight = normal(np.float64, 1, 3, 20, 20), normal(np.float64, 4, 3, 3, 3, seed=1)

    def results(x, weight):
        y = winograd.conv2d(x, weight, window(), 1)
        dx = winograd.conv2d_input_gradient(y, weight, window(), 1, x.shape)
        return y, dx, winograd_gradient.conv2d_weight_gradient(x, y, window(), 1)

    first = results(x, weight)
    kept = [array.copy() for array in first]
    results(normal(np.float64, 2, 3, 30, 30, seed=3), weight + 1)
    results(normal(np.float32, 1, 3, 20, 20, seed=3), weight.astype(np.float32))
    for found, expected in zip(first, kept, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("case", [(2, 70, 9, 40, 45), (3, 150, 130, 14, 15)], ids=["kernels first", "tiles first"])
def test_bits_do_not_depend_on_the_number_of_threads(case):
    before = threads.get_num_threads()
    _, (x, weight, grad) = both_ways(np.float32, *case, window())
    results = []
    try:
        for number in (1, 2, 3, 2):
            threads.set_num_threads(number)
            results.append(
                (
                    winograd.conv2d(x, weight, window(), 1),
                    winograd.conv2d_input_gradient(grad, weight, window(), 1, x.shape),
                    winograd_gradient.conv2d_weight_gradient(x, grad, window(), 1),
                )
            )
    finally:
        threads.set_num_threads(before)
    for other in results[1:]:
        for found, expected in zip(other, results[0], strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("n, size", [(1, (1, 1)), (3, (5, 7)), (1, (64, 3)), (7, (2, 2)), (0, (4, 4)), (2, (1, 90))])
@pytest.mark.parametrize("most", [1, 2, 5, 64])
def test_blocks_count_every_tile_once_and_in_order(n, size, most):
    tiles = (n, -(-size[0] // 4), -(-size[1] // 4))
    seen, numbers = np.zeros(tiles, int), []
    for block in winograd.blocks(n, size, most):
        seen[block.pictures, block.rows, block.columns] += 1
        assert 0 < np.prod(block.shape) == len(range(*block.numbers.indices(10**6))) <= most
        numbers.extend(range(block.numbers.start, block.numbers.stop))
    assert (seen == 1).all() and numbers == list(range(seen.size))
    assert seen.size == winograd.number_of_tiles(n, size)


# pictures, channels, output channels, height, width, and whether forward, input and weight gradient run here
SUITS = [
    (1, 64, 64, 384, 384, (True, True, True)),
    (2, 512, 512, 16, 16, (True, True, True)),
    (1, 512, 512, 12, 12, (True, True, True)),
    (1, 512, 512, 8, 8, (False, False, False)),  # too few tiles for so many kernels
    (8, 16, 16, 128, 128, (True, True, True)),
    (1, 64, 64, 32, 32, (True, True, False)),  # lanes to be added up
    (1, 128, 128, 16, 16, (True, True, True)),
    (1, 3, 64, 384, 384, (False, False, False)),  # too few channels
    (900, 128, 128, 2, 2, (False, False, False)),  # tiles nearly empty
    (0, 128, 128, 64, 64, (False, False, False)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64])
@pytest.mark.parametrize("case", SUITS)
def test_where_it_runs(case, dtype):
    n, c, o, h, w, expected = case
    x, grad = (np.lib.stride_tricks.as_strided(np.zeros(1, dtype), (n, k, h, w), (0,) * 4) for k in (c, o))
    weight = np.lib.stride_tricks.as_strided(np.zeros(1, dtype), (o, c, 3, 3), (0,) * 4)

    def answers(around, groups=1):
        return (
            winograd.suits_conv2d(x, weight, around, groups),
            winograd.suits_conv2d_input_gradient(grad, weight, around, groups, x.shape),
            winograd_gradient.suits_conv2d_weight_gradient(x, grad, around, groups),
        )

    assert answers(window()) == (expected if dtype in (np.float32, np.float64) else (False,) * 3)
    assert answers(window(), groups=2) == (False,) * 3
    for other in ({"stride": (2, 1)}, {"dilation": (1, 2)}, {"kernel": (3, 5)}):
        assert answers(window()._replace(**other)) == (False,) * 3


def test_a_transposed_convolution_with_output_padding_runs_elsewhere():
    grad, weight = np.zeros((1, 64, 64, 64), np.float32), np.zeros((64, 64, 3, 3), np.float32)
    assert winograd.suits_conv2d_input_gradient(grad, weight, window(), 1, (1, 64, 64, 64))
    assert not winograd.suits_conv2d_input_gradient(grad, weight, window(), 1, (1, 64, 65, 64))
