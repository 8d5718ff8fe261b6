"""Figures of what a claim measured: curves, and values with a dot a seed."""

import math
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from minifcn.draw.curves import GREY, INK, STAGE_COLOURS, nothing, panel, style, thin
from minifcn.draw.paper.plots import Bars, Curves

DASHES = ("-", "--", "-.", (0, (1, 1.2)))  # lines differ without colour too
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
FEW = 15  # points of a line: so few are marked
LETTERS = 72  # of a legend that fit into one line


def curves(plot: Curves) -> Figure:
    """Every line in its own colour, dashes and, of few points, marker. A value that is NaN or infinite leaves a gap."""
    with style():
        figure, axes = panel(3.1)
        shown = False
        for index, (name, (x, y)) in enumerate(plot.lines.items()):
            across = np.asarray(x, float)
            rows = np.atleast_2d(np.asarray(y, float))
            if rows.shape[1:] != across.shape:
                raise ValueError(
                    f"curves {plot.title!r}: line {name!r} has {across.size} values of x and {rows.shape[1]} of y; "
                    "give as many of both"
                )
            rows = np.where(np.isfinite(rows), rows, np.nan)
            shown |= bool(np.isfinite(rows).any())
            colour = STAGE_COLOURS[index % len(STAGE_COLOURS)]
            if len(rows) > 1:
                for row in rows:
                    axes.plot(*thin(across, row), color=colour, alpha=0.35, linewidth=0.8)
            axes.plot(
                *thin(across, rows.mean(0)), color=colour, linewidth=1.8, label=name, markersize=4.5,
                linestyle=DASHES[index % len(DASHES)],
                marker=MARKERS[index % len(MARKERS)] if across.size <= FEW else None,
            )  # fmt: skip
        if not shown:
            return nothing(figure, axes, "Nothing finite was measured.")
        axes.set_xlabel(wrapped(plot.x_label, 70))
        axes.set_ylabel(wrapped(plot.y_label, 42))
        legend(figure, list(plot.lines))
    return figure


def bars(plot: Bars) -> Figure:
    """A bar a name, as long as the mean of its values; of several values a dot each, and their range in figures."""
    with style():
        names = list(plot.values)
        labels = [wrapped(name, 24) for name in names]
        lines = sum(max(1.4, label.count("\n") + 1) for label in labels)
        figure, axes = panel(0.75 + 0.24 * lines)
        if not names:
            return nothing(figure, axes, "Nothing was measured.")
        several = any(len(values) > 1 for values in plot.values.values())
        largest = max(
            (abs(value) for some in plot.values.values() for value in some if math.isfinite(value)), default=0
        )
        tops = [0.0]
        for index, name in enumerate(names):
            values = np.array([value for value in plot.values[name] if math.isfinite(value)], float)
            mean = float(values.mean()) if values.size else 0.0
            tops += [mean, *values]
            colour = STAGE_COLOURS[index % len(STAGE_COLOURS)]
            axes.barh(index, mean, 0.62, color=colour, alpha=0.35 if several else 0.85)
            if several:
                axes.plot([mean, mean], [index - 0.31, index + 0.31], color=colour, linewidth=1.5)
                axes.plot(
                    values, index + spread_out(values.size), "o", color=colour, markersize=5, markeredgecolor="white",
                    zorder=3,
                )  # fmt: skip
            axes.annotate(
                in_figures(values, largest), (max(0.0, mean, *values), index), (7, 0), textcoords="offset points", va="center",
                fontsize=7.5, color=INK,
            )  # fmt: skip
        low, high = min(tops), max(tops)
        length = (high - low) or 1.0
        axes.set_xlim(low - (0.05 * length if low < 0 else 0), high + (0.75 if several else 0.25) * length)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_yticks(range(len(names)), labels)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(wrapped(plot.y_label, 60))
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x", color="#e4e4e4", linewidth=0.7)
        if low < 0:
            axes.axvline(0, color=GREY, linewidth=0.8)
    return figure


def legend(figure: Figure, names: Sequence[str]) -> None:
    """Above the axes, in as many columns as fit. A single line without a name needs none."""
    if names and any(names):
        columns = max(1, min(len(names), 4, LETTERS // (max(map(len, names)) + 6)))
        figure.legend(loc="outside upper center", ncols=columns, frameon=False)


def wrapped(text: str, letters: int) -> str:
    return "\n".join(textwrap.wrap(text, letters)) or text


def spread_out(count: int) -> np.ndarray:
    """Heights that keep dots of equal values apart: (count,), within a bar."""
    return np.linspace(-0.18, 0.18, count) if count > 1 else np.zeros(count)


def in_figures(values: np.ndarray, largest: float | None = None) -> str:
    """The mean, and of several values their range, to three digits of the `largest` of all those to compare.

    >>> in_figures(np.array([0.5213, 0.5401])), in_figures(np.array([12.0])), in_figures(np.array([]))
    ('0.531 (0.521 to 0.540)', '12.0', 'none')
    """
    if not values.size:
        return "none"
    largest = float(np.abs(values).max()) if largest is None else largest
    form = f".{max(0, 2 - math.floor(math.log10(largest)))}f" if 1e-3 <= largest < 1e6 else ".3g"
    mean, low, high = (format(value, form) for value in (values.mean(), values.min(), values.max()))
    return mean if values.size == 1 else f"{mean} ({low} to {high})"
