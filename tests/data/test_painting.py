"""What the synthetic pictures show: all shapes, with void edges, told apart by shape and only hinted at by hue."""

import math

import numpy as np
import pytest
from PIL import Image

from minifcn.data.synthetic.painting import SHAPE_CLASSES, paint
from minifcn.data.synthetic.shapes import SHAPES, polygon

PICTURES = 250


@pytest.fixture(scope="module")
def painted():
    """Pictures and labels, read only."""
    return [paint((64, 64), np.random.default_rng([5, number])) for number in range(PICTURES)]


def test_kinds_and_values(painted):
    for picture, labels in painted:
        assert picture.dtype == labels.dtype == np.uint8
        assert picture.shape == (64, 64, 3) and labels.shape == (64, 64)
        assert picture.std() > 5
        assert set(np.unique(labels)) <= {*range(9), 255}


def test_every_picture_shows_something_and_every_class_is_common(painted):
    shown = np.array([[(labels == number).any() for number in range(9)] for _, labels in painted])
    assert shown[:, 1:].any(axis=1).all()
    assert (shown.sum(axis=0) > PICTURES / 10).all()
    assert SHAPE_CLASSES == ("background", "disc", "square", "triangle", "ring", "cross", "star", "bar", "crescent")


def test_objects_of_many_sizes(painted):
    shares = [(labels != 0).mean() for _, labels in painted]
    assert np.quantile(shares, 0.1) < 0.15 and np.quantile(shares, 0.9) > 0.3


def test_void_lies_between_any_two_classes_and_is_thin(painted):
    for _, labels in painted:
        for one, other in (
            (labels[1:], labels[:-1]),
            (labels[:, 1:], labels[:, :-1]),
            (labels[1:, 1:], labels[:-1, :-1]),
            (labels[1:, :-1], labels[:-1, 1:]),
        ):
            assert ((one == other) | (one == 255) | (other == 255)).all()
    share = np.mean([(labels == 255).mean() for _, labels in painted])
    assert 0.02 < share < 0.1


def hue_of(picture, mask):
    """The mean hue of the masked pixels in turns, each with the weight of its colourfulness."""
    hue, saturation, value = np.moveaxis(np.asarray(Image.fromarray(picture).convert("HSV"), float), 2, 0)
    around = np.exp(2j * np.pi * hue[mask] / 256) * saturation[mask] * value[mask]
    return float(np.angle(around.sum()) / (2 * np.pi))


def test_the_hue_gives_the_class_away_about_6_times_in_10(painted):
    right = []
    for picture, labels in painted:
        for number in set(np.unique(labels)) - {0, 255}:
            mask = labels == number
            if mask.sum() >= 20:
                right.append(round(8 * hue_of(picture, mask)) % 8 == number - 1)
    assert len(right) > 300
    assert 0.53 < np.mean(right) < 0.68  # by chance 0.125


def test_the_same_generator_paints_the_same_picture(painted):
    again = paint((64, 64), np.random.default_rng([5, 3]))
    np.testing.assert_array_equal(again[0], painted[3][0])
    np.testing.assert_array_equal(again[1], painted[3][1])


@pytest.mark.parametrize("size", [(32, 32), (33, 150), (150, 33)])
def test_sizes(size):
    for number in range(5):
        picture, labels = paint(size, np.random.default_rng(number))
        assert picture.shape == (*size, 3) and labels.shape == size


def lens(a, b, between):
    """What two discs of radii a and b share, their centres `between` apart."""
    angle_a = math.acos((between**2 + a**2 - b**2) / (2 * between * a))
    angle_b = math.acos((between**2 + b**2 - a**2) / (2 * between * b))
    return a**2 * (angle_a - math.sin(angle_a) * math.cos(angle_a)) + b**2 * (
        angle_b - math.sin(angle_b) * math.cos(angle_b)
    )


# areas of the outlines by the formulas of geometry, in squares of the radius
AREAS = {
    "disc": math.pi * 0.9**2,
    "square": 1.56**2,
    "triangle": 3 * math.sqrt(3) / 4 * 1.1**2,
    "ring": math.pi * (0.96**2 - 0.56**2),
    "cross": 2 * 2 * 0.54 - 0.54**2,
    "star": 5 * 1.15 * 0.5 * math.sin(math.pi / 5),
    "bar": 2.4 * 0.34,
    "crescent": math.pi - lens(1, 0.8, 0.5),
}
STEP = 0.01
X, Y = np.meshgrid(np.arange(-1.5, 1.5, STEP) + STEP / 2, np.arange(-1.5, 1.5, STEP) + STEP / 2)


@pytest.mark.parametrize("name", SHAPES)
def test_areas(name):
    assert (SHAPES[name](X, Y) < 0).sum() * STEP**2 == pytest.approx(AREAS[name], rel=0.01)


@pytest.mark.parametrize("name", SHAPES)
def test_distances_change_no_faster_than_one_walks(name):
    """So the void border, a band of distances, is nowhere thinner than it says."""
    distance = SHAPES[name](X, Y)
    assert abs(np.diff(distance, axis=0)).max() <= STEP * 1.0001
    assert abs(np.diff(distance, axis=1)).max() <= STEP * 1.0001


def test_distances_of_a_polygon():
    house = polygon([(-1, 1), (-1, 0), (0, -1), (1, 0), (1, 1)])
    x, y = np.array([0.0, 0.0, 2.0, 1.0, 0.0, -2.0]), np.array([0.5, -1.5, 0.5, -1.0, 1.25, 2.0])
    expected = [-0.5, 0.5, 1.0, math.sqrt(0.5), 0.25, math.sqrt(2)]
    np.testing.assert_allclose(house(x, y), expected, atol=1e-12)
