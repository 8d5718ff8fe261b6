"""Which pixels a polygon covers: by loops over single points, and by the tools whose rules these are."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from minifcn.data.formats import polygons, runlengths

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
    whole = filled(square(8, 8, 9), 30, 30, rule)
    for top, left, height, width in [(8, 8, 22, 22), (0, 0, 12, 11), (10, 9, 3, 4), (25, 2, 5, 5)]:
        moved = np.array(square(8, 8, 9)) - np.tile([left, top], 4)
        np.testing.assert_array_equal(
            filled(moved, height, width, rule), whole[top : top + height, left : left + width]
        )


def coco_by_loops(ring, height, width):
    """The rule of COCO's tool, point after point: along the outline on a grid five times finer, noting where it passes a column's middle."""
    fine = [(int(5 * x + 0.5), int(5 * y + 0.5)) for x, y in np.reshape(ring, (-1, 2)).tolist()]
    walked = []
    for (x0, y0), (x1, y1) in zip(fine, fine[1:] + fine[:1], strict=True):
        flat = abs(x1 - x0) >= abs(y1 - y0)
        back = x0 > x1 if flat else y0 > y1
        (xs, ys), (xe, ye) = ((x1, y1), (x0, y0)) if back else ((x0, y0), (x1, y1))
        length = max(abs(x1 - x0), abs(y1 - y0))
        slope = (ye - ys if flat else xe - xs) / length if length else 0.0
        points = [
            (xs + d, int(ys + slope * d + 0.5)) if flat else (int(xs + slope * d + 0.5), ys + d)
            for d in range(length + 1)
        ]
        walked += points[::-1] if back else points
    flips = np.zeros(height * width + 1, int)
    for (x0, y0), (x1, y1) in pairwise(walked):
        column = (min(x0, x1) - 2) / 5
        if x0 != x1 and column == int(column) and 0 <= column <= width - 1:
            row = -(-(min(y0, y1) - 2) // 5)
            flips[int(column) * height + min(max(row, 0), height)] += 1
    return (np.cumsum(flips)[:-1] % 2).reshape(width, height).T.astype(np.uint8)


def opencv_by_loops(ring, height, width):
    """The rule of OpenCV's fillPoly: rows between crossings in exact fractions, and each side's line with a tie on the line before."""
    points = [tuple(point) for point in np.reshape(ring, (-1, 2)).tolist()]
    sides = list(zip(points, points[1:] + points[:1], strict=True))
    found = np.zeros((height, width), np.uint8)
    for row in range(height):
        crossings = sorted(
            x0 + Fraction(x1 - x0) * (row - y0) / (y1 - y0)
            for (x0, y0), (x1, y1) in sides
            if min(y0, y1) <= row < max(y0, y1)
        )
        for start, end in zip(crossings[::2], crossings[1::2], strict=True):
            for column in range(width):
                found[row, column] |= start <= column <= end
    for a, b in sides:
        (x0, y0), (x1, y1) = sorted((a, b), key=lambda point: point[0])
        across, down, way = x1 - x0, abs(y1 - y0), 1 if y1 >= y0 else -1
        minor, error = 0, max(across, down) - 2 * min(across, down)
        for step in range(max(across, down) + 1):
            x, y = (x0 + step, y0 + way * minor) if across >= down else (x0 + minor, y0 + way * step)
            if 0 <= x < width and 0 <= y < height:
                found[y, x] = 1
            moves = error < 0
            error += 2 * max(across, down) * moves - 2 * min(across, down)
            minor += moves
    return found


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


def test_corners_by_opencv():
    cv2 = tool("cv2", "opencv-python-headless")
    for ring, height, width in random_rings(1000, 0, 1, whole=True, seed=1):
        expected = np.zeros((height, width), np.uint8)
        cv2.fillPoly(expected, [ring.astype(np.int32)], 1)
        np.testing.assert_array_equal(filled(ring, height, width, "corners"), expected)
