"""A tensor beside arrays of all kinds: comparisons, NumPy's functions, and arrays that would lose their meaning."""

import operator
import warnings

import numpy as np
import pytest
from twins import MISSING, torch

import minifcn as mf
from minifcn.autodiff import foreign

VALUES = np.array([[1.0, 2.0, 3.0], [4.0, 2.0, 0.0]])
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
SYMBOLS = ["==", "!=", "<", "<=", ">", ">="]
OTHERS = {
    "tensor": mf.Tensor(np.array([2.0, 2.0, 3.0])),
    "array": np.array([2.0, 2.0, 3.0]),
    "float32 array": np.array([2, 2, 3], "float32"),
    "integers": np.array([2, 2, 3]),
    "column": np.array([[2.0], [4.0]]),
    "list": [2, 2, 3],
    "int": 2,
    "float": 2.0,
    "numpy number": np.float32(2),
    "0-d array": np.array(2),
}


@pytest.mark.parametrize("compare", COMPARISONS)
@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_comparisons_go_element_by_element_on_both_sides(compare, other):
    plain = np.asarray(other.data if isinstance(other, mf.Tensor) else other)
    for found, expected in (
        (
            compare(mf.Tensor(VALUES), other),
            [[compare(a, b) for a, b in zip(*rows, strict=True)] for rows in paired(plain)],
        ),
        (
            compare(other, mf.Tensor(VALUES)),
            [[compare(b, a) for a, b in zip(*rows, strict=True)] for rows in paired(plain)],
        ),
    ):
        assert type(found) is np.ndarray and found.dtype == bool
        assert found.tolist() == expected


def paired(plain):
    """(a row of VALUES, the row that stands beside it)"""
    return [
        (row.tolist(), other.tolist()) for row, other in zip(VALUES, np.broadcast_to(plain, VALUES.shape), strict=True)
    ]


def test_accuracy_is_the_mean_of_equals():
    labels = np.array([1, 2, 0, 1])
    for prediction in (mf.Tensor(np.array([1.0, 2.0, 2.0, 1.0])), mf.Tensor(np.array([1, 2, 2, 1]))):
        assert np.mean(prediction == labels) == np.mean(labels == prediction) == 0.75


def test_nan_equals_nothing():
    x = mf.Tensor(np.array([np.nan, 1.0]))
    assert (x == x).tolist() == [False, True] and (x != x).tolist() == [True, False]


@pytest.mark.parametrize("other", [None, "relu", object(), {}])
def test_what_is_no_number_equals_no_tensor_and_is_not_compared(other):
    x = mf.Tensor(np.ones(2))
    assert (x == other) is False and (x != other) is True and (other == x) is False
    with pytest.raises(TypeError):
        assert x < other


@pytest.mark.parametrize("compare, symbol", list(zip(COMPARISONS, SYMBOLS, strict=True)))
def test_shapes_that_do_not_broadcast_are_told(compare, symbol):
    with pytest.raises(ValueError) as caught:
        compare(mf.Tensor(np.ones((2, 3))), np.ones(2))
    assert str(caught.value) == f"{symbol}: shapes (2, 3) and (2,) do not broadcast"


def test_comparisons_on_a_device(on_gpu):
    x = mf.Tensor(on_gpu([1.0, 2.0]))
    for found in (x == 1, x == on_gpu([1.0, 5.0]), on_gpu([1.0, 5.0]) == x, x < np.array(2)):
        assert type(found).__module__ == "cupy" and found.tolist() == [True, False]
    with pytest.raises(ValueError) as caught:
        assert x == np.array([1.0, 2.0])
    assert str(caught.value) == "==: one side is on gpu, the other on cpu; move one with .to('cpu') or .to('gpu')"


def test_a_device_array_leaves_operators_to_the_tensor(on_gpu):
    x = mf.Tensor(on_gpu([1.0, 2.0]), requires_grad=True)
    y = on_gpu([3.0, 5.0]) * x - on_gpu([1.0, 1.0])
    assert isinstance(y, mf.Tensor) and y.data.tolist() == [2, 9]
    y.sum().backward()
    assert x.grad.tolist() == [3, 5]


def test_a_comparison_picks_elements():
    x = mf.Tensor(VALUES, requires_grad=True)
    x[x > 2].sum().backward()
    assert x.grad.tolist() == [[0, 0, 1], [1, 0, 0]]


OPERATORS = {"add": 5, "subtract": 1, "multiply": 6, "divide": 1.5, "power": 9, "matmul": 6}


@pytest.mark.parametrize("name", OPERATORS)
def test_numpys_functions_behind_operators_give_a_tensor_with_its_gradient(name):
    x = mf.Tensor(np.full((1, 1), 2.0), requires_grad=True)
    y = getattr(np, name)(np.full((1, 1), 3.0), x)
    assert isinstance(y, mf.Tensor) and y.item() == OPERATORS[name] and y.requires_grad


