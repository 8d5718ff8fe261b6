"""The claim that ZFNet's deconvnet is not the paper's deconvolution, and that its check sees faults."""

import numpy as np

from minifcn.draw.networks import deconvnet as drawing
from minifcn.paper import CLAIMS, Setting
from minifcn.paper.topics import deconvnet as claims

NAME = "deconvnet-is-another-thing"


def test_it_holds_and_shows_four_pictures():
    outcome = CLAIMS[NAME].run(Setting())
    assert outcome.holds is True, outcome.measured
    assert outcome.measured.startswith(
        "Without ReLUs 0 numbers of the deconvnet's map differ from the gradient's, with them "
    )
    assert len(outcome.plots) == 4 and all(plot.pixels.shape == (224, 224, 3) for plot in outcome.plots)
    assert all(plot.pixels.std() > 5 for plot in outcome.plots)


def test_relus_with_their_own_rule_are_seen(monkeypatch):
    monkeypatch.setattr(drawing, "set_rule", lambda function: None)
    assert CLAIMS[NAME].run(Setting()).holds is False


def test_a_deconvnet_that_is_no_gradient_without_relus_is_seen(monkeypatch):
    right = claims.project
    monkeypatch.setattr(claims, "project", lambda *arguments: np.roll(right(*arguments), 1, 3))
    assert CLAIMS[NAME].run(Setting()).holds is False


def test_the_papers_layer_writes_its_kernel():
    """By 4, kernel 8: the row of a bilinear kernel is 1, 3, 5, 7, 7, 5, 3, 1 eighths, and cell (3, 5) begins at pixel 10, 18."""
    row = np.array([1, 3, 5, 7, 7, 5, 3, 1]) / 8
    expected = np.zeros((1, 64, 64))
    expected[0, 10:18, 18:26] = np.outer(row, row)
    assert np.array_equal(claims.upsampled(1.0, (3, 5)), expected)
