"""The outlines of a picture as numbers: which pixels each of them covers, and which of two is on top.

An outline that a program traced along the pixels of a mask has their middles for corners, and covers its rim: so the mask comes back
pixel for pixel. Any other lies between pixels, as COCO's, and the same set exported as COCO's JSON gives the same pixels.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from minifcn.data.formats.coco.painting import by_corners, by_edges, put
from minifcn.data.formats.shapes.extent import place_of
from minifcn.data.formats.yolo.lines import Outline

ROUNDED = 1e-5  # of the picture's side: so far from a whole pixel what is written with five decimals may be
DRAWN, TRACED, EITHER, RECTANGLES = "drawn", "traced", "either", "rectangles"


class Picture(NamedTuple):
    """Height, width, and outlines."""

    height: int
    width: int
    outlines: list[Outline]

    def ring(self, outline: Outline) -> np.ndarray:
        """Corners in pixels, (n, 2), as they were before they became shares of a few decimals: whole, or in hundredths as COCO's are.

        COCO's rule rounds to fifths of a pixel, and a corner at 24.5 lies where a rounding may go up or down.
        """
        corners = outline.corners.reshape(-1, 2) * (self.width, self.height)
        whole = np.rint(corners)
        return np.where(abs(corners - whole) <= ROUNDED * np.array([self.width, self.height]), whole, corners.round(2))


def kind_of(ring: np.ndarray) -> str:
    """How an outline came about: traced along pixels, drawn, or either, as a rectangle on whole pixels may.

    OpenCV traces from pixel to pixel: whole numbers, each side level, upright or slanted by half a right angle.

    >>> kind_of(np.array([[2, 2], [2, 6], [3, 7], [6, 7], [6, 2]])), kind_of(np.array([[2, 2], [6, 2], [6.5, 7]]))
    ('traced', 'drawn')
    >>> kind_of(np.array([[2, 2], [6, 2], [6, 7], [2, 7]]))
    'either'
    """
    ends = np.roll(ring, -1, axis=0)
    across = abs(ends - ring)
    level, slanted = (across == 0).any(axis=1), across[:, 0] == across[:, 1]
    if (ring != np.rint(ring)).any() or not (level | slanted | bridges(ring, ends)).all():
        return DRAWN
    return TRACED if (slanted & ~level).any() else EITHER


def bridges(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Which sides are walked both ways: bridges between the parts of an object, or to a hole, have no width."""
    sides = [(*start, *end) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    known = set(sides)
    return np.array([(*side[2:], *side[:2]) in known for side in sides], bool)


def rectangular(ring: np.ndarray) -> bool:
    """Whether an outline is a rectangle, turned or not: four corners, two diagonals of one length and one middle.

    >>> rectangular(np.array([[3, 0], [5, 2], [2, 5], [0, 3]])), rectangular(np.array([[0, 0], [9, 0], [9, 9], [4, 9]]))
    (True, False)
    """
    if len(ring) != 4:
        return False
    first, second = ring[2] - ring[0], ring[3] - ring[1]
    beside = np.hypot(*(ring[0] + ring[2] - ring[1] - ring[3])) / 2
    return bool(beside <= 1 and abs(np.hypot(*first) - np.hypot(*second)) <= 1)


def look_at(pictures: list[Picture]) -> Counter[str]:
    """How the outlines came about, where they lie in their pictures, and how many of them are rectangles."""
    seen: Counter[str] = Counter()
    for picture in pictures:
        for outline in picture.outlines:
            ring = picture.ring(outline)
            seen.update((kind_of(ring), place_of(ring, picture.height, picture.width)))
            seen[RECTANGLES] += rectangular(ring)
    return seen


def rims_of(kinds: Iterable[str]) -> set[str]:
    """Which kinds of outlines cover their rims: those that were traced, and where most others were, what may be either."""
    kinds = list(kinds)
    return {TRACED, EITHER} if kinds.count(TRACED) > kinds.count(DRAWN) else {TRACED}


def drawn(picture: Picture, background: int, rims: set[str]) -> tuple[np.ndarray, int]:
    """int32 (H, W), and how many pixels a smaller object took from one of another class.

    Of two objects of one size the later is on top.
    """
    shape = picture.width, picture.height  # one column after the other, as the fillers go
    columns = np.full(shape, background, np.int32)
    parts = []
    for outline in picture.outlines:
        ring = picture.ring(outline)
        view, which = (by_corners if kind_of(ring) in rims else by_edges)(columns, ring.ravel().tolist())
        parts.append((int(np.count_nonzero(which)), outline.number, view, which))
    taken = 0
    for _, number, view, which in sorted(parts, key=lambda part: -part[0]):  # stable
        taken += put(view, which, number, background)
    return columns.T, taken
