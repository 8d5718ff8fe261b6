"""The reliability curve: where its points lie, which bins stay out, what stands beside it."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from minifcn.draw.report.reliability import reliability_figure
from minifcn.training.scoring.calibration import Reliability

PIXELS = np.array([0, 1, 4000, 6000])
CONFIDENCE = np.array([0.0, 0.4, 2800.0, 5700.0])
RIGHT = np.array([0, 1, 2000, 5700])
FOUND = Reliability(PIXELS, CONFIDENCE, RIGHT)


def test_points_lie_at_confidence_and_share_right():
    figure = reliability_figure({"model": FOUND})
    diagonal, curve = figure.axes[0].lines
    np.testing.assert_allclose(curve.get_xdata(), [70, 95])  # one pixel of ten thousand says nothing
    np.testing.assert_allclose(curve.get_ydata(), [50, 95])
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 100]
    # (|1 - 0.4| + |2000 - 2800| + 0) / 10,001
    assert curve.get_label() == "model: calibration error 8.0 %"
    heights = [patch.get_height() for patch in figure.axes[1].patches]
    assert heights == pytest.approx(list(100 * PIXELS / 10_001))


def test_every_name_stands_in_the_legend_with_its_error():
    """matplotlib leaves out labels that begin with an underscore; a long name hid the number behind it."""
    names = ["_best", "best", "a_name_of_the_length_that_nobody_would_give_to_a_model" * 2, "__"]
    figure = reliability_figure(dict.fromkeys(names, FOUND))
    FigureCanvasAgg(figure).draw()
    legend = figure.axes[0].get_legend()
    texts = [text.get_text() for text in legend.get_texts()][1:]
    assert [text.strip()[:4] for text in texts] == ["_bes", "best", "a_na", "__: "]
    assert all(text.endswith("calibration error 8.0 %") for text in texts)
    assert legend.get_window_extent().x1 < figure.axes[0].get_window_extent().x1


def test_several_stand_side_by_side_and_nothing_breaks_without_pixels():
    nothing = np.zeros(4, int)
    figure = reliability_figure({"before $x$": FOUND, "after": Reliability(nothing, nothing, nothing)})
    FigureCanvasAgg(figure).draw()
    # 0 % would be the best that there is
    assert [line.get_label()[-8:] for line in figure.axes[0].lines[1:]] == ["or 8.0 %", "l counts"]
    first, second = (figure.axes[1].patches[i] for i in (0, 4))
    assert first.get_x() + first.get_width() <= second.get_x() + 1e-9
    colours = {line.get_color() for line in figure.axes[0].lines[1:]}
    assert len(colours) == 2
