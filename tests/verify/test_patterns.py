"""Rules that look at the values: each with an example and a near miss."""

import numpy as np
import pytest

import minifcn as mf
from minifcn import ops
from minifcn.verify.case import Case
from minifcn.verify.diagnosis import diagnose
from minifcn.verify.patterns import summed_to

from .functions import diagnosis, function, rejected
from .test_influence import said_of

RNG = np.random.default_rng(6)
A, B = RNG.uniform(0.5, 2, (3, 4)) * RNG.choice([-1, 1], (3, 4)), RNG.uniform(0.5, 2, (3, 4))
UNKNOWN = "no pattern that is known here"


@pytest.mark.parametrize(
    "wrong, says",
    [
        (lambda a, g: (g / a[1], -g * a[0] / a[1]), "the right gradient times input 1: an exponent is off by one"),
        (lambda a, g: (g / a[1], -g * a[0] / a[1] ** 3), "the right gradient divided by input 1: an exponent"),
        (lambda a, g: (g / a[1], -g * a[0]), "the right gradient times the square of input 1"),
        (lambda a, g: (g / a[1], -g / a[1] ** 2), "the right gradient divided by input 0"),
    ],
)
def test_a_quotient_with_a_wrong_exponent(wrong, says):
    for text in said_of(lambda a, b: a / b, wrong, A, B):
        assert says in text


def test_a_power_with_a_wrong_exponent():
    wrong = function(lambda x: x**3, lambda x, g: 3 * x * g)
    assert "divided by input 0: an exponent is off by one" in diagnosis(rejected(wrong, A))
    wrong = function(lambda x: x**3, lambda x, g: 2 * x * g)
    assert "divided by input 0: an exponent is off by one, or a factor is missing, times 0.667" in diagnosis(
        rejected(wrong, A)
    )
    near = function(lambda x: x**3, lambda x, g: 3 * x * g * (1 + 0.01 * np.sin(7 * x)))
    assert diagnosis(rejected(near, A)) == UNKNOWN


def test_one_factor_for_the_other():
    texts = said_of(lambda a, b: a * b, lambda a, g: (g * a[0], g * a[1]), A, B)
    assert texts == {"input 0 stands where input 1 should"}


def test_a_square_root_times_its_result():
    wrong = function(np.sqrt, lambda x, g: g / 2)
    assert "times the result" in diagnosis(rejected(wrong, B))


def norm(x):
    """x / √(1 + Σx²) along a row."""
    return x / np.sqrt(1 + (x * x).sum(1, keepdims=True))


def terms(first, second):
    def gradient(x, g):
        s = 1 + (x * x).sum(1, keepdims=True)
        return first * g * s**-0.5 - second * x * (g * x).sum(1, keepdims=True) * s**-1.5

    return function(norm, gradient)


@pytest.mark.parametrize(
    "first, second, says",
    [
        (1, 0, "a term is missing: incoming·y/x alone"),
        (0, 1, "a term is missing: incoming·y/x, what is left"),
        (1, 2, "one of two terms counts 2.000 times"),
        (1, -1, "one of two terms counts -1.000 times: its sign is turned round"),
        (0.5, 1, "one of two terms, incoming·y/x, counts 0.500 times; the rest is right"),
    ],
)
def test_a_term_of_the_product_rule(first, second, says):
    mf.gradcheck(terms(1, 1), A)
    for seed in range(3):
        assert says in diagnosis(rejected(terms(first, second), A, seed=seed))


def test_two_wrong_terms_are_no_pattern():
    assert diagnosis(rejected(terms(0.5, 2), A)) == UNKNOWN


