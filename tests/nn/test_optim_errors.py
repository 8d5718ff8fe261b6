"""What the optimisers refuse, and in which words."""

import numpy as np
import pytest

import minifcn as mf
from minifcn.nn.optim import SGD, Adam


def leaf(*shape):
    return mf.Tensor(np.ones(shape), requires_grad=True)


W = leaf(3, 2)


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: SGD(mf.nn.Linear(2, 3), 0.1), TypeError, "SGD: got a Linear; give a list of Tensors, of a module its .parameters()"),
        (lambda: SGD([], 0.1), ValueError, "SGD: no parameters to optimise; give model.parameters()"),
        (lambda: Adam(iter(())), ValueError, "Adam: no parameters to optimise"),
        (lambda: SGD([W], -0.1), ValueError, "SGD: lr is -0.1; expected a number of at least 0"),
        (lambda: SGD([W], float("nan")), ValueError, "SGD: lr is nan"),
        (lambda: Adam([W], weight_decay=-1), ValueError, "Adam: weight_decay is -1"),
        (lambda: SGD([W], 0.1, momentum=1), ValueError, "SGD: momentum is 1; expected 0 or more and below 1"),
        (lambda: SGD([W], 0.1, momentum=-0.1), ValueError, "SGD: momentum is -0.1"),
        (lambda: Adam([W], betas=(0.9, 1.0)), ValueError, r"Adam: betas are \(0.9, 1.0\); expected two numbers"),
        (lambda: Adam([W], betas=(-0.1, 0.9)), ValueError, "Adam: betas are"),
        (lambda: SGD([W, W], 0.1), ValueError, "SGD: a parameter is listed twice; it would be moved twice a step"),
        (lambda: SGD([{"params": [W]}, {"params": W}], 0.1), ValueError, "SGD: a parameter is listed twice"),
        (lambda: SGD([W, np.ones(3)], 0.1), TypeError, "SGD: expected Tensors, got ndarray"),
        (lambda: SGD(["weight"], 0.1), TypeError, "SGD: expected Tensors, got str"),
        (lambda: SGD([{"params": [3]}], 0.1), TypeError, "SGD: expected Tensors, got int"),
        (lambda: SGD([{"parameters": [W]}], 0.1), ValueError, r"SGD: a group is a dict with .*got \['parameters'\]"),
        (lambda: SGD([{"params": [W], "momentum": 0}], 0.1), ValueError, "SGD: a group is a dict .*'momentum'"),
        (lambda: SGD([{"params": [W]}, W], 0.1), ValueError, "SGD: a group is a dict .*got Tensor"),
        (lambda: SGD([{"params": [W], "lr": -1}], 0.1), ValueError, "SGD: lr is -1"),
        (lambda: Adam([{"params": [W], "decay_multiplier": -1}]), ValueError, "Adam: decay_multiplier is -1"),
        (lambda: Adam([{"params": [W], "lr_multiplier": -1}]), ValueError, "Adam: lr_multiplier is -1"),
    ],
)  # fmt: skip
def test_what_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_tensor_is_not_taken_for_a_list_of_its_rows():
    """`SGD(weight, …)` for `SGD([weight], …)`: the rows are results, no leaves: nothing would be trained."""
    with pytest.raises(TypeError, match="SGD: "):
        SGD(leaf(3, 2), 0.1)


@pytest.mark.parametrize("betas", [(0.9,), (0.9, 0.99, 0.999)])
def test_adam_wants_two_betas(betas):
    with pytest.raises(ValueError, match=r"Adam: betas are .*expected two numbers"):
        Adam([leaf(2)], betas=betas)


def stepped(kind, *shapes, **options):
    parameters = [leaf(*shape) for shape in shapes]
    optimiser = kind(parameters, 0.1, **options)
    for parameter in parameters:
        parameter.grad = np.ones(parameter.shape)
    optimiser.step()
    return optimiser


def test_a_state_of_other_parameters_is_refused_and_nothing_changes():
    optimiser = stepped(SGD, (3, 2), (4,), momentum=0.9)
    before = optimiser.state_dict()
    for state in (
        stepped(SGD, (2, 3), (4,), momentum=0.9).state_dict(),
        stepped(SGD, (3, 2), (4,), (5,), momentum=0.9).state_dict(),
        {"steps": np.array(1), "x.velocity": np.ones(4)},
    ):
        with pytest.raises(ValueError, match=r"SGD: the saved \S+ \(.*\) fits none of the 2 parameters"):
            optimiser.load_state_dict(state)
        after = optimiser.state_dict()
        assert list(after) == list(before) and all(np.array_equal(after[key], before[key]) for key in before)


def test_a_state_without_steps_is_refused_with_a_sentence():
    with pytest.raises(ValueError, match=r"SGD: .*steps"):
        stepped(SGD, (3,), momentum=0.9).load_state_dict({"0.velocity": np.ones(3)})


def test_the_state_of_another_optimiser_is_refused():
    """Taken in silence, a resumed run would start its momentum anew."""
    with pytest.raises(ValueError, match="SGD: "):
        stepped(SGD, (3,), momentum=0.9).load_state_dict(stepped(Adam, (3,)).state_dict())


def test_a_number_is_not_taken_for_the_velocity_of_an_array():
    with pytest.raises(ValueError, match="SGD: "):
        stepped(SGD, (3,), momentum=0.9).load_state_dict({"0.velocity": np.ones(()), "steps": np.array(1)})


