"""The confusion matrix as a picture: what the pixels of each class are taken for."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from minifcn.draw.curves import INK, style
from minifcn.draw.pictures.legend import one_line

LEAST, MOST = 2.6, 11.0  # inches: side of the matrix, from two classes to very many
CELL = 0.34  # inches: room for three digits
NUMBERED = 0.24  # inches: a smaller cell has no room for a number
LETTERS = 9  # points
NAMED = 0.085  # inches: rows closer than that do not all get their name


def confusion_figure(matrix: Any, names: Sequence[str]) -> Figure:
    """A row a true class, a column a predicted one, each cell the share of its row's pixels in per cent.

    `matrix`: counts (C, C) as `training.confusion` gives them. `names`: the C classes, one at least. Numbers stand in
    the cells where there is room, from 0.5 on; the row of a class without true pixels is grey. Raises ValueError for
    another shape, or counts below 0.
    """
    matrix, count = np.asarray(matrix), len(names)
    if not count or matrix.shape != (count, count):
        raise ValueError(
            f"confusion_figure: matrix has shape {matrix.shape}, but there are {count} names; give C by C, C at least 1"
        )
    if (matrix < 0).any():
        raise ValueError(f"confusion_figure: the least count is {matrix.min()}; expected counts of pixels, 0 or more")
    true = matrix.sum(1, keepdims=True)
    per_cent = np.divide(100.0 * matrix, true, out=np.full(matrix.shape, np.nan), where=true > 0)
    side = min(max(LEAST, CELL * count), MOST)
    cell = side / count
    with style():
        shown = [one_line(name) for name in names]
        letters = FontProperties(size=LETTERS)
        widest = max(text_to_path.get_text_width_height_descent(name, letters, False)[0] for name in shown)
        room = 0.5 + widest / 72  # for names and the axis's title
        figure = Figure(figsize=(side + room + 0.9, side + room + 0.1), layout="compressed")  # which minds the aspect
        axes = figure.add_subplot()
        axes.set_facecolor("#d9d9d9")
        # of the colours, the root: most confusions are of a few per cent, and would all be white
        mesh = axes.pcolormesh(
            np.ma.masked_invalid(per_cent), cmap="Blues", norm=PowerNorm(0.5, 0, 100), edgecolors="white",
            linewidth=1.0 if cell >= NUMBERED else 0, rasterized=count > 64,
        )  # fmt: skip
        axes.set_aspect("equal")
        axes.invert_yaxis()
        axes.spines[:].set_visible(False)
        if cell >= NUMBERED:
            for row, column in np.argwhere(np.nan_to_num(per_cent) >= 0.5):
                value = per_cent[row, column]
                ink = "white" if value > 35 else INK
                place = column + 0.5, row + 0.5
                axes.text(*place, f"{value:.0f}", ha="center", va="center", color=ink, fontsize=min(LETTERS, 22 * cell))
        every = math.ceil(NAMED / cell)
        places, kept = np.arange(count)[::every] + 0.5, shown[::every]
        axes.set_xticks(places, kept, rotation=90)
        axes.set_yticks(places, kept)
        axes.tick_params(length=0, labelsize=min(LETTERS, 60 * cell * every))
        for label in [*axes.get_xticklabels(), *axes.get_yticklabels()]:
            label.set_parse_math(False)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        bar = figure.colorbar(mesh, ax=axes, fraction=0.04, pad=0.02, ticks=[0, 1, 5, 10, 25, 50, 100])
        bar.set_label("per cent of the true class's pixels")
        bar.outline.set_visible(False)  # type: ignore[operator]
    return figure
