"""Each rule with a small example in one, two and four axes; and with a near miss, of which it must not speak."""

import numpy as np
import pytest

import minifcn as mf
from minifcn.verify.case import Case
from minifcn.verify.diagnosis import diagnose

from .functions import cube, diagnosis, elementwise, function, rejected

RNG = np.random.default_rng(0)
ONE, TWO, SQUARE, FOUR = (
    RNG.uniform(1, 2, shape) * RNG.choice([-1, 1], shape) for shape in ((6,), (3, 4), (4, 4), (2, 3, 5, 4))
)
EVERY = {"one axis": ONE, "two axes": TWO, "four axes": FOUR}


def say(analytic, numeric, contributions=None):
    """What is said of these gradients. Without `contributions` every element acts through one output."""
    numeric = np.array(numeric, float)
    analytic = np.array(analytic, float)
    with np.errstate(invalid="ignore"):
        bad = ~(np.abs(analytic - numeric) <= 1e-9)
    assert bad.any(), "an example that is right says nothing"
    return diagnose(Case(analytic, numeric, bad, contributions or (lambda index: np.array([numeric[index]]))))


def changed(array, index, value):
    result = array.copy()
    result[index] = value
    return result


def spoilt(array, by=0.02):
    """One element is off by a little more."""
    return changed(array, (-1,) * array.ndim, array[(-1,) * array.ndim] * (1 + by))


each = pytest.mark.parametrize("right", EVERY.values(), ids=EVERY)


@each
def test_not_a_number(right):
    assert say(changed(right, (0,) * right.ndim, np.nan), right) == "1 values are not a number"
    assert say(right * np.nan, right) == f"{right.size} values are not a number"


@each
def test_infinite(right):
    assert say(changed(right, (0,) * right.ndim, -np.inf), right) == "some values are infinite"
    assert say(changed(right, (0,) * right.ndim, 1e100), right) != "some values are infinite"


@each
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_numeric_value_that_is_not_finite_fits_no_rule(right, value):
    """An infinite error would make every other one look small."""
    for analytic in (right, spoilt(right), right + 1, np.flip(right)):
        said = say(analytic, changed(right, (0,) * right.ndim, value))
        assert said == "" or "finite" in said


@each
def test_zero_everywhere(right):
    assert say(right * 0, right) == "zero everywhere: no gradient arrives here"
    assert say(right[..., ::-1] * 1e-17, right) == "zero everywhere but for rounding"
    for one in (1e-3, 1e-7):
        assert "zero everywhere" not in say(changed(right * 0, (0,) * right.ndim, one), right)


@each
@pytest.mark.parametrize(
    "factor, text",
    [
        (2, "2.000"),
        (0.5, "0.500 = 1/2"),
        (1 / 12, "0.083 = 1/12"),
        (0.45, "0.450"),
        (-3, "-3.000"),
        (1.0001, "1.0001000"),
        (1 - 1e-6, "0.9999990"),
    ],
)
def test_a_factor(right, factor, text):
    assert say(factor * right, right) == f"off by a factor {text}"
    assert "off by a factor " + text not in say(spoilt(factor * right, 0.02 * (factor - 1)), right)


@each
def test_the_sign(right):
    assert say(-right, right) == "off by a factor -1.000: the sign is turned round"
    assert "sign" not in say(-1.1 * right, right)


@pytest.mark.parametrize(
    "right, factors, text",
    [
        (TWO, [[1], [2], [3]], "2.000, 3.000"),
        (TWO, [[1, 1, 0.5, -1]], "0.500, -1.000"),
        (FOUR, np.array([4.0, 1.0, 2.0]).reshape(3, 1, 1), "4.000, 2.000"),
        (FOUR, np.array([1.0, 1.0, 1.0, 1.0, 0.25]).reshape(5, 1), "0.250"),
    ],
)
def test_a_factor_of_its_own(right, factors, text):
    said = say(factors * right, right)
    assert said.startswith("off by a factor of its own for each ") and text in said
    assert "of its own" not in say(spoilt(factors * right), right)


