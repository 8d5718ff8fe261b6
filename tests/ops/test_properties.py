"""Laws that hold for every geometry: sizes, linearity, translation, pictures and groups apart from each other."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracles import ceil_windows, windows

import minifcn as mf
from minifcn import ops

from .calls import assert_close

few = settings(deadline=None, max_examples=40, derandomize=True, database=None)
TOLERANCE = 1e-12
seeds = st.integers(0, 2**32 - 1)


@st.composite
def geometries(draw, pool=False):
    """Per axis (length, kernel, stride, padding, dilation); at least one window fits."""
    axes = []
    for _ in range(2):
        k, s, d = draw(st.integers(1, 5)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
        p = draw(st.integers(0, k - 1 if pool else 4))
        least = max(1, d * (k - 1) + 1 - 2 * p)
        axes.append((draw(st.integers(least, least + 6)), k, s, p, d))
    return axes


def unzipped(axes):
    size, kernel, stride, padding, dilation = zip(*axes, strict=True)
    return size, kernel, dict(stride=stride, padding=padding, dilation=dilation)


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


@few
@given(geometries(), seeds, st.floats(-3, 3), st.floats(-3, 3))
def test_conv2d_and_conv_transpose2d_are_linear_and_have_the_right_size(axes, seed, a, b):
    size, kernel, options = unzipped(axes)
    x, y = normal(seed, 2, 1, 2, *size)
    weight = normal(seed + 1, 3, 2, *kernel)
    first, second, both = (ops.conv2d(v, weight, **options).data for v in (x, y, a * x + b * y))
    assert first.shape == (1, 3, *(windows(n, k, s, p, p, d) for n, k, s, p, d in axes))
    assert_close(both, a * first + b * second, TOLERANCE)
    assert_close(ops.conv2d(x, a * weight, **options).data, a * first, TOLERANCE)
    back = [s * (n - 1) + d * (k - 1) + 1 - 2 * p for n, k, s, p, d in axes]
    assume(min(back) > 0)
    turned = weight.transpose(1, 0, 2, 3)
    first, second, both = (ops.conv_transpose2d(v, turned, **options).data for v in (x, y, a * x + b * y))
    assert first.shape == (1, 3, *back)
    assert_close(both, a * first + b * second, TOLERANCE)


@few
@given(geometries(), seeds, st.integers(1, 3), st.integers(1, 3))
def test_conv2d_and_conv_transpose2d_move_with_the_picture(axes, seed, down, right):
    size, kernel, options = unzipped(axes)
    stride = options["stride"]
    x, weight = normal(seed, 1, 2, *size), normal(seed + 1, 2, 2, *kernel)
    # zeros before the picture, as many as `down` and `right` windows step over: the result starts that much later
    moved = np.pad(x, ((0, 0), (0, 0), (down * stride[0], 0), (right * stride[1], 0)))
    y, later = ops.conv2d(x, weight, **options).data, ops.conv2d(moved, weight, **options).data
    assert_close(later[:, :, down:, right:], y, TOLERANCE)
    options["padding"] = 0
    moved = np.pad(x, ((0, 0), (0, 0), (down, 0), (right, 0)))
    y, later = ops.conv_transpose2d(x, weight, **options).data, ops.conv_transpose2d(moved, weight, **options).data
    assert_close(later[:, :, down * stride[0] :, right * stride[1] :], y, TOLERANCE)


@few
@given(geometries(pool=True), seeds, st.booleans(), st.booleans())
def test_max_pool2d_and_avg_pool2d_have_the_right_size_and_keep_pictures_apart(axes, seed, ceil_mode, counted):
    size, kernel, options = unzipped(axes)
    x = normal(seed, 3, 2, *size)
    y = ops.max_pool2d(x, kernel, ceil_mode=ceil_mode, **options).data
    counts = [ceil_windows(*a) if ceil_mode else windows(a[0], a[1], a[2], a[3], a[3], a[4]) for a in axes]
    assert y.shape == (3, 2, *counts)
    for n, c in np.ndindex(3, 2):
        alone = ops.max_pool2d(x[n : n + 1, c : c + 1], kernel, ceil_mode=ceil_mode, **options).data
        np.testing.assert_array_equal(y[n, c], alone[0, 0])
    del options["dilation"]
    assume(all(n + 2 * p >= k for n, k, _, p, _ in axes))
    pool = dict(kernel_size=kernel, ceil_mode=ceil_mode, count_include_pad=counted, **options)
    y = ops.avg_pool2d(x, **pool).data
    for n, c in np.ndindex(3, 2):
        assert_close(y[n, c], ops.avg_pool2d(x[n : n + 1, c : c + 1], **pool).data[0, 0], TOLERANCE)


@few
@given(geometries(pool=True), seeds, st.floats(0.1, 5), st.floats(-3, 3))
def test_max_pool2d_and_avg_pool2d_follow_a_scaled_and_shifted_picture(axes, seed, a, b):
    size, kernel, options = unzipped(axes)
    x = normal(seed, 1, 1, *size)
    assert_close(
        ops.max_pool2d(a * x + b, kernel, **options).data, a * ops.max_pool2d(x, kernel, **options).data + b, 1e-12
    )
    options = dict(stride=options["stride"], padding=options["padding"], count_include_pad=False)
    y, moved = (ops.avg_pool2d(v, kernel, **options).data for v in (x, a * x + b))
    assert_close(moved, a * y + b, TOLERANCE)


@few
@given(geometries(), seeds, st.integers(1, 3))
def test_conv2d_of_groups_is_one_conv2d_a_group(axes, seed, groups):
    size, kernel, options = unzipped(axes)
    x, weight = normal(seed, 2, 2 * groups, *size), normal(seed + 1, 3 * groups, 2, *kernel)
    y = ops.conv2d(x, weight, groups=groups, **options).data
    for g in range(groups):
        alone = ops.conv2d(x[:, 2 * g : 2 * g + 2], weight[3 * g : 3 * g + 3], **options).data
        assert_close(y[:, 3 * g : 3 * g + 3], alone, TOLERANCE)
    weight = normal(seed + 2, 2 * groups, 3, *kernel)
    options["padding"] = 0
    y = ops.conv_transpose2d(x, weight, groups=groups, **options).data
    for g in range(groups):
        alone = ops.conv_transpose2d(x[:, 2 * g : 2 * g + 2], weight[2 * g : 2 * g + 2], **options).data
        assert_close(y[:, 3 * g : 3 * g + 3], alone, TOLERANCE)


@few
@given(geometries(), seeds)
def test_conv2d_and_conv_transpose2d_keep_pictures_apart(axes, seed):
    size, kernel, options = unzipped(axes)
    x, weight, bias = normal(seed, 3, 2, *size), normal(seed + 1, 2, 2, *kernel), normal(seed + 2, 2)
    y = ops.conv2d(x, weight, bias, **options).data
    back = ops.conv_transpose2d(x, weight, bias, **(options | {"padding": 0})).data
    for n in range(3):
        assert_close(y[n : n + 1], ops.conv2d(x[n : n + 1], weight, bias, **options).data, TOLERANCE)
        alone = ops.conv_transpose2d(x[n : n + 1], weight, bias, **(options | {"padding": 0})).data
        assert_close(back[n : n + 1], alone, TOLERANCE)


@few
@given(geometries(), st.sampled_from(["float32", "float64"]), st.integers(1, 2), st.integers(1, 40), seeds)
def test_conv2d_and_conv_transpose2d_fast_kernels_agree_with_the_simple_ones(axes, dtype, groups, channels, seed):
    size, kernel, options = unzipped(axes)
    x = normal(seed, 2, groups * channels, *size).astype(dtype)
    weight = normal(seed + 1, groups * 2, channels, *kernel).astype(dtype)
    transposed = normal(seed + 1, groups * channels, 2, *kernel).astype(dtype)
    for function, w in ((ops.conv2d, weight), (ops.conv_transpose2d, transposed)):
        if function is ops.conv_transpose2d:
            options = options | {"padding": 0}
        results = []
        for choice in ("simple", "fast"):
            tensors = [mf.Tensor(v, requires_grad=True) for v in (x, w)]
            with mf.kernels.use(choice):
                y = function(*tensors, groups=groups, **options)
                y.backward(normal(seed + 2, *y.shape).astype(dtype))
            results.append((y.data, *(t.grad for t in tensors)))
        for slow, quick in zip(*results, strict=True):
            assert quick.dtype == dtype
            assert_close(quick, slow, 1e-4 if dtype == "float32" else TOLERANCE)


# (input, weight, options): large enough that a fast kernel must cut the work up, and does not come out even
LARGE = {
    "rows left over": ((1, 24, 67, 131), (20, 24, 3, 3), dict(padding=1)),
    "many pictures": ((37, 16, 17, 15), (16, 16, 3, 3), dict(padding=1)),
    "stride": ((2, 32, 65, 70), (33, 32, 3, 3), dict(padding=1, stride=2)),
    "many channels": ((1, 256, 14, 13), (256, 256, 3, 3), dict(padding=1)),
    "1x1": ((2, 128, 40, 41), (21, 128, 1, 1), {}),
    "7x7 kernel": ((1, 64, 20, 19), (32, 64, 7, 7), dict(padding=3)),
    "dilated": ((1, 32, 40, 39), (16, 32, 3, 3), dict(padding=6, dilation=6)),
    "depthwise": ((1, 48, 60, 50), (48, 1, 3, 3), dict(padding=1, groups=48)),
    "three channels": ((2, 3, 120, 100), (64, 3, 3, 3), dict(padding=1)),
}


@pytest.mark.parametrize("case", LARGE.values(), ids=LARGE)
def test_conv2d_and_conv_transpose2d_fast_kernels_agree_on_large_pictures(case):
    shape, kernel, options = case
    x, weight = normal(0, *shape), normal(1, *kernel)
    size = shape[2:]
    y = normal(2, *ops.conv2d(x[:1], weight, **options).shape[1:])[None].repeat(shape[0], 0)
    results = []
    for choice in ("simple", "fast"):
        tensors = [mf.Tensor(v, requires_grad=True) for v in (x, weight)]
        with mf.kernels.use(choice):
            output = ops.conv2d(*tensors, **options)
            output.backward(y)
            back = ops.conv_transpose2d(y, weight, output_size=size, **options)
        results.append((output.data, back.data, *(t.grad for t in tensors)))
    for slow, quick in zip(*results, strict=True):
        assert_close(quick, slow, TOLERANCE)
