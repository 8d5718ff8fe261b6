"""VIA's regions as areas, and the pixels that they cover: by COCO's rule, as VIA's own COCO export means them.

That export makes a polygon of 72 corners of a circle or an ellipse; here a pixel is covered whose middle lies within.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.formats.coco.painting import check_within, put
from minifcn.data.formats.shapes import polygons, runlengths
from minifcn.data.formats.shapes.ellipses import ellipse
from minifcn.data.formats.shapes.extent import is_number
from minifcn.data.formats.via.files import Object, Region

VOID = -1  # what a region gets that nobody gave a class
OTHERS = {"point": "points", "polyline": "lines", "line": "lines"}
NUMBERS = {"rect": ("x", "y", "width", "height"), "circle": ("cx", "cy", "r"), "ellipse": ("cx", "cy", "rx", "ry")}
CLOSED = "closed lines"
GAP, SHARE = 3, 0.01  # pixels, or of its length: so near its beginning a line ends that goes round something


class Area(NamedTuple):
    """Corners x, y, x, y, … of a polygon; or of an ellipse its middle, half axes and turn. `box`: whether it was drawn as one."""

    corners: list[float]
    ellipse: tuple[float, float, float, float, float] | None
    box: bool
    which: str

    def reach(self) -> list[float]:
        """Corners that show where it lies: of an ellipse those of a box about it."""
        if self.ellipse is None:
            return self.corners
        x, y, *axes, _ = self.ellipse
        return [x - max(axes), y - max(axes), x + max(axes), y + max(axes)]


def area_of(region: Region, counts: Counter[str]) -> Area | None:
    """The area of a region; None for what is none, which `counts` tells. DataError for what is no shape of VIA's."""
    shape, which = region.shape, region.which
    kind = str(shape.get("name", "")).lower()
    if kind == "polygon" or (kind == "polyline" and is_closed(shape)):
        counts[CLOSED] += kind == "polyline"
        corners = corners_of(shape, which)
        counts["polygons of fewer than three corners"] += len(corners) < 6
        return Area(corners, None, False, which) if len(corners) >= 6 else None
    if kind in OTHERS:
        counts[OTHERS[kind]] += 1
        return None
    if kind not in NUMBERS:
        raise DataError(f"{which}: its shape is {kind!r}; known are polygon, {', '.join(NUMBERS)}, {', '.join(OTHERS)}")
    if kind != "ellipse" and shape.get("theta"):
        raise DataError(
            f"{which}: a {kind} that is turned (theta {shape['theta']!r}), which VIA has not; make a polygon of it"
        )
    values = [number(shape, word, which) for word in NUMBERS[kind]]
    return box(values, which) if kind == "rect" else round_area(kind, shape, values, which)


def corners_of(shape: Object, which: str) -> list[float]:
    """x, y, x, y, … of a polygon."""
    xs, ys = (numbers(shape.get(word), which, word) for word in ("all_points_x", "all_points_y"))
    if len(xs) != len(ys):
        raise DataError(f"{which}: {len(xs)} numbers in all_points_x and {len(ys)} in all_points_y")
    return [each for point in zip(xs, ys, strict=True) for each in point]


def box(values: Sequence[float], which: str) -> Area:
    left, top, width, height = values
    right, bottom = left + width, top + height
    return Area([left, top, right, top, right, bottom, left, bottom], None, True, which)


def round_area(kind: str, shape: Object, values: Sequence[float], which: str) -> Area:
    """A circle, which has one radius, or an ellipse, which has two and since version 2 a turn."""
    x, y, across = values[:3]
    turn = number(shape, "theta", which) if kind == "ellipse" and "theta" in shape else 0.0
    return Area([], (x, y, abs(across), abs(values[-1]), turn), False, which)


def is_closed(shape: Object) -> bool:
    """Whether a line goes round something: people draw areas so, too, and come back to where they began."""
    xs, ys = shape.get("all_points_x"), shape.get("all_points_y")
    if not (isinstance(xs, list) and isinstance(ys, list) and len(xs) == len(ys) > 3):
        return False
    try:
        points = np.array([xs, ys], float).T
    except (TypeError, ValueError, OverflowError):
        return False
    length = np.hypot(*np.diff(points, axis=0).T).sum()
    return bool(np.hypot(*(points[-1] - points[0])) <= max(GAP, SHARE * length) < length / 4)


def number(shape: Object, word: str, which: str) -> float:
    return numbers([shape.get(word)], which, word)[0]


def numbers(values: object, which: str, word: str) -> list[float]:
    if not isinstance(values, list):
        raise DataError(f"{which}: its {word!r} is {values!r}; a list of numbers is expected")
    for each in values:
        if not is_number(each):
            raise DataError(f"{which}: its {word!r} holds {each!r:.40}; a number is expected")
    return values


def drawn(areas: Iterable[tuple[int, Area]], height: int, width: int) -> tuple[np.ndarray, int]:
    """int32 (H, W), the later over the earlier, and how many pixels a region took from one of another class."""
    columns = np.zeros((width, height), np.int32)
    taken = 0
    for number_, area in areas:
        check_within(area.reach(), height, width, area.which)
        if area.ellipse:
            top, left, mask = ellipse(*area.ellipse, height, width)
            view, which = columns[left : left + mask.shape[1], top : top + mask.shape[0]], mask.T
        else:
            view, which = runlengths.inside(columns, polygons.edges(area.corners, height, width))
        taken += put(view, which, number_, 0)
    return columns.T, taken
