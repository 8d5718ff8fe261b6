"""Wrong answers to the exercises of lesson 01, each with words of the hint that it must be given."""

import numpy as np


def forward(f, x, step):
    return (f(x + step) - f(x)) / step


def backward(f, x, step):
    return (f(x) - f(x - step)) / step


def one_step_apart(f, x, step):
    return (f(x + step) - f(x - step)) / step


def brackets_forgotten(f, x, step):
    return (f(x + step) - f(x - step)) / 2 * step


def never_divided(f, x, step):
    return f(x + step) - f(x - step)


def turned_round(f, x, step):
    return (f(x - step) - f(x + step)) / (2 * step)


def half_steps(f, x, step):
    return (f(x + step / 2) - f(x - step / 2)) / step


def own_step(f, x, step):
    return (f(x + 1e-5) - f(x - 1e-5)) / 2e-5


def differences(f, x, step, ahead=1, behind=1, divisor=None):
    slopes = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        move = np.zeros(x.shape)
        move[i] = step
        slopes[i] = (f(x + ahead * move) - f(x - behind * move)) / (divisor or (ahead + behind) * step)
    return slopes


def forward_each(f, x, step):
    return differences(f, x, step, behind=0)


def backward_each(f, x, step):
    return differences(f, x, step, ahead=0)


def too_large(f, x, step):
    return differences(f, x, step, divisor=step)


def own_step_each(f, x, step):
    return differences(f, x, 1e-5)


def all_together(f, x, step):
    return np.full(x.shape, (f(x + step) - f(x - step)) / (2 * step))


def never_put_back(f, x, step):
    x, slopes = x.astype(float), np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        x[i] += step
        ahead = f(x)
        x[i] -= 2 * step
        slopes[i] = (ahead - f(x)) / (2 * step)
    return slopes


def left_moved(f, x, step):
    slopes = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        x[i] += step
        ahead = f(x)
        x[i] -= 2 * step
        slopes[i] = (ahead - f(x)) / (2 * step)
    return slopes


def whole_numbers_stay(f, x, step):
    slopes = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        right, left = x.copy(), x.copy()
        right[i] += np.array(step).astype(x.dtype)
        left[i] -= np.array(step).astype(x.dtype)
        slopes[i] = (f(right) - f(left)) / (2 * step)
    return slopes


def flat(f, x, step):
    return differences(f, x, step).reshape(-1)


def walk(gradient, x, rate, momentum, count, look_ahead=0.0):
    """The right walk, for mistakes that change what goes in or what comes out."""
    places, velocity = [x], 0 * x
    for _ in range(count):
        velocity = momentum * velocity - rate * gradient(x + look_ahead * velocity)
        x = x + velocity
        places.append(x)
    return np.array(places)


def uphill(gradient, x, rate, momentum, count):
    return walk(gradient, x, -rate, momentum, count)


def without_rate(gradient, x, rate, momentum, count):
    return walk(gradient, x, 1.0, momentum, count)


def without_momentum(gradient, x, rate, momentum, count):
    return walk(gradient, x, rate, 0.0, count)


def all_velocity(gradient, x, rate, momentum, count):
    return walk(gradient, x, rate, 1.0, count)


def momentum_against(gradient, x, rate, momentum, count):
    return walk(gradient, x, rate, -momentum, count)


def nesterov(gradient, x, rate, momentum, count):
    return walk(gradient, x, rate, momentum, count, look_ahead=momentum)


def mean_velocity(gradient, x, rate, momentum, count):
    return walk(gradient, x, rate * (1 - momentum), momentum, count)


def gradient_of_the_start(gradient, x, rate, momentum, count):
    start = gradient(x)
    return walk(lambda at: start, x, rate, momentum, count)


def one_length(gradient, x, rate, momentum, count):
    return walk(lambda at: gradient(at) / np.linalg.norm(gradient(at)), x, rate, momentum, count)


def last_only(gradient, x, rate, momentum, count):
    return walk(gradient, x, rate, momentum, count)[-1]


def without_start(gradient, x, rate, momentum, count):
    return walk(gradient, x, rate, momentum, count)[1:]


