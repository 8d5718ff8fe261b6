"""Broadcasting, numbers and arrays beside tensors, reductions and moves at their edges, by hand."""

import numpy as np
import pytest
from twins import MISSING, torch

import minifcn as mf
from minifcn import ops


def leaf(values, dtype="float64"):
    return mf.Tensor(np.asarray(values, dtype), requires_grad=True)


@pytest.mark.parametrize(
    "a, b",
    [
        ((), ()),
        ((), (3,)),
        ((1,), ()),
        ((2, 1), (3,)),
        ((1, 1, 1), (2, 3)),
        ((0,), (1,)),
        ((2, 0), ()),
        ((1, 0), (3, 1)),
    ],
)
@pytest.mark.parametrize("function", [ops.add, ops.sub, ops.mul, ops.div, ops.maximum])
def test_broadcasting_sums_back_to_the_shape_it_came_from(function, a, b):
    x, y = leaf(np.full(a, 2.0)), leaf(np.full(b, 4.0))
    z = function(x, y)
    assert z.shape == np.broadcast_shapes(a, b)
    z.backward(np.ones(z.shape))
    slopes = {ops.add: (1, 1), ops.sub: (1, -1), ops.mul: (4, 2), ops.div: (1 / 4, -2 / 16), ops.maximum: (0, 1)}[
        function
    ]
    for tensor, slope in zip((x, y), slopes, strict=True):
        expected = slope * z.size / tensor.size if tensor.size else 0
        np.testing.assert_array_equal(tensor.grad, np.full(tensor.shape, expected))


OTHERS = {
    "int": 2,
    "float": 2.0,
    "bool": True,
    "numpy float64": np.float64(2),
    "numpy int": np.int64(2),
    "numpy bool": np.bool_(True),
    "0-d array": np.array(2.0),
    "float64 array": np.array([1.0, 2, 4]),
    "int array": np.array([1, 2, 4]),
    "bool array": np.array([True, True, True]),
    "float16 array": np.array([1, 2, 4], np.float16),
    "list": [1, 2, 4],
}
OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_operators_keep_float32_beside_numbers_and_arrays_on_both_sides(operator, other):
    values = np.array([1, 2, 4], "float32")
    for left in (True, False):
        x = leaf(values, "float32")
        result = operator(x, other) if left else operator(other, x)
        plain = np.asarray(other, np.float64)
        expected = operator(values.astype(float), plain) if left else operator(plain, values.astype(float))
        assert isinstance(result, mf.Tensor) and result.dtype == np.float32
        np.testing.assert_array_equal(result.data, expected)
        result.backward(np.ones(3))
        assert x.grad.dtype == np.float32


def test_operators_neg_and_matmul_take_arrays_on_both_sides():
    a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal((-leaf(a)).data, -a)
    for result in (leaf(a) @ b, a @ leaf(b), leaf(a) @ leaf(b)):
        assert isinstance(result, mf.Tensor)
        np.testing.assert_array_equal(result.data, a @ b)


def test_sub_and_div_know_their_sides():
    x = leaf([2.0])
    for result, value, slope in ((5 - x, 3, -1), (x - 5, -3, 1), (8 / x, 4, -2), (x / 8, 0.25, 0.125)):
        x.grad = None
        result.backward()
        assert (result.data, x.grad) == ([value], [slope])


@pytest.mark.parametrize("operator", [*OPERATORS.values(), lambda a, b: a @ b], ids=[*OPERATORS, "@"])
def test_operators_with_themselves(operator):
    mf.gradcheck(lambda t: operator(t, t), np.random.default_rng(0).uniform(1, 2, (3, 3)))


needs_torch = pytest.mark.skipif(torch is None, reason=MISSING)

