"""The update rules to be read are those that run: equal to the bit, also where the full ones go block by block."""

import numpy as np
import pytest

import minifcn as mf
from minifcn.nn import optim, simple

SHAPES = [(3, 2), (4,), (700, 900), (2, 3, 1, 2)]  # the third is larger than a block


def tensors(dtype):
    rng = np.random.default_rng(7)
    return [mf.Tensor(rng.standard_normal(shape).astype(dtype), requires_grad=True) for shape in SHAPES]


def with_gradients(step, *lists):
    rng = np.random.default_rng([8, step])
    gradients = [rng.standard_normal(shape) * 10.0 ** (step % 3 - 1) for shape in SHAPES]
    for parameters in lists:
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient.astype(parameter.dtype)


def zeros(parameters):
    return [np.zeros_like(parameter.data) for parameter in parameters]


def assert_equal(ours, full):
    for mine, theirs in zip(ours, full, strict=True):
        np.testing.assert_array_equal(mine.data, theirs.data)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("momentum, decay", [(0.0, 0.0), (0.9, 0.0), (0.0, 0.1), (0.99, 0.01)])
def test_sgd(dtype, momentum, decay):
    ours, full = tensors(dtype), tensors(dtype)
    velocities = zeros(ours)
    optimiser = optim.SGD(full, lr=0.05, momentum=momentum, weight_decay=decay)
    for step in range(5):
        with_gradients(step, ours, full)
        optimiser.lr = 0.05 / (step + 1)
        simple.sgd_step(ours, velocities, 0.05 / (step + 1), momentum, decay)
        optimiser.step()
        assert_equal(ours, full)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adam(dtype, decay):
    ours, full = tensors(dtype), tensors(dtype)
    means, squares = zeros(ours), zeros(ours)
    optimiser = optim.Adam(full, lr=0.01, betas=(0.8, 0.99), weight_decay=decay)
    for step in range(5):
        with_gradients(step, ours, full)
        simple.adam_step(ours, means, squares, step + 1, 0.01, (0.8, 0.99), decay=decay)
        optimiser.step()
        assert_equal(ours, full)
