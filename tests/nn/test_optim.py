"""SGD and Adam: against a formula written out for one number, and against PyTorch over many steps."""

import math

import numpy as np
import pytest
from twins import MISSING, torch

import minifcn as mf
from minifcn.nn.optim import SGD, Adam

SHAPES = [(3, 2), (4,), (), (2, 3, 1, 2)]
needs_torch = pytest.mark.skipif(torch is None, reason=MISSING)


def starts(dtype=np.float64):
    rng = np.random.default_rng(2)
    return [np.asarray(rng.standard_normal(shape), dtype) for shape in SHAPES]


def tensors(dtype=np.float64):
    return [mf.Tensor(array.copy(), requires_grad=True) for array in starts(dtype)]


def gradients(step, dtype=np.float64):
    rng = np.random.default_rng([5, step])
    return [np.asarray(rng.standard_normal(shape) * 10.0 ** (step % 3 - 1), dtype) for shape in SHAPES]


def drive(optimiser, parameters, steps, start=0):
    for step in range(start, start + steps):
        for parameter, gradient in zip(parameters, gradients(step, parameters[0].dtype), strict=True):
            parameter.grad = gradient.astype(parameter.dtype)
        optimiser.step()


@pytest.mark.parametrize("momentum, decay", [(0, 0), (0.9, 0), (0, 0.1), (0.99, 0.01)])
def test_sgd_by_hand(momentum, decay):
    parameters = tensors()
    drive(SGD(parameters, lr=0.05, momentum=momentum, weight_decay=decay), parameters, 20)
    w, v = float(starts()[2]), 0.0
    for step in range(20):
        v = momentum * v + float(gradients(step)[2]) + decay * w
        w -= 0.05 * v
    assert parameters[2].item() == pytest.approx(w, rel=1e-13)


def moved_by(rates, rate_in_velocity, momentum=0.9):
    """How far a weight goes under a gradient of 1, in either form of momentum, by hand."""
    w = v = 0.0
    for rate in rates:
        v = momentum * v + (rate if rate_in_velocity else 1.0)
        w -= v if rate_in_velocity else rate * v
    return -w


def test_the_two_forms_of_momentum_differ_as_the_docstring_says():
    falling, still = [0.1 * (1 - step / 200) for step in range(200)], [0.1] * 200
    for rates in (falling, still):
        parameter = mf.Tensor(np.zeros(1), requires_grad=True)
        optimiser = SGD([parameter], lr=1.0, momentum=0.9)
        for optimiser.lr in rates:
            parameter.grad = np.ones(1)
            optimiser.step()
        assert -parameter.item() == pytest.approx(moved_by(rates, rate_in_velocity=False), rel=1e-12)
    said = "a weight moves by {:.1f}\n    here and by {:.2f} there."
    assert said.format(moved_by(falling, False), moved_by(falling, True)) in SGD.__doc__
    assert moved_by(still, False) == pytest.approx(moved_by(still, True), rel=1e-12)


@pytest.mark.parametrize("decay", [0, 0.1])
def test_adam_by_hand(decay):
    parameters = tensors()
    drive(Adam(parameters, lr=0.01, betas=(0.8, 0.95), eps=1e-3, weight_decay=decay), parameters, 20)
    w, mean, square = float(starts()[2]), 0.0, 0.0
    for step in range(20):
        g = float(gradients(step)[2]) + decay * w
        mean, square = 0.8 * mean + 0.2 * g, 0.95 * square + 0.05 * g * g
        w -= 0.01 * (mean / (1 - 0.8 ** (step + 1))) / (math.sqrt(square / (1 - 0.95 ** (step + 1))) + 1e-3)
    assert parameters[2].item() == pytest.approx(w, rel=1e-12)


TORCH_CASES = {
    "sgd": (SGD, "SGD", dict(lr=0.1)),
    "sgd momentum": (SGD, "SGD", dict(lr=0.1, momentum=0.9)),
    "sgd decay": (SGD, "SGD", dict(lr=0.02, momentum=0.99, weight_decay=0.05)),
    "adam": (Adam, "Adam", dict(lr=0.01)),
    "adam options": (Adam, "Adam", dict(lr=0.03, betas=(0.5, 0.9), eps=1e-4, weight_decay=0.1)),
    "adam no memory": (Adam, "Adam", dict(lr=0.01, betas=(0.0, 0.0))),
}


def compare_with_torch(ours, theirs, parameters, twins, steps=200):
    for step in range(steps):
        for parameter, twin, gradient in zip(parameters, twins, gradients(step), strict=True):
            parameter.grad, twin.grad = gradient.copy(), torch.from_numpy(gradient.copy())
        ours.step()
        theirs.step()
    for parameter, twin, start in zip(parameters, twins, starts(), strict=True):
        np.testing.assert_allclose(parameter.data, twin.detach().numpy(), rtol=1e-12, atol=1e-12)
        assert np.abs(parameter.data - start).max() > 1e-2  # it moved at all


def torch_twins():
    return [torch.tensor(array, requires_grad=True) for array in starts()]


@needs_torch
@pytest.mark.parametrize("case", TORCH_CASES)
def test_parity_with_pytorch(case):
    kind, name, options = TORCH_CASES[case]
    parameters, twins = tensors(), torch_twins()
    compare_with_torch(kind(parameters, **options), getattr(torch.optim, name)(twins, **options), parameters, twins)


