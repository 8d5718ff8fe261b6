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