def test_the_axis_of_the_factors_is_named():
    rows = np.array([1.0, 2.0, 3.0, 1.0, 1.0]).reshape(5, 1)
    assert say(rows * FOUR, FOUR) == "off by a factor of its own for each row: 2.000, 3.000 at row 1-2"
    assert "axis 1" in say(rows[:3, None] * FOUR, FOUR)
    assert "axis 1" in say(TWO * [1, 2, 3, 4], TWO)


def test_a_factor_for_each_element_explains_nothing():
    assert "factor" not in say(ONE * [1, 2, 3, 4, 5, 6], ONE)
    assert "factor" not in say(ONE[:, None] * np.arange(1, 7)[:, None], ONE[:, None])


def blank(array, *key):
    result = array.copy()
    result[key] = 0
    return result


@pytest.mark.parametrize(
    "wrong, right, text",
    [
        (blank(ONE, -1), ONE, "zero at the last place along axis 0"),
        (blank(ONE, 0), ONE, "zero at the first place along axis 0"),
        (blank(ONE, [1, 2, 4]), ONE, "zero at places 1-2, 4 of 0-5 along axis 0"),
        (blank(TWO, -1), TWO, "zero at the last place along axis 0"),
        (blank(TWO, slice(None), 0), TWO, "zero at the first place along axis 1"),
        (blank(TWO, slice(None), [1, 2]), TWO, "zero at places 1-2 of 0-3 along axis 1"),
        (blank(FOUR, ..., -1, slice(None)), FOUR, "zero at the last row"),
        (blank(FOUR, ..., -1), FOUR, "zero at the last column"),
        (blank(FOUR, ..., 0), FOUR, "zero at the first column"),
        (blank(FOUR, ..., [1, 3], slice(None)), FOUR, "zero at places 1, 3 of 0-4 along row"),
        (blank(FOUR, slice(None), -1), FOUR, "zero at the last place along axis 1"),
        (blank(FOUR, 0), FOUR, "zero at the first place along axis 0"),
    ],
)
def test_zero_along_an_axis(wrong, right, text):
    assert say(wrong, right) == text


def test_zeros_here_and_there_are_no_row():
    for places in ([(0, 0)], [(0, 0), (1, 1), (2, 2), (0, 3)]):
        wrong = TWO.copy()
        wrong[tuple(zip(*places, strict=True))] = 0
        assert "along" not in say(wrong, TWO)
    assert "zero at" not in say(spoilt(blank(FOUR, ..., 0, slice(None)), 0.2), FOUR)


def test_zeros_that_are_right_do_not_count():
    """A row that is 0 in truth too, beside one that should not be."""
    right = blank(FOUR, ..., 0, slice(None))
    assert say(blank(right, ..., -1, slice(None)), right) == "zero at the last row"


def test_transposed():
    assert say(SQUARE.T, SQUARE) == "transposed: axes 0 and 1 are exchanged"
    kernel, cubic = RNG.standard_normal((2, 3, 4, 4)), RNG.standard_normal((3, 3, 3))
    assert say(kernel.swapaxes(2, 3), kernel) == "transposed: axes 2 and 3 are exchanged"
    assert (
        say(cubic.transpose(1, 2, 0), cubic)
        == "transposed: its axes are those of the right gradient in the order (1, 2, 0)"
    )
    channels = RNG.standard_normal((3, 3, 2, 5))
    assert say(channels.swapaxes(0, 1), channels) == "transposed: axes 0 and 1 are exchanged"
    assert "transposed" not in say(spoilt(SQUARE.T, 0.5), SQUARE)
    assert "transposed" not in say(TWO.T.reshape(TWO.shape), TWO)  # the right numbers, read in another order


