"""The U-curves: what is measured, and what is drawn of it."""

import numpy as np
import pytest

import minifcn as mf
from minifcn.draw.ucurves import ucurves
from minifcn.verify.ucurve import Curve, error_by_step


class Cube(mf.Function):
    def forward(self, x):
        self.x = x
        return x**3

    def backward(self, grad):
        return 3 * self.x**2 * grad


X = np.random.default_rng(0).uniform(0.5, 2, (2, 3))


def test_truncation_grows_with_the_square_of_the_step():
    # (x + h)³ - (x - h)³ = 6x²h + 2h³: the error of the central difference is h² exactly, of a gradient 3x²·cotangent
    cotangent = np.random.default_rng(0).standard_normal(X.shape)
    (curve,) = error_by_step(lambda x: Cube()(x), X, steps=[1e-3, 1e-2, 1e-1])
    largest = np.abs(3 * X**2 * cotangent).max()
    expected = [step**2 * np.abs(cotangent).max() / largest for step in curve.steps]
    assert curve.errors == pytest.approx(expected, rel=1e-3)
    assert curve.kind == "curved" and 1e-7 <= curve.chosen <= 1e-3


def test_a_line_has_rounding_only():
    first, second = error_by_step(lambda a, b: a * 2 + Cube()(b), [X, X], steps=[1e-12, 1e-8, 1e-4, 1.0])
    assert first.kind == "linear" and first.chosen >= 1
    assert first.errors[0] > 1e-7 and first.errors[3] < 1e-14
    assert second.kind == "curved" and second.errors[3] > 0.01


def test_a_panel_an_operation_and_a_ring_at_the_chosen_step():
    steps = [1e-6, 1e-3, 1.0]
    line = Curve("input 0", "linear", steps, [1e-9, 1e-12, 0.0], 1.0)
    bent = Curve("input 1", "curved", steps, [1e-9, 1e-8, 0.5], 1.2e-3)
    figure = ucurves({"mul": [line], "div": [line, bent], "relu": [bent], "sum": [line], "pad": [line]})
    shown = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title() for axes in shown] == ["mul", "div", "relu", "sum", "pad"]
    assert [text.get_text() for text in shown[1].get_legend().get_texts()] == ["input 0: linear", "input 1: curved"]
    curve, ring = shown[2].lines
    assert list(curve.get_xdata()) == steps and list(ring.get_xdata()) == [1e-3] and list(ring.get_ydata()) == [1e-8]
    assert shown[0].lines[0].get_ydata()[2] > 0  # an error of 0 is drawn at the floor
