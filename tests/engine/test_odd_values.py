"""Values of odd kinds where a tensor, a gradient or what backward returns is wanted: a sentence, or the right number, and no silence."""

import copy
import pickle

import numpy as np
import pytest

import minifcn as mf
from minifcn.autodiff.attached import INSTEAD


def leaf(*values: float) -> mf.Tensor:
    return mf.Tensor(np.array(values, float), requires_grad=True)


def assigned(data):
    leaf(1, 2).data = data


def walked(grad):
    x = leaf(1, 2)
    (x * x).backward(grad)


class Gives(mf.Function):
    """Two inputs; its backward gives what it is told."""

    def __init__(self, *gradients):
        self.gradients = gradients

    def forward(self, a, b):
        return a + b

    def backward(self, grad):
        return self.gradients[0] if len(self.gradients) == 1 else self.gradients


class Result(mf.Function):
    """Its forward gives what it is told."""

    def __init__(self, result):
        self.result = result

    def forward(self, a):
        return self.result


def gave(*gradients):
    Gives(*gradients)(leaf(1, 2), leaf(3, 4)).sum().backward()


MASKED = np.ma.masked_array([1.0, 2.0], [False, True])
ONES = np.ones(2)
CASES = {
    "data: a list": (lambda: assigned([1, 2]), TypeError, "Tensor: .data is given a list; it must be an array"),
    "data: a tensor": (lambda: assigned(leaf(1, 2)), TypeError, "Tensor: .data is given a Tensor; it must be an array"),
    "data: None": (lambda: assigned(None), TypeError, "Tensor: .data is given a NoneType"),
    "data: a mask": (lambda: assigned(MASKED), TypeError, "Tensor: .data is a masked array"),
    "data: complex": (lambda: assigned(1j * ONES), TypeError, "expected an array of numbers for .data, got complex128"),
    "lists of two lengths": (lambda: mf.Tensor([[1, 2], [3]]), ValueError, "Tensor: input is a list that makes no array"),
    "a list of tensors": (lambda: mf.Tensor([leaf(1), leaf(2)]), TypeError, "a list that holds a tensor, whose gradient would be"),
    "nested": (lambda: mf.Tensor([[leaf(1)], [leaf(2)]]), TypeError, "holds a tensor, whose gradient would be lost"),
    "an operation on a list of tensors": (lambda: mf.ops.sum([leaf(1)]), TypeError, "sum: input is a list that holds a tensor"),
    "a tensor times a list of them": (lambda: leaf(1, 2) * [leaf(3), leaf(4)], TypeError, "holds a tensor, whose gradient"),
    "a list with a mask in it": (lambda: mf.Tensor([MASKED, MASKED]), TypeError, "Tensor: a part of input is a masked array"),
    "gradient: a mask": (lambda: walked(MASKED), TypeError, "backward: the gradient is a masked array"),
    "gradient: complex": (lambda: walked(ONES * 1j), TypeError, "numbers for the gradient, got complex128"),
    "gradient: a string": (lambda: walked("ab"), TypeError, "backward: expected an array of numbers for the gradient"),
    "backward gave a mask": (lambda: gave(MASKED, ONES), TypeError, "Gives.backward: gradient 0 is a masked array"),
    "backward gave complex": (lambda: gave(ONES, 1j * ONES), TypeError, "numbers for gradient 1, got complex128"),
    "backward gave a list": (lambda: gave([ONES, ONES]), TypeError, "Gives.backward returned a list; return one array, or a tuple"),
    "forward gave a mask": (lambda: Result(MASKED)(leaf(1, 2)), TypeError, "Result.forward: its result is a masked array"),
    "forward gave complex": (lambda: Result(1j * ONES)(leaf(1, 2)), TypeError, "Result.forward: expected an array of numbers for its result"),
    "forward gave a word": (lambda: Result("a")(leaf(1, 2)), TypeError, "Result.forward: expected an array of numbers for its result, got <U1"),
    "an element": (lambda: leaf(1, 2).__setitem__(0, 5), TypeError, "Tensor: its elements cannot be assigned"),
    "length of a number": (lambda: len(mf.Tensor(1.0)), TypeError, "len: a tensor of shape () has no length"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_error(case):
    call, kind, message = case
    with pytest.raises(kind) as caught:
        call()
    assert message in str(caught.value)


def test_lists_of_plain_tensors_and_of_numbers_are_taken():
    plain = mf.Tensor(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(mf.Tensor([plain, plain]).data, [[1, 2], [1, 2]])
    np.testing.assert_array_equal((leaf(1, 2) * [3, 4]).data, [3, 8])


def test_a_number_as_text():
    assert f"{mf.Tensor(1.5):.2f} {mf.Tensor([0.25]):.0%}" == "1.50 25%"
    assert f"{leaf(1, 2)}" == str(leaf(1, 2))
    with pytest.raises(ValueError, match="a single number was asked for, and there are 2"):
        f"{leaf(1, 2):.2f}"


# where a gradient is to go, after the forward


def test_a_leaf_that_was_frozen_after_the_forward_gets_no_gradient():
    x, w = leaf(1, 2), leaf(3, 4)
    loss = (x * w).sum()
    w.requires_grad = False
    loss.backward()
    assert w.grad is None
    np.testing.assert_array_equal(x.grad, [3, 4])


SHAPES = {
    "the tensor": (lambda x: setattr(x, "data", np.ones(3)), ValueError, "a gradient has shape (2,) and its tensor (3,)"),
    "its gradient": (lambda x: setattr(x, "grad", np.ones(3)), ValueError, ".grad of a tensor has shape (3,) and the tensor (2,)"),
    "one number as gradient": (lambda x: setattr(x, "grad", np.ones(1)), ValueError, ".grad of a tensor has shape (1,)"),
    "a list as gradient": (lambda x: setattr(x, "grad", [1, 2]), TypeError, "the .grad of a tensor is a list"),
}  # fmt: skip


@pytest.mark.parametrize("case", SHAPES.values(), ids=SHAPES)
def test_another_shape_meanwhile_is_told_and_no_gradient_is_stored(case):
    change, kind, message = case
    x, w = leaf(1, 2), leaf(3, 4)
    loss = (x * w).sum()
    change(x)
    with pytest.raises(kind) as caught:
        loss.backward()
    assert message in str(caught.value)
    assert w.grad is None


@pytest.mark.parametrize("name", INSTEAD)
def test_a_name_of_another_library_has_its_own_named(name):
    x = leaf(1, 2)
    assert not hasattr(x, name)
    with pytest.raises(AttributeError, match=rf"'Tensor' object has no attribute '{name}'; take \S+"):
        getattr(x, name)


def test_a_name_of_nobody_is_pythons_own_error():
    with pytest.raises(AttributeError) as caught:
        leaf(1, 2).gradient  # noqa: B018
    assert str(caught.value) == "'Tensor' object has no attribute 'gradient'" and caught.value.name == "gradient"
    again = pickle.loads(pickle.dumps(copy.deepcopy(leaf(1, 2))))
    np.testing.assert_array_equal(again.data, [1, 2])


def test_numpy_s_view_of_a_tensor_is_its_own_array_where_nothing_has_to_change():
    """As NumPy has it of arrays: with a dtype that is there already too. With copy=False nothing is ever copied."""
    x = leaf(1, 2)
    assert np.asarray(x) is x.data and np.asarray(x, np.float64) is x.data
    assert np.asarray(x, np.float32).dtype == np.float32
    assert not np.shares_memory(np.array(x), x.data)
    if int(np.__version__.partition(".")[0]) > 1:  # before that NumPy took copy=False for "where it can be"
        assert np.array(x, copy=False) is x.data
        with pytest.raises(ValueError, match="copy"):
            np.array(x, np.float32, copy=False)