@pytest.mark.parametrize(
    "wrong, right, text",
    [
        (ONE[::-1], ONE, "flipped along axis 0"),
        (TWO[::-1], TWO, "flipped along axis 0"),
        (TWO[:, ::-1], TWO, "flipped along axis 1"),
        (TWO[::-1, ::-1], TWO, "flipped along axis 0 and axis 1"),
        (FOUR[..., ::-1, :], FOUR, "flipped along rows"),
        (FOUR[..., ::-1], FOUR, "flipped along columns"),
        (FOUR[..., ::-1, ::-1], FOUR, "flipped along rows and columns"),
    ],
)
def test_flipped(wrong, right, text):
    assert say(wrong, right) == text
    assert "flipped" not in say(spoilt(wrong, 0.5), right)


@pytest.mark.parametrize("right", [TWO, FOUR])
def test_the_mask_turned_round(right):
    mask = np.arange(right.size).reshape(right.shape) % 3 > 0
    assert mask.any() and not mask.all()
    text = "zero exactly where it should not be: the mask is turned round"
    assert say(right * ~mask, right * mask) == text
    one_more = right * ~mask
    one_more[np.unravel_index(0, right.shape)] = 0  # 0 where it may be
    assert say(one_more, right * mask) != text
    assert say(right * mask * 1.5, right * mask) != text


def test_the_mask_turned_round_in_a_check():
    message = rejected(elementwise(lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, 0.0, 1.0)), FOUR)
    assert diagnosis(message) == "zero exactly where it should not be: the mask is turned round"


@pytest.mark.parametrize(
    "wrong, right, name, order",
    [
        (TWO[[2, 0, 1]], TWO, "axis 0", "[2, 0, 1]"),
        (TWO[:, [1, 0, 2, 3]], TWO, "axis 1", "[1, 0, 2, 3]"),
        (FOUR[:, [1, 2, 0]], FOUR, "axis 1", "[1, 2, 0]"),
        (FOUR[:, :, [0, 2, 1, 3, 4]], FOUR, "row", "[0, 2, 1, 3, 4]"),
    ],
)
def test_another_order(wrong, right, name, order):
    said = say(wrong, right)
    assert "in another order" in said and name in said and order in said
    assert "another order" not in say(spoilt(wrong, 0.5), right)


def test_moved_on_is_called_shifted_also_where_it_comes_in_again_at_the_other_end():
    assert say(np.roll(FOUR, 1, 3), FOUR) == "shifted by 1 along the columns"
    assert say(np.roll(FOUR, -1, 2), FOUR) == "shifted by -1 along the rows"
    assert "in another order: [2, 0, 1]" in say(np.roll(FOUR, 1, 1), FOUR)


def test_the_same_row_twice_is_not_another_order():
    assert "another order" not in say(TWO[[0, 0, 1]], TWO)


@each
@pytest.mark.parametrize("off", [1e-3, -0.25, 7.0])
def test_a_constant(right, off):
    assert say(right + off, right) == f"off by a constant {off:.3g}"
    assert "constant" not in say(changed(right + off, (0,) * right.ndim, right.flat[0]), right)


MOVED = {
    "right along one axis": (RNG.standard_normal(6), (0, 1), "1 along the last axis"),
    "left along one axis": (RNG.standard_normal(6), (0, -2), "-2 along the last axis"),
    "columns of two axes": (SQUARE, (0, 2), "2 along the columns"),
    "rows of two axes": (SQUARE, (-1, 0), "-1 along the rows"),
    "rows of four": (FOUR, (2, 0), "2 along the rows"),
    "columns of four": (FOUR, (0, -1), "-1 along the columns"),
    "rows and columns": (FOUR, (1, -1), "1 along the rows and -1 along the columns"),
}