@pytest.mark.parametrize(
    "call, message",
    [
        (
            np.exp,
            "np.exp: a tensor's gradient would be lost; take mf.ops.exp, or np.exp(tensor.data) for the values alone",
        ),
        (
            np.abs,
            "np.absolute: a tensor's gradient would be lost; take mf.ops.abs, or np.absolute(tensor.data) for the values alone",
        ),
        (np.sin, "np.sin: a tensor's gradient would be lost; take np.sin(tensor.data) for the values alone"),
        (
            lambda x: np.maximum(np.zeros(2), x),
            "np.maximum: a tensor's gradient would be lost; take mf.ops.maximum, or np.maximum(tensor.data) for the values alone",
        ),
        (
            lambda x: np.add(np.zeros(2), x, out=np.zeros(2)),
            "np.add: a tensor's gradient would be lost; take mf.ops.add, or np.add(tensor.data) for the values alone",
        ),
        (
            np.multiply.reduce,
            "np.multiply: a tensor's gradient would be lost; take mf.ops.mul, or np.multiply(tensor.data) for the values alone",
        ),
    ],
)
def test_numpys_other_functions_say_what_to_do(call, message):
    with pytest.raises(TypeError) as caught:
        call(mf.Tensor(np.ones(2)))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "name",
    ["isnan", "isfinite", "greater", "less_equal", "equal", "not_equal", "logical_and", "logical_not", "signbit"],
)
@pytest.mark.parametrize("learns", [False, True])
def test_numpys_functions_that_say_yes_or_no_are_of_the_values(name, learns):
    """Nothing has a gradient there, so none is lost: np.greater(tensor, array) is what tensor > array is."""
    function, values = getattr(np, name), np.array([1.0, -2.0, np.nan, 0.0])
    other = [np.array([0.0, 2.0, 1.0, 0.0])] * (function.nin - 1)
    answer = function(mf.Tensor(values, requires_grad=learns), *other)
    assert type(answer) is np.ndarray and answer.dtype == bool
    np.testing.assert_array_equal(answer, function(values, *other))


def test_an_array_does_not_become_a_tensor_in_place():
    array = np.zeros(2)
    with pytest.raises(TypeError, match=r"^np\.add: "):
        array += mf.Tensor(np.ones(2))
    assert array.tolist() == [0, 0]


MATRIX = "is a numpy.matrix; give np.asarray(matrix), for its * is a matrix product and here it is not"
MASKED = "is a masked array; give array.filled(number), for a mask would be lost here"
TORCH = "is a PyTorch tensor; give tensor.numpy(), or tensor.detach().cpu().numpy() where it has a gradient or lies on a GPU"


def kinds():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy says of a matrix that it is not recommended
        found = {"matrix": (np.asmatrix(np.eye(2)), MATRIX), "masked": (np.ma.masked_array(np.ones((2, 2))), MASKED)}
    return found if torch is None else found | {"torch": (torch.ones(2, 2), TORCH)}


@pytest.mark.parametrize("kind", ["matrix", "masked", "torch"])
def test_arrays_of_another_kind_are_refused(kind):
    if kind not in kinds():
        pytest.skip(MISSING)
    value, said = kinds()[kind]
    x = mf.Tensor(np.ones((2, 2)))
    for call, start in (
        (lambda: mf.Tensor(value), "Tensor: input"),
        (lambda: mf.ops.relu(value), "relu: input"),
        (lambda: x + value, "add: the second input"),
        (lambda: mf.ops.concat([x, value]), "concat: tensor 1"),
        (lambda: x == value, "==: the other side"),
        (lambda: mf.ops.softmax_cross_entropy(x, value), "softmax_cross_entropy: labels"),
    ):
        with pytest.raises(TypeError) as caught:
            call()
        assert str(caught.value) == f"{start} {said}"


def test_arrays_of_other_libraries_are_known_by_the_module_of_their_class():
    for library, (what, instead) in foreign.OTHERS.items():
        other = type("Array", (), {"__module__": f"{library}.deep.inside", "__array__": lambda self: np.ones(2)})()
        with pytest.raises(TypeError) as caught:
            mf.Tensor(other)
        assert str(caught.value) == f"Tensor: input is {what}; give {instead}"


def test_a_memory_map_is_a_plain_array(tmp_path):
    array = np.memmap(tmp_path / "x", "float64", "w+", shape=(2,))
    assert (mf.Tensor(array) == 0).all()


@pytest.mark.parametrize(
    "call, name, instead",
    [
        (np.mean, "mean", "mf.ops.mean, or np.mean(tensor.data)"),
        (lambda x: np.sum(x, axis=0), "sum", "mf.ops.sum, or np.sum(tensor.data)"),
        (lambda x: np.concatenate([np.ones(2), x]), "concatenate", "mf.ops.concat, or np.concatenate(tensor.data)"),
        (lambda x: np.stack((x * 2, x)), "stack", "np.stack(tensor.data)"),
        (lambda x: np.where(np.array([True, False]), x, 0), "where", "np.where(tensor.data)"),
        (np.linalg.norm, "linalg.norm", "np.linalg.norm(tensor.data)"),
        (lambda x: np.dot(np.ones(2), x), "dot", "mf.ops.matmul, or np.dot(tensor.data)"),
    ],
)
def test_numpys_routines_take_no_tensor_that_learns(call, name, instead):
    """np.concatenate gave an array, and what was added to a loss had no gradient; np.mean spoke of its own arguments."""
    x = mf.Tensor(np.array([1.0, 2.0]), requires_grad=True)
    with pytest.raises(TypeError) as caught:
        call(x)
    assert str(caught.value) == f"np.{name}: a tensor's gradient would be lost; take {instead} for the values alone"


def test_numpys_routines_that_have_no_gradient_are_of_the_values():
    x = mf.Tensor(np.array([1.0, 2.0]), requires_grad=True)
    assert np.argmax(x) == 1 and np.allclose(x, [1, 2]) and np.array_equal([1, 2], x) and np.shape(x) == (2,)
    assert np.zeros_like(x).tolist() == [0, 0] and isinstance(np.zeros_like(x), np.ndarray)
    np.testing.assert_allclose(x, [1, 2])
    still = x.detach()
    assert np.sum(still) == 3 and np.stack([still, still]).shape == (2, 2) and np.mean(still, axis=0) == 1.5
    assert np.max(still, initial=5) == 5
