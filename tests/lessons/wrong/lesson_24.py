"""Wrong answers to the exercises of lesson 24, each with words of the hint that it must be given."""

from itertools import combinations

import numpy as np
from PIL import Image, ImageDraw


def distances(picture, colours):
    return ((picture[:, :, None].astype(int) - np.array(colours)) ** 2).sum(-1)


def nearest(picture, colours):
    return distances(picture, colours).argmin(-1).astype(np.uint8)


def exact(picture, colours, message="unknown colour"):
    found = distances(picture, colours)
    if (found.min(-1) > 0).any():
        raise ValueError(message)
    return found.argmin(-1).astype(np.uint8)


def red(picture, colours):
    return picture[..., 0]


def from_one(picture, colours):
    return exact(picture, colours) + np.uint8(1)


def eight_bits(picture, colours):
    sums = picture.sum(-1, dtype=np.uint8)
    labels = np.zeros(sums.shape, np.uint8)
    for place, colour in reversed(list(enumerate(colours))):
        labels[sums == np.uint8(sum(colour) % 256)] = place
    return labels


def names_nothing(picture, colours):
    return exact(picture, colours)


def looks_up(picture, colours):
    table = {tuple(colour): place for place, colour in enumerate(colours)}
    return np.array([[table[tuple(map(int, pixel))] for pixel in row] for row in picture], np.uint8)


def in_integers(picture, colours):
    return exact(picture, colours).astype(np.int64)


def in_order_of_colours(picture, colours):
    exact(picture, colours)
    return exact(picture, sorted(colours))


def even_odd(corners, size, middle=0.5, closed=True):
    rows, columns = np.mgrid[: size[0], : size[1]] + middle
    inside = np.zeros(size, bool)
    following = [*corners[1:], corners[0]] if closed else corners[1:]
    for (x0, y0), (x1, y1) in zip(corners, following, strict=False):
        if y0 != y1:
            inside ^= ((y0 <= rows) != (y1 <= rows)) & (x0 + (rows - y0) * (x1 - x0) / (y1 - y0) > columns)
    return inside


def by_pillow(corners, size):
    canvas = Image.new("L", size[::-1])
    ImageDraw.Draw(canvas).polygon([tuple(corner) for corner in corners], fill=1)
    return np.asarray(canvas) == 1


def hull(corners, size):
    """All triangles of three corners: right for shapes without a dent."""
    rows, columns = np.mgrid[: size[0], : size[1]] + 0.5
    found = np.zeros(size, bool)
    for a, b, c in combinations(corners, 3):
        areas = [(q[0] - p[0]) * (rows - p[1]) - (q[1] - p[1]) * (columns - p[0]) for p, q in ((a, b), (b, c), (c, a))]
        found |= np.all([area >= 0 for area in areas], 0) | np.all([area <= 0 for area in areas], 0)
    return found


def exchanged(corners, size):
    return even_odd([(y, x) for x, y in corners], size)


def inside_out(corners, size):
    return ~even_odd(corners, size)


def in_numbers(corners, size):
    return even_odd(corners, size).astype(np.uint8)


def never_closed(corners, size):
    return even_odd(corners, size, closed=False)


def only_upwards(corners, size):
    rows, columns = np.mgrid[: size[0], : size[1]] + 0.5
    inside = np.zeros(size, bool)
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if y0 < y1:
            inside ^= ((y0 <= rows) & (rows < y1)) & (x0 + (rows - y0) * (x1 - x0) / (y1 - y0) > columns)
    return inside


def as_it_is(array):
    return array


def always_copied(array):
    return np.array(array, order="C")


def by_ascontiguous(array):
    return np.ascontiguousarray(array)


def as_float(array):
    return np.require(array, np.float64, "C").reshape(array.shape)


def as_a_list(array):
    return array.tolist()


def memory_in_its_order(array):
    if array.flags.c_contiguous:
        return array
    return array.ravel(order="K").reshape(array.shape)


def labels_in_eight_bits(picture, colours):
    weights = np.array([65536 % 256, 256 % 256, 1], np.uint8)
    numbers = (picture * weights).sum(-1)
    labels = np.full(numbers.shape, 255, np.uint8)
    for place, colour in enumerate(colours):
        labels[numbers == np.dot(colour, [65536, 256, 1])] = place
    if (labels == 255).any():
        raise ValueError(f"the colour {picture[labels == 255][0]} is not in the list")
    return labels


def labels_blue_first(picture, colours):
    numbers = picture[..., ::-1].astype(int) @ np.array([65536, 256, 1])
    labels = np.full(numbers.shape, 255, np.uint8)
    for place, colour in enumerate(colours):
        labels[numbers == np.dot(colour, [65536, 256, 1])] = place
    if (labels == 255).any():
        raise ValueError(f"the colour {picture[labels == 255][0]} is not in the list")
    return labels


WRONG = [
    ("labels_of", nearest, "nobody would hear of it"),
    ("labels_of", red, "that is the red channel"),
    ("labels_of", from_one, "the first colour of the list is class 0"),
    ("labels_of", eight_bits, "numbers of 8 bits running over"),
    ("labels_of", names_nothing, "must name the colour"),
    ("labels_of", looks_up, "expected a ValueError"),
    ("labels_of", in_integers, "a byte a pixel"),
    ("labels_of", in_order_of_colours, "the place of their colour"),
    ("filled", by_pillow, "ask whether the middle"),
    ("filled", hull, "the dent is filled too"),
    ("filled", exchanged, "x counts columns"),
    ("filled", inside_out, "inside and outside are exchanged"),
    ("filled", in_numbers, "expected bool"),
    ("filled", never_closed, "joined to the first"),
    ("filled", only_upwards, "sides that go up count"),
    ("ready_to_write", as_it_is, "still not in row-major order"),
    ("ready_to_write", always_copied, "nothing had to be done"),
    ("ready_to_write", by_ascontiguous, "expected the shape ()"),
    ("ready_to_write", as_float, "goes out"),
    ("ready_to_write", as_a_list, "expected an array"),
    ("ready_to_write", memory_in_its_order, "have changed places"),
    ("labels_of", labels_in_eight_bits, "are numbers of 8 bits running over?"),
    ("labels_of", labels_blue_first, "Does red stand first?"),
]
