"""Each CUDA kernel against its simple twin: odd shapes, any memory order, tiles of any size, empty batches, and twice the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standin import installed

import minifcn as mf
from minifcn import kernels
from minifcn.kernels import Window, simple
from minifcn.kernels.gpu import convolution as gpu_convolution
from minifcn.kernels.gpu import launch
from minifcn.kernels.gpu import pointwise as gpu_pointwise
from minifcn.kernels.gpu import pools as gpu_pools
from minifcn.kernels.gpu import tiles as gpu_tiles
from minifcn.kernels.gpu import winograd as gpu_winograd

from .conftest import down, same


def normal(*shape, seed=0, dtype="float64"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.fixture(params=[1, 5_000, 1 << 20])
def cache(request, monkeypatch):
    """A second cache of so many bytes: tiles of a row of windows, of some rows, of whole pictures."""
    monkeypatch.setattr(gpu_tiles, "processors", lambda device: 0)  # none has to be kept busy
    monkeypatch.setattr(gpu_tiles, "cache_bytes", lambda device: request.param)


WINDOWS = [
    Window((3, 3), padding=((1, 1), (1, 1))),
    Window((2, 3), (2, 1), ((0, 1), (2, 0))),
    Window((3, 2), (1, 3), ((2, 2), (0, 0)), (2, 3)),
    Window((1, 1)),
    Window((1, 1), (2, 2)),
    Window((5, 5), (4, 4), ((3, 1), (0, 4))),
]


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_convolution_in_tiles_of_any_size(window, groups, cache, up):
    x, weight = normal(3, 6, 11, 9), normal(9, 6 // groups, *window.kernel, seed=1)
    wanted = simple.conv2d(x, weight, window, groups)
    same(gpu_convolution.conv2d(up(x), up(weight), window, groups), wanted)
    grad = normal(*wanted.shape, seed=2)
    same(
        gpu_convolution.conv2d_weight_gradient(up(x), up(grad), window, groups),
        simple.conv2d_weight_gradient(x, grad, window, groups),
    )
    found = gpu_convolution.conv2d_input_gradient(up(grad), up(weight), window, groups, x.shape)
    same(found, simple.conv2d_input_gradient(grad, weight, window, groups, x.shape))


@pytest.mark.parametrize("tops", [(0, 0), (1, 1), (2, 0), (1, 2)])
def test_winograd(tops, cache, up):
    window = Window((3, 3), padding=(tops, tops[::-1]))
    x, weight = normal(2, 5, 9, 14), normal(7, 5, 3, 3, seed=1)
    wanted = simple.conv2d(x, weight, window, 1)
    same(gpu_winograd.conv2d(up(x), up(weight), window, 1), wanted, 1e-11)
    grad = normal(*wanted.shape, seed=2)
    same(
        gpu_winograd.conv2d_weight_gradient(up(x), up(grad), window, 1),
        simple.conv2d_weight_gradient(x, grad, window, 1),
        1e-11,
    )
    found = gpu_winograd.conv2d_input_gradient(up(grad), up(weight), window, 1, x.shape)
    same(found, simple.conv2d_input_gradient(grad, weight, window, 1, x.shape), 1e-11)


def test_winograd_runs_where_it_pays_and_never_in_ten_bits(up):
    window = Window((3, 3), padding=((1, 1), (1, 1)))
    wide, narrow, weight = up(normal(1, 32, 8, 8)), up(normal(1, 31, 8, 8)), up(normal(40, 32, 3, 3))
    assert gpu_winograd.suits_conv2d(wide, weight, window, 1)
    assert not gpu_winograd.suits_conv2d(narrow, weight[:, :31], window, 1)
    assert not gpu_winograd.suits_conv2d(wide, weight, window._replace(stride=(2, 2)), 1)
    assert not gpu_winograd.suits_conv2d(wide, weight, window._replace(padding=((3, 3), (3, 3))), 1)
    try:
        mf.set_float32_matmul_precision("high")
        assert not gpu_winograd.suits_conv2d(wide, weight, window, 1)
    finally:
        mf.set_float32_matmul_precision("highest")


LAYOUTS = {
    "channels first": lambda a: a,
    "channels last": lambda a: np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
    "turned round": lambda a: a[:, ::-1, ::-1, ::-1].copy()[:, ::-1, ::-1, ::-1],
    "with gaps": lambda a: np.repeat(np.repeat(a, 2, 1), 2, 3)[:, ::2, :, ::2],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_order(layout, cupy):
    """The views are made on the device, where an upload would not straighten them."""
    window, x = Window((3, 2), (2, 1), ((1, 1), (1, 0))), normal(2, 4, 7, 6)
    there = LAYOUTS["channels first"](cupy.asarray(x))
    if layout == "channels last":
        there = cupy.ascontiguousarray(there.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    elif layout == "turned round":
        there = there[:, ::-1, ::-1, ::-1].copy()[:, ::-1, ::-1, ::-1]
    elif layout == "with gaps":
        there = cupy.repeat(cupy.repeat(there, 2, axis=1), 2, axis=3)[:, ::2, :, ::2]
    size, weight = window.output_size(x.shape[2:]), normal(4, 1, 3, 2, seed=3)
    same(
        gpu_convolution.conv2d(there, cupy.asarray(normal(5, 4, 3, 2)), window, 1),
        simple.conv2d(x, normal(5, 4, 3, 2), window, 1),
    )
    same(gpu_convolution.depthwise(there, cupy.asarray(weight), window, 4), simple.conv2d(x, weight, window, 4))
    for found, wanted in zip(
        gpu_pools.max_pool2d(there, window, size), simple.max_pool2d(x, window, size), strict=True
    ):
        same(found, wanted)
    same(gpu_pools.avg_pool2d(there, window, size, True), simple.avg_pool2d(x, window, size, True))
    same(gpu_convolution.depthwise_input_gradient(there, cupy.asarray(weight), window, 4, (2, 4, *window.transposed_size((7, 6)))),
         simple.conv2d_input_gradient(x, weight, window, 4, (2, 4, *window.transposed_size((7, 6)))))  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)), stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)), ceil=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
def test_pools_over_any_window(kernel, stride, size, ceil, seed):
    rng = np.random.default_rng(seed)
    padding = tuple((int(p := rng.integers(0, k)), int(p)) for k in kernel)
    window = Window(kernel, stride, padding)
    out = (window.ceil_output_size if ceil else window.output_size)(size)
    if min(out) < 1:
        return
    x = rng.integers(-3, 4, (2, 3, *size)).astype(np.float64)  # ties everywhere
    x[rng.random(x.shape) < 0.05] = -np.inf
    with installed() as cupy:
        best, place = simple.max_pool2d(x, window, out)
        for found, wanted in zip(gpu_pools.max_pool2d(cupy.asarray(x), window, out), (best, place), strict=True):
            same(found, wanted)
        grad = rng.standard_normal(best.shape)
        found = gpu_pools.max_pool2d_gradient(cupy.asarray(grad), cupy.asarray(place), window, x.shape)
        same(found, simple.max_pool2d_gradient(grad, place, window, x.shape), 0)
        for counts in (True, False):
            finite = rng.standard_normal(x.shape)
            same(
                gpu_pools.avg_pool2d(cupy.asarray(finite), window, out, counts),
                simple.avg_pool2d(finite, window, out, counts),
            )
            found = gpu_pools.avg_pool2d_gradient(cupy.asarray(grad), window, out, counts, x.shape)
            same(found, simple.avg_pool2d_gradient(grad, window, out, counts, x.shape))


def test_a_nan_wins_a_window(up):
    x = normal(1, 1, 4, 4)
    x[0, 0, 1, 1] = np.nan
    window = Window((2, 2), (2, 2))
    best, place = gpu_pools.max_pool2d(up(x), window, (2, 2))
    wanted, there = simple.max_pool2d(x, window, (2, 2))
    same(best, wanted)
    same(place, there)
    assert np.isnan(down(best)[0, 0, 0, 0])


def test_a_loss_with_void_and_infinite_scores(up):
    scores, labels = normal(2, 4, 30), np.random.default_rng(1).integers(0, 4, (2, 30))
    valid = np.random.default_rng(2).random((2, 30)) < 0.7
    scores[:, :, 3], scores[0, 1, 5] = np.nan, np.inf
    valid[:, 3], valid[0, 5] = False, False
    losses, softmax = simple.softmax_cross_entropy(scores, labels, valid)
    found, theirs = gpu_pools.softmax_cross_entropy(up(scores), up(labels), up(valid))
    same(found, losses)
    np.testing.assert_allclose(down(theirs)[:, :, 6:], softmax[:, :, 6:], rtol=1e-12)
    factor = valid * normal(2, 30)
    wanted = simple.softmax_cross_entropy_gradient(softmax, labels, valid, factor)
    same(gpu_pools.softmax_cross_entropy_gradient(up(softmax), up(labels), up(valid), up(factor)), wanted)


def test_large_scores_do_not_overflow(up):
    scores = np.array([[[1000.0], [-1000.0]]], np.float32)
    losses, softmax = gpu_pools.softmax_cross_entropy(up(scores), up(np.array([[1]])), up(np.array([[True]])))
    assert down(losses) == 2000 and down(softmax).reshape(-1).tolist() == [1, 0]


def test_an_empty_batch(up):
    window = Window((3, 3), padding=((1, 1), (1, 1)))
    x, weight = up(normal(0, 4, 5, 6)), up(normal(7, 4, 3, 3))
    assert gpu_convolution.conv2d(x, weight, window, 1).shape == (0, 7, 5, 6)
    assert (down(gpu_convolution.conv2d_weight_gradient(x, up(normal(0, 7, 5, 6)), window, 1)) == 0).all()
    assert gpu_convolution.conv2d_input_gradient(up(normal(0, 7, 5, 6)), weight, window, 1, (0, 4, 5, 6)).shape == (
        0,
        4,
        5,
        6,
    )
    assert gpu_pools.max_pool2d(x, window, (5, 6))[0].shape == (0, 4, 5, 6)


def test_arrays_of_more_than_a_billion_numbers_have_wide_indices(up, monkeypatch):
    """The same numbers come out when every index has 64 bits."""
    monkeypatch.setattr(launch, "LARGEST_INT", 10)
    window, x, weight = WINDOWS[1], normal(2, 3, 8, 7), normal(4, 3, 2, 3, seed=1)
    same(gpu_convolution.conv2d(up(x), up(weight), window, 1), simple.conv2d(x, weight, window, 1))


def test_twice_the_same(up):
    window, grad, weight = WINDOWS[0], up(normal(2, 4, 9, 9, dtype="float32")), up(normal(4, 3, 3, 3, dtype="float32"))
    first, second = (
        down(gpu_convolution.conv2d_input_gradient(grad, weight, window, 1, (2, 3, 9, 9))) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_a_planted_fault_is_seen(up, monkeypatch):
    """The comparison has teeth: a source with one index off by one does not pass."""
    text = launch.source("pools").replace("oh * SH - top, w0", "oh * SH - top + 1, w0")
    monkeypatch.setattr(launch, "source", lambda name: text)
    launch.compiled.cache_clear()
    x, window = normal(1, 2, 8, 8), Window((2, 2), (2, 2))
    with pytest.raises(AssertionError):
        same(gpu_pools.max_pool2d(up(x), window, (4, 4))[0], simple.max_pool2d(x, window, (4, 4))[0])
    launch.compiled.cache_clear()


@pytest.mark.parametrize("pixels", [1, 64, 65, 1000, 5003])
@pytest.mark.parametrize("channels", [1, 31, 33])
def test_a_bias_gradient_of_any_size(pixels, channels, cupy, monkeypatch):
    """One launch for few pixels, two for many, the parts larger for very many."""
    monkeypatch.setattr(gpu_pointwise, "PIXELS", 64)
    monkeypatch.setattr(gpu_pointwise, "PARTS", 20)
    grad = np.random.default_rng(0).integers(-9, 10, (1, channels, 1, pixels)).astype(np.float32)
    there = cupy.asarray(np.ascontiguousarray(grad.transpose(0, 2, 3, 1))).transpose(0, 3, 1, 2)
    for _ in range(2):
        np.testing.assert_array_equal(down(gpu_pointwise.bias_gradient(there)), grad.sum((0, 2, 3), dtype=np.float64))


@pytest.mark.parametrize("count", [1, 3])
def test_a_bias_is_added_with_the_outputs(count, up):
    """What is fused is the two after each other, on pictures of odd sizes."""
    window, x, weight, bias = WINDOWS[0], normal(count, 32, 7, 10), normal(33, 32, 3, 3, seed=1), normal(33, seed=2)
    wanted = simple.add_bias(simple.conv2d(x, weight, window, 1), bias)
    assert gpu_winograd.suits_biased(up(x), up(weight), up(bias), window, 1)
    same(gpu_winograd.biased_conv2d(up(x), up(weight), up(bias), window, 1), wanted, 1e-11)
    same(kernels.biased_conv2d(up(x), up(weight), up(bias), window, 1), wanted, 1e-11)
    narrow = kernels.biased_conv2d(up(x[:, :3]), up(weight[:, :3]), up(bias), window, 1)
    same(narrow, simple.add_bias(simple.conv2d(x[:, :3], weight[:, :3], window, 1), bias), 1e-11)


@pytest.mark.parametrize("step", [0, 1])
def test_a_factor_of_the_loss_may_be_one_number(step, cupy):
    softmax, labels = np.random.default_rng(0).random((2, 4, 30)), np.random.default_rng(1).integers(0, 4, (2, 30))
    valid, factor = np.random.default_rng(2).random((2, 30)) < 0.7, normal(2, 30)
    there = cupy.asarray(factor)
    if not step:
        factor, there = np.broadcast_to(np.asarray(0.25), (2, 30)), cupy.broadcast_to(cupy.asarray(0.25), (2, 30))
    wanted = simple.softmax_cross_entropy_gradient(softmax, labels, valid, factor)
    same(gpu_pools.softmax_cross_entropy_gradient(*map(cupy.asarray, (softmax, labels, valid)), there), wanted)
