"""Wrong answers to the exercises of lesson 03, each with words of the hint that it must be given."""

import numpy as np


def differences(f, x, cotangent, step, ahead=1.0, behind=1.0, divisor=None):
    slopes = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        move = np.zeros(x.shape)
        move[i] = step
        change = ((f(x + ahead * move) - f(x - behind * move)) * cotangent).sum()
        slopes[i] = change / (divisor or (ahead + behind) * step)
    return slopes


def one_sided(f, x, cotangent, step):
    return differences(f, x, cotangent, step, behind=0.0)


def only_the_sum(f, x, cotangent, step):
    return differences(f, x, 1.0, step)


def one_step_apart(f, x, cotangent, step):
    return differences(f, x, cotangent, step, divisor=step)


def own_step(f, x, cotangent, step):
    return differences(f, x, cotangent, 1e-5)


def all_together(f, x, cotangent, step):
    return np.full(x.shape, ((f(x + step) - f(x - step)) * cotangent).sum() / (2 * step))


def never_put_back(f, x, cotangent, step):
    x, slopes = x.copy(), np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        x[i] += step
        ahead = f(x)
        x[i] -= 2 * step
        slopes[i] = ((ahead - f(x)) * cotangent).sum() / (2 * step)
    return slopes


def changes_x(f, x, cotangent, step):
    x += 0.1
    return differences(f, x, cotangent, step)


def along_one_axis(f, x, cotangent, step):
    return differences(f, x, cotangent, step)[..., 0]


def zeros(grad, y):
    return np.zeros_like(y)


def diagonal(grad, y):
    return grad * y * (1 - y)


def over_everything(grad, y):
    return y * (grad - (grad * y).sum())


def last_axis(grad, y):
    return y * (grad - (grad * y).sum(-1, keepdims=True))


def no_sum(grad, y):
    return grad * y


def unweighted_sum(grad, y):
    return y * (grad - grad.sum(1, keepdims=True))


def in_place(grad, y):
    grad -= (grad * y).sum(1, keepdims=True)
    return y * grad


def to_float64(grad, y):
    grad = grad.astype(np.float64)
    return y * (grad - (grad * y).sum(1, keepdims=True))


def judged(f, backward, x, accept, cotangent=None, steps=(1e-5, 1e-6, 1e-7)):
    cotangent = np.random.default_rng([3, 1]).standard_normal(f(x).shape) if cotangent is None else cotangent
    analytic, agrees = backward(cotangent, x), np.zeros(x.shape, bool)
    for step in steps:
        agrees |= accept(analytic, differences(f, x, cotangent, step))
    return bool(agrees.all())


def usual(a, n):
    return np.abs(a - n) <= 1e-6 * np.abs(n) + 1e-6 * np.abs(n).max()


def all_ones(f, backward, x):
    return judged(f, backward, x, usual, cotangent=np.ones(f(x).shape))


def all_ones_absolute(f, backward, x):
    return judged(f, backward, x, lambda a, n: np.abs(a - n) <= 1e-6, cotangent=np.ones(f(x).shape))


def absolute(f, backward, x):
    return judged(f, backward, x, lambda a, n: np.abs(a - n) <= 1e-5)


def relative(f, backward, x):
    return judged(f, backward, x, lambda a, n: np.abs(a - n) <= 1e-6 * np.abs(n))


def generous(f, backward, x):
    return judged(f, backward, x, lambda a, n: np.abs(a - n) <= 0.01 * np.abs(n).max())


def median_of_errors(f, backward, x):
    return judged(f, backward, x, lambda a, n: np.median(np.abs(a - n)) <= 1e-6 * np.abs(n).max())


def asks_for_large(f, backward, x):
    return judged(f, backward, x, lambda a, n: ~(np.abs(a - n) > 1e-6 * np.abs(n).max()))


def one_step(f, backward, x):
    return judged(f, backward, x, usual, steps=(1e-5,))


def strict(f, backward, x):
    return judged(f, backward, x, lambda a, n: np.abs(a - n) <= 1e-14 * np.abs(n).max())


