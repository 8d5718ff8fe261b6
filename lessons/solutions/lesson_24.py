"""Answers to the exercises of lesson 24."""

import numpy as np


def labels_of(picture, colours):
    weights = np.array([65536, 256, 1])
    numbers = (picture.astype(np.int64) * weights).sum(-1)
    labels, known = np.zeros(numbers.shape, np.uint8), np.zeros(numbers.shape, bool)
    for place, colour in enumerate(colours):
        here = numbers == (np.array(colour, np.int64) * weights).sum()
        labels[here] = place
        known |= here
    if not known.all():
        stranger = picture[~known][0].tolist()
        raise ValueError(f"the colour {tuple(stranger)} is not in the list")
    return labels


def filled(corners, size):
    rows, columns = np.mgrid[: size[0], : size[1]] + 0.5
    inside = np.zeros(size, bool)
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if y0 == y1:
            continue  # along a row: crosses none
        crosses = (y0 <= rows) != (y1 <= rows)
        inside ^= crosses & (x0 + (rows - y0) * (x1 - x0) / (y1 - y0) > columns)
    return inside


def ready_to_write(array):
    return np.ascontiguousarray(array).reshape(array.shape)


SOLUTIONS = {
    "labels_of": labels_of,
    "filled": filled,
    "ready_to_write": ready_to_write,
}
