"""Which pixels an ellipse covers: those whose middle lies within it, as of a polygon by COCO's rule."""

import numpy as np

from minifcn.data.formats.shapes.polygons import Patch


def ellipse(x: float, y: float, across: float, down: float, turn: float, height: int, width: int) -> Patch:
    """An ellipse about (x, y) with these half axes, turned by `turn` from the x axis towards y, in radians. (0, 0) is the picture's corner.

    >>> top, left, mask = ellipse(3, 3, 2, 1, 0.0, 9, 9)
    >>> top, left, mask.astype(int).tolist()
    (2, 1, [[1, 1, 1, 1], [1, 1, 1, 1]])
    """
    cosine, sine = np.cos(turn), np.sin(turn)
    reach_x, reach_y = np.hypot(across * cosine, down * sine), np.hypot(across * sine, down * cosine)
    left, right = (int(np.clip(np.ceil(x + side - 0.5), 0, width)) for side in (-reach_x, reach_x))
    top, bottom = (int(np.clip(np.ceil(y + side - 0.5), 0, height)) for side in (-reach_y, reach_y))
    if not across or not down:
        return top, left, np.zeros((bottom - top, right - left), bool)
    right_of = np.arange(left, right) + 0.5 - x
    below = (np.arange(top, bottom) + 0.5 - y)[:, None]
    along, beside = (right_of * cosine + below * sine) / across, (below * cosine - right_of * sine) / down
    return top, left, along**2 + beside**2 < 1
