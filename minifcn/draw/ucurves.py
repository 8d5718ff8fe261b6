"""Error against step size, a panel an operation: the U-curves of the gradient check."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from minifcn.draw.curves import GREY, INK, STAGE_COLOURS, style
from minifcn.verify.ucurve import Curve

COLUMNS = 4
FLOOR = 1e-17  # an error of 0 has no place on a logarithmic axis


def ucurves(curves: Mapping[str, Sequence[Curve]]) -> Figure:
    """A panel for each operation (name -> its inputs' curves), all on the same axes; a ring marks the step that gradcheck chooses."""
    columns = min(COLUMNS, len(curves))
    rows = -(-len(curves) // columns)
    with style():
        figure = Figure(figsize=(2.6 * columns + 0.6, 1.9 * rows + 0.9), layout="constrained")
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes, (name, inputs) in zip(panels.flat, curves.items(), strict=False):
            axes.set_title(name, fontsize=9, color=INK)
            for curve, colour in zip(inputs, STAGE_COLOURS, strict=False):
                axes.loglog(curve.steps, [max(error, FLOOR) for error in curve.errors], color=colour, linewidth=1.3)
                nearest = int(np.abs(np.log(np.array(curve.steps) / curve.chosen)).argmin())
                axes.plot(
                    curve.steps[nearest], max(curve.errors[nearest], FLOOR), "o", markersize=6, color=colour,
                    markerfacecolor="white", label=f"{curve.name}: {curve.kind}",
                )  # fmt: skip
            axes.legend(fontsize=6.5, frameon=False, loc="upper center", handletextpad=0.1)
            axes.set_ylim(FLOOR / 3, 1e4)
            axes.grid(color="#e6e6e6", linewidth=0.6)
            axes.tick_params(labelsize=7, colors=GREY)
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_xticks([1e-12, 1e-9, 1e-6, 1e-3, 1], ["1e-12", "1e-9", "1e-6", "0.001", "1"], minor=False)
            axes.set_yticks([1e-16, 1e-12, 1e-8, 1e-4, 1], ["1e-16", "1e-12", "1e-8", "1e-4", "1"], minor=False)
            axes.minorticks_off()
        for axes in panels.flat[len(curves) :]:
            axes.axis("off")
        figure.supxlabel("step of the central difference (ring: the one gradcheck chooses)", fontsize=9, color=INK)
        figure.supylabel("largest error / largest gradient", fontsize=9, color=INK)
    return figure
