"""The numeric side: which step is chosen, how wide the tolerance is, and that the array is put back."""

import numpy as np
import pytest

import minifcn as mf
from minifcn.verify.differences import Differences, Move

from .functions import Formula, cube, diagnosis, elementwise, function, rejected

POINTS = np.random.default_rng(7).uniform(0.5, 2, (2, 3)) * [[1], [-1]]
MATRIX = np.random.default_rng(8).standard_normal((3, 4))
KERNEL = np.random.default_rng(9).standard_normal((2, 3, 3, 3))
PICTURE = np.random.default_rng(10).standard_normal((1, 3, 5, 6)) * 4


LINEAR = {
    "times three and one": (lambda x: x * 3 + 1, POINTS),
    "matrix product": (lambda x: x @ MATRIX, POINTS),
    "convolution": (lambda x: mf.ops.conv2d(x, KERNEL, padding=1), PICTURE),
    "mean": (lambda x: x.mean(), POINTS),
    "identity": (lambda x: x, POINTS),
    "a constant": (lambda x: mf.Tensor(np.ones(2)), POINTS),
    "nothing but zeros": (lambda x: x * 0.0, POINTS),
    "large values": (lambda x: x * 3 + 1, POINTS * 1e6),
    "small values": (lambda x: x * 3 + 1, POINTS * 1e-6),
    "no dimension": (lambda x: x * 3 + 1, np.array(5.0)),
    "the point 0": (lambda x: x * 3 + 1, np.zeros(3)),
}


@pytest.mark.parametrize("fn, x", LINEAR.values(), ids=LINEAR)
def test_a_linear_function_gets_a_step_of_the_size_of_its_values(fn, x):
    found = mf.gradcheck(fn, x).inputs[0]
    assert found.kind == "linear"
    assert found.step == max(1, np.abs(x).max())
    assert found.relative_error < 1e-14


def softmax(factor=1.0):
    def formula(x):
        e = np.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    def gradient(x, grad):
        y = formula(x)
        return factor * y * (grad - (grad * y).sum(-1, keepdims=True))

    return function(formula, gradient)


CURVED = {
    "cube": (cube, POINTS),
    "exp": (lambda factor=1.0: elementwise(np.exp, np.exp, factor), POINTS),
    "softmax": (softmax, POINTS),
    "division": (lambda factor=1.0: elementwise(lambda x: 1 / x, lambda x: -1 / x**2, factor), POINTS),
    "square root": (lambda factor=1.0: elementwise(np.sqrt, lambda x: 0.5 / np.sqrt(x), factor), np.abs(POINTS)),
    "sine": (lambda factor=1.0: elementwise(np.sin, np.cos, factor), POINTS),
    "sine of hundreds": (lambda factor=1.0: elementwise(np.sin, np.cos, factor), POINTS * 300),
    "large cubes": (cube, POINTS * 1e6),
}


@pytest.mark.parametrize("make, x", CURVED.values(), ids=CURVED)
def test_a_curved_function_gets_a_small_step(make, x):
    found = mf.gradcheck(make(), x).inputs[0]
    assert found.kind == "curved"
    assert 1e-7 * np.abs(x).max() <= found.step <= 1e-3 * np.abs(x).max()
    assert found.relative_error < 1e-7
    rejected(make(1.0001), x, match=f"{x.size} of {x.size} elements wrong")


