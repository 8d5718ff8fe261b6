"""Figures: what is drawn where, and SVG that is the same every time and asks for nothing outside."""

import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from minifcn.draw.curves import class_bars, loss_curve, score_bars, sorted_classes, to_png, to_svg


def rows(losses, stages=("fcn32s", "fcn16s")):
    return [
        {"stage": stage, "step": step, "loss": loss, "learning_rate": 1e-3, "seconds": 0.1, "images_per_second": 9.0}
        for stage in stages
        for step, loss in enumerate(losses, start=1)
    ]


def scores(value, per_class):
    four = ("pixel_accuracy", "mean_accuracy", "mean_iu", "frequency_weighted_iu")
    return {**dict.fromkeys(four, value), "per_class": per_class}


METRICS = {
    "fcn32s": scores(0.25, {"cat": 0.5, "dog": 0.3, "cow": None}),
    "fcn8s": scores(0.75, {"cat": 0.2, "dog": 0.4, "cow": math.nan}),
}


def texts(figure):
    root = ElementTree.fromstring(to_svg(figure))
    return ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]


def test_stages_follow_each_other_on_one_axis():
    axes = loss_curve(rows([3.0, 2.0, 1.0, 0.5]), 5).axes[0]
    raw = [line for line in axes.lines if line.get_alpha() == 0.3]
    assert [line.get_xdata().tolist() for line in raw] == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert axes.get_xlim() == (0, 8)
    assert [line.get_xdata() for line in axes.lines if np.array_equal(line.get_xdata(), [4, 4])], "no divider"


def test_the_line_of_guessing_lies_at_ln_c_and_is_left_out_for_a_summed_loss():
    assert any("guessing: ln 5 = 1.61" in text for text in texts(loss_curve(rows([1.6, 1.2]), 5)))
    assert not any("guessing" in text for text in texts(loss_curve(rows([4e5, 2e5]), 5)))


def test_a_long_log_stays_small_and_keeps_its_spikes():
    losses = [1.0] * 20_000
    losses[1234] = 7.0
    figure = loss_curve(rows(losses, ["fcn8s"]), 5)
    raw = next(line for line in figure.axes[0].lines if line.get_alpha() == 0.3)
    assert max(raw.get_ydata()) == 7.0
    assert len(to_svg(figure)) < 60_000


@pytest.mark.parametrize(
    "losses", [[], [2.0], [math.nan], [math.nan, math.inf], [2.0, math.nan, 1.0] * 400, [0.0, 0.0]]
)
def test_odd_losses_still_draw(losses):
    svg = to_svg(loss_curve(rows(losses), 3))
    assert svg.startswith("<svg")
    if not np.isfinite(losses).any():
        assert "No loss was logged." in svg


def test_score_bars_carry_per_cent_and_a_dash_for_no_score():
    words = texts(score_bars({"fcn8s-atonce": {"pixel_accuracy": 0.5, "mean_iu": None}}))
    assert "50.0" in words
    assert words.count("–") == 3
    heights = sorted(bar.get_height() for bar in score_bars(METRICS).axes[0].patches)
    assert heights == [25.0] * 4 + [75.0] * 4


def test_class_bars_sort_by_the_last_stage_and_name_the_absent():
    assert sorted_classes(METRICS) == ["dog", "cat", "cow"]
    figure = class_bars(METRICS)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["dog", "cat", "cow"]
    assert texts(figure).count("absent") == 2
    low, high = figure.axes[0].get_ylim()
    assert low > high, "the best class stands on top"


@pytest.mark.parametrize("name", ["a$b$c", r"$\bad{$", "<script>", "猫", "x" * 300, "_hidden"])
def test_any_class_name_can_be_drawn(name):
    figure = class_bars({"fcn8s": scores(0.5, {name: 0.5})})
    assert any(text.startswith(name[:20]) for text in texts(figure))
    assert to_png(figure, 40).startswith(b"\x89PNG")


def test_no_stage_at_all():
    assert "No stage has been scored." in to_svg(score_bars({}))
    assert "No class has been scored." in to_svg(class_bars({}))


def test_svg_is_the_same_every_time_and_loads_nothing():
    first, second = (to_svg(loss_curve(rows([2.0, 1.0, 0.7]), 5)) for _ in range(2))
    assert first == second
    assert not re.search(r"""(href|src)\s*=\s*["'](?!#)""", first)
    assert not re.search(r"url\((?!#)|@import|<!DOCTYPE|<metadata", first)


def test_drawing_leaves_matplotlib_as_it_was():
    code = """
import sys, matplotlib
before = matplotlib.rcParams.copy()
from minifcn.draw.curves import class_bars, to_png, to_svg
figure = class_bars({"fcn8s": {"per_class": {"cat": 0.5}}})
to_svg(figure), to_png(figure, 50)
assert "matplotlib.pyplot" not in sys.modules
after = matplotlib.rcParams.copy()
assert all(after[key] == before[key] for key in before if key != "backend")  # reading that one loads pyplot
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
