"""The reliability curve: how often a network is right where it is so and so sure."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from minifcn.draw.curves import GREY, STAGE_COLOURS, WIDTH, style
from minifcn.draw.pictures.legend import one_line
from minifcn.training.scoring.calibration import Reliability

SHOWN = 0.0005  # of the pixels: a bin with fewer says nothing
SHORT = 20  # letters of a name that leave room in its line for the calibration error


def reliability_figure(found: Mapping[str, Reliability]) -> Figure:
    """A curve a name: the share right over the mean confidence of each bin, and below how many pixels each bin holds.

    On the dashed line 90 % is right nine times in ten; below it a network is surer than it is right. Bins with less than `SHOWN` of the pixels are left out.
    """
    with style():
        figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (3, 1)})
        upper.plot([0, 100], [0, 100], linestyle="--", color=GREY, linewidth=1, label="as sure as it is right")
        count = len(found)
        for number, (name, each) in enumerate(found.items()):
            pixels = each.pixels
            colour, total = STAGE_COLOURS[number % len(STAGE_COLOURS)], max(1, int(pixels.sum()))
            kept = pixels > SHOWN * total
            sure, hits = each.confidence[kept] / pixels[kept], each.right[kept] / pixels[kept]
            error = "none, for no pixel counts" if each.error is None else f"{100 * each.error:.1f} %"
            # a label that begins with an underscore is left out of the legend
            shown, space = one_line(name), " " if name.startswith("_") else ""
            between = ": " if len(shown) <= SHORT else ":\n"
            label = f"{space}{shown}{between}calibration error {error}"
            upper.plot(100 * sure, 100 * hits, marker="o", markersize=4, color=colour, label=label)
            edges = np.arange(len(pixels)) * 100 / len(pixels)
            wide = 100 / len(pixels) / count
            lower.bar(edges + (number + 0.5) * wide, 100 * pixels / total, 0.9 * wide, color=colour)
        upper.set(xlim=(0, 100), ylim=(0, 100), ylabel="right, % of its pixels")
        upper.legend(loc="upper left", frameon=False)
        lower.set(xlabel="confidence, %", ylabel="% of all pixels")
        for axes in (upper, lower):
            axes.spines[["top", "right"]].set_visible(False)
    return figure
