"""The three matrices of Winograd's F(4x4, 3x3), which CPU and GPU share. The idea is told in `cpu/winograd.py`."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

Array = Any

# With infinity, six points. 0, ±1, ±2, the usual choice, has four times the rounding error (1.0e-5 against 2.5e-6 of
# the largest value, 256 channels in float32).
POINTS = (0.0, 0.75, -0.75, 1.5, -1.5)
STEP, SPAN, PLACES = 4, 6, 36  # outputs and pixels of a tile along an axis; numbers in a transformed tile


class Matrices(NamedTuple):
    """Each for both axes at once: a matrix for rows and the same for columns make one for the flattened tile, by Kronecker's product."""

    picture: Array  # (36, 36), B: 6x6 pixels -> 36 places
    kernel: Array  # (36, 9), G: 3x3 taps -> 36 places
    output: Array  # (16, 36), A: 36 places -> 4x4 outputs


def along_one_axis() -> tuple[Array, Array, Array]:
    """Bᵀ (6, 6), G (6, 3), Aᵀ (4, 6) in float64.

    G and A evaluate at the points: a row holds 1, p, p² … The point infinity reads the highest coefficient. B goes back, and by Lagrange
    a polynomial that is 1 at p and 0 at the other points q is Π (x - q) / (p - q). Bᵀ takes the numerators, exact in float32; G the rest.
    """
    b, g, a = np.zeros((6, 6)), np.zeros((6, 3)), np.zeros((6, 4))
    for row, p in enumerate(POINTS):
        others = [q for q in POINTS if q != p]
        b[row, :5] = np.poly(others)[::-1]
        g[row] = p ** np.arange(3) / np.prod(p - np.array(others))
        a[row] = p ** np.arange(4)
    b[5] = np.poly(POINTS)[::-1]
    g[5, 2] = a[5, 3] = 1
    return b, g, a.T


@cache
def matrices(dtype: Any) -> Matrices:
    return Matrices(*(np.ascontiguousarray(np.kron(one, one), dtype) for one in along_one_axis()))
