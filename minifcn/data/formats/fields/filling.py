"""Which pixels have their middle inside an outline whose corners are edges of pixels: ImageJ's rule, and GDAL's."""

from collections.abc import Iterable

import numpy as np

THIN = 1e-9  # half of an axis at least: an ellipse without height covers nothing


def inside_rings(rings: Iterable[np.ndarray], height: int, width: int) -> np.ndarray:
    """The pixels whose middle lies within an odd number of `rings`, float (n, 2) of x and y, bool (H, W).

    >>> inside_rings([np.array([(1, 1), (3, 1), (3, 3), (1, 3)])], 4, 5).astype(int).tolist()
    [[0, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0]]
    """
    changes = np.zeros(
        (height, width + 1), np.int64
    )  # how many lines lie between a pixel's middle and that of the one before
    for ring in rings:
        points = np.asarray(ring, float)
        for (x, y), (next_x, next_y) in zip(points, np.roll(points, -1, axis=0), strict=True):
            low, high = sorted((y, next_y))
            rows = np.arange(max(0, np.ceil(low - 0.5)), min(height, np.ceil(high - 0.5)), dtype=int)
            if rows.size:  # never for a level line
                crossed = x + (rows + 0.5 - y) * (next_x - x) / (next_y - y)
                changes[rows, np.clip(np.ceil(crossed - 0.5), 0, width).astype(int)] += 1
    return changes[:, :-1].cumsum(axis=1) % 2 == 1


def inside_ellipse(left: float, top: float, right: float, bottom: float, height: int, width: int) -> np.ndarray:
    """The pixels whose middle lies in the ellipse that fills a box, bool (H, W).

    >>> inside_ellipse(0, 0, 3, 3, 3, 4).astype(int).tolist()
    [[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0]]
    """
    y = (np.arange(height) + 0.5 - (top + bottom) / 2)[:, None] / max((bottom - top) / 2, THIN)
    x = (np.arange(width) + 0.5 - (left + right) / 2) / max((right - left) / 2, THIN)
    return y**2 + x**2 <= 1
