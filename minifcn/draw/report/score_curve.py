"""The curve of the scores on the way: what a network makes of training pictures and of pictures it never trained on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from minifcn.draw.curves import GREY, INK, STAGE_COLOURS, nothing, panel, style

TRAIN, VAL = STAGE_COLOURS[1], STAGE_COLOURS[0]


def score_curve(points: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]] = ()) -> Figure:
    """Mean IU, in per cent, of some training and validation pictures over the steps of all stages, one after the other.

    `points`: dicts with `stage`, `step` (counted within the stage), `train_iu` and `val_iu` as fractions, in the order of training.
    `rows`: the log, as `loss_curve` takes it: it says how long each stage was. No points give a figure that says so.
    """
    with style():
        figure, axes = panel(2.6)
        if not points:
            return nothing(figure, axes, "Nothing was scored on the way.")
        starts = stage_starts([*rows, *points])
        steps = [starts[point["stage"]] + point["step"] for point in points]
        for key, name, colour in (("train_iu", "training pictures", TRAIN), ("val_iu", "validation pictures", VAL)):
            values = 100 * np.array([float(point[key]) for point in points])
            axes.plot(steps, values, color=colour, linewidth=2, marker="o", markersize=3, label=name)
        for stage, start in starts.items():
            if start:
                axes.axvline(start, color=GREY, linewidth=0.6)
            if len(starts) > 1:
                axes.text(start, 1.02, f" {stage}", color=INK, transform=axes.get_xaxis_transform())
        axes.set_xlim(0, None)
        axes.set_ylim(0, 105)
        axes.set_xlabel("training step, stages one after the other")
        axes.set_ylabel("mean IU (%)")
        figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure


def stage_starts(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """For each stage, in order, the number of steps before it."""
    lengths: dict[str, float] = {}
    for row in rows:
        lengths[row["stage"]] = max(lengths.get(row["stage"], 0.0), float(row["step"]))
    ends = np.cumsum([0.0, *lengths.values()])
    return dict(zip(lengths, ends.tolist(), strict=False))
