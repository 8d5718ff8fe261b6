"""<f(x), y> = <x, fᵀ(y)> for every linear operation: no step size, so an error of one part in 10¹¹ shows."""

import numpy as np
import pytest

import minifcn as mf
from minifcn import kernels, ops
from minifcn.kernels import Window, simple

each_choice = pytest.mark.parametrize("choice", ["simple", "fast"])


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def backward_of(fn, shape):
    """y -> the gradient that `fn` sends back for it."""

    def adjoint(y):
        x = mf.Tensor(np.zeros(shape), requires_grad=True)
        fn(x).backward(y)
        return x.grad

    return adjoint


# (picture, kernel, stride, padding, dilation, groups)
GEOMETRIES = {
    "plain": ((7, 6), (3, 3), 1, 0, 1, 1),
    "stride leaves a rest": ((8, 9), (3, 2), (2, 3), 1, 1, 1),
    "dilated": ((9, 11), (3, 3), 1, 2, (2, 3), 1),
    "groups": ((6, 6), (3, 1), 2, (1, 0), 1, 2),
    "all at once": ((13, 10), (4, 3), (3, 2), (2, 1), (2, 1), 2),
    "kernel over picture": ((2, 3), (5, 5), 1, 2, 1, 1),
    "stride over kernel": ((9, 8), (2, 1), (4, 5), 0, 1, 1),
    "wide padding": ((3, 3), (2, 2), 2, 5, 1, 1),
    "one pixel": ((1, 1), (1, 1), 1, 0, 1, 1),
}


