"""Every operation's backward against finite differences, on sampled calls; the kernels and options take turns."""

import numpy as np
import pytest

import minifcn as mf
from minifcn.ops import OPERATIONS

from .calls import check_gradient, draw, told

SEEDS = range(16)


@pytest.mark.parametrize("name", OPERATIONS)
def test_gradient(name):
    for seed in SEEDS:
        call = draw(name, 100 + seed)
        choice = ("simple", "fast")[seed % 2]
        with mf.kernels.use(choice):
            report = check_gradient(
                f"{told(name, call)}, {choice} kernels, seed {seed}",
                lambda *t, call=call: call.run(OPERATIONS[name].function, t),
                call.inputs,
                seed,
            )
        assert report.elements == sum(value.size for value in call.inputs), f"{name}, seed {seed}: elements left out"


INDICES = {
    "integer": 1,
    "negative": -1,
    "numpy integer": np.int64(2),
    "slice": slice(1, 3),
    "step": slice(None, None, 2),
    "backwards": slice(None, None, -1),
    "ellipsis": (..., 0),
    "new axis": (slice(None), None, 1),
    "full": (1, 2, 3),
    "list": [2, 0],
    "repeated": np.array([0, 1, 1, 1]),
    "table": np.array([[0, 1], [2, 2]]),
    "pairs": (np.array([0, 1, 0]), np.array([2, 2, 2])),
    "split": (np.array([0, 2]), slice(None), np.array([1, 1])),
    "mask": np.array([True, False, True]),
    "mask of two axes": np.arange(9).reshape(3, 3) % 2 == 0,
    "nothing": slice(2, 2),
    "true": True,
    "unsigned": np.array([2, 0], np.uint8),
}


@pytest.mark.parametrize("key", INDICES.values(), ids=INDICES)
def test_index(key):
    x = np.random.default_rng(0).standard_normal((3, 3, 4))
    output = mf.Tensor(x)[key]
    np.testing.assert_array_equal(output.data, x[key])
    if output.size:
        check_gradient(f"x[{key!r}] of shape {x.shape}", lambda t: t[key], x)
    else:
        tensor = mf.Tensor(x, requires_grad=True)
        tensor[key].backward(np.zeros(output.shape))
        assert not tensor.grad.any()


def test_index_takes_a_tensor_of_integers():
    x = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(mf.Tensor(x)[mf.Tensor(np.array([2, 0]))].data, x[[2, 0]])


def test_index_of_a_repeated_element_adds():
    x = mf.Tensor(np.zeros(3), requires_grad=True)
    x[np.array([1, 1, 2])].backward(np.array([10.0, 5.0, 1.0]))
    np.testing.assert_array_equal(x.grad, [0, 15, 1])


def test_index_in_a_fortran_ordered_array():
    x = np.asfortranarray(np.random.default_rng(0).standard_normal((3, 4, 5)))
    check_gradient("x[1:, ::2, [0, 0, 3]] in Fortran order", lambda t: t[1:, ::2, [0, 0, 3]], x)