SHAPES = {
    "cube": (lambda x: x**3, lambda x: 3 * x**2),
    "exp": (np.exp, np.exp),
    "one over": (lambda x: 1 / x, lambda x: -1 / x**2),
    "square root": (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    "sine": (np.sin, np.cos),
    "logarithm": (np.log, lambda x: 1 / x),
}


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_curve_as_wide_as_its_values(shape, size):
    """The same curve drawn smaller or larger: a factor 1.0001 is seen, and the right gradient is no kink."""
    formula, slope = SHAPES[shape]
    x = np.random.default_rng(0).uniform(1, 2, 6) * size

    def scaled(factor):
        return elementwise(lambda x: formula(x / size), lambda x: slope(x / size) / size, factor)

    assert mf.gradcheck(scaled(1.0), x).inputs[0].kinks == 0
    rejected(scaled(1.0001), x)


@pytest.mark.parametrize("name", ["logarithm", "square root"])
def test_a_function_that_ends_beside_the_small_ones_of_many_values(name):
    """A step of a small part of the largest value leads out of what log takes; the right gradient is not wrong for it."""
    formula, slope = SHAPES[name]
    x = np.array([1e-3, 1.0, 1e3])
    mf.gradcheck(elementwise(formula, slope), x)
    rejected(elementwise(formula, slope, 1.001), x)


def test_values_outside_of_the_function_are_tried_in_silence():
    """A large step, or 1.25 times the values, may leave the domain: no warning of NumPy's, which would look like the user's fault."""
    mf.gradcheck(elementwise(lambda x: np.log(1 - x), lambda x: -1 / (1 - x)), np.array([0.9, 0.5]))


@pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3)])
@pytest.mark.parametrize("power", [3, 5])
def test_an_odd_power_at_zero_is_not_taken_for_a_line(power, shape):
    """Three points of x³ around 0 lie on a line, of slope 1."""
    right = elementwise(lambda x: x**power, lambda x: power * x ** (power - 1))
    assert mf.gradcheck(right, np.zeros(shape)).inputs[0].kind == "curved"
    line = elementwise(lambda x: x**power, lambda x: np.ones(x.shape))
    rejected(line, np.zeros(shape))


def test_a_curve_that_flattens_at_zero_beside_large_values():
    """A step for 1000 is too large for the cube at 0; it is made smaller before the right gradient, 0, is blamed."""
    x = np.array([0.0, 1000.0, -1000.0])
    mf.gradcheck(cube(), x)
    rejected(elementwise(lambda x: x**3, lambda x: 3 * x**2 + (x == 0) * 1e-3), x, match="1 of 3")


@pytest.mark.parametrize("at", [0, 499, 999])
@pytest.mark.parametrize("bend", [1e-3, 1e-9])
def test_linear_in_all_elements_but_one(bend, at):
    """Along most directions the curve of one element of a thousand drowns; the element itself shows it."""
    x = np.random.default_rng(0).uniform(500, 1000, 1000) * np.sign(np.arange(1000) % 2 - 0.5)
    here = np.arange(1000) == at

    def bent(factor):
        return elementwise(lambda x: x + here * bend * x**2, lambda x: 1 + here * factor * 2 * bend * x)

    found = mf.gradcheck(bent(1), x).inputs[0]
    assert found.kind == "curved"
    message = rejected(bent(2), x, match="1 of 1000 elements wrong")
    assert f"worst at ({at},)" in message


class Product(mf.Function):
    def __init__(self, factor):
        self.factor = factor

    def forward(self, a, b):
        self.a, self.b = a, b
        return a * b

    def backward(self, grad):
        return self.factor * grad * self.b, grad * self.a


def test_linear_in_each_of_two_inputs():
    report = mf.gradcheck(lambda a, b: Product(1)(a, b), [POINTS, POINTS * 3])
    assert [found.kind for found in report.inputs.values()] == ["linear", "linear"]
    rejected(lambda a, b: Product(1 + 1e-8)(a, b), [POINTS, POINTS * 3], match="right: input 1")


def test_a_step_that_is_given_is_used():
    for step in (1e-4, 1e-5, 3e-6):
        found = mf.gradcheck(cube(), POINTS, step=step, atol=1e-6).inputs[0]
        assert (found.kind, found.step) == ("given", step)
        rejected(cube(1.0001), POINTS, step=step)


def test_a_step_that_is_given_too_large_is_made_smaller_before_a_gradient_is_blamed():
    mf.gradcheck(cube(), POINTS, step=0.1)
    rejected(cube(1.0001), POINTS, step=0.1)