@each_choice
@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_conv2d_and_conv_transpose2d_are_adjoint(geometry, choice):
    size, kernel, stride, padding, dilation, groups = geometry
    options = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    x, weight = normal(0, 2, 2, *size), normal(1, 4, 2 // groups, *kernel)
    with kernels.use(choice):
        y = normal(2, *ops.conv2d(x, weight, **options).shape)
        mf.adjoint_check(
            lambda v: ops.conv2d(v, weight, **options),
            lambda v: ops.conv_transpose2d(v, weight, output_size=size, **options),
            x,
            y,
        )


@each_choice
@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_conv2d_backward_is_adjoint_in_input_and_in_weight(geometry, choice):
    size, kernel, stride, padding, dilation, groups = geometry
    options = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    x, weight = normal(0, 2, 2, *size), normal(1, 4, 2 // groups, *kernel)
    with kernels.use(choice):
        y = normal(2, *ops.conv2d(x, weight, **options).shape)
        by_input = lambda v: ops.conv2d(v, weight, np.ones(4), **options)  # noqa: E731 - affine: the bias drops out
        by_weight = lambda v: ops.conv2d(x, v, np.ones(4), **options)  # noqa: E731
        mf.adjoint_check(by_input, backward_of(by_input, x.shape), x, y)
        mf.adjoint_check(by_weight, backward_of(by_weight, weight.shape), weight, y)


@each_choice
@pytest.mark.parametrize(
    "options", [dict(output_padding=1), dict(output_size=(12, 10)), dict(groups=2, dilation=3), {}]
)
def test_conv_transpose2d_backward_is_adjoint_in_input_and_in_weight(options, choice):
    options = dict(stride=(3, 2), padding=1) | options
    x, weight = normal(0, 2, 4, 4, 5), normal(1, 4, 3, 4, 3)
    with kernels.use(choice):
        y = normal(2, *ops.conv_transpose2d(x, weight, **options).shape)
        by_input = lambda v: ops.conv_transpose2d(v, weight, **options)  # noqa: E731
        by_weight = lambda v: ops.conv_transpose2d(x, v, **options)  # noqa: E731
        mf.adjoint_check(by_input, backward_of(by_input, x.shape), x, y)
        mf.adjoint_check(by_weight, backward_of(by_weight, weight.shape), weight, y)


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_kernels_conv2d_columns_and_fold_are_adjoint(geometry):
    picture, kernel, stride, padding, dilation, groups = geometry
    both = [v if isinstance(v, tuple) else (v, v) for v in (stride, padding, dilation)]
    window = Window(kernel, both[0], tuple((p, p) for p in both[1]), both[2])
    size, x = window.output_size(picture), normal(0, 2, 2, *picture)
    rows = simple.columns(x, window, groups, size)
    assert rows.shape == (groups, 2 * size[0] * size[1], kernel[0] * kernel[1] * 2 // groups)
    mf.adjoint_check(
        lambda v: simple.columns(v, window, groups, size),
        lambda v: simple.fold(v, window, size, x.shape),
        x,
        normal(1, *rows.shape),
    )


def test_pad_and_crop_like_are_adjoint():
    x, y = normal(0, 2, 3, 4, 5), normal(1, 2, 3, 9, 8)
    enlarge = lambda v: ops.pad(v, (1, 2, 3, 2), value=4.0)  # noqa: E731 - affine: the border drops out
    mf.adjoint_check(enlarge, lambda v: ops.crop_like(v, x, offset=(3, 1)), x, y)
    mf.adjoint_check(enlarge, backward_of(enlarge, x.shape), x, y)
    crop = lambda v: ops.crop_like(v, x, offset=(3, 1))  # noqa: E731
    mf.adjoint_check(crop, lambda v: ops.pad(v, (1, 2, 3, 2)), y, x)
    mf.adjoint_check(crop, backward_of(crop, y.shape), y, x)


@each_choice
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("count_include_pad", [False, True])
@pytest.mark.parametrize("options", [dict(kernel_size=2), dict(kernel_size=(3, 4), stride=(2, 1), padding=(2, 3))])
def test_avg_pool2d_backward_is_adjoint(options, count_include_pad, ceil_mode, choice):
    every = dict(ceil_mode=ceil_mode, count_include_pad=count_include_pad, **options)
    pool = lambda v: ops.avg_pool2d(v, **every)  # noqa: E731
    x = normal(0, 2, 3, 7, 6)
    with kernels.use(choice):
        mf.adjoint_check(pool, backward_of(pool, x.shape), x, normal(1, *pool(x).shape))


def test_max_pool2d_backward_is_max_unpool2d_where_windows_do_not_overlap():
    x = normal(0, 2, 3, 7, 6)
    tensor = mf.Tensor(x, requires_grad=True)
    y, indices = ops.max_pool2d(tensor, 2, return_indices=True)
    gradient = normal(1, *y.shape)
    y.backward(gradient)
    np.testing.assert_array_equal(tensor.grad, ops.max_unpool2d(gradient, indices, 2, output_size=(7, 6)).data)


def test_max_unpool2d_and_reading_back_are_adjoint():
    y, indices = ops.max_pool2d(normal(0, 2, 3, 7, 6), 2, return_indices=True)
    spread = lambda v: ops.max_unpool2d(v, indices, 2, output_size=(7, 6))  # noqa: E731

    def read(v):
        return np.take_along_axis(v.reshape(2, 3, -1), indices.reshape(2, 3, -1), 2).reshape(y.shape)

    mf.adjoint_check(spread, read, normal(2, *y.shape), normal(3, 2, 3, 7, 6))


def test_sum_and_broadcasting_are_adjoint():
    x, y = normal(0, 3, 1, 5), normal(1, 2, 3, 4, 5)
    stretch = lambda v: ops.add(v, np.zeros(y.shape))  # noqa: E731
    mf.adjoint_check(stretch, lambda v: ops.sum(v, 0).sum(1, keepdims=True), x, y)
    mf.adjoint_check(stretch, backward_of(stretch, x.shape), x, y)
    total = lambda v: ops.sum(v, (0, 2))  # noqa: E731
    mf.adjoint_check(total, backward_of(total, y.shape), y, normal(2, 3, 5))


def test_concat_and_splitting_are_adjoint():
    parts, y = [normal(0, 2, 1, 3), normal(1, 2, 4, 3), normal(2, 2, 2, 3)], normal(3, 2, 7, 3)
    tensors = [mf.Tensor(part, requires_grad=True) for part in parts]
    output = ops.concat(tensors, axis=1)
    output.backward(y)
    for tensor, piece in zip(tensors, (y[:, :1], y[:, 1:5], y[:, 5:]), strict=True):
        np.testing.assert_array_equal(tensor.grad, piece)
    whole = (output.data * y).sum()
    assert whole == pytest.approx(sum((tensor.data * tensor.grad).sum() for tensor in tensors), rel=1e-12)


def test_reshape_transpose_and_index_are_adjoint():
    x = normal(0, 2, 3, 4)
    mf.adjoint_check(lambda v: ops.reshape(v, (4, 6)), lambda v: ops.reshape(v, (2, 3, 4)), x, normal(1, 4, 6))
    mf.adjoint_check(
        lambda v: ops.transpose(v, (2, 0, 1)), lambda v: ops.transpose(v, (1, 2, 0)), x, normal(2, 4, 2, 3)
    )
    for key in ((slice(None), [0, 0, 2]), (..., slice(None, None, -2)), np.array([1, 1])):
        pick = lambda v, key=key: ops.index(mf.Tensor(v) if isinstance(v, np.ndarray) else v, key)  # noqa: E731
        mf.adjoint_check(pick, backward_of(pick, x.shape), x, normal(3, *x[key].shape))
