"""Which pixels a polygon covers: by loops over single points, and by the tools whose rules these are."""

import numpy as np
import pytest

from minifcn.data.formats.shapes import polygons, runlengths

from .outlines import coco_by_loops, opencv_by_loops
from .real_tools import quietly, tool


def filled(ring, height, width, rule):
    """A ring by a rule of `polygons`, as 0 and 1, uint8 (H, W)."""
    if rule == "outlined":
        return polygons.outlined(ring, height, width).astype(np.uint8)
    columns = np.zeros((width, height), np.uint8)
    if rule == "edges":
        view, which = runlengths.inside(columns, polygons.edges(ring, height, width))
        view[which] = 1
    else:
        top, left, mask = polygons.corners(ring, height, width)
        columns[left : left + mask.shape[1], top : top + mask.shape[0]][mask.T] = 1
    return columns.T


def square(left, top, side):
    return [left, top, left + side, top, left + side, top + side, left, top + side]


@pytest.mark.parametrize("rule, pixels", [("edges", 25), ("corners", 36), ("outlined", 36)])
def test_the_square_of_five(rule, pixels):
    expected = np.zeros((12, 13), np.uint8)
    side = int(pixels**0.5)
    expected[2 : 2 + side, 3 : 3 + side] = 1
    np.testing.assert_array_equal(filled(square(3, 2, 5), 12, 13, rule), expected)


@pytest.mark.parametrize("rule", ["edges", "corners", "outlined"])
def test_neighbours_share_a_rim_or_none(rule):
    left, right = (filled(square(x, 2, 4), 9, 12, rule).astype(int) for x in (1, 5))
    assert ((left + right) > 1).any() == (rule != "edges")


@pytest.mark.parametrize("rule", ["edges", "corners"])
@pytest.mark.parametrize("turn", [slice(None), slice(None, None, -1)])
def test_where_a_ring_begins_and_which_way_it_goes_is_nothing(rule, turn):
    ring = np.array([[2, 1], [11, 3], [8, 9], [5, 6], [1, 10]])
    first = filled(ring, 12, 13, rule)
    for start in range(len(ring)):
        np.testing.assert_array_equal(filled(np.roll(ring, start, 0)[turn], 12, 13, rule), first)


@pytest.mark.parametrize("rule", ["edges", "corners"])
def test_what_lies_outside_is_cut_off(rule):
    """Also where nothing is left; the row and column outside the outline stay."""
    whole = filled(square(8, 8, 9), 30, 30, rule)
    for top, left, height, width in [
        (8, 8, 22, 22),
        (0, 0, 12, 11),
        (10, 9, 3, 4),
        (25, 2, 5, 5),
        (2, 25, 5, 5),
        (0, 0, 4, 4),
    ]:
        moved = np.array(square(8, 8, 9)) - np.tile([left, top], 4)
        np.testing.assert_array_equal(
            filled(moved, height, width, rule), whole[top : top + height, left : left + width]
        )


def random_rings(count, low, high, whole, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        height, width = rng.integers(2, 24, 2).tolist()
        corners = int(rng.integers(3, 9))
        ring = rng.uniform(low, high, (corners, 2)) * (width, height)
        yield (np.floor(ring) if whole else ring), height, width


@pytest.mark.parametrize("whole", [False, True])
def test_edges_by_loops(whole):
    for ring, height, width in random_rings(150, -0.3, 1.3, whole):
        np.testing.assert_array_equal(filled(ring, height, width, "edges"), coco_by_loops(ring, height, width))


def test_corners_by_loops():
    for ring, height, width in random_rings(150, 0, 1, whole=True):
        np.testing.assert_array_equal(
            filled(ring, height, width, "corners"), opencv_by_loops(ring.astype(int), height, width)
        )


def test_edges_by_pycocotools():
    mask = tool("pycocotools.mask", "pycocotools")
    for whole in (False, True):
        for ring, height, width in random_rings(1000, -0.3, 1.3, whole, seed=1):
            expected = quietly(mask.decode, mask.frPyObjects([ring.ravel().tolist()], height, width))[..., 0]
            np.testing.assert_array_equal(filled(ring, height, width, "edges"), expected)


def test_corners_outside_by_opencv():
    """A corner may lie a pixel outside, as where a picture's width was taken for its last column."""
    cv2 = tool("cv2", "opencv-python-headless")
    for ring, height, width in random_rings(1000, 0, 1, whole=True, seed=2):
        ring, height, width = 6 * ring - 1, 6 * height - 2, 6 * width - 2
        expected = np.zeros((height, width), np.uint8)
        cv2.fillPoly(expected, [ring.astype(np.int32)], 1)
        np.testing.assert_array_equal(filled(ring, height, width, "corners"), expected)


def test_corners_by_opencv():
    cv2 = tool("cv2", "opencv-python-headless")
    for ring, height, width in random_rings(1000, 0, 1, whole=True, seed=1):
        expected = np.zeros((height, width), np.uint8)
        cv2.fillPoly(expected, [ring.astype(np.int32)], 1)
        np.testing.assert_array_equal(filled(ring, height, width, "corners"), expected)
