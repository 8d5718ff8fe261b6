"""The checks themselves: a right gradient passes, each way of being wrong does not."""

import numpy as np
import pytest

import minifcn as mf


class Cube(mf.Function):
    """x³, whose backward can be spoilt."""

    def __init__(self, spoil=lambda slope, grad: slope * grad):
        self.spoil = spoil

    def forward(self, x):
        self.x = x
        return x**3

    def backward(self, grad):
        return self.spoil(3 * self.x**2, grad)


X = np.random.default_rng(0).uniform(0.5, 2, (2, 3)) * [[1], [-1]]


def test_gradcheck_accepts_a_right_gradient():
    report = mf.gradcheck(lambda x: Cube()(x), X)
    assert report.ok and report.elements == 6 and report.worst < 1e-8


def first_only(slope, grad):
    slope[0, 1] *= 1.001
    return slope * grad


WRONG = {
    "factor 1.0001": lambda slope, grad: slope * grad * 1.0001,
    "constant 1e-3": lambda slope, grad: slope * grad + 1e-3,
    "one element": first_only,
    "sign": lambda slope, grad: -slope * grad,
    "zero": lambda slope, grad: 0 * grad,
    "gradient ignored": lambda slope, grad: slope,
    "gradient summed": lambda slope, grad: slope * grad.sum(),
    "mirrored": lambda slope, grad: (slope * grad)[:, ::-1],
    "nan": lambda slope, grad: slope * grad * np.nan,
    "none": lambda slope, grad: None,
}


@pytest.mark.parametrize("spoil", WRONG.values(), ids=WRONG)
def test_gradcheck_rejects(spoil):
    with pytest.raises(mf.GradcheckError, match="input 0"):
        mf.gradcheck(lambda x: Cube(spoil)(x), X)


def test_gradcheck_names_input_index_and_both_values():
    with pytest.raises(mf.GradcheckError) as caught:
        mf.gradcheck(lambda a, b: a * 2 + Cube(first_only)(b), [X, X + 3])
    message = str(caught.value)
    assert (
        "input 1: 1 of 6 elements wrong (curved, step " in message
        and "; worst at (0, 1): analytic " in message
        and "numeric " in message
    )
    assert "right: input 0" in message


def test_gradcheck_rejects_a_softmax_backward_that_returns_zeros():
    class Softmax(mf.Function):
        def forward(self, x):
            e = np.exp(x - x.max(-1, keepdims=True))
            return e / e.sum(-1, keepdims=True)

        def backward(self, grad):
            return np.zeros_like(grad)

    with pytest.raises(mf.GradcheckError):
        mf.gradcheck(lambda x: Softmax()(x), X)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: mf.gradcheck(lambda x: x * 2, X.astype("float32")), "input 0 has dtype float32"),
        (lambda: mf.gradcheck(lambda x: x * 2, np.arange(3)), "no floating point input"),
        (lambda: mf.gradcheck(lambda x: x * 2, np.broadcast_to(1.0, (3,))), "input 0 is expanded"),
        (lambda: mf.gradcheck(lambda x: x.data, X), "the function returned ndarray"),
        (lambda: mf.gradcheck(lambda x: mf.Tensor(x.data.astype("float32")), X), "the output has dtype float32"),
    ],
)
def test_gradcheck_explains_what_it_cannot_check(call, message):
    with pytest.raises(mf.GradcheckError, match=message):
        call()


def test_gradcheck_holds_inputs_fixed_that_want_no_gradient():
    report = mf.gradcheck(lambda a, b: a * b, [mf.Tensor(X, requires_grad=True), mf.Tensor(X + 3)])
    assert list(report.inputs) == [0]


def test_gradcheck_notices_a_function_that_changes_its_input():
    class Spoils(mf.Function):
        def forward(self, x):
            y = x * 2
            x += 1
            return y

        def backward(self, grad):
            return 2 * grad

    with pytest.raises(mf.GradcheckError):
        mf.gradcheck(lambda x: Spoils()(x), X.copy())


def test_gradcheck_and_adjoint_check_leave_the_inputs_alone():
    x = X.copy()
    mf.gradcheck(lambda t: Cube()(t), x)
    mf.adjoint_check(lambda v: 2 * v, lambda v: 2 * v, x, X)
    np.testing.assert_array_equal(x, X)


def test_adjoint_check_accepts_an_affine_map_and_rejects_another_matrix():
    rng = np.random.default_rng(0)
    matrix, x, y = rng.standard_normal((4, 3)), rng.standard_normal(3), rng.standard_normal(4)
    assert mf.adjoint_check(lambda v: matrix @ v + 1, lambda v: matrix.T @ v, x, y) < 1e-14
    with pytest.raises(mf.GradcheckError, match="relative error"):
        mf.adjoint_check(lambda v: matrix @ v, lambda v: matrix.T @ v * (1 + 1e-9), x, y)
    with pytest.raises(mf.GradcheckError, match=r"maps \(3,\) to \(4,\)"):
        mf.adjoint_check(lambda v: matrix @ v, lambda v: v, x, y)