def test_a_line_forgives_less_than_a_curve():
    line = elementwise(lambda x: 3 * x, lambda x: np.full(x.shape, 3.0), 1 + 1e-8)
    rejected(line, POINTS, match="linear")
    mf.gradcheck(cube(1 + 1e-8), POINTS)
    mf.gradcheck(line, POINTS, step=1e-5)  # what was not measured to be a line is not treated as one


def test_tolerances_may_be_given():
    mf.gradcheck(cube(1.0001), POINTS, rtol=2e-4)
    rejected(cube(1.0001), POINTS, rtol=5e-5)
    mf.gradcheck(cube(constant=1e-3), POINTS, atol=2e-3)
    rejected(cube(constant=1e-3), POINTS, atol=5e-4)


def test_the_absolute_tolerance_shrinks_with_a_small_gradient():
    def small(size, constant):
        return function(lambda x: size * np.sin(x), lambda x, grad: (size * np.cos(x) + constant) * grad)

    x = np.array([0.3, np.pi / 2])  # the slope at π/2 is 0, so only the absolute tolerance is left there
    mf.gradcheck(small(10.0, 5e-9), x)
    rejected(small(10.0, 5e-8), x, match="1 of 2")
    for size in (0.1, 1e-6, 1e-20, 1e-100, 1e-250):
        mf.gradcheck(small(size, size * 1e-9), x)
        rejected(small(size, size * 5e-8), x, match="1 of 2")


# numbers far from 1: a gradient is judged beside the scale of its operation

SIZES = (1e-250, 1e-100, 1e-20, 1e-9, 1.0, 1e9, 1e20, 1e100)
FORMULAS = {
    "a line": (lambda x: 3 * x, lambda x: np.full(x.shape, 3.0)),
    "a square": (lambda x: x**2, lambda x: 2 * x),
    "a cube": (lambda x: x**3, lambda x: 3 * x**2),
    "a sine": (np.sin, np.cos),
    "one over": (lambda x: 1 / x, lambda x: -1 / x**2),
}
LOST = {"lost": 0.0, "a thousandth too large": 1.001, "the sign": -1.0, "a part in a hundred thousand": 1 - 1e-5}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", FORMULAS)
def test_results_of_any_size_are_judged_alike(name, size):
    formula, slope = FORMULAS[name]

    def scaled(factor):
        return function(lambda x: size * formula(x), lambda x, grad: factor * size * slope(x) * grad)

    for seed in range(3):
        found = mf.gradcheck(scaled(1), POINTS, seed=seed).inputs[0]
        assert found.relative_error < 1e-6
        assert 0.01 * size < found.scale < 100 * size
        for factor in LOST.values():
            rejected(scaled(factor), POINTS, seed=seed)


@pytest.mark.parametrize("size", [1e-150, 1e-100, 1e-20, 1.0, 1e20, 1e100, 1e150])
def test_a_quotient_of_numbers_of_any_size(size):
    """a / b with both near `size`: gradients of 1 / size."""

    class Quotient(mf.Function):
        def __init__(self, factor):
            self.factor = factor

        def forward(self, a, b):
            self.quotient, self.b = a / b, b
            return self.quotient

        def backward(self, grad):
            return grad / self.b, -self.factor * self.quotient / self.b * grad

    a, b = POINTS * size, (POINTS + 5) * size
    mf.gradcheck(lambda a, b: Quotient(1)(a, b), [a, b])
    for factor in LOST.values():
        message = rejected(lambda a, b, factor=factor: Quotient(factor)(a, b), [a, b])
        assert "input 1: 6 of 6 elements wrong" in message and "right: input 0" in message


def test_a_gradient_of_rounding_alone_is_right_at_any_size():
    """x / x: both sides are the last digit of 1, or of what 1 is multiplied by."""
    for size in (1e-100, 1e-20, 1.0, 1e3):
        for seed in range(3):
            found = mf.gradcheck(lambda x, size=size: x / x * size, POINTS, seed=seed).inputs[0]
            assert found.scale == 0 and found.relative_error == 0
            assert "all of it 0 to within" in str(found)