@needs_torch
@pytest.mark.parametrize("kind", [SGD, Adam])
def test_groups_against_pytorch(kind):
    """Biases at twice the rate without decay (reference's lr_mult 2, decay_mult 0); one with its own numbers."""
    parameters, twins = tensors(), torch_twins()
    ours = kind(
        [
            {"params": parameters[:1]},
            {"params": parameters[1], "lr_multiplier": 2, "decay_multiplier": 0},
            {
                "params": iter(parameters[2:]),
                "lr": 0.5,
                "weight_decay": 0.2,
                "lr_multiplier": 0.1,
                "decay_multiplier": 3,
            },
        ],
        lr=0.03,
        weight_decay=0.1,
    )
    theirs = getattr(torch.optim, kind.__name__)(
        [
            {"params": twins[:1], "lr": 0.03, "weight_decay": 0.1},
            {"params": twins[1], "lr": 0.06, "weight_decay": 0.0},
            {"params": twins[2:], "lr": 0.05, "weight_decay": 0.6},
        ],
        lr=1.0,
    )
    compare_with_torch(ours, theirs, parameters, twins, 50)


@needs_torch
def test_a_schedule_against_pytorch():
    parameters, twins = tensors(), torch_twins()
    ours, theirs = SGD(parameters, lr=1, momentum=0.9), torch.optim.SGD(twins, lr=1, momentum=0.9)
    for lr in (0.1, 0.01, 0.2):
        ours.lr = theirs.param_groups[0]["lr"] = lr
        compare_with_torch(ours, theirs, parameters, twins, 5)


def makers():
    return [
        pytest.param(lambda p: SGD(p, lr=0.1), id="sgd"),
        pytest.param(lambda p: SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01), id="momentum"),
        pytest.param(lambda p: Adam(p, lr=0.1, weight_decay=0.01), id="adam"),
    ]


@pytest.mark.parametrize("make", makers())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_array_is_updated_and_keeps_its_dtype(make, dtype):
    parameters = tensors(dtype)
    arrays = [p.data for p in parameters]
    drive(make(parameters), parameters, 3)
    for parameter, array, start in zip(parameters, arrays, starts(dtype), strict=True):
        assert parameter.data is array and array.dtype == dtype
        assert not np.array_equal(array, start)


@pytest.mark.parametrize("make", makers())
def test_gradients_are_left_as_they_are(make):
    parameters = tensors()
    optimiser = make(parameters)
    for step in range(3):
        drive(optimiser, parameters, 1, step)
        for parameter, gradient in zip(parameters, gradients(step), strict=True):
            np.testing.assert_array_equal(parameter.grad, gradient)


def test_a_gradient_that_stays_is_used_again_as_it_is():
    """Velocity must be an array of its own: with the gradient's, the second step would double it in place."""
    w = mf.Tensor(np.zeros(2), requires_grad=True)
    w.grad = np.ones(2)
    optimiser = SGD([w], lr=1, momentum=0.5)
    for expected in (-1, -2.5, -4.25):
        optimiser.step()
        np.testing.assert_array_equal(w.data, [expected, expected])
        np.testing.assert_array_equal(w.grad, [1, 1])


@pytest.mark.parametrize("make", makers())
def test_parameters_without_a_gradient_are_skipped(make):
    parameters = tensors()
    parameters[1].requires_grad = False
    parameters[1].grad = np.ones(4)
    optimiser = make(parameters)
    parameters[0].grad = np.ones((3, 2))
    optimiser.step()
    same = [np.array_equal(p.data, start) for p, start in zip(parameters, starts(), strict=True)]
    assert same == [False, True, True, True]


@pytest.mark.parametrize("make", makers())
def test_a_parameter_that_joins_later_starts_as_if_new(make):
    late, alone = tensors(), tensors()
    optimiser = make(late)
    late[0].grad = np.ones((3, 2))
    for _ in range(5):
        optimiser.step()
    late[1].grad = np.full(4, 0.5)
    optimiser.step()
    other = make(alone)
    alone[1].grad = np.full(4, 0.5)
    other.step()
    np.testing.assert_array_equal(late[1].data, alone[1].data)


def test_zero_grad_forgets():
    parameters = tensors()
    optimiser = SGD([{"params": parameters[:2]}, {"params": parameters[2:]}], lr=1)
    drive(optimiser, parameters, 1)
    optimiser.zero_grad()
    assert all(p.grad is None for p in parameters)


@pytest.mark.parametrize("make", makers())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_saved_state_continues_bit_for_bit(make, dtype):
    straight = tensors(dtype)
    drive(make(straight), straight, 12)
    first = tensors(dtype)
    optimiser = make(first)
    drive(optimiser, first, 5)
    state, again = optimiser.state_dict(), [mf.Tensor(p.data.copy(), requires_grad=True) for p in first]
    drive(optimiser, first, 3, 5)  # the saved arrays are copies: going on does not change them
    resumed = make(again)
    resumed.load_state_dict(state)
    kept = {key: value.copy() for key, value in state.items()}
    drive(resumed, again, 7, 5)
    for one, other in zip(straight, again, strict=True):
        np.testing.assert_array_equal(one.data, other.data)
    assert resumed.steps == 12 and int(state["steps"]) == 5
    assert all(np.array_equal(value, kept[key]) for key, value in state.items())


def test_any_iterable_of_tensors():
    for wrap in (list, tuple, iter, lambda ts: {id(t): t for t in ts}.values(), lambda ts: (t for t in ts)):
        parameters = tensors()
        drive(SGD(wrap(parameters), lr=0.1), parameters, 1)
        np.testing.assert_allclose(parameters[0].data, starts()[0] - 0.1 * gradients(0)[0])