# by hand: the larger gets what came in, equal ones half each, beside NaN both all of it (as PyTorch 2: neither is the smaller)
NAN = float("nan")
MAXIMA = [
    # a, b, maximum, slope of a, slope of b
    (1, 3, 3, 0, 1),
    (3, 1, 3, 1, 0),
    (-2, -2, -2, 0.5, 0.5),
    (0.0, -0.0, 0, 0.5, 0.5),
    (np.inf, np.inf, np.inf, 0.5, 0.5),
    (-np.inf, 1, 1, 0, 1),
    (NAN, 1, NAN, 1, 1),
    (1, NAN, NAN, 1, 1),
    (NAN, NAN, NAN, 1, 1),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_maximum_and_its_gradient_at_ties_and_beside_nan(dtype):
    a, b, expected, to_a, to_b = np.array(MAXIMA, dtype).T
    x, y = leaf(a, dtype), leaf(b, dtype)
    z = ops.maximum(x, y)
    assert z.dtype == dtype
    np.testing.assert_array_equal(z.data, expected)
    z.backward(np.full(len(a), 6, dtype))
    assert x.grad.dtype == y.grad.dtype == dtype
    np.testing.assert_array_equal(x.grad, 6 * to_a)
    np.testing.assert_array_equal(y.grad, 6 * to_b)


@needs_torch
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_those_gradients_of_maximum_are_pytorchs(dtype):
    a, b, _, to_a, to_b = np.array(MAXIMA, dtype).T
    theirs = [torch.tensor(values, requires_grad=True) for values in (a, b)]
    torch.maximum(*theirs).backward(torch.full((len(a),), 6, dtype=theirs[0].dtype))
    for slope, twin in zip((to_a, to_b), theirs, strict=True):
        np.testing.assert_array_equal(6 * slope, twin.grad.numpy())


@needs_torch
def test_maximum_of_scores_that_often_tie_gives_pytorchs_gradients():
    rng = np.random.default_rng(0)
    for first, second in (((2, 3, 4, 5), (2, 3, 4, 5)), ((2, 3, 4, 5), (3, 1, 1)), ((4, 1), (2, 3, 1, 5)), ((), (7,))):
        values = [rng.integers(0, 3, shape).astype(float) for shape in (first, second)]
        ours, theirs = [leaf(v) for v in values], [torch.tensor(v, requires_grad=True) for v in values]
        result, twin = ops.maximum(*ours), torch.maximum(*theirs)
        incoming = rng.standard_normal(result.shape)
        result.backward(incoming)
        twin.backward(torch.from_numpy(incoming))
        np.testing.assert_array_equal(result.data, twin.detach().numpy())
        for tensor, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(tensor.grad, other.grad.numpy(), rtol=0, atol=1e-13)


def test_maximum_with_itself_is_the_tensor_and_with_a_number_a_floor():
    x = leaf([-1.0, 2.0])
    ops.maximum(x, x).backward(np.array([3.0, 5.0]))
    np.testing.assert_array_equal(x.grad, [3, 5])
    y = leaf([-1.0, 0.0, 2.0], "float32")
    floor = ops.maximum(0.5, y)
    assert floor.dtype == np.float32
    floor.backward(np.ones(3))
    np.testing.assert_array_equal(floor.data, [0.5, 0.5, 2])
    np.testing.assert_array_equal(y.grad, [0, 0, 1])


def test_maximum_keeps_the_order_of_memory_of_its_inputs():
    """Channels last, as the kernels leave their results and want their inputs."""
    a, b = (np.random.default_rng(n).standard_normal((1, 6, 7, 3)).transpose(0, 3, 1, 2) for n in (0, 1))
    x = leaf(a)
    y = ops.maximum(x, b)
    assert y.data.strides == a.strides
    y.backward(np.ones(y.shape))
    np.testing.assert_array_equal(x.grad, a > b)


def test_matmul_of_one_row_or_of_nothing():
    mf.gradcheck(lambda a, b: ops.matmul(a, b), [np.ones((4, 1, 1)), np.ones((1, 3))])
    a, b = leaf(np.ones((2, 0))), leaf(np.ones((0, 3)))
    product = a @ b
    np.testing.assert_array_equal(product.data, np.zeros((2, 3)))
    product.backward(np.ones((2, 3)))
    assert a.grad.shape == (2, 0) and b.grad.shape == (0, 3)


def test_sum_and_mean_of_a_number_without_axes():
    for function in (ops.sum, ops.mean):
        x = leaf(3.0)
        y = function(x)
        y.backward()
        assert (y.shape, y.item(), x.grad.shape, float(x.grad)) == ((), 3.0, (), 1.0)


def test_sum_over_no_axis_is_the_tensor():
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(ops.sum(x, ()).data, x)
    assert not np.shares_memory(ops.sum(x, ()).data, x)


def test_mean_in_float32_of_many_pixels_is_exact():
    # channels last in memory, as the kernels leave their results
    x = np.full((1, 512, 512, 4), 0.1, "float32").transpose(0, 3, 1, 2)
    np.testing.assert_allclose(ops.mean(x).data, 0.1, rtol=2e-6)
    np.testing.assert_allclose(ops.mean(x, (0, 2, 3)).data, 0.1, rtol=2e-6)


def test_add_in_float32_sums_a_broadcast_gradient_exactly():
    bias = leaf(np.zeros((1, 4, 1, 1)), "float32")
    x = np.zeros((1, 512, 512, 4), "float32").transpose(0, 3, 1, 2)
    (x + bias).backward(np.full((1, 512, 512, 4), 0.1, "float32").transpose(0, 3, 1, 2))
    np.testing.assert_allclose(bias.grad.ravel(), 0.1 * 512 * 512, rtol=2e-6)


def test_transpose_turns_round_permutes_and_swaps():
    x = leaf(np.arange(24.0).reshape(2, 3, 4))
    assert x.transpose().shape == (4, 3, 2)
    assert x.transpose((1, 2, 0)).shape == (3, 4, 2)
    assert x.transpose((-1, 0, 1)).shape == (4, 2, 3)
    assert x.transpose(0, -1).shape == (4, 3, 2)
    np.testing.assert_array_equal(x.transpose(0, 1).data, x.data.swapaxes(0, 1))


def test_reshape_as_numbers_or_as_a_tuple():
    x = leaf(np.arange(6.0))
    assert x.reshape(2, 3).shape == x.reshape((2, -1)).shape == (2, 3)
    assert x.reshape(-1).shape == x.reshape(6).shape == (6,)
    assert leaf(5.0).reshape(1, 1).shape == (1, 1) and leaf([5.0]).reshape(()).shape == ()


def test_pad_last_axis_first_and_negative_crops():
    x = np.arange(6.0).reshape(1, 2, 3)
    np.testing.assert_array_equal(ops.pad(x, (1, 0, 0, 1), 9).data, [[[9, 0, 1, 2], [9, 3, 4, 5], [9, 9, 9, 9]]])
    np.testing.assert_array_equal(ops.pad(x, (-1, 1)).data, [[[1, 2, 0], [4, 5, 0]]])
    assert ops.pad(x, ()).shape == x.shape


def test_crop_like_takes_its_size_from_a_tensor_or_an_array():
    x = np.arange(20.0).reshape(1, 1, 4, 5)
    for reference in (np.zeros((3, 7, 2, 3)), mf.Tensor(np.zeros((1, 1, 2, 3)))):
        np.testing.assert_array_equal(ops.crop_like(x, reference, (1, 2)).data, x[:, :, 1:3, 2:5])
    np.testing.assert_array_equal(ops.crop_like(x, np.zeros((1, 1, 2, 3))).data, x[:, :, :2, :3])


def test_concat_of_a_negative_axis_and_of_one_tensor():
    a, b = np.ones((2, 1)), np.zeros((2, 3))
    np.testing.assert_array_equal(ops.concat([a, b], -1).data, np.concatenate([a, b], 1))
    one = ops.concat([a])
    np.testing.assert_array_equal(one.data, a)
    assert not np.shares_memory(one.data, a)