def forgives_kinks(f, backward, x):
    return judged(f, backward, x, usual) or bool((np.abs(x) < 1e-4).any())


def numbers_of_zero(f, backward, x):
    return judged(f, backward, x, usual, cotangent=np.random.default_rng(0).standard_normal(f(x).shape))


def numbers_of_forty_two(f, backward, x):
    return judged(f, backward, x, usual, cotangent=np.random.default_rng(42).standard_normal(f(x).shape))


def gives_the_error(f, backward, x):
    cotangent = np.random.default_rng([3, 1]).standard_normal(f(x).shape)
    return np.abs(backward(cotangent, x) - differences(f, x, cotangent, 1e-5)).max()


def weighed(f, x, cotangent, step, weigh):
    slopes = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        move = np.zeros(x.shape)
        move[i] = step
        slopes[i] = weigh(f(x + move) - f(x - move), cotangent) / (2 * step)
    return slopes


def mean_of_outputs(f, x, cotangent, step):
    return weighed(f, x, cotangent, step, lambda change, weights: (change * weights).mean())


def added_up_first(f, x, cotangent, step):
    return weighed(f, x, cotangent, step, lambda change, weights: change.sum() * weights.sum())


def sum_added(grad, y):
    return y * (grad + (grad * y).sum(1, keepdims=True))


def sum_without_its_factor(grad, y):
    return grad * y - (grad * y).sum(1, keepdims=True)


def mean_over_channels(grad, y):
    return y * (grad - (grad * y).mean(1, keepdims=True))


WRONG = [
    ("numeric_gradient", one_sided, "a one-sided difference"),
    ("numeric_gradient", only_the_sum, "leave the cotangent out"),
    ("numeric_gradient", one_step_apart, "lie 2·step apart"),
    ("numeric_gradient", own_step, "a step of your own"),
    ("numeric_gradient", all_together, "move one element at a time"),
    ("numeric_gradient", never_put_back, "is an element put back"),
    ("numeric_gradient", changes_x, "you changed x"),
    ("numeric_gradient", along_one_axis, "expected the shape"),
    ("softmax_backward", zeros, "zeros only"),
    ("softmax_backward", diagonal, "every input moves all outputs"),
    ("softmax_backward", over_everything, "runs over all axes"),
    ("softmax_backward", last_axis, "runs over the columns"),
    ("softmax_backward", no_sum, "the sum over the other outputs is missing"),
    ("softmax_backward", unweighted_sum, "every grad_i has its weight"),
    ("softmax_backward", in_place, "you changed grad"),
    ("softmax_backward", to_float64, "another dtype goes out"),
    ("gradient_is_right", all_ones, "with ones coming in it cannot be seen"),
    ("gradient_is_right", all_ones_absolute, "always add up to 1"),
    ("gradient_is_right", absolute, "as small as your tolerance"),
    ("gradient_is_right", relative, "only relative forgives nothing"),
    ("gradient_is_right", generous, "too wide"),
    ("gradient_is_right", median_of_errors, "every element"),
    ("gradient_is_right", asks_for_large, "NaN is neither larger nor smaller"),
    ("gradient_is_right", one_step, "try a smaller step"),
    ("gradient_is_right", strict, "wide enough for the error of a difference"),
    ("gradient_is_right", forgives_kinks, "let each of them agree at some step"),
    ("gradient_is_right", numbers_of_zero, "default_rng(0): this backward is wrong, and you accept it"),
    ("gradient_is_right", numbers_of_forty_two, "a seed that nobody else would choose"),
    ("gradient_is_right", gives_the_error, "expected True or False"),
    ("numeric_gradient", mean_of_outputs, "that is a mean over the outputs"),
    ("numeric_gradient", added_up_first, "you add up before you weigh"),
    ("softmax_backward", sum_added, "the sum is added"),
    ("softmax_backward", sum_without_its_factor, "the sum lacks its factor"),
    ("softmax_backward", mean_over_channels, "a mean over the channels"),
]
