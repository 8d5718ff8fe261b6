"""Shapes as signed distances: below 0 inside, 0 on the edge, above 0 outside, in units of the shape's radius.

One number a pixel gives everything a labelled picture needs: a smooth edge for the picture, a crisp inside for the
labels, and the band around 0 for the void border. Polygons follow the textbook: the distance to the nearest edge, its
sign from counting crossings (even-odd rule).
"""

from collections.abc import Callable, Sequence

import numpy as np

Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]  # x, y of any one shape -> distance of that shape


def disc(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.hypot(x, y) - 0.9


def ring(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.abs(np.hypot(x, y) - 0.76) - 0.2


def crescent(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A disc without a second, smaller one that covers its right side."""
    return np.maximum(np.hypot(x, y) - 1.0, 0.8 - np.hypot(x - 0.5, y))


def polygon(corners: Sequence[tuple[float, float]]) -> Distance:
    """The distance function of a polygon, given its corners in order.

    >>> square = polygon([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    >>> square(np.array([0.0, 1.0, 3.0]), np.array([0.0, 0.0, 0.0])).tolist()
    [-1.0, 0.0, 2.0]
    """

    def distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        nearest = np.full(x.shape, np.inf)
        inside = np.zeros(x.shape, bool)
        for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
            along_x, along_y = x1 - x0, y1 - y0
            part = ((x - x0) * along_x + (y - y0) * along_y) / (along_x**2 + along_y**2)
            part = np.clip(part, 0, 1)  # the nearest point of the edge, as a share of its length
            nearest = np.minimum(nearest, (x - x0 - part * along_x) ** 2 + (y - y0 - part * along_y) ** 2)
            if y0 != y1:  # does a ray to the right cross this edge? An odd number of crossings means inside
                inside ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * along_x / along_y)
        return np.where(inside, -1, 1) * np.sqrt(nearest)

    return distance


def _wheel(radii: Sequence[float], count: int) -> list[tuple[float, float]]:
    """Corners around the centre, `count` times through `radii`, the first one pointing up."""
    angles = np.arange(count * len(radii)) * 2 * np.pi / (count * len(radii))
    lengths = np.tile(radii, count)
    return [(float(r * np.sin(a)), float(-r * np.cos(a))) for r, a in zip(lengths, angles, strict=True)]


_A = 0.27  # half the width of a cross's arms
_QUARTER = [(-_A, -1.0), (_A, -1.0), (_A, -_A)]  # of the cross's outline: its upper arm and the notch beside it
_CROSS = _QUARTER + [(-y, x) for x, y in _QUARTER] + [(-x, -y) for x, y in _QUARTER] + [(y, -x) for x, y in _QUARTER]

SHAPES: dict[str, Distance] = {
    "disc": disc,
    "square": polygon([(-0.78, -0.78), (0.78, -0.78), (0.78, 0.78), (-0.78, 0.78)]),
    "triangle": polygon(_wheel([1.1], 3)),
    "ring": ring,
    "cross": polygon(_CROSS),
    "star": polygon(_wheel([1.15, 0.5], 5)),
    "bar": polygon([(-1.2, -0.17), (1.2, -0.17), (1.2, 0.17), (-1.2, 0.17)]),
    "crescent": crescent,
}
