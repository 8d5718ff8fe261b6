"""The curve of the scores on the way, and its place in the report."""

import math

import numpy as np
from matplotlib.colors import to_hex

from minifcn.draw.curves import to_svg
from minifcn.draw.report.score_curve import TRAIN, VAL, score_curve, stage_starts

from .test_curves import rows, texts
from .test_report import STAGES, written

__all__ = ["written"]


def points(stages=("fcn32s", "fcn16s"), steps=(2, 4), train=(0.2, 0.4), val=(0.1, math.nan)):
    return [
        dict(stage=stage, step=step, train_iu=a, val_iu=b)
        for stage in stages
        for step, a, b in zip(steps, train, val, strict=True)
    ]


def test_two_curves_over_the_steps_of_all_stages():
    axes = score_curve(points(), rows([3.0] * 6)).axes[0]
    lines = {to_hex(line.get_color()): line for line in axes.lines if line.get_marker() == "o"}
    assert set(lines) == {TRAIN.lower(), VAL.lower()}
    # stages of six steps each, as the log says: the second begins at 6
    np.testing.assert_allclose(lines[TRAIN.lower()].get_xydata(), [[2, 20], [4, 40], [8, 20], [10, 40]])
    np.testing.assert_allclose(lines[VAL.lower()].get_ydata(), [10, math.nan, 10, math.nan])


def test_without_a_log_the_last_look_ends_a_stage():
    assert stage_starts(points()) == {"fcn32s": 0, "fcn16s": 4}
    assert stage_starts([*rows([1.0] * 5), *points()]) == {"fcn32s": 0, "fcn16s": 5}


def test_what_the_figure_says():
    said = texts(score_curve(points()))
    assert {"training pictures", "validation pictures", "mean IU (%)"} <= set(said)
    assert any("fcn16s" in text for text in said)
    assert "Nothing was scored on the way." in texts(score_curve([]))
    assert to_svg(score_curve(points())) == to_svg(score_curve(points()))


def test_the_report_has_the_curve_where_there_is_one(written):
    text = written(points=points(STAGES))
    assert "<h2>On the way</h2>" in text and "choose nothing" in text
    assert "On the way" not in written()
