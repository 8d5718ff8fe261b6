"""What fn reads by itself: named, compared, and left exactly as it was."""

import numpy as np
import pytest

import minifcn as mf

from .functions import elementwise, rejected

X = np.random.default_rng(0).standard_normal((2, 3))
PICTURE = np.random.default_rng(1).standard_normal((1, 2, 4, 4))


class Scale(mf.Function):
    def __init__(self, factor=1.0):
        self.factor = factor

    def forward(self, x, weight):
        self.x, self.weight = x, weight
        return x * weight

    def backward(self, grad):
        return grad * self.weight, (self.factor * grad * self.x).sum(0)


class Two(mf.nn.Module):
    """A module of two modules, one weight of which may get a wrong gradient."""

    def __init__(self, factor=1.0):
        self.first = Weight(1.0)
        self.parts = [Weight(factor)]

    def forward(self, x):
        return self.parts[0](self.first(x))


class Weight(mf.nn.Module):
    def __init__(self, factor):
        self.weight = mf.nn.Parameter(np.array([1.0, -2.0, 0.5]))
        self.factor = factor

    def forward(self, x):
        return Scale(self.factor)(x, self.weight)


def tensor(*values):
    return mf.Tensor(np.array(values), requires_grad=True)


def test_a_module():
    report = mf.gradcheck(Two(), X, parameters=Two())  # parameters that fn never reads: gradient 0, and 0 it is
    assert not report.inputs["first.weight"].analytic.any()
    model = Two()
    report = mf.gradcheck(model, X, parameters=model)
    assert list(report.inputs) == [0, "first.weight", "parts.0.weight"]
    assert (
        report.inputs["parts.0.weight"].analytic.all()
        and report.inputs["parts.0.weight"].name == "parameter parts.0.weight"
    )
    assert report.elements == 6 + 3 + 3


def test_a_wrong_gradient_is_named_by_its_parameter():
    model = Two(1.5)
    message = rejected(model, X, parameters=model)
    assert "parameter parts.0.weight: 3 of 3 elements wrong" in message
    assert "off by a factor 1.500" in message
    assert "right: input 0, parameter first.weight" in message


def test_a_layer_of_the_library():
    with np.errstate(all="raise"):
        model = mf.nn.Conv2d(2, 3, 3, padding=1).astype("float64")
        report = mf.gradcheck(model, PICTURE, parameters=model)
    assert [found.kind for found in report.inputs.values()] == ["linear"] * 3
    assert report.worst < 1e-13


def test_a_dict_a_list_a_tuple_a_generator_and_one_tensor():
    a, b = tensor(1.0, 2.0, 3.0), tensor(0.5, -1.0, 4.0)

    def fn(x):
        return Scale()(x, a) + b

    for given, names in (
        ({"slope": a, "shift": b}, ["slope", "shift"]),
        ([a, b], ["0", "1"]),
        ((a, b), ["0", "1"]),
        ((t for t in (a, b)), ["0", "1"]),
        (b, ["0"]),
    ):
        report = mf.gradcheck(fn, X, parameters=given)
        assert list(report.inputs) == [0, *names]
        assert all(found.numeric.any() for found in report.inputs.values())


def test_parameters_alone():
    weight = tensor(1.0, -2.0, 0.5)
    report = mf.gradcheck(lambda: Scale()(X, weight), parameters=weight)
    assert list(report.inputs) == ["0"]
    rejected(lambda: Scale(0.5)(X, weight), parameters=weight, match="parameter 0: 3 of 3")


def test_a_frozen_parameter_is_left_out():
    frozen, free = mf.nn.Parameter(np.ones(3), requires_grad=False), mf.nn.Parameter(np.full(3, 2.0))
    report = mf.gradcheck(lambda x: Scale(3.0)(x, frozen) + free, X, parameters={"frozen": frozen, "free": free})
    assert list(report.inputs) == [0, "free"]
    only_frozen = mf.gradcheck(lambda x: x * 2, X, parameters=[frozen])
    assert list(only_frozen.inputs) == [0]


def test_a_parameter_that_fn_never_reads_has_gradient_zero():
    unused = tensor(1.0, 2.0)
    found = mf.gradcheck(lambda x: x * 2, X, parameters={"unused": unused}).inputs["unused"]
    assert not found.analytic.any() and not found.numeric.any() and found.elements == 2


def test_a_parameter_that_fn_reads_behind_the_engine_has_a_wrong_gradient():
    """`.data` by hand: the result depends on it, and no gradient comes."""
    weight = tensor(1.0, 2.0, 3.0)
    assert "zero everywhere" in rejected(lambda x: x * weight.data, X, parameters=weight)


