"""Values and all gradients against PyTorch, in float64, over random configurations and some hard ones."""

from functools import cache

import numpy as np
import pytest
from oracles import max_pool2d_with_indices
from twins import MISSING, TWINS, torch

import minifcn as mf
from minifcn.ops import OPERATIONS, Call

from .calls import cotangent_for, draw, run

CONFIGURATIONS = {
    "conv2d": 90,
    "conv_transpose2d": 90,
    "max_pool2d": 60,
    "avg_pool2d": 60,
    "softmax_cross_entropy": 80,
    "max_unpool2d": 30,
}
OTHERS = 15
LARGEST_ERROR = 1e-10

WITH_TWIN = [
    name for name in OPERATIONS if name in TWINS
]  # for one that lacks it, test_recipe.py speaks and nothing else

needs_torch = pytest.mark.skipif(torch is None, reason=MISSING)


def ones_to(n, *shape):
    return np.random.default_rng(n).standard_normal(shape)


EXTRA = {
    "conv2d": [
        Call((ones_to(1, 1, 1, 1, 1), ones_to(2, 1, 1, 1, 1))),  # 1x1 everything
        Call((ones_to(3, 2, 1, 2, 3), ones_to(4, 2, 1, 7, 9)), dict(padding=(3, 4))),  # kernel larger than the picture
        Call((ones_to(5, 1, 2, 3, 3), ones_to(6, 1, 2, 2, 2)), dict(padding=50, dilation=100)),  # taps far outside
        Call(
            (ones_to(7, 1, 1, 5, 4), ones_to(8, 2, 1, 1, 1)), dict(stride=(7, 9), padding=(0, 3))
        ),  # stride over kernel
        Call((ones_to(9, 2, 6, 5, 5), ones_to(10, 12, 1, 3, 3)), dict(groups=6, padding=1)),  # channels apart, doubled
        Call(
            (ones_to(11, 1, 3, 40, 37), ones_to(12, 8, 3, 3, 3), ones_to(13, 8)), dict(padding=100)
        ),  # the paper's padding
        Call((ones_to(14, 1, 2, 6, 5), ones_to(15, 3, 2, 2, 4)), dict(padding="same", dilation=(3, 1))),
        Call((ones_to(16, 3, 32, 20, 21), ones_to(17, 48, 32, 3, 3), ones_to(18, 48)), dict(padding=1)),
        Call((ones_to(19, 2, 16, 24, 23), ones_to(20, 16, 16, 5, 5)), dict(padding=2, stride=2)),
    ],
    "conv_transpose2d": [
        Call((ones_to(1, 1, 1, 1, 1), ones_to(2, 1, 1, 1, 1))),
        Call((ones_to(3, 1, 3, 4, 5), ones_to(4, 3, 3, 64, 64)), dict(stride=32, padding=16)),  # FCN-32s
        Call((ones_to(5, 2, 3, 7, 5), ones_to(6, 3, 1, 4, 4)), dict(stride=2, groups=3)),  # stored per channel
        Call((ones_to(7, 2, 3, 7, 5), ones_to(8, 3, 1, 16, 16)), dict(stride=8, groups=3, padding=4)),
        Call((ones_to(9, 1, 2, 3, 3), ones_to(10, 2, 1, 3, 3)), dict(stride=1, dilation=4, output_padding=3)),
        Call((ones_to(11, 1, 2, 3, 3), ones_to(12, 2, 2, 2, 2)), dict(stride=5)),  # gaps between the stamps
        Call((ones_to(13, 1, 2, 6, 6), ones_to(14, 2, 2, 3, 3)), dict(padding=3)),  # padding as wide as the kernel
        Call((ones_to(15, 1, 2, 3, 4), ones_to(16, 2, 2, 4, 4)), dict(stride=(2, 3), padding=1, output_size=(7, 12))),
    ],
    "max_pool2d": [
        Call((ones_to(1, 1, 1, 1, 1),), dict(kernel_size=1)),
        Call((ones_to(2, 2, 3, 15, 14),), dict(kernel_size=2, ceil_mode=True)),
        Call((ones_to(3, 2, 3, 15, 14),), dict(kernel_size=3, stride=2, ceil_mode=True)),
        Call((ones_to(4, 1, 2, 9, 9),), dict(kernel_size=(1, 3), stride=(5, 1), dilation=(1, 3))),
    ],
}


def calls(name):
    sampled = [(f"seed {seed}", draw(name, 1000 + seed)) for seed in range(CONFIGURATIONS.get(name, OTHERS))]
    extra = [(f"extra {number}", call) for number, call in enumerate(EXTRA.get(name, []))]
    return sampled + extra


