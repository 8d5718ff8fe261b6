"""An optimiser's step on a GPU, in one launch, against the formula on the CPU and against a launch a parameter."""

import numpy as np
import pytest

import minifcn as mf
from minifcn import backend
from minifcn.kernels.gpu import optimiser as gpu_optimiser
from minifcn.nn.optim import SGD, Adam

from .conftest import down


def normal(*shape, seed=0, dtype="float64"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("go", [True, False])
@pytest.mark.parametrize(
    "make",
    [
        lambda p: SGD(p, 0.1, 0.9, 0.01), lambda p: SGD(p, 0.1), lambda p: Adam(p, 0.01, weight_decay=0.1),
        lambda p: SGD([{"params": p, "lr_multiplier": 2.0, "weight_decay": 0.0}], 0.1, 0.5, 0.1),
    ],
)  # fmt: skip
def test_a_step_is_the_formula_s(make, go, cupy):
    def after(device):
        parameters = [mf.Tensor(normal(3, 4, seed=k), requires_grad=True).to(device) for k in range(2)]
        parameters = [mf.Tensor(p.data, requires_grad=True) for p in parameters]
        optimiser = make(parameters)
        for step in range(3):
            for number, parameter in enumerate(parameters):
                parameter.grad = mf.Tensor(normal(3, 4, seed=10 * step + number)).to(device).data
            optimiser.step(only_if=go if device == "cpu" else cupy.asarray(np.asarray(go)))
        return [backend.to_device(p.data, "cpu") for p in parameters], optimiser.state_dict()

    (wanted, state), (found, theirs) = after("cpu"), after("gpu")
    for a, b in zip(wanted, found, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-12)
    if go:
        for name, value in state.items():
            np.testing.assert_allclose(theirs[name], value, rtol=1e-12)


@pytest.mark.parametrize(
    "make", [lambda p: SGD(p, 0.1, 0.9, 0.01), lambda p: SGD(p, 0.1), lambda p: Adam(p, 0.01, weight_decay=0.1)]
)
def test_all_parameters_at_once_move_as_one_by_one(make, cupy, monkeypatch):
    """Whatever their sizes; one without a gradient stays, and one whose gradient lies in another order moves by itself beside the others."""
    shapes = [(3, 4), (4096,), (2, 4096, 3), (0,), (5,), (4097,)]

    def after(together):
        parameters = [
            mf.Tensor(cupy.asarray(normal(*shape, seed=1, dtype="float32")), requires_grad=True) for shape in shapes
        ]
        optimiser = make(parameters)
        with monkeypatch.context() as patch:
            if not together:
                patch.setattr(gpu_optimiser, "possible", lambda rates: False)
            for step in range(3):
                for number, parameter in enumerate(parameters):
                    still = number == 4 or (number == 5 and step == 1)
                    grad = normal(*shapes[number], seed=step + 2, dtype="float32")
                    there = cupy.asarray(grad)
                    if number == 2:
                        there = cupy.ascontiguousarray(there.swapaxes(0, 2)).swapaxes(0, 2)
                    parameter.grad = None if still else there
                optimiser.step()
        return [down(p.data) for p in parameters] + [a for name, a in sorted(optimiser.state_dict().items())]

    tolerance = 0 if "stand-in" in cupy.__version__ else 1e-6  # two kernels of a GPU's compiler may round apart
    for one, other in zip(after(True), after(False), strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=0)


def test_a_table_of_parameters_goes_up_when_an_address_changes(up, cupy):
    parameters = [mf.Tensor(up(normal(9, seed=k)), requires_grad=True) for k in range(2)]
    optimiser = SGD(parameters, 0.1)
    gpu_optimiser.uploaded.cache_clear()
    for _ in range(3):
        for parameter in parameters:
            parameter.grad = parameter.grad if parameter.grad is not None else up(np.ones(9))
        optimiser.step()
    assert gpu_optimiser.uploaded.cache_info().misses == 1
    kept, parameters[0].grad = parameters[0].grad, up(np.zeros(9))
    optimiser.step()
    assert gpu_optimiser.uploaded.cache_info().misses == 2 and kept is not None
    np.testing.assert_allclose(down(parameters[0].data), normal(9, seed=0) - 0.3, rtol=1e-12)
    np.testing.assert_allclose(down(parameters[1].data), normal(9, seed=1) - 0.4, rtol=1e-12)
