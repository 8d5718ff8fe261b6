"""A network stays channels last on a GPU. CuPy makes results in the order of the axes; the stand-in does so too, and hides it no more."""

import numpy as np
import pytest

from minifcn import Tensor, kernels, ops
from minifcn.kernels import simple
from minifcn.kernels.windows import Window

MAP = (2, 6, 5, 7)
OPERATIONS = {
    "conv2d": lambda x, up: ops.conv2d(x, up(np.ones((4, 6, 3, 3))), up(np.arange(4.0)), padding=1),
    "conv2d of 1x1": lambda x, up: ops.conv2d(x, up(np.ones((4, 6, 1, 1))), up(np.arange(4.0))),
    "conv2d in groups": lambda x, up: ops.conv2d(x, up(np.ones((4, 3, 3, 3))), up(np.arange(4.0)), groups=2),
    "conv_transpose2d": lambda x, up: ops.conv_transpose2d(x, up(np.ones((6, 1, 4, 4))), None, 2, 1, groups=6),
    "relu": lambda x, up: ops.relu(x),
    "max_pool2d": lambda x, up: ops.max_pool2d(x, 2),
    "avg_pool2d": lambda x, up: ops.avg_pool2d(x, 2),
    "dropout": lambda x, up: ops.dropout(x, 0.5, rng=1),
    "local_response_norm": lambda x, up: ops.local_response_norm(x, 3),
    "concat": lambda x, up: ops.concat([x, x * 2], 1),
    "add": lambda x, up: x + x * 2,
    "mul": lambda x, up: x * 0.01,
    "div": lambda x, up: x / 4,
    "maximum": lambda x, up: ops.maximum(x, x * 2),
    "cut": lambda x, up: x[:, :, 1:4, 1:4],
    "pad": lambda x, up: ops.pad(x, (1, 1, 1, 1)),
}


def last(array):
    """Whether the channels of a map are neighbours in memory."""
    return array.strides[1] == array.itemsize


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_maps_stay_channels_last(name, kind, up, cupy):
    rng = np.random.default_rng(1)
    lying = np.ascontiguousarray(rng.standard_normal(MAP).astype(kind).transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)

    def there(array):
        return up(np.asarray(array).astype(kind))

    x = Tensor(up(lying.transpose(0, 2, 3, 1).copy()).transpose(0, 3, 1, 2), requires_grad=True)
    assert last(x.data)
    y = OPERATIONS[name](x, there)
    assert last(y.data), y.data.strides
    plain = Tensor(lying, requires_grad=True)
    same = OPERATIONS[name](plain, lambda array: np.asarray(array).astype(kind))
    np.testing.assert_allclose(y.data.get(), same.data, rtol=1e-4, atol=1e-4)
    grad = np.ascontiguousarray(rng.standard_normal(same.shape).astype(kind).transpose(0, 2, 3, 1))
    y.backward(up(grad).transpose(0, 3, 1, 2))
    same.backward(grad.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(x.grad.get(), plain.grad, rtol=1e-3, atol=1e-4)
    assert last(x.grad), x.grad.strides


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 5, 7), (1, 21, 40, 60), (0, 4, 3, 3)])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_bias_gradient_is_the_sum_in_float64(shape, kind, up, cupy):
    grad = (np.random.default_rng(0).standard_normal(shape) + 1000).astype(kind)
    found = kernels.bias_gradient(up(grad))
    assert found.dtype == kind
    np.testing.assert_allclose(
        found.get(), grad.astype(np.float64).sum((0, 2, 3)), rtol=1e-6 if kind == "float32" else 1e-13
    )


def test_maxima_alone_are_those_with_places(up, cupy):
    x = np.random.default_rng(0).standard_normal((2, 3, 7, 9)).astype(np.float32)
    window = Window((3, 3), (2, 2), ((1, 1), (1, 1)))
    size = window.output_size(x.shape[2:])
    np.testing.assert_array_equal(
        kernels.max_pool2d_values(up(x), window, size).get(), simple.max_pool2d(x, window, size)[0]
    )