@pytest.mark.parametrize("right, by, text", MOVED.values(), ids=MOVED)
def test_shifted(right, by, text):
    """What comes in at the border is anything; what was moved is there."""
    pictures = right.reshape(-1, *(1, *right.shape)[-2:])
    h, w = pictures.shape[1:]
    wrong = RNG.standard_normal(pictures.shape)
    for row in range(h):
        for column in range(w):
            if 0 <= row - by[0] < h and 0 <= column - by[1] < w:
                wrong[:, row, column] = pictures[:, row - by[0], column - by[1]]
                moved = row, column
    wrong = wrong.reshape(right.shape)
    assert say(wrong, right) == f"shifted by {text}"
    place = (*(0,) * max(right.ndim - 2, 0), *moved)[-right.ndim :]
    assert "shifted" not in say(changed(wrong, place, 9.0), right)


# a mask that is wrong on one side


@pytest.mark.parametrize("right", [TWO, FOUR])
def test_a_mask_that_lets_too_much_through(right):
    mask = np.arange(right.size).reshape(right.shape) % 5 > 1
    more = np.arange(right.size).reshape(right.shape) % 5 > 0
    count = int((more & ~mask).sum())
    text = f"not zero at {count} places where it should be, right at the others: a mask lets too much through"
    assert say(right * more, right * mask) == text
    place = tuple(np.argwhere(mask)[0])
    assert "a mask" not in say(changed(right * more, place, right[place] * 1.02), right * mask)


@pytest.mark.parametrize("right", [TWO, FOUR])
def test_a_mask_that_lets_too_little_through(right):
    less = np.arange(right.size).reshape(right.shape) % 5 > 0
    text = f"zero at {int((~less).sum())} places where it should not be, right at the others: a mask lets too little through"
    assert say(right * less, right) == text
    assert "a mask" not in say(spoilt(right * less), right)


def test_the_right_values_at_other_places():
    wrong = RNG.permutation(FOUR.reshape(-1)).reshape(FOUR.shape)
    assert say(wrong, FOUR) == "the values are right, but at other places"
    assert say(spoilt(wrong, 0.5), FOUR) != "the values are right, but at other places"
    assert say(np.sort(TWO, None).reshape(TWO.shape), TWO) == "the values are right, but at other places"


# through which outputs an element acts


def of_rows(parts):
    """parts: a row an element, its contributions through each output. -> what `contributions` is to give."""
    return lambda index: parts[index[0]]


PARTS = np.array([[1.0, 2.0, 4.0, 0.0], [3.0, -1.0, 0.0, 5.0], [0.5, 0.25, 7.0, 2.5]])


def test_assigned_and_not_added():
    last_nonzero = np.array([4.0, 5.0, 2.5])
    said = say(last_nonzero, PARTS.sum(1), of_rows(PARTS))
    assert said.startswith("assigned") and "(up to 4)" in said
    assert "assigned" not in say(last_nonzero + np.array([0, 0, 0.1]), PARTS.sum(1), of_rows(PARTS))


def test_a_value_that_is_no_contribution_is_not_called_assigned():
    """0 is not among them: where a contribution is 0 nothing was assigned."""
    assert "assigned" not in say([0.0, 5.0, 0.0], PARTS.sum(1), of_rows(PARTS))


@pytest.mark.parametrize(
    "kept, text",
    [
        (slice(0, 3), "the last"),
        (slice(1, 4), "the first"),
        (slice(0, 1), "only the first"),
        (slice(3, 4), "only the last"),
    ],
)
def test_a_part_of_the_outputs_is_missing(kept, text):
    parts = RNG.standard_normal((3, 2, 4)) + 3  # three elements, outputs (2, 4)
    said = say(parts[:, :, kept].sum((1, 2)), parts.sum((1, 2)), of_rows(parts))
    if text.startswith("only") and said.startswith("assigned"):
        return  # what a loop over outputs leaves that assigns: both are true
    assert said.startswith(text) and "axis 1" in said
    assert said.endswith("left out" if len(range(4)[kept]) == 3 else "counts")
    spoilt_too = parts[:, :, kept].sum((1, 2)) + np.array([0, 0.5, 0])
    assert not say(spoilt_too, parts.sum((1, 2)), of_rows(parts)).startswith(text)


