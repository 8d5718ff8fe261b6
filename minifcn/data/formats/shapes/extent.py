"""Where outlines lie: within their picture, partly beyond it, or outside. Those of a picture twice as large are drawn, and mean nothing."""

from collections import Counter
from collections.abc import Mapping
from typing import TypeGuard

import numpy as np
from numpy.typing import ArrayLike

WITHIN = "lie within their pictures"
OUTSIDE = "lie outside their pictures and cover nothing: see that the pictures are those that they were drawn on"
BEYOND = "reach beyond their pictures, and what lies outside is cut off: see that the pictures are those that they were drawn on"
RIM = 2  # pixels: so far a hand slips, and some tools round

LARGEST = 1e300  # a whole number in JSON may be larger than any float


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value out of a file is a number, finite and no larger than floats are."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST


def place_of(points: ArrayLike, height: int, width: int) -> str:
    """Where corners x, y, x, y, … lie in a picture: WITHIN, BEYOND, OUTSIDE.

    >>> place_of([5, 5, 9, 5, 9, 9], 32, 40) == WITHIN, place_of([50, 5, 60, 5, 60, 9], 32, 40) == OUTSIDE
    (True, True)
    """
    found = np.reshape(np.asarray(points, float), (-1, 2))
    if not np.isfinite(found).all() or not found.size:
        return WITHIN  # what is no outline is refused where it is drawn
    (left, top), (right, bottom) = found.min(0), found.max(0)
    if left >= width or top >= height or right <= 0 or bottom <= 0:
        return OUTSIDE
    return BEYOND if min(left, top, width - right, height - bottom) < -RIM else WITHIN


def places_said(counts: Mapping[str, int]) -> list[str]:
    """Notes about outlines that do not lie within; `counts`: of them by `place_of`.

    >>> places_said(Counter({WITHIN: 3}))
    []
    """
    return [f"{counts[place]} outlines {place}" for place in (OUTSIDE, BEYOND) if counts.get(place)]


def all_outside(counts: Counter[str]) -> str:
    """The sentence where no outline lies in its picture, empty where one does."""
    outside = counts[OUTSIDE]
    if not outside or counts[WITHIN] + counts[BEYOND]:
        return ""
    return f"all {outside} outlines lie outside their pictures: were they drawn on larger copies? Give those with --pictures FOLDER"