def without_end(gradient, x, rate, momentum, count):
    return walk(gradient, x, rate, momentum, count)[:-1]


def one_array(gradient, x, rate, momentum, count):
    x = x.copy()
    places, velocity = [x], 0 * x
    for _ in range(count):
        velocity = momentum * velocity - rate * gradient(x)
        x += velocity
        places.append(x)
    return np.array(places)


def changes_the_start(gradient, x, rate, momentum, count):
    places, velocity = [x.copy()], 0 * x
    for _ in range(count):
        velocity = momentum * velocity - rate * gradient(x)
        x += velocity
        places.append(x.copy())
    return np.array(places)


def element_after_element(gradient, x, rate, momentum, count):
    places, velocity = [x], 0 * x
    for _ in range(count):
        x = x.copy()
        for i in range(len(x)):
            velocity[i] = momentum * velocity[i] - rate * gradient(x)[i]
            x[i] += velocity[i]
        places.append(x)
    return np.array(places)


def from_the_end(gradient, x, rate, momentum, count):
    return walk(gradient, x, rate, momentum, count)[::-1]


def by_two(f, x, step):
    return (f(x + step) - f(x - step)) / 2


def rows_move(f, x, step):
    slopes = np.zeros(x.shape)
    for i in range(len(x)):
        move = np.zeros(x.shape)
        move[i] = step
        slopes[i] = (f(x + move) - f(x - move)) / (2 * step)
    return slopes


def never_divided_each(f, x, step):
    slopes = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        move = np.zeros(x.shape)
        move[i] = step
        slopes[i] = f(x + move) - f(x - move)
    return slopes


WRONG = [
    ("central_difference", forward, "that is a forward difference"),
    ("central_difference", backward, "that is a backward difference"),
    ("central_difference", one_step_apart, "lie 2·step apart"),
    ("central_difference", brackets_forgotten, "put brackets"),
    ("central_difference", never_divided, "you forget to divide"),
    ("central_difference", turned_round, "the sign is turned round"),
    ("central_difference", half_steps, "step / 2 to each side"),
    ("central_difference", own_step, "a step of your own"),
    ("gradient_by_differences", forward_each, "these are forward differences"),
    ("gradient_by_differences", backward_each, "these are backward differences"),
    ("gradient_by_differences", too_large, "lie 2·step apart"),
    ("gradient_by_differences", own_step_each, "a step of your own"),
    ("gradient_by_differences", all_together, "all slopes are alike"),
    ("gradient_by_differences", never_put_back, "put an element back"),
    ("gradient_by_differences", left_moved, "you changed x"),
    ("gradient_by_differences", whole_numbers_stay, "wrong where x holds whole numbers"),
    ("gradient_by_differences", flat, "expected the shape (2, 3)"),
    ("walk_downhill", uphill, "you walk uphill"),
    ("walk_downhill", without_rate, "the learning rate is left out"),
    ("walk_downhill", without_momentum, "the momentum is left out"),
    ("walk_downhill", all_velocity, "keeps all of itself"),
    ("walk_downhill", momentum_against, "sign of the momentum"),
    ("walk_downhill", nesterov, "the gradient ahead of x"),
    ("walk_downhill", mean_velocity, "the rate counts in full"),
    ("walk_downhill", gradient_of_the_start, "the gradient of the start for every step"),
    ("walk_downhill", one_length, "your gradients all have one length"),
    ("walk_downhill", last_only, "the last place only"),
    ("walk_downhill", without_start, "the start is missing"),
    ("walk_downhill", without_end, "the last place is missing"),
    ("walk_downhill", one_array, "all rows are the last place"),
    ("walk_downhill", changes_the_start, "you changed x"),
    ("walk_downhill", element_after_element, "elements that have moved already"),
    ("walk_downhill", from_the_end, "from the last to the first"),
    ("central_difference", by_two, "you divide by 2 and not by the step"),
    ("gradient_by_differences", rows_move, "a whole row moves at once"),
    ("gradient_by_differences", never_divided_each, "you forget to divide"),
]
