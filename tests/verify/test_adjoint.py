"""The adjoint check: right maps to rounding, and everything else is refused."""

import numpy as np
import pytest

import minifcn as mf

RNG = np.random.default_rng(0)
MATRIX, X, Y = RNG.standard_normal((4, 3)), RNG.standard_normal(3), RNG.standard_normal(4)


def test_an_affine_map_and_its_adjoint():
    assert mf.adjoint_check(lambda v: MATRIX @ v + 1, lambda v: MATRIX.T @ v, X, Y) < 1e-14


def test_the_inputs_are_left_alone():
    x, y = X.copy(), Y.copy()
    mf.adjoint_check(lambda v: MATRIX @ v, lambda v: MATRIX.T @ v, x, y)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)


WRONG = {
    "one part in 1e9": lambda v: MATRIX.T @ v * (1 + 1e-9),
    "sign": lambda v: -MATRIX.T @ v,
    "another matrix": lambda v: MATRIX[::-1].T @ v,
    "zero": lambda v: np.zeros(3),
    "with the shift": lambda v: MATRIX.T @ v + 1,
    "one entry": lambda v: MATRIX.T @ v + np.array([0, 1e-8, 0]),
    "NaN": lambda v: MATRIX.T @ v * np.nan,
}


@pytest.mark.parametrize("adjoint", WRONG.values(), ids=WRONG)
def test_another_map_is_refused(adjoint):
    with pytest.raises(mf.GradcheckError, match="relative error"):
        mf.adjoint_check(lambda v: MATRIX @ v, adjoint, X, Y)


def test_zero_is_the_adjoint_of_zero_alone():
    assert mf.adjoint_check(lambda v: np.zeros(4), lambda v: np.zeros(3), X, Y) == 0
    with pytest.raises(mf.GradcheckError):
        mf.adjoint_check(lambda v: np.zeros(4), lambda v: MATRIX.T @ v, X, Y)


def test_the_message_holds_both_products():
    with pytest.raises(mf.GradcheckError) as caught:
        mf.adjoint_check(lambda v: 2 * v, lambda v: 3 * v, np.array([1.0, 2.0]), np.array([10.0, 1.0]))
    assert "<f(x), y> is 24 but <f(0), y> + <x, adjoint(y)> is 36" in str(caught.value)
    assert "relative error 0.2" in str(caught.value)  # 12 of 24 + 36


def test_what_is_allowed_may_be_given():
    wrong = WRONG["one part in 1e9"]
    assert 1e-11 < mf.adjoint_check(lambda v: MATRIX @ v, wrong, X, Y, rtol=1e-8) < 1e-8


@pytest.mark.parametrize(
    "fn, adjoint, text",
    [
        (lambda v: MATRIX @ v, lambda v: v, r"maps \(3,\) to \(4,\) and adjoint \(4,\) to \(4,\)"),
        (lambda v: v, lambda v: MATRIX.T @ v, r"maps \(3,\) to \(3,\) and adjoint \(4,\) to \(3,\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(fn, adjoint, text):
    with pytest.raises(mf.GradcheckError, match=text + r"; expected \(3,\) to \(4,\) and back"):
        mf.adjoint_check(fn, adjoint, X, Y)


def test_tensors_go_in_and_out():
    weight = RNG.standard_normal((2, 3, 3, 3))
    x, y = RNG.standard_normal((1, 3, 6, 5)), RNG.standard_normal((1, 2, 3, 3))

    def fn(v):
        return mf.ops.conv2d(v, weight, stride=2, padding=1)

    def adjoint(v, weight=weight):
        return mf.ops.conv_transpose2d(v, weight, stride=2, padding=1, output_size=(6, 5))

    assert mf.adjoint_check(fn, adjoint, mf.Tensor(x), mf.Tensor(y)) < 1e-14
    with pytest.raises(mf.GradcheckError):
        mf.adjoint_check(fn, lambda v: adjoint(v, weight[:, :, ::-1]), x, y)


@pytest.mark.parametrize("factor", [1, -1, 3.7, -1e-30])
def test_two_arrays_of_one_seed_are_refused(factor):
    """<A x, x> is <x, A x>: a matrix that is not transposed would pass."""
    square = np.random.default_rng(1).standard_normal((3, 3))
    x = np.random.default_rng(0).standard_normal(3)
    assert np.isclose((square @ x) @ x, x @ (square @ x))
    with pytest.raises(
        mf.GradcheckError, match=r"x and y are the same numbers, or multiples .* draw y from another seed"
    ):
        mf.adjoint_check(lambda v: square @ v, lambda v: square @ v, x, factor * x)
    with pytest.raises(mf.GradcheckError, match="relative error"):
        mf.adjoint_check(lambda v: square @ v, lambda v: square @ v, x, factor * Y[:3])
    mf.adjoint_check(lambda v: square @ v, lambda v: square.T @ v, x, factor * x[::-1])


def test_single_numbers_are_always_multiples_and_fine():
    assert mf.adjoint_check(lambda v: 3 * v, lambda v: 3 * v, np.array([2.0]), np.array([4.0])) == 0