def scored(factor):
    labels = np.arange(6).reshape(1, 2, 3) % 4

    def softmax(x):
        e = np.exp(x - x.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    def hot(labels):
        return np.moveaxis(np.eye(4)[labels], -1, 1)

    return function(
        lambda x: -(np.log(softmax(x)) * hot(labels)).sum(), lambda x, g: factor(softmax(x), hot, labels) * g
    )


SCORES = RNG.standard_normal((1, 4, 2, 3))
PIXELS = np.array([[1.0, 2.0, 0.5], [1.0, 3.0, 4.0]])
CLASSES = np.array([0.5, 2.0, 3.0, 0.25]).reshape(4, 1, 1)


@pytest.mark.parametrize(
    "factor, says",
    [
        (
            lambda s, hot, labels: (s - hot(labels)) * PIXELS,
            "off by a factor that is the same along axis 1 and differs",
        ),
        (
            lambda s, hot, labels: (s - hot(labels)) * PIXELS * CLASSES,
            "off by a factor for each place along axis 1, times one for",
        ),
        (lambda s, hot, labels: s, "off by the same "),
        (lambda s, hot, labels: s - hot((labels + 1) % 4), "is counted at the wrong places"),
    ],
)
def test_losses(factor, says):
    mf.gradcheck(scored(lambda s, hot, labels: s - hot(labels)), SCORES)
    for seed in range(3):
        assert says in diagnosis(rejected(scored(factor), SCORES, seed=seed))


def test_a_loss_with_noise_is_no_pattern():
    noise = 1 + 0.1 * RNG.standard_normal(SCORES.shape)
    assert diagnosis(rejected(scored(lambda s, hot, labels: (s - hot(labels)) * noise), SCORES)) == UNKNOWN


# masks, and what is chosen by nothing


CHOSEN = RNG.random((4, 5)) < 0.5
OTHER = RNG.random((4, 5)) < 0.5
VALUES = RNG.standard_normal((4, 5))


def masked(mask):
    return function(lambda x: x * CHOSEN, lambda x, g: g * mask)


def test_another_mask():
    text = diagnosis(rejected(masked(OTHER), VALUES))
    few, many = int((CHOSEN & ~OTHER).sum()), int((OTHER & ~CHOSEN).sum())
    assert text.startswith(f"zero at {few} places where it should not be and not zero at {many} where it should")
    assert "another mask" not in diagnosis(rejected(masked(OTHER * (1 + 0.1 * VALUES)), VALUES))


def test_chosen_by_nothing():
    assert (
        diagnosis(rejected(masked(0.25), VALUES))
        == "0.250 times the incoming gradient at every place, chosen by nothing"
    )
    soft = 1 / (1 + np.exp(VALUES))
    assert "shared out and not chosen" in diagnosis(rejected(masked(soft), VALUES))
    assert diagnosis(rejected(masked(soft * 3), VALUES)) == UNKNOWN


def test_a_stretched_number_that_hears_of_all():
    floor = np.array([0.1, -0.2, 0.3]).reshape(3, 1)
    x = RNG.standard_normal((3, 6))
    texts = said_of(lambda f: ops.maximum(mf.Tensor(x), f), lambda arrays, g: g.sum(1, keepdims=True), floor)
    assert texts == {"the sum of all incoming gradients at every place, chosen by nothing"}


def test_summed_to():
    ones = np.ones((2, 3, 4))
    assert summed_to(ones, (3, 1)).tolist() == [[8.0]] * 3
    assert summed_to(ones, (2, 4)) is None and summed_to(ones, (1, 2, 3, 4)) is None


# places


PICTURE = RNG.permutation(72).reshape(1, 2, 6, 6) / 10


def test_shared_out_evenly():
    pool = lambda x: ops.max_pool2d(x, 2)  # noqa: E731
    wrong = lambda arrays, g: np.repeat(np.repeat(g, 2, 2), 2, 3) / 4  # noqa: E731
    assert said_of(pool, wrong, PICTURE) == {"shared out evenly over blocks of 2 x 2, whose sums are right"}


def test_at_other_places_though_the_sums_are_right():
    pool = lambda x: ops.max_pool2d(x, 3, stride=2)  # noqa: E731

    def wrong(arrays, g):
        result = np.zeros(PICTURE.shape)
        for row in range(g.shape[2]):
            for column in range(g.shape[3]):
                result[:, :, row * 2 + 1, column * 2] += 0.5 * g[:, :, row, column]
                result[:, :, row, column] += 0.5 * g[:, :, row, column]
        return result

    texts = said_of(pool, wrong, PICTURE)
    assert texts == {"as much arrives in each picture and channel as should, but not at these rows and columns"}


def test_an_index_that_is_wrong():
    order = RNG.permutation(12)
    scattered = order.copy()
    scattered[:5] = scattered[5:10]
    right = function(lambda x: x[order], lambda x, g: np.bincount(order, g, 12))
    x = RNG.standard_normal(12)
    mf.gradcheck(right, x)
    wrong = function(lambda x: x[order], lambda x, g: g[scattered])
    assert diagnosis(rejected(wrong, x)) in (
        "each wrong element holds the incoming gradient of another place of the result: an index is wrong",
    )


def test_one_incoming_gradient_too_many():
    def padded(x, g):
        result = g[:, 1:-1].copy()
        result[:, 0] += g[:, 0]
        result[:, -1] += g[:, -1]
        return result

    wrong = function(lambda x: np.pad(x, ((0, 0), (1, 1))), padded)
    assert diagnosis(rejected(wrong, VALUES)) == "each wrong element holds one incoming gradient more than it should"


def say(analytic, numeric, **more):
    analytic, numeric = np.array(analytic, float), np.array(numeric, float)
    bad = np.abs(analytic - numeric) > 1e-9
    return diagnose(Case(analytic, numeric, bad, lambda index: np.array([numeric[index]]), **more))


def test_a_constant_here_and_there():
    right = RNG.standard_normal((4, 5))
    wrong = right.copy()
    wrong[[0, 1, 2, 3], [0, 2, 1, 4]] += 0.25
    assert say(wrong, right).startswith("off by the same 0.25 at 4 of 20 places, right at the others")
    wrong[[0, 1, 2, 3], [1, 3, 0, 2]] -= 0.25
    assert say(wrong, right).startswith("0.25 too much at 4 places and as much too little at 4")
    wrong[3, 3] += 0.1
    assert say(wrong, right) == ""


def test_what_is_not_known_is_not_used():
    """Without the incoming gradient, the result and the inputs there are fewer words, and no error."""
    assert say([1.0, 5.0, 2.0], [1.5, 3.0, 1.0]) == ""
