"""Every operation on the device gives what it gives on the CPU, forward and backward, with the readable kernels and with the fast ones."""

import numpy as np
import pytest

from minifcn import Tensor, kernels
from minifcn.ops import OPERATIONS

from .conftest import down, same


def on(device, array, **options):
    return Tensor(array, **options).to(device) if device == "gpu" else Tensor(array, **options)


def run(operation, call, device, dtype):
    """The result of a call and the gradients of its inputs, for a random incoming gradient."""
    tensors = []
    for value in call.inputs:
        data = Tensor(value.astype(dtype) if value.dtype.kind == "f" else value).to(device).data
        tensors.append(Tensor(data, requires_grad=value.dtype.kind == "f"))
    result = call.run(operation.function, tensors)
    first = result[0] if isinstance(result, tuple) else result
    grad = np.random.default_rng(9).standard_normal(first.shape).astype(first.dtype)
    if first.requires_grad:
        first.backward(Tensor(grad).to(device).data)
    return first, [t.grad for t in tensors if t.requires_grad]


@pytest.mark.parametrize("choice", ["simple", "fast"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_is_the_same_on_the_device(name, dtype, choice, cupy):
    operation = OPERATIONS[name]
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    for seed in range(12):
        call = operation.sample(np.random.default_rng(seed))
        with kernels.use("simple"):
            wanted, gradients = run(operation, call, "cpu", dtype)
        with kernels.use(choice):
            found, theirs = run(operation, call, "gpu", dtype)
        same(found, wanted.data, tolerance)
        for ours, other in zip(gradients, theirs, strict=True):
            if ours is None:
                assert other is None
            else:
                same(other, np.asarray(ours), tolerance)


def test_labels_and_weights_may_lie_on_the_cpu(up):
    """A person has them as NumPy arrays, whatever the model runs on."""
    from minifcn import ops

    rng = np.random.default_rng(0)
    scores, labels, weight = rng.standard_normal((2, 3, 4, 5)), rng.integers(0, 3, (2, 4, 5)), rng.random(3)
    wanted = ops.softmax_cross_entropy(scores, labels, weight)
    same(ops.softmax_cross_entropy(up(scores), labels, weight), wanted.data)
    assert down(ops.softmax_cross_entropy(up(scores), up(labels), up(weight))) == pytest.approx(float(wanted.data))
