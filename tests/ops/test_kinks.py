"""Slopes at kinks, ties and edges of the domain, by hand and beside PyTorch's; what a step across a kink cannot tell."""

import numpy as np
import pytest
from twins import MISSING, TWINS, torch

import minifcn as mf
from minifcn import ops

INF, NAN = float("inf"), float("nan")

# the operation, its options, then rows of: inputs, value, slopes
CASES = {
    "abs": ("abs", {}, [(-2, 2, -1), (0.0, 0, 0), (-0.0, 0, 0), (3, 3, 1), (-INF, INF, -1)]),
    "clip between": (
        "clip",
        {"min": -1, "max": 2},
        [(-3, -1, 0), (-1, -1, 1), (0, 0, 1), (2, 2, 1), (9, 2, 0), (INF, 2, 0)],
    ),
    "clip below": (
        "clip",
        {"min": 0},
        [(-0.5, 0, 0), (0, 0, 1), (-0.0, 0, 1), (INF, INF, 1), (-INF, 0, 0), (NAN, NAN, 0)],
    ),
    "clip above": ("clip", {"max": 0}, [(-0.5, -0.5, 1), (0, 0, 1), (1, 0, 0), (-INF, -INF, 1)]),
    "clip to one value": ("clip", {"min": 1, "max": 1}, [(0, 1, 0), (1, 1, 1), (2, 1, 0)]),
    "minimum": (
        "minimum",
        {},
        [
            (1, 3, 1, 1, 0),
            (3, 1, 1, 0, 1),
            (-2, -2, -2, 0.5, 0.5),
            (0.0, -0.0, 0, 0.5, 0.5),
            (-INF, -INF, -INF, 0.5, 0.5),
            (INF, 1, 1, 0, 1),
            (NAN, 1, NAN, 1, 1),
            (1, NAN, NAN, 1, 1),
        ],
    ),
    "sqrt": ("sqrt", {}, [(0, 0, INF), (4, 2, 0.25), (INF, INF, 0)]),
    "log": ("log", {}, [(1, 0, 1), (INF, INF, 0), (0, -INF, INF)]),
    "exp": ("exp", {}, [(0, 1, 1), (-INF, 0, 0), (INF, INF, INF)]),
    "pow": (
        "pow",
        {},
        [
            (0, 2, 0, 0, 0),  # 0² in both directions
            (0, 1, 0, 1, 0),
            (0, 0, 1, 0, 0),  # a^0 is 1 whatever a is
            (0, 0.5, 0, INF, 0),
            (2, 0, 1, 0, np.log(2)),
            (1, INF, 1, INF, 0),
        ],
    ),
    "pow of a negative base": ("pow", {"b": 2.0}, [(-3, 9, -6), (0, 0, 0)]),
    "pow to an odd power": ("pow", {"b": -1.0}, [(-2, -0.5, -0.25), (4, 0.25, -1 / 16)]),
    "sigmoid": ("sigmoid", {}, [(0, 0.5, 0.25), (INF, 1, 0), (-INF, 0, 0), (NAN, NAN, NAN)]),
    "tanh": ("tanh", {}, [(0, 0, 1), (INF, 1, 0), (-INF, -1, 0), (NAN, NAN, NAN)]),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_values_and_slopes_at_the_edges(case, dtype):
    name, options, rows = CASES[case]
    count = {5: 2, 3: 1}[len(rows[0])]
    columns = np.array(rows, dtype).T
    inputs, expected, slopes = columns[:count], columns[count], columns[count + 1 :]
    tensors = [mf.Tensor(values.copy(), requires_grad=True) for values in inputs]
    with np.errstate(all="ignore"):  # NumPy says that 1/0 is infinite, and it is
        y = getattr(ops, name)(*tensors, **options)
        y.backward(np.full(len(rows), 2, dtype))
    assert y.dtype == dtype
    np.testing.assert_allclose(y.data, expected, rtol=1e-6)
    for tensor, slope in zip(tensors, slopes, strict=True):
        assert tensor.grad.dtype == dtype
        np.testing.assert_allclose(tensor.grad, 2 * slope, rtol=1e-6)
    if torch is not None:
        theirs = [torch.tensor(values, requires_grad=True) for values in inputs]
        TWINS[name](*theirs, **options).backward(torch.full((len(rows),), 2, dtype=theirs[0].dtype))
        for slope, twin in zip(slopes, theirs, strict=True):
            np.testing.assert_allclose(
                twin.grad.numpy(), 2 * slope, rtol=1e-6, err_msg="PyTorch's, as the docstring says"
            )


def test_minimum_and_clip_of_values_that_often_tie_give_pytorchs_gradients():
    if torch is None:
        pytest.skip(MISSING)
    rng = np.random.default_rng(0)
    for name, options, shapes in (
        ("minimum", {}, [(2, 3, 4, 5), (3, 1, 1)]),
        ("minimum", {}, [(4, 1), (2, 3, 1, 5)]),
        ("clip", {"min": 0, "max": 1}, [(2, 3, 4, 5)]),
        ("abs", {}, [(40,)]),
    ):
        values = [rng.integers(-1, 3, shape).astype(float) for shape in shapes]
        ours = [mf.Tensor(v, requires_grad=True) for v in values]
        theirs = [torch.tensor(v, requires_grad=True) for v in values]
        y, twin = getattr(ops, name)(*ours, **options), TWINS[name](*theirs, **options)
        incoming = rng.standard_normal(y.shape)
        y.backward(incoming)
        twin.backward(torch.from_numpy(incoming))
        for tensor, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(tensor.grad, other.grad.numpy(), rtol=0, atol=1e-13)


def test_the_slope_of_the_exponent_of_a_negative_base_is_nan_as_in_pytorch():
    x, b = mf.Tensor(np.array([-2.0])), mf.Tensor(np.array([2.0]), requires_grad=True)
    with pytest.warns(RuntimeWarning, match="invalid value encountered in log"):
        (x**b).backward()
    assert np.isnan(b.grad).all()


@pytest.mark.parametrize(
    "function, value, warning",
    [(ops.log, 0.0, "divide by zero"), (ops.log, -1.0, "invalid"), (ops.sqrt, -1.0, "invalid")],
)
def test_outside_of_the_domain_numpy_warns(function, value, warning):
    with pytest.warns(RuntimeWarning, match=warning):
        function(np.array([value]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sigmoid_keeps_its_digits_in_both_tails(dtype):
    """Where y rounds to 1, y·(1 - y) is 0; the slope is e^-|x| there, to all digits."""
    x = mf.Tensor(np.array([-80.0, -40.0, 40.0, 80.0], dtype), requires_grad=True)
    x.sigmoid().sum().backward()
    np.testing.assert_allclose(x.grad, np.exp([-80.0, -40.0, -40.0, -80.0]), rtol=1e-6)


def test_log_softmax_is_exact_where_softmax_rounds_to_0():
    scores = np.array([[0.0, -2000.0, -2001.0]])
    np.testing.assert_array_equal(ops.softmax(scores).data, [[1, 0, 0]])
    np.testing.assert_array_equal(ops.log_softmax(scores).data, scores)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_takes_the_last_axis_by_itself_and_shifted_scores_are_alike(name):
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    function = getattr(ops, name)
    np.testing.assert_array_equal(function(x).data, function(x, axis=2).data)
    np.testing.assert_allclose(function(x + 700, axis=1).data, function(x, axis=1).data, rtol=1e-10)


def test_the_loss_is_the_log_softmax_at_the_labels():
    rng = np.random.default_rng(0)
    values, labels = rng.standard_normal((2, 3, 4, 5)), rng.integers(0, 3, (2, 4, 5))
    one, other = (mf.Tensor(values, requires_grad=True) for _ in range(2))
    loss = ops.softmax_cross_entropy(one, labels)
    picked = other.log_softmax(axis=1) * -np.moveaxis(np.eye(3)[labels], -1, 1)
    same = picked.sum() / labels.size
    assert loss.item() == pytest.approx(same.item(), rel=1e-12)
    loss.backward()
    same.backward()
    np.testing.assert_allclose(one.grad, other.grad, rtol=0, atol=1e-15)


@pytest.mark.parametrize("choice", ["simple", "fast"])
@pytest.mark.parametrize("dtype, size", [("float32", 3e38), ("float64", 1.7e308)])
def test_the_largest_logits_give_a_loss_and_no_warning(dtype, size, choice):
    scores = mf.Tensor(np.array([[size, -size], [-size, size]], dtype), requires_grad=True)
    with mf.kernels.use(choice):
        loss = ops.softmax_cross_entropy(scores, np.array([0, 1]))
        loss.backward()
    assert loss.item() == 0 and not scores.grad.any()
    for function, expected in ((ops.softmax, [[1, 0], [0, 1]]), (ops.log_softmax, [[0, -INF], [-INF, 0]])):
        np.testing.assert_array_equal(function(scores).data, expected)


@pytest.mark.parametrize(
    "name", ["abs", "clip", "exp", "log", "log_softmax", "pow", "sigmoid", "softmax", "sqrt", "tanh"]
)
def test_methods_are_the_operations(name):
    x = mf.Tensor(np.random.default_rng(0).uniform(0.5, 2, (3, 4)))
    options = {"clip": (0.7, 1.1), "pow": (3,), "softmax": (0,), "log_softmax": (0,)}.get(name, ())
    np.testing.assert_array_equal(getattr(x, name)(*options).data, getattr(ops, name)(x, *options).data)


def test_powers_as_operators_keep_float32_on_both_sides():
    x = mf.Tensor(np.array([1, 2, 4], "float32"), requires_grad=True)
    for y, expected in (
        (x**2, [1, 4, 16]),
        (2**x, [2, 4, 16]),
        (np.array([1.0, 2, 3]) ** x, [1, 4, 81]),
        (abs(-x), [1, 2, 4]),
    ):
        assert isinstance(y, mf.Tensor) and y.dtype == np.float32
        np.testing.assert_array_equal(y.data, np.array(expected, "float32"))