def test_terms_that_are_large_inside_and_cancel():
    """Their sum is 0 but for rounding, and so is its gradient; the size of the outputs alone would not tell how much that is."""
    x = np.random.default_rng(0).standard_normal((4, 5))
    for seed in range(5):
        mf.gradcheck(lambda x: (x - x.mean()).sum(), x, seed=seed)
        mf.gradcheck(lambda x: (x * 1000 - x.mean() * 1000).sum(), x, seed=seed)
        mf.gradcheck(lambda x: ((x - x.mean()) * (x - x.mean()).sum()).sum(), x, seed=seed)


def test_a_cube_that_lies_flat_is_right_at_any_size():
    for size in (1e-100, 1e-20, 1e-9, 1.0, 1e9, 1e20):
        right = function(lambda x, size=size: size * x**3, lambda x, grad, size=size: 3 * size * x**2 * grad)
        mf.gradcheck(right, np.zeros(3))
        wrong = function(lambda x, size=size: size * x**3, lambda x, grad, size=size: size * (3 * x**2 + 1e-3) * grad)
        rejected(wrong, np.zeros(3))


STAYS = np.array([True, False, False, True])


@pytest.mark.parametrize("value", [-np.inf, np.inf])
def test_outputs_that_stay_infinite_change_nothing(value):
    def masked(factor):
        return function(
            lambda x: np.where(STAYS, value, x**3), lambda x, grad: np.where(STAYS, 0, factor * 3 * x**2 * grad)
        )

    x = np.array([1.0, -2.0, 0.5, 3.0])
    mf.gradcheck(masked(1), x)
    message = rejected(masked(1.0001), x, match="2 of 4")
    assert "x wrong" in message and ". x x ." in message


def test_a_pool_that_sees_nothing_but_padding_is_minus_infinity_and_fine():
    x = np.arange(4.0).reshape(1, 1, 2, 2)
    assert np.isneginf(mf.ops.max_pool2d(mf.Tensor(x), 2, padding=1, stride=1, dilation=3).data).any()
    mf.gradcheck(lambda t: mf.ops.max_pool2d(t, 2, padding=1, stride=1, dilation=3), x)


INFINITE = {
    "everywhere": lambda grad: np.where(grad != 0, np.inf, 0.0),
    "in one place": lambda grad: np.where((np.arange(6) == 2).reshape(2, 3) & (grad != 0), np.inf, 1.0 * grad),
    "with the other sign": lambda grad: np.where(grad != 0, -np.inf, 0.0),
}


@pytest.mark.parametrize("gradient", INFINITE.values(), ids=INFINITE)
@pytest.mark.parametrize("directions", [None, 2])
def test_an_infinite_gradient_is_wrong(gradient, directions):
    """rtol·infinity forgives nothing."""
    message = rejected(function(lambda x: 1.0 * x, lambda x, grad: gradient(grad)), POINTS, directions=directions)
    assert "elements wrong" in message or "random directions wrong" in message


def test_a_difference_that_is_infinite_excuses_no_wrong_gradient():
    """A step of 1e-5 from 1e-5 ends at log 0; a smaller one does not."""

    def logarithm(factor):
        return elementwise(np.log, lambda x: 1 / x, factor)

    rejected(logarithm(7), np.array([1e-5]), step=1e-5)
    mf.gradcheck(logarithm(1), np.array([1e-5]), step=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_a_step_into_infinity_shows_no_line(seed):
    """exp(1000·x) overflows at a step of 1: infinity is as far from infinity as it likes."""

    def steep(factor):
        return elementwise(lambda x: np.exp(1000 * x), lambda x: 1000 * np.exp(1000 * x), factor)

    x = np.array([1e-3, 2e-3, 1.5e-3])
    assert mf.gradcheck(steep(1), x, seed=seed).inputs[0].kind == "curved"
    for factor in (2, 1.0001, 0):
        rejected(steep(factor), x, seed=seed)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4)])