WEIGHT = RNG.standard_normal((2, 3, 3, 3))
PICTURE = RNG.standard_normal((2, 3, 5, 5))


def convolution(kept):
    """A convolution whose input gradient sees `kept` of the incoming gradient alone."""

    def gradient(x, grad):
        part = np.zeros_like(grad)
        part[kept] = grad[kept]
        return mf.ops.conv_transpose2d(mf.Tensor(part), WEIGHT, padding=1).data

    return function(lambda x: mf.ops.conv2d(mf.Tensor(x), WEIGHT, padding=1).data, gradient)


@pytest.mark.parametrize(
    "kept, text",
    [
        (np.s_[:, :, :-1], "the last output row is left out"),
        (np.s_[:, :, 1:], "the first output row is left out"),
        (np.s_[:, :, :, :-1], "the last output column is left out"),
    ],
)
def test_a_convolution_that_forgets_a_border(kept, text):
    assert diagnosis(rejected(convolution(kept), PICTURE)) == text


def test_a_convolution_that_sees_the_first_channel_alone():
    said = diagnosis(rejected(convolution(np.s_[:, :1]), PICTURE))
    assert said in ("only the first output channel counts", "the last output channel is left out")


def test_a_weight_gradient_of_the_first_picture_alone():
    class Scale(mf.Function):
        def forward(self, x, weight):
            self.x = x
            return x * weight

        def backward(self, grad):
            return None, (grad * self.x)[:1].sum(0, keepdims=True)

    said = diagnosis(rejected(lambda w: Scale()(np.repeat(PICTURE, 2, 0), w), PICTURE[:1]))
    assert said.startswith("only the first") or "(up to 4)" in said, said


def windows(assign):
    """Sums of three neighbours in a row of pixels; backward adds to each pixel, or assigns."""

    def gradient(x, grad):
        result = np.zeros_like(x)
        for start in range(grad.shape[3]):
            if assign:
                result[..., start : start + 3] = grad[..., start : start + 1]
            else:
                result[..., start : start + 3] += grad[..., start : start + 1]
        return result

    return function(lambda x: x[..., :-2] + x[..., 1:-1] + x[..., 2:], gradient)


def test_windows_that_overlap():
    mf.gradcheck(windows(assign=False), PICTURE)
    assert diagnosis(rejected(windows(assign=True), PICTURE)).startswith("assigned where windows overlap: ")


# what no rule knows, and what kinks do not hide


def test_an_unknown_pattern_says_so():
    wrong = TWO + RNG.standard_normal(TWO.shape)
    assert say(wrong, TWO) == ""
    message = rejected(function(lambda x: 2 * x, lambda x, grad: 2 * grad * (1 + wrong)), TWO)
    assert diagnosis(message) == "no pattern that is known here"


@pytest.mark.parametrize("at_zero", [0, 1])
def test_a_value_at_a_kink_hides_no_pattern(at_zero):
    """ReLU at 0 may say 0 or 1, where the difference says a half; all others are off by a factor 2."""
    x = TWO.copy()
    x[1, 2] = 0
    wrong = elementwise(lambda x: np.maximum(x, 0), lambda x: np.where(x == 0, at_zero, 2.0 * (x > 0)))
    assert diagnosis(rejected(wrong, x)) == "off by a factor 2.000"


def test_a_right_gradient_has_no_diagnosis():
    report = mf.gradcheck(cube(), TWO)
    assert report.inputs[0].diagnosis == "" and "diagnosis" not in str(report)


def test_each_array_has_its_own_diagnosis():
    message = rejected(lambda a, b: cube(2.0)(a) + cube(-1.0)(b), [TWO, TWO + 4])
    first, second = message.split("input 1: ")
    assert "off by a factor 2.000" in first and "the sign is turned round" in second
