"""The Tensor itself: shared memory, what it accepts, its operators as a sequence, its devices."""

import numpy as np
import pytest

import minifcn as mf


def test_a_tensor_shares_the_arrays_memory():
    array = np.arange(3.0)
    x = mf.Tensor(array)
    assert x.data is array
    array[0] = 7
    assert x.data[0] == 7
    for view in (array[::-1], np.arange(6.0).reshape(2, 3).T):
        assert mf.Tensor(view, requires_grad=True).data is view


def test_a_tensor_describes_itself():
    x = mf.Tensor(np.zeros((2, 3), "float32"))
    assert (x.shape, x.ndim, x.size, x.dtype, x.device, len(x), x.grad) == ((2, 3), 2, 6, np.float32, "cpu", 2, None)
    assert mf.Tensor(2.5).item() == 2.5 and isinstance(mf.Tensor(2.5).item(), float)
    assert "shape=(2, 3)" in repr(x) and "requires_grad" not in repr(x)
    y = mf.Tensor(np.ones(2), requires_grad=True)
    assert "requires_grad=True" in repr(y) and "creator=Mul" in repr(y * 2)


def test_a_scalar_loss_has_no_axes():
    x = mf.Tensor(np.ones((2, 3)), requires_grad=True)
    for result in (x.sum(), x.mean(), mf.ops.softmax_cross_entropy(x, np.array([0, 1]))):
        assert result.shape == () and isinstance(result.data, np.ndarray)
        assert isinstance(result.item(), float)


@pytest.mark.parametrize("value", [3, 2.5, True, [1, 2], (1.0, 2.0), [[1], [2]], np.float32(2), np.arange(3), range(3)])
def test_a_tensor_takes_numbers_and_lists(value):
    np.testing.assert_array_equal(mf.Tensor(value).data, np.asarray(value))


def test_a_tensor_keeps_dtypes():
    for dtype in ("float16", "float32", "float64", "uint8", "int64", "bool"):
        assert mf.Tensor(np.zeros(2, dtype)).dtype == dtype
    assert mf.Tensor(np.float32(1)).dtype == np.float32


REFUSED = {
    "a tensor": (lambda: mf.Tensor(mf.Tensor([1.0])), "Tensor: got a Tensor; give it the array, tensor.data"),
    "a string": (lambda: mf.Tensor("picture.png"), "Tensor: expected an array of numbers, got <U11"),
    "None": (lambda: mf.Tensor(None), "Tensor: expected an array of numbers, got object"),
    "strings": (lambda: mf.Tensor(["a", "bc"]), "Tensor: expected an array of numbers, got <U2"),
    "array of strings": (lambda: mf.Tensor(np.array(["a", "bc"])), "Tensor: expected an array of numbers, got <U2"),
    "array of objects": (lambda: mf.Tensor(np.array([None])), "Tensor: expected an array of numbers, got object"),
    "array of complex numbers": (
        lambda: mf.Tensor(np.array([1j])),
        "Tensor: expected an array of numbers, got complex128",
    ),
    "integers with gradient": (
        lambda: mf.Tensor(np.arange(3), requires_grad=True),
        "Tensor: only floating point can have a gradient, got int64; use array.astype('float32')",
    ),
    "booleans with gradient": (
        lambda: mf.Tensor([True], requires_grad=True),
        "Tensor: only floating point can have a gradient, got bool; use array.astype('float32')",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_error(case):
    call, message = case
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value) == message


def test_integers_are_refused_by_operations():
    x = mf.Tensor(np.arange(3))
    with pytest.raises(TypeError, match=r"^mul: .* has dtype int64; expected float32 or float64"):
        x * 2.0
    with pytest.raises(TypeError, match=r"^index: input has dtype int64"):
        x[0]


def test_mixed_dtypes_are_refused():
    x, y = mf.Tensor(np.ones(2, "float32")), mf.Tensor(np.ones(2))
    for operate in (lambda: x + y, lambda: y - x, lambda: x * y, lambda: x / y):
        with pytest.raises(TypeError, match=r"mixed dtypes \(first float(32|64), second float(32|64)\)"):
            operate()


def test_iteration_and_len():
    x = mf.Tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    rows = list(x)
    assert len(x) == len(rows) == 3
    for number, row in enumerate(rows):
        np.testing.assert_array_equal(row.data, [2 * number, 2 * number + 1])
    first, *_ = x
    first.sum().backward()
    np.testing.assert_array_equal(x.grad, [[1, 1], [0, 0], [0, 0]])


def test_one_element_as_a_number_and_more_as_a_sentence():
    assert float(mf.Tensor([2.5])) == 2.5 and int(mf.Tensor(3.7)) == 3
    for ask in (float, int, mf.Tensor.item):
        with pytest.raises(ValueError) as caught:
            ask(mf.Tensor(np.ones((2, 3))))
        assert str(caught.value) == "Tensor: a single number was asked for, and there are 6 in shape (2, 3); index one"


def test_a_tensor_without_axes_has_no_length_and_nothing_to_iterate_over():
    with pytest.raises(TypeError):
        len(mf.Tensor(2.0))
    with pytest.raises(TypeError):
        list(mf.Tensor(2.0))


def test_an_index_outside_is_an_index_error():
    with pytest.raises(IndexError, match="out of bounds"):
        mf.Tensor(np.ones(3))[3]


def test_truth_of_a_tensor_is_that_of_its_value_or_refused():
    for value, expected in ((0.0, False), ([0.0], False), ([2.0], True)):
        try:
            truth = bool(mf.Tensor(value))
        except (TypeError, ValueError) as error:
            assert "Tensor" in str(error) or "truth" in str(error)
            continue
        assert truth is expected, f"bool(Tensor({value})) is {truth}"


def test_tensors_are_told_apart_by_identity():
    x, y = mf.Tensor(np.ones(2)), mf.Tensor(np.ones(2))
    assert x is not y and len({x, y, x}) == 2 and {x: 1, y: 2}[y] == 2
    assert hash(x) != hash(y) and hash(x) == hash(x)


def test_to_the_same_device_is_the_same_tensor():
    x = mf.Tensor(np.ones(2), requires_grad=True)
    assert x.to("cpu") is x


def test_to_an_unknown_device_is_refused():
    with pytest.raises(ValueError, match=r"""^to: unknown device 'cuda'; choose "cpu" or "gpu"$"""):
        mf.Tensor(np.ones(2)).to("cuda")


def test_to_another_device_and_back_carries_the_gradient(on_gpu):
    x = mf.Tensor(np.array([1.0, 2.0]), requires_grad=True)
    y = x.to("gpu")
    assert y.device == "gpu" and y.requires_grad
    y.backward(on_gpu([3.0, 4.0]))
    np.testing.assert_array_equal(x.grad, [3, 4])
    assert mf.Tensor(x.grad).device == "cpu"
