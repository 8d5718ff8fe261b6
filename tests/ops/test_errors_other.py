"""Every refusal of pools, loss, arithmetic and reshaping, word for word. The convolutions are in test_errors.py."""

import numpy as np
import pytest

from minifcn import Tensor, ops

z = np.zeros
P = z((1, 1, 4, 4))  # a picture


def sce(scores, labels, *arguments, **options):
    return lambda: ops.softmax_cross_entropy(scores, labels, *arguments, **options)


# name of the case: (call, message); each is a ValueError but for those that end in "type"
CASES = {
    "max_pool2d rank": (
        lambda: ops.max_pool2d(z((4, 4)), 2),
        "max_pool2d: input has 2 axes (4, 4); expected 4 (N, C, H, W), or 3 (C, H, W) for one picture alone",
    ),
    "max_pool2d empty picture": (
        lambda: ops.max_pool2d(z((1, 0, 4, 4)), 2),
        "max_pool2d: input (1, 0, 4, 4) has an empty channel, row or column axis; only the batch may be empty",
    ),
    "max_pool2d kernel": (lambda: ops.max_pool2d(P, 0), "max_pool2d: kernel_size is 0; it must be at least 1"),
    "max_pool2d stride": (lambda: ops.max_pool2d(P, 2, (1, 0)), "max_pool2d: stride is (1, 0); it must be at least 1"),
    "max_pool2d dilation": (
        lambda: ops.max_pool2d(P, 2, dilation=0),
        "max_pool2d: dilation is 0; it must be at least 1",
    ),
    "max_pool2d padding word": (
        lambda: ops.max_pool2d(P, 2, padding="same"),
        "max_pool2d: padding is 'same'; expected an integer or (vertical, horizontal)",
    ),
    "max_pool2d negative padding": (
        lambda: ops.max_pool2d(P, 2, padding=-1),
        "max_pool2d: padding is -1; it must be at least 0",
    ),
    "max_pool2d output size": (
        lambda: ops.max_pool2d(P, (5, 2)),
        "max_pool2d: output size (0, 2) is below 1: input (H, W) (4, 4), kernel (5, 2), stride (5, 2), "
        "padding ((0, 0), (0, 0)), dilation (1, 1); enlarge the input or the padding, or use a smaller kernel",
    ),
    "max_pool2d type": (
        lambda: ops.max_pool2d(P.astype("uint8"), 2),
        "max_pool2d: input has dtype uint8; expected float32 or float64, for example input.astype('float32')",
    ),
    "max_unpool2d rank": (
        lambda: ops.max_unpool2d(z((4, 4)), z((4, 4), int), 2),
        "max_unpool2d: input has 2 axes (4, 4); expected 4 (N, C, H, W), or 3 (C, H, W) for one picture alone",
    ),
    "max_unpool2d shape of indices": (
        lambda: ops.max_unpool2d(P, z((1, 1, 4, 3), int), 2),
        "max_unpool2d: indices are int64 (1, 1, 4, 3); expected integers of the input's shape (1, 1, 4, 4)",
    ),
    "max_unpool2d fractional indices": (
        lambda: ops.max_unpool2d(P, P, 2),
        "max_unpool2d: indices are float64 (1, 1, 4, 4); expected integers of the input's shape (1, 1, 4, 4)",
    ),
    "max_unpool2d place": (
        lambda: ops.max_unpool2d(P, np.full(P.shape, 64), 2),
        "max_unpool2d: indices reach from 64 to 64; a picture of (8, 8) has places 0 to 63, and -1 for none",
    ),
    "max_unpool2d place below -1": (
        lambda: ops.max_unpool2d(P, np.full(P.shape, -2), 2),
        "max_unpool2d: indices reach from -2 to -2; a picture of (8, 8) has places 0 to 63, and -1 for none",
    ),
    "max_unpool2d output_size of other channels": (
        lambda: ops.max_unpool2d(P, np.zeros(P.shape, int), 2, output_size=(1, 2, 8, 8)),
        "max_unpool2d: output_size is (1, 2, 8, 8), but the result has 1 pictures of 1 channels; give (1, 1, H, W), or (H, W) alone",
    ),
    "max_unpool2d output_size of another picture alone": (
        lambda: ops.max_unpool2d(P[0], np.zeros(P[0].shape, int), 2, output_size=(2, 8, 8)),
        "max_unpool2d: output_size is (1, 2, 8, 8), but the result has 1 pictures of 1 channels; give (1, 1, H, W), or (H, W) alone",
    ),
    "max_unpool2d output size": (
        lambda: ops.max_unpool2d(z((1, 1, 1, 1)), z((1, 1, 1, 1), int), 2, padding=1),
        "max_unpool2d: output size (0, 0) is below 1: input (H, W) (1, 1), kernel (2, 2), stride (2, 2), "
        "padding ((1, 1), (1, 1)), dilation (1, 1); enlarge the input or the kernel, or use a smaller padding",
    ),
    "softmax_cross_entropy scores": (
        sce(z(3), z(3, int)),
        "softmax_cross_entropy: scores have shape (3,); expected (N, C, ...) with at least one class",
    ),
    "softmax_cross_entropy no class": (
        sce(z((2, 0)), z(2, int)),
        "softmax_cross_entropy: scores have shape (2, 0); expected (N, C, ...) with at least one class",
    ),
    "softmax_cross_entropy reduction": (
        sce(z((2, 3)), z(2, int), reduction="batchmean"),
        'softmax_cross_entropy: reduction is \'batchmean\'; expected "mean", "sum" or "none"',
    ),
    "softmax_cross_entropy shape of labels": (
        sce(z((2, 3, 4, 5)), z((2, 5, 4), int)),
        "softmax_cross_entropy: labels have shape (2, 5, 4); expected (2, 4, 5), one a pixel of scores (2, 3, 4, 5)",
    ),
    "softmax_cross_entropy labels out of range": (
        sce(z((4, 3)), np.array([0, 3, -1, 255])),
        "softmax_cross_entropy: 2 labels are out of range, such as [-1, 3]; "
        "expected 0 to 2 for 3 classes, or ignore_index 255",
    ),
    "softmax_cross_entropy a weight of NaN": (
        lambda: ops.softmax_cross_entropy(np.zeros((1, 2)), np.array([0]), weight=[1.0, float("nan")]),
        "softmax_cross_entropy: weight is [ 1. nan]; expected a finite number for each class",
    ),
    "softmax_cross_entropy a weight of NaN in a tuple": (
        lambda: ops.softmax_cross_entropy(np.zeros((1, 2)), np.array([0]), weight=(float("nan"), 1.0)),
        "softmax_cross_entropy: weight is [nan  1.]; expected a finite number for each class",
    ),
    "softmax_cross_entropy an infinite weight": (
        lambda: ops.softmax_cross_entropy(np.zeros((1, 2)), np.array([0]), weight=Tensor([1.0, np.inf])),
        "softmax_cross_entropy: weight is [ 1. inf]; expected a finite number for each class",
    ),
    "softmax_cross_entropy weight": (
        sce(z((2, 3)), z(2, int), z(2)),
        "softmax_cross_entropy: weight has shape (2,); expected (3,), one a class",
    ),
    "softmax_cross_entropy labels type": (
        sce(z((2, 3)), z(2)),
        "softmax_cross_entropy: labels have dtype float64; expected integers, one class number a pixel",
    ),
    "softmax_cross_entropy scores type": (
        sce(z((2, 3), int), z(2, int)),
        "softmax_cross_entropy: scores has dtype int64; expected float32 or float64, "
        "for example scores.astype('float32')",
    ),
    "dropout p": (lambda: ops.dropout(P, 1.5), "dropout: p is 1.5; expected a probability from 0 to 1"),
    "dropout p is no number": (
        lambda: ops.dropout(P, float("nan")),
        "dropout: p is nan; expected a probability from 0 to 1",
    ),
    "local_response_norm rank": (
        lambda: ops.local_response_norm(z((2, 3)), 5),
        "local_response_norm: input has 2 axes (2, 3); expected at least 3 (N, C, ...)",
    ),
    "local_response_norm size": (
        lambda: ops.local_response_norm(P, 0),
        "local_response_norm: size is 0; expected at least 1 channel, an integer",
    ),
    "mul shapes": (
        lambda: ops.mul(z((2, 3)), z((4, 3))),
        "mul: shapes (2, 3) and (4, 3) do not broadcast: 2 against 4; they must agree or be 1",
    ),
    "maximum shapes": (
        lambda: ops.maximum(z((2, 3)), z((2, 4))),
        "maximum: shapes (2, 3) and (2, 4) do not broadcast: 3 against 4; they must agree or be 1",
    ),
    "maximum mixed dtypes type": (
        lambda: ops.maximum(ops.Tensor(z(2, "f4")), ops.Tensor(z(2))),
        "maximum: mixed dtypes (first float32, second float64); convert one, for example array.astype('float32')",
    ),
    "maximum integer type": (
        lambda: ops.maximum(2, z(2)),
        "maximum: the first input has dtype int64; expected float32 or float64, "
        "for example the first input.astype('float32')",
    ),
    "maximum string type": (
        lambda: ops.maximum(z(2), "scores"),
        "maximum: the second input is str; expected a Tensor, an array or a number",
    ),
    "add mixed dtypes type": (
        lambda: ops.Tensor(z(2, "f4")) + ops.Tensor(z(2)),
        "add: mixed dtypes (first float32, second float64); convert one, for example array.astype('float32')",
    ),
    "add integer type": (
        lambda: ops.add(2, 3),
        "add: the first input has dtype int64; expected float32 or float64, "
        "for example the first input.astype('float32')",
    ),
    "add string type": (
        lambda: ops.Tensor(z(2)) + "a",
        "add: the second input is str; expected a Tensor, an array or a number",
    ),
    "matmul vector": (
        lambda: ops.matmul(z((2, 3)), z(3)),
        "matmul: shapes (2, 3) and (3,); both need at least 2 axes, use reshape for a vector",
    ),
    "matmul columns": (
        lambda: ops.matmul(z((2, 3)), z((4, 5))),
        "matmul: shapes (2, 3) and (4, 5): 3 columns against 4 rows",
    ),
    "matmul batch": (
        lambda: ops.matmul(z((2, 1, 3)), z((3, 3, 1))),
        "matmul: shapes (2, 1, 3) and (3, 3, 1) do not broadcast: 2 against 3; they must agree or be 1",
    ),
    "sum axis": (lambda: ops.sum(z((2, 3)), 2), "sum: axis 2 does not exist in shape (2, 3); axes are -2 to 1"),
    "sum axis twice": (lambda: ops.sum(z((2, 3)), (0, -2)), "sum: axis (0, -2) names one axis twice"),
    "mean of nothing": (lambda: ops.mean(z((0, 3)), 0), "mean: no elements over axis 0 of shape (0, 3)"),
    "reshape": (lambda: ops.reshape(z((2, 3)), (4, -1)), "reshape: 6 elements (2, 3) cannot take the shape (4, -1)"),
    "reshape twice -1": (
        lambda: ops.reshape(z((2, 3)), (-1, -1)),
        "reshape: 6 elements (2, 3) cannot take the shape (-1, -1)",
    ),
    "reshape of nothing": (
        lambda: ops.reshape(z((0, 3)), (0, -1)),
        "reshape: 0 elements (0, 3) cannot take the shape (0, -1)",
    ),
    "transpose": (
        lambda: ops.transpose(P, (0, 1, 1, 2)),
        "transpose: axes (0, 1, 1, 2) are not a permutation of the 4 axes of shape (1, 1, 4, 4)",
    ),
    "transpose swap": (
        lambda: ops.transpose(P, 0, 4),
        "transpose: axes (0, 4) do not swap two axes of shape (1, 1, 4, 4); to permute give a tuple",
    ),
    "concat empty": (lambda: ops.concat([]), "concat: the list of tensors is empty"),
    "concat axis": (lambda: ops.concat([P], 4), "concat: axis 4 does not exist in shape (1, 1, 4, 4)"),
    "concat shapes": (
        lambda: ops.concat([P, z((1, 1, 4, 5))], 1),
        "concat: tensor 1 is (1, 1, 4, 5), tensor 0 (1, 1, 4, 4); they may differ only in axis 1",
    ),
    "concat mixed dtypes type": (
        lambda: ops.concat([P, P.astype("f4")]),
        "concat: mixed dtypes (tensor 0 float64, tensor 1 float32); convert one, for example array.astype('float32')",
    ),
    "pad odd": (
        lambda: ops.pad(z((2, 3)), (1, 2, 3)),
        "pad: padding (1, 2, 3) for shape (2, 3); expected two numbers an axis, the last axis first",
    ),
    "pad nothing left": (
        lambda: ops.pad(z((2, 3)), (-1, -2)),
        "pad: padding (-1, -2) leaves nothing of shape (2, 3): the result would be (2, 0)",
    ),
    "crop_like reference": (
        lambda: ops.crop_like(P, z((2, 2))),
        "crop_like: the reference has shape (2, 2); expected (N, C, H, W)",
    ),
    "crop_like pixels": (
        lambda: ops.crop_like(P, z((1, 9, 3, 3)), (2, 1)),
        "crop_like: input (1, 1, 4, 4) has no 3x3 pixels from offset (2, 1) on",
    ),
    "crop_like offset": (lambda: ops.crop_like(P, P, -1), "crop_like: offset is -1; it must be at least 0"),
    "clip no limit": (
        lambda: ops.clip(P),
        "clip: neither min nor max is given; expected at least one of them, such as clip(x, min=0)",
    ),
    "clip order": (lambda: ops.clip(P, 3, 1), "clip: min 3 is above max 1; exchange them"),
    "clip array": (
        lambda: ops.clip(P, z((4, 1)), 1),
        "clip: min is of shape (4, 1); expected one number or None; for a limit an element take ops.maximum or ops.minimum",
    ),
    "clip no number": (
        lambda: ops.clip(P, 0, float("nan")),
        "clip: max is nan; expected one number or None; for a limit an element take ops.maximum or ops.minimum",
    ),
    "minimum shapes": (
        lambda: ops.minimum(z((2, 3)), z((2, 2))),
        "minimum: shapes (2, 3) and (2, 2) do not broadcast: 3 against 2; they must agree or be 1",
    ),
    "pow shapes": (
        lambda: ops.pow(z((2, 3)), z((2, 2))),
        "pow: shapes (2, 3) and (2, 2) do not broadcast: 3 against 2; they must agree or be 1",
    ),
    "softmax axis": (
        lambda: ops.softmax(P, 4),
        "softmax: axis is 4; expected one axis of shape (1, 1, 4, 4), from -4 to 3",
    ),
    "softmax two axes": (
        lambda: ops.softmax(P, (2, 3)),
        "softmax: axis is (2, 3); expected one axis of shape (1, 1, 4, 4), from -4 to 3",
    ),
    "log_softmax number": (
        lambda: ops.log_softmax(2.0),
        "log_softmax: the input is a single number; expected at least one axis, such as (C,) or (N, C)",
    ),
    "log_softmax axis": (
        lambda: ops.log_softmax(P, None),
        "log_softmax: axis is None; expected one axis of shape (1, 1, 4, 4), from -4 to 3",
    ),
    "resize2d rank": (lambda: ops.resize2d(z((4, 4)), 2), "resize2d: input has 2 axes (4, 4); expected 4 (N, C, H, W)"),
    "resize2d empty picture": (
        lambda: ops.resize2d(z((1, 1, 0, 4)), 2),
        "resize2d: input (1, 1, 0, 4) has an empty channel, row or column axis; only the batch may be empty",
    ),
    "resize2d size": (lambda: ops.resize2d(P, (0, 4)), "resize2d: size is (0, 4); it must be at least 1"),
    "resize2d mode": (
        lambda: ops.resize2d(P, 2, "bicubic"),
        'resize2d: mode is \'bicubic\'; expected "bilinear" or "nearest"',
    ),
    "resize2d corners of nearest": (
        lambda: ops.resize2d(P, 2, "nearest", align_corners=True),
        'resize2d: align_corners has no meaning with mode "nearest"; leave it out',
    ),
    "batch_norm2d rank": (
        lambda: ops.batch_norm2d(z((4, 4))),
        "batch_norm2d: input has 2 axes (4, 4); expected 4 (N, C, H, W)",
    ),
    "batch_norm2d weight": (
        lambda: ops.batch_norm2d(P, z(3)),
        "batch_norm2d: weight has shape (3,); expected (1,), one a channel",
    ),
    "batch_norm2d mean alone": (
        lambda: ops.batch_norm2d(P, mean=z(1)),
        "batch_norm2d: only one of mean and var is given; give both, or neither for those of the batch",
    ),
    "batch_norm2d eps": (
        lambda: ops.batch_norm2d(P, eps=0),
        "batch_norm2d: eps is 0; expected a small number above 0, such as 1e-5",
    ),
    "batch_norm2d one number": (
        lambda: ops.batch_norm2d(z((1, 3, 1, 1))),
        "batch_norm2d: input (1, 3, 1, 1) has fewer than 2 numbers a channel, so no variance; give mean and var, or more pixels",
    ),
    "batch_norm2d learnt statistics": (
        lambda: ops.batch_norm2d(P, mean=Tensor(z(1), requires_grad=True), var=z(1)),
        "batch_norm2d: mean or var requires a gradient, and has none here; give arrays, or use detach()",
    ),
    "batch_norm2d eps type": (lambda: ops.batch_norm2d(P, eps="x"), "batch_norm2d: eps is 'x'; expected a number"),
    "local_response_norm beta type": (
        lambda: ops.local_response_norm(P, 3, beta=None),
        "local_response_norm: beta is None; expected a number",
    ),
    "pad value type": (lambda: ops.pad(P, (1, 1), (1, 2)), "pad: value is (1, 2); expected a number"),
    "pad size": (
        lambda: ops.pad(P, (10**9, 0, 10**9, 0)),
        "pad: the result (1, 1, 1000000004, 1000000004) would have 1.0e+18 elements, which no memory holds",
    ),
    "resize2d size that no memory holds": (
        lambda: ops.resize2d(P, 10**9),
        "resize2d: the result (1, 1, 1000000000, 1000000000) would have 1.0e+18 elements, which no memory holds",
    ),
    "resize2d align_corners type": (
        lambda: ops.resize2d(P, 2, align_corners="no"),
        "resize2d: align_corners is 'no'; expected True or False",
    ),
    "conv2d padding size": (
        lambda: ops.conv2d(P, P, stride=10**9, padding=10**9),
        "conv2d: the result (2000000004, 2000000004) would have 4.0e+18 elements, which no memory holds",
    ),
    "sum keepdims type": (lambda: ops.sum(P, 0, (1,)), "sum: keepdims is (1,); expected True or False"),
    "mean keepdims type": (lambda: ops.mean(P, 0, None), "mean: keepdims is None; expected True or False"),
    "dropout rng type": (
        lambda: ops.dropout(P, rng=-1),
        "dropout: rng is -1; expected a NumPy generator, or a seed: an integer of at least 0",
    ),
    "dropout p type": (lambda: ops.dropout(P, "half"), "dropout: p is 'half'; expected a number"),
    "dropout training type": (
        lambda: ops.dropout(P, training="no"),
        "dropout: training is 'no'; expected True or False",
    ),
    "crop_like reference type": (
        lambda: ops.crop_like(P, (2, 2)),
        "crop_like: the reference is (2, 2); expected a Tensor or an array (N, C, H, W), whose size is taken",
    ),
    "concat axis that is none": (
        lambda: ops.concat([P], (1,)),
        "concat: axis (1,) does not exist in shape (1, 1, 4, 4)",
    ),
    "transpose axes that are none": (
        lambda: ops.transpose(P, "NCHW"),
        "transpose: axes 'NCHW' are not a permutation of the 4 axes of shape (1, 1, 4, 4)",
    ),
    "conv_transpose2d output_size far off": (
        lambda: ops.conv_transpose2d(P, P, stride=10**9, output_size=7),
        "conv_transpose2d: output size 7 is impossible with kernel 4, stride 1000000000, padding 0; 3000000004 to 4000000003 are",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_error(name):
    call, message = CASES[name]
    with pytest.raises(TypeError if name.endswith("type") else ValueError) as caught:
        call()
    assert str(caught.value) == message


@pytest.mark.parametrize("pool", [ops.max_pool2d, ops.avg_pool2d])
def test_error_pool_padding_of_a_whole_kernel(pool):
    name = pool.__name__
    with pytest.raises(
        ValueError, match=rf"^{name}: padding \(2, 1\) must be smaller than the (window|kernel) \(2, 3\)"
    ):
        pool(P, (2, 3), padding=(2, 1))


def test_error_max_pool2d_padding_reaches_kernel_minus_1_whatever_the_dilation():
    with pytest.raises(ValueError, match=r"^max_pool2d: padding \(2, 2\) must be smaller than the kernel \(2, 2\)"):
        ops.max_pool2d(P, 2, padding=2, dilation=3)


# each of these ends in an error today, but not in one that names the operation
UNNAMED = {
    "pad": lambda: ops.pad(P, 1),
    "transpose": lambda: ops.transpose(P, 1),
    "conv2d": lambda: ops.conv2d(P, P, stride=np.array([1, 2, 3])),
    "local_response_norm": lambda: ops.local_response_norm(z((1, 3, 2, 2)), 2.5),
    "max_unpool2d": lambda: ops.max_unpool2d(z((1, 1, 0, 2)), z((1, 1, 0, 2), int), 2, output_size=4),
    "softmax_cross_entropy": lambda: ops.softmax_cross_entropy(z((1, 2)), z(1, int), ignore_index=None),
    "sum": lambda: ops.sum(P, 1.5),
}

# an array of several numbers has an `__index__` as every array has, and is no whole number
ARRAYS = {
    "conv2d": lambda array: ops.conv2d(P, P, groups=array),
    "max_pool2d": lambda array: ops.max_pool2d(P, (array, array)),
    "mean": lambda array: ops.mean(P, array),
    "sum": lambda array: ops.sum(P, (0, array)),
    "softmax": lambda array: ops.softmax(P, array),
    "concat": lambda array: ops.concat([P], array),
    "transpose": lambda array: ops.transpose(P, array, 1),
    "pad": lambda array: ops.pad(P, (array, 1)),
    "local_response_norm": lambda array: ops.local_response_norm(P, array),
    "softmax_cross_entropy": lambda array: ops.softmax_cross_entropy(z((1, 2)), z(1, int), ignore_index=array),
    "resize2d": lambda array: ops.resize2d(P, 2, mode=array),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("array", [np.zeros((2, 2)), np.array([1, 2])], ids=["floats", "integers"])
def test_error_an_array_is_no_whole_number(name, array):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: "):
        ARRAYS[name](array)


def test_axes_may_come_in_an_array():
    assert ops.transpose(P[:, :, :2], np.array([3, 2, 1, 0])).shape == (4, 2, 1, 1)
    assert ops.sum(P, np.int64(1)).shape == (1, 4, 4)


@pytest.mark.parametrize("name", UNNAMED)
def test_error_names_the_operation(name):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: "):
        UNNAMED[name]()
