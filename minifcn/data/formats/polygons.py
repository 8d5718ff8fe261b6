"""Which pixels a polygon covers: each tool answers in its own way, and the square (0, 0) to (5, 5) has 25 or 36 of them.

`edges`     COCO's rule: corners are points of the lines between the pixels, (0, 0) is the corner of the picture. 25
`corners`   OpenCV's rule: corners are pixels and belong to the polygon, as do the pixels of its outline. 36
`outlined`  Pillow's rule: the same idea with other slanted lines. 36

A hole is another ring. COCO knows none: the rings of an object are joined. OpenCV, given all rings at once, fills where a ray
crosses an odd number of lines (even-odd); Supervisely fills the outer ring and then clears the inner ones, rims and all.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

FINER = 5  # COCO's tool walks along the outline on a grid that is so many times finer
Patch = tuple[int, int, np.ndarray]  # top, left, bool (h, w): a mask that is as large as what it covers


def edges(ring: Sequence[float] | np.ndarray, height: int, width: int) -> np.ndarray:
    """By COCO's rule: where, counted down the columns from the first pixel, inside and outside change. int64, sorted.

    Source: rleFrPoly in maskApi.c of the COCO API, on whole outlines at a time and not point after point; held against
    pycocotools 2.0.11, pixel for pixel.

    >>> edges([1, 1, 3, 1, 3, 3, 1, 3], 4, 4).tolist()  # a square of 2: pixels 5, 6 and 9, 10 of a picture of 4 x 4
    [5, 7, 9, 11]
    """
    points = np.trunc(np.asarray(ring, float).reshape(-1, 2) * FINER + 0.5).astype(np.int64)
    walked = walk(points)
    x, y = walked.T
    steps = np.flatnonzero(x[1:] != x[:-1])  # only where the outline goes on to another column it bounds one
    column = (np.minimum(x[steps], x[steps + 1]) + 0.5) / FINER - 0.5
    row = (np.minimum(y[steps], y[steps + 1]) + 0.5) / FINER - 0.5
    through = (column == np.floor(column)) & (column >= 0) & (column <= width - 1)  # the middle of a column of pixels
    rows = np.ceil(np.clip(row[through], 0, height)).astype(np.int64)
    return np.sort(column[through].astype(np.int64) * height + rows)


def walk(points: np.ndarray) -> np.ndarray:
    """All points of the finer grid on the closed outline, int64 (n, 2), each side with both of its ends."""
    start, end = points, np.roll(points, -1, axis=0)
    return np.concatenate([side(a, b) for a, b in zip(start, end, strict=True)])


def side(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The points from `start` to `end`, one for each step of the longer direction. COCO's tool goes up it and may list it backwards."""
    across = abs(end - start)
    long = int(across[1] > across[0])  # 0 where the line is rather flat
    back = start[long] > end[long]
    low, high = (end, start) if back else (start, end)
    step = np.arange(across[long] + 1)
    slope = (high[1 - long] - low[1 - long]) / across[long] if across[long] else 0.0
    points = np.empty((len(step), 2), np.int64)
    points[:, long] = low[long] + step
    points[:, 1 - long] = np.trunc(low[1 - long] + slope * step + 0.5)
    return points[::-1] if back else points


def corners(ring: Sequence[float] | np.ndarray, height: int, width: int) -> Patch:
    """By OpenCV's rule (fillPoly), of corners that are whole numbers: the inside row by row, and the outline.

    Source: CollectPolyEdges and FillEdgeCollection in drawing.cpp; held against OpenCV 4.12. A line that leaves the picture
    is cut by OpenCV before it is drawn and may then differ by a pixel near the cut; here it is drawn whole.

    >>> top, left, mask = corners([1, 1, 3, 1, 3, 3, 1, 3], 9, 9)
    >>> top, left, mask.sum().item()
    (1, 1, 9)
    """
    points = np.asarray(ring, np.int64).reshape(-1, 2)
    left, top = points.min(axis=0)
    right, bottom = points.max(axis=0)
    inside = np.zeros((bottom - top + 1, right - left + 2), np.int64)
    for row, starts, ends in spans(points - (left, top), len(inside)):
        np.add.at(inside[row], starts, 1)
        np.add.at(inside[row], ends + 1, -1)
    mask = inside.cumsum(axis=1)[:, :-1] > 0
    for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
        x, y = line(start, end).T
        mask[y - top, x - left] = True
    return cut(top, left, mask, height, width)


def spans(points: np.ndarray, height: int) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Row, first and last column between each two lines that cross the row's middle, in 1/65536 of a pixel as OpenCV counts."""
    start, end = points, np.roll(points, -1, axis=0)
    upright = start[:, 1] != end[:, 1]
    start, end = start[upright], end[upright]
    upper = np.where((start[:, 1] < end[:, 1])[:, None], start, end)
    lower = np.where((start[:, 1] < end[:, 1])[:, None], end, start)
    drop = lower[:, 1] - upper[:, 1]
    reach = (lower[:, 0] - upper[:, 0]) << 16
    slope = np.sign(reach) * (abs(reach) // np.maximum(drop, 1))  # C's division goes towards zero
    found = []
    for row in range(height):
        crossed = (upper[:, 1] <= row) & (row < lower[:, 1])
        x = np.sort((upper[crossed, 0] << 16) + slope[crossed] * (row - upper[crossed, 1]))
        first, last = (x[0::2] + 0xFFFF) >> 16, x[1::2] >> 16
        full = first <= last
        found.append((row, first[full], last[full]))
    return found


def line(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Bresenham's line as OpenCV draws it, from left to right; a tie stays on the line before. int64 (n, 2)."""
    low, high = (start, end) if start[0] <= end[0] else (end, start)
    across = abs(high - low)
    long = int(across[1] > across[0])
    step = np.arange(across[long] + 1)
    up = np.sign(high - low)
    aside = -((across[long] - 2 * across[1 - long] * step) // max(2 * across[long], 1))
    points = np.empty((len(step), 2), np.int64)
    points[:, long] = low[long] + up[long] * step
    points[:, 1 - long] = low[1 - long] + up[1 - long] * aside
    return points


def cut(top: int, left: int, mask: np.ndarray, height: int, width: int) -> Patch:
    """What of a patch lies within the picture."""
    above, before = max(0, -int(top)), max(0, -int(left))
    mask = mask[above : max(above, height - int(top)), before : max(before, width - int(left))]
    return int(top) + above, int(left) + before, mask


def outlined(ring: Sequence[float] | np.ndarray, height: int, width: int) -> np.ndarray:
    """By Pillow's rule (ImageDraw.polygon with an outline), as labelme fills: bool (H, W). Corners may be fractions.

    >>> outlined([0, 0, 5, 0, 5, 5, 0, 5], 9, 9).sum().item()
    36
    """
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).polygon([tuple(point) for point in np.reshape(ring, (-1, 2)).tolist()], fill=1, outline=1)
    return np.asarray(image) > 0
