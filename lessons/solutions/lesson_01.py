"""Answers to the exercises of lesson 01."""

import numpy as np


def central_difference(f, x, step):
    return (f(x + step) - f(x - step)) / (2 * step)


def gradient_by_differences(f, x, step):
    slopes = np.zeros(x.shape)  # float, whatever x holds
    for i in np.ndindex(x.shape):
        move = np.zeros(x.shape)
        move[i] = step
        slopes[i] = (f(x + move) - f(x - move)) / (2 * step)  # x + move is a new array
    return slopes


def walk_downhill(gradient, x, rate, momentum, count):
    places, velocity = [x], np.zeros(len(x))
    for _ in range(count):
        velocity = momentum * velocity - rate * gradient(x)
        x = x + velocity  # a new array: the one in the list stays
        places.append(x)
    return np.array(places)


SOLUTIONS = {
    "central_difference": central_difference,
    "gradient_by_differences": gradient_by_differences,
    "walk_downhill": walk_downhill,
}