def test_an_empty_input_is_right_and_hides_no_other(shape):
    report = mf.gradcheck(cube(), np.zeros(shape))
    assert report.ok and report.elements == 0 and report.worst == 0
    report = mf.gradcheck(lambda a, b: a.sum() + cube()(b), [np.zeros(shape), POINTS])
    assert report.elements == 6
    rejected(lambda a, b: a.sum() + cube(1.0001)(b), [np.zeros(shape), POINTS], match="input 1: 6 of 6")
    mf.gradcheck(cube(), np.zeros(shape), directions=3)


def test_an_empty_output_has_no_gradient():
    report = mf.gradcheck(lambda x: x[:0], POINTS)
    assert report.ok and not report.inputs[0].numeric.any()


@pytest.mark.parametrize("x", [np.array(1.5), np.array([1.5]), np.array([[[[1.5]]]]), 1.5, [1.5]])
def test_a_single_number(x):
    assert mf.gradcheck(cube(), x).elements == 1
    rejected(cube(1.0001), x, match="1 of 1 elements wrong")
    rejected(lambda t: cube(-1)(t), x, match="off by a factor -1.000: the sign is turned round")


@pytest.mark.parametrize("offset", [1e8, 1e10])
@pytest.mark.parametrize("factor", [2, 0.5, 0.9, 1.1, -1, 0])
def test_noise_in_the_forward_is_no_kink(factor, offset):
    """(x² + 1e8) - 1e8 trembles in its ninth digit: small steps show jumps, and smaller ones nothing at all."""
    trembling = elementwise(lambda x: (x**2 + offset) - offset, lambda x: 2 * x, factor)
    message = rejected(trembling, POINTS)
    assert "6 of 6 elements wrong" in message
    if factor in (2, 0):  # an error far above the noise is recognised too
        assert diagnosis(message).startswith("off by a factor" if factor else "zero everywhere")


@pytest.mark.parametrize("factor", [2, 0.5, 0.9, 1.1, -1, 0])
def test_a_forward_that_rounds_to_float32_excuses_no_wrong_gradient(factor):
    rounded = elementwise(lambda x: (x.astype("f4") ** 3).astype("f8"), lambda x: 3 * x**2, factor)
    message = rejected(rounded, POINTS)
    assert "6 of 6 elements wrong" in message
    if factor in (2, 0):  # an error far above the noise is recognised too
        assert diagnosis(message).startswith("off by a factor" if factor else "zero everywhere")


# the parts, by themselves


def differences(formula, x, cotangent=None):
    return Differences(lambda: formula(x), x, np.ones(formula(x).shape) if cotangent is None else cotangent)


def test_a_slope_has_both_sides():
    x = np.array([0.0, 2.0])
    weight = np.array([3.0, -1.0])
    slope = differences(np.abs, x, weight).slope(Move.element((0,)), 0.5)
    assert (slope.value, slope.low, slope.high, slope.gap) == (0, -3, 3, 6)
    assert not slope.straight
    slope = differences(np.abs, x, weight).slope(Move.element((1,)), 0.5)
    assert (slope.value, slope.low, slope.high, slope.gap) == (-1, -1, -1, 0)
    assert slope.straight


def test_a_slope_brackets_each_output_by_itself():
    """Two kinks that turn against each other cancel in the value, and not in the bracket."""
    x = np.array([0.0])
    slope = differences(lambda x: np.concatenate([np.maximum(x, 0), -np.maximum(x, 0)]), x).slope(Move.element((0,)), 1)
    assert (slope.value, slope.low, slope.high, slope.gap) == (0, -1, 1, 2)


def test_a_direction_moves_all_elements():
    x = np.array([1.0, 2.0])
    slope = differences(lambda x: np.array([x @ x]), x).slope(Move.along(np.array([1.0, -2.0])), 1e-3)
    assert abs(slope.value - (2 * 1 - 2 * 2 * 2)) < 1e-9