NUMBERS = {
    "lr a string": (lambda: SGD([W], "0.1"), TypeError, "SGD: lr is '0.1'; expected a number"),
    "lr None": (lambda: Adam([W], None), TypeError, "Adam: lr is None; expected a number"),
    "lr a list": (lambda: SGD([W], [0.1]), TypeError, r"SGD: lr is \[0.1\]; expected a number"),
    "lr infinite": (lambda: SGD([W], float("inf")), ValueError, "SGD: lr is infinite; expected a number of at least 0"),
    "momentum": (lambda: SGD([W], 0.1, momentum=None), TypeError, "SGD: momentum is None; expected a number"),
    "decay": (lambda: SGD([W], 0.1, weight_decay="0"), TypeError, "SGD: weight_decay is '0'; expected a number"),
    "one beta": (lambda: Adam([W], betas=0.9), ValueError, "Adam: betas are 0.9; expected two numbers"),
    "a beta": (lambda: Adam([W], betas=(0.9, "x")), TypeError, "Adam: a beta is 'x'; expected a number"),
    "eps 0": (lambda: Adam([W], eps=0), ValueError, "Adam: eps is 0; expected a number above 0"),
    "eps below": (lambda: Adam([W], eps=-1e-8), ValueError, "Adam: eps is -1e-08; expected a number above 0"),
    "a result": (lambda: SGD([W * 2], 0.1), ValueError, "SGD: a parameter is the result of Mul, .*so nothing would be trained"),
}  # fmt: skip


@pytest.mark.parametrize("case", NUMBERS.values(), ids=NUMBERS)
def test_what_is_no_number_and_what_is_no_leaf(case):
    make, error, message = case
    with pytest.raises(error, match=message):
        make()


def integers(w):
    w.data = np.ones((3, 2), int)


def locked(w):
    w.data.flags.writeable = False


MISFITS = {
    "a gradient of another shape": (lambda w: setattr(w, "grad", np.ones((2, 3))), "parameter 1 has shape .3, 2., and its .grad .2, 3."),
    "one that NumPy would stretch": (lambda w: setattr(w, "grad", np.ones(1)), "parameter 1 has shape .3, 2., and its .grad .1,."),
    "a list": (lambda w: setattr(w, "grad", [1, 2]), "the .grad of parameter 1 is list; expected an array of numbers"),
    "a tensor": (lambda w: setattr(w, "grad", leaf(3, 2)), "the .grad of parameter 1 is float64; expected an array"),
    "complex numbers": (lambda w: setattr(w, "grad", 1j * np.ones((3, 2))), "the .grad of parameter 1 is complex128"),
    "integers to train": (integers, "parameter 1 has dtype int64; only floating point can be trained"),
    "memory that is locked": (locked, "parameter 1 cannot be written to; give it an array of its own"),
}  # fmt: skip


@pytest.mark.parametrize("kind", [SGD, Adam])
@pytest.mark.parametrize("case", MISFITS.values(), ids=MISFITS)
def test_a_gradient_that_does_not_fit_is_told_before_anything_moves(kind, case):
    change, message = case
    first, w = leaf(2), leaf(3, 2)
    first.grad, w.grad = np.ones(2), np.ones((3, 2))
    optimiser = kind([first, w], 0.1)
    change(w)
    with pytest.raises((TypeError, ValueError), match=f"{kind.__name__}: .*{message}"):
        optimiser.step()
    assert (first.data == 1).all() and optimiser.steps == 0


def test_a_parameter_that_was_given_another_shape_wants_a_new_optimiser():
    optimiser = stepped(SGD, (2,), momentum=0.9)
    (w,) = optimiser.parameters()
    w.data, w.grad = np.ones(3), np.ones(3)
    with pytest.raises(
        ValueError,
        match=r"SGD: parameter 0 has shape \(3,\), and had \(2,\) when it was moved last; make a new optimiser",
    ):
        optimiser.step()


@pytest.mark.parametrize("rate", ["x", None, float("nan"), -1.0])
def test_a_rate_that_is_set_later_is_looked_at_too(rate):
    optimiser = stepped(SGD, (2,))
    before = optimiser.parameters()[0].data.copy()
    optimiser.lr = rate
    with pytest.raises((TypeError, ValueError), match="SGD: lr is"):
        optimiser.step()
    np.testing.assert_array_equal(optimiser.parameters()[0].data, before)


STATES = {
    "steps below 0": ({"steps": np.array(-5)}, "the saved steps are -5; expected one number of at least 0"),
    "steps a list": ({"steps": [1, 2]}, r"the saved steps are \[1 2\]; expected one number"),
    "half of a state": ({"steps": 1, "0.mean": np.ones(2), "0.square": np.ones(2)}, "of parameter 0 the saved state lacks 0.count"),
    "no dict": (3, "the saved state has no steps"),
}  # fmt: skip


@pytest.mark.parametrize("case", STATES.values(), ids=STATES)
def test_a_state_that_is_none(case):
    state, message = case
    optimiser = stepped(Adam, (2,))
    before = optimiser.state_dict()
    with pytest.raises(ValueError, match=f"Adam: .*{message}"):
        optimiser.load_state_dict(state)
    assert all(np.array_equal(value, before[name]) for name, value in optimiser.state_dict().items())