def test_a_parameter_read_twice_gets_both_gradients():
    weight = tensor(1.0, 2.0, 3.0)
    report = mf.gradcheck(lambda x: Scale()(Scale()(x, weight), weight), X, parameters=weight)
    assert report.inputs["0"].kind == "curved"


def state(tensors):
    return [(t.data, t.data.tobytes(), t.grad, None if t.grad is None else t.grad.tobytes()) for t in tensors]


def assert_unchanged(tensors, before):
    for t, (data, values, grad, grad_values) in zip(tensors, before, strict=True):
        assert t.data is data and t.data.tobytes() == values
        assert t.grad is grad and (grad is None or t.grad.tobytes() == grad_values)


@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_data_and_grad_are_left_as_they_were(factor):
    model = Two(factor)
    model.first.weight.grad = np.array([7.0, np.nan, -0.0])
    given = mf.Tensor(X.copy(), requires_grad=True)
    given.grad = np.ones(X.shape)
    everything = [*model.parameters(), given]
    before = state(everything)
    if factor == 1:
        mf.gradcheck(model, given, parameters=model)
        mf.gradcheck(model, given, parameters=model, directions=2)
    else:
        rejected(model, given, parameters=model)
        rejected(model, given, parameters=model, directions=2)
    assert_unchanged(everything, before)


def test_data_and_grad_are_left_as_they_were_when_fn_raises():
    """At whichever of its runs it raises: while gradients are made, or while a number is moved."""
    model, runs, last = Two(), 0, 0
    model.first.weight.grad = np.array([7.0, 8.0, 9.0])
    given = mf.Tensor(X.copy(), requires_grad=True)
    everything = [*model.parameters(), given]
    before = state(everything)

    def fragile(x):
        nonlocal runs
        runs += 1
        if runs == last:
            raise KeyboardInterrupt
        return model(x)

    mf.gradcheck(fragile, given, parameters=model)
    for last in range(1, runs + 1):  # noqa: B007 - fragile reads it
        runs = 0
        with pytest.raises(KeyboardInterrupt):
            mf.gradcheck(fragile, given, parameters=model)
        assert_unchanged(everything, before)
    assert last > 30, "as many ways to break off as runs"


def test_data_and_grad_are_left_as_they_were_when_backward_raises():
    class Broken(mf.Function):
        def forward(self, x, weight):
            return x * weight

        def backward(self, grad):
            raise ZeroDivisionError

    weight = tensor(1.0, 2.0, 3.0)
    weight.grad = np.ones(3)
    before = state([weight])
    with pytest.raises(ZeroDivisionError):
        mf.gradcheck(lambda x: Broken()(x, weight), X, parameters=weight)
    assert_unchanged([weight], before)


def test_memory_of_any_order_is_moved_in_place():
    """The parameter's own memory, whichever way it lies; a copy would not be read by fn."""
    wide = np.arange(24.0).reshape(4, 6)
    for data in (wide[::2, ::3], wide.T[:2, :2], np.asfortranarray(wide[:2, :2]), wide[::-1, ::-1][:2, :2]):
        weight = mf.Tensor(data, requires_grad=True)
        found = mf.gradcheck(lambda x, weight=weight: x @ weight, np.ones((3, 2)), parameters=weight).inputs["0"]
        assert found.numeric.all()


def test_a_parameter_may_be_an_input_too():
    weight = tensor(1.0, 2.0, 3.0)
    report = mf.gradcheck(lambda w: Scale()(X, w) + weight, weight, parameters={"again": weight})
    assert list(report.inputs) == [0, "again"]


def test_a_parameter_that_fn_changes_is_named():
    weight = tensor(1.0, 2.0, 3.0)

    def counting(x):
        weight.data[0] += 1
        return x * weight

    text = "parameter 0: was changed by the function; it must leave its parameters alone"
    assert text in rejected(counting, X, parameters=weight)


def test_a_parameter_that_fn_sets_once_and_for_all_is_named():
    """What is done twice changes nothing the second time; it is the first run that counts."""
    weight = tensor(1.0, 2.0, 3.0)

    def clipping(x):
        np.minimum(weight.data, 2, out=weight.data)
        return x * weight

    text = "parameter 0: was changed by the function; it must leave its parameters alone"
    assert text in rejected(clipping, X, parameters=weight)
    np.testing.assert_array_equal(weight.data, [1.0, 2.0, 3.0], "and put back, as inputs are")


def test_a_parameter_of_one_number():
    weight = mf.Tensor(np.array(1.5), requires_grad=True)
    square = elementwise(lambda x: x**2, lambda x: 2 * x, 1.01)
    mf.gradcheck(lambda x: x * weight, X, parameters=weight)
    rejected(lambda: square(weight), parameters=weight, match="parameter 0: 1 of 1")