def test_contributions_have_the_shape_of_the_output():
    x = np.array([2.0, 5.0])
    cotangent = np.array([[1.0, 10.0], [100.0, 1000.0]])
    parts = differences(lambda x: np.outer(x, [1.0, 3.0]), x, cotangent).contributions(Move.element((1,)), 1.0)
    np.testing.assert_allclose(parts, [[0, 0], [100, 3000]])


def test_the_array_is_put_back_even_when_the_function_raises():
    x = np.array([0.1, 0.2])
    before = x.copy()

    def fussy():
        if x[1] != 0.2:
            raise RuntimeError
        return x * 2

    parts = Differences(fussy, x, np.ones(2))
    with pytest.raises(RuntimeError):
        parts.slope(Move.element((1,)), 0.3)
    assert x.tobytes() == before.tobytes()
    with pytest.raises(RuntimeError):
        parts.slope(Move.along(np.ones(2)), 0.3)
    assert x.tobytes() == before.tobytes()


def test_the_smallest_digits_survive_the_moving():
    """x + h - h is not x: the old value is written back."""
    x = np.array([0.1, 1e-17, 1e16, -0.0])
    parts = differences(lambda x: x * 1, x)
    before = x.tobytes()
    for step in (1.0, 1e-5, 1e20):
        for place in range(4):
            parts.slope(Move.element((place,)), step)
        parts.slope(Move.along(np.ones(4)), step)
    assert x.tobytes() == before


def test_the_value_that_is_moved_may_be_what_fn_returns():
    """Identity and views: the result is copied before the next move."""
    for formula in (lambda x: x, lambda x: x[:, ::-1], lambda x: x.reshape(-1)):
        mf.gradcheck(lambda t, formula=formula: Formula(formula, lambda x, grad: unmoved(formula, grad))(t), POINTS)


def unmoved(formula, grad):
    """The adjoint of a formula that only moves six elements about."""
    order = formula(np.arange(6).reshape(2, 3)).reshape(-1)
    result = np.empty(6)
    result[order] = grad.reshape(-1)
    return result.reshape(2, 3)


# an element far smaller than the others


NEAR_ZERO = {
    "log": (np.log, lambda x: 1 / x),
    "1 / x": (lambda x: 1 / x, lambda x: -1 / x**2),
    "x log x": (lambda x: x * np.log(x), lambda x: np.log(x) + 1),
    "root": (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    "x to 3 / 2": (lambda x: x**1.5, lambda x: 1.5 * x**0.5),
}


@pytest.mark.parametrize("large", [1.0, 100.0])
@pytest.mark.parametrize("small", [1e-5, 1e-9, 1e-12])
@pytest.mark.parametrize("name", NEAR_ZERO)
def test_a_small_element_beside_large_ones_gets_steps_of_its_own(name, small, large):
    """A probability near 0, say. The step of its neighbours is far beyond where the function ends."""
    value, slope = NEAR_ZERO[name]
    x = np.array([small, 0.7 * large, large, 3 * small])
    assert mf.gradcheck(function(value, lambda x, g: g * slope(x)), [x]).ok


@pytest.mark.parametrize("at", [0, 3])
@pytest.mark.parametrize("name", ["log", "1 / x", "root"])
def test_and_is_judged_as_strictly(name, at):
    value, slope = NEAR_ZERO[name]
    factor = np.ones(4)
    factor[at] = 1.0001
    text = rejected(function(value, lambda x, g: g * slope(x) * factor), [np.array([1e-9, 0.7, 1.0, 3e-9])])
    assert "1 of 4 elements wrong" in text and f"worst at ({at},)" in text


def test_where_the_function_jumps_no_gradient_is_blamed():
    text = rejected(function(np.round, lambda x, g: 0 * g), [np.array([0.5, 1.5, 0.2])])
    assert "2 of 3 elements wrong" in text
    assert "the function jumps here, and has no slope to compare with" in text
    steep = function(lambda x: np.tanh(1e4 * x), lambda x, g: 0 * g)
    assert "jumps" not in rejected(steep, [np.array([0.0, 1e-4, -2e-4])])
