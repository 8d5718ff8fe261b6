"""What there is to plot, as plain values: made without matplotlib, drawn by `draw.paper.figures`."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np


class Curves(NamedTuple):
    """Lines over a common axis: name -> (x, y). `y` may hold a row a seed: each is drawn faint, their mean strong."""

    title: str
    x_label: str
    y_label: str
    lines: Mapping[str, tuple[Sequence[float], Sequence[float] | Sequence[Sequence[float]]]]


class Bars(NamedTuple):
    """One value a name; with several, a dot a seed and their mean."""

    title: str
    y_label: str
    values: Mapping[str, Sequence[float]]


class Picture(NamedTuple):
    """uint8 (H, W, 3), and in words what it shows."""

    caption: str
    pixels: np.ndarray