def undefined(name, call):
    """PyTorch gives NaN for a mean over no pixel; the contract here is 0, tested in test_loss.py."""
    if name != "softmax_cross_entropy" or call.options["reduction"] != "mean":
        return False
    return not (call.options["labels"] != call.options["ignore_index"]).any()


def relative(ours, theirs):
    assert ours.shape == theirs.shape, f"shape {ours.shape}, PyTorch {theirs.shape}"
    finite = np.isfinite(theirs)
    assert np.array_equal(ours[~finite], theirs[~finite], equal_nan=True)
    return np.abs(ours[finite] - theirs[finite]).max(initial=0) / max(1.0, np.abs(theirs[finite]).max(initial=0))


@cache
def compared(name, choice):
    """(configurations, worst error) of one operation; raises where one error is too large."""
    count, worst = 0, 0.0
    for label, call in calls(name):
        if undefined(name, call):
            continue
        about = f"{name}, {label}: {[v.shape for v in call.inputs]} {call.options}"
        with mf.kernels.use(choice):
            output, ours = run(name, call, requires_grad=True)
            cotangent = cotangent_for(output)
            output.backward(cotangent)
        theirs = [torch.tensor(value, requires_grad=True) for value in call.inputs]
        result = call.run(TWINS[name], theirs)
        errors = [relative(output.data, result.detach().numpy())]
        if np.isfinite(output.data).all():  # else max_pool2d saw padding only
            result.backward(torch.from_numpy(cotangent))
            errors += [relative(o.grad, t.grad.numpy()) for o, t in zip(ours, theirs, strict=True)]
        assert max(errors) < LARGEST_ERROR, f"{about}: errors of the value and each gradient {errors}"
        count, worst = count + 1, max(worst, *errors)
    return count, float(worst)  # a worker can send no number of NumPy's


@needs_torch
@pytest.mark.parametrize("choice", ["simple", "fast"])
@pytest.mark.parametrize("name", WITH_TWIN)
def test_parity(name, choice, record_property):
    count, worst = compared(name, choice)
    record_property("configurations", count)
    record_property("worst", worst)
    assert count >= 10


@needs_torch
def test_parity_of_all_operations_together(record_property):
    found = [compared(name, "fast") for name in WITH_TWIN]
    count, worst = sum(count for count, _ in found), max(worst for _, worst in found)
    record_property("parity_configurations", count)
    record_property("parity_worst", float(worst))
    assert count >= 300, "too few configurations for a claim"
    assert worst < LARGEST_ERROR


def pools_with_indices():
    """Overlapping windows, padding, ceil_mode, dilation: 40 pools, values distinct."""
    rng = np.random.default_rng(3)
    while True:
        k, s, d = rng.integers(1, 5), rng.integers(1, 4), rng.integers(1, 3)
        p, ceil_mode = rng.integers(0, k // 2 + 1), bool(rng.integers(2))
        h, w = rng.integers(max(1, d * (k - 1) + 1 - 2 * p), 12, 2)
        x = rng.permutation(2 * 2 * h * w).reshape(2, 2, h, w) * 0.1
        options = dict(kernel_size=int(k), stride=int(s), padding=int(p), dilation=int(d), ceil_mode=ceil_mode)
        if (max_pool2d_with_indices(x, **options)[1] >= 0).all():
            yield x, options


@needs_torch
@pytest.mark.parametrize("choice", ["simple", "fast"])
def test_parity_max_pool2d_indices_and_max_unpool2d(choice):
    source = pools_with_indices()
    with mf.kernels.use(choice):
        for _ in range(40):
            x, options = next(source)
            y, indices = mf.ops.max_pool2d(x, **options, return_indices=True)
            values, places = torch.nn.functional.max_pool2d(torch.from_numpy(x), **options, return_indices=True)
            np.testing.assert_array_equal(y.data, values.numpy(), err_msg=str(options))
            np.testing.assert_array_equal(indices, places.numpy(), err_msg=f"{x.shape} {options}")
            size = x.shape[2:]
            back = mf.ops.max_unpool2d(y, indices, 1, output_size=size)
            # each place holds the value that was read there, so that overlapping windows agree
            flat = np.zeros((4, size[0] * size[1]))
            np.put_along_axis(flat, places.numpy().reshape(4, -1), values.numpy().reshape(4, -1), 1)
            np.testing.assert_array_equal(back.data, flat.reshape(x.shape))
