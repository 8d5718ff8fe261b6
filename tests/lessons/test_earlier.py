"""lessons/earlier.py repeats lines of lessons 08 and 09 for later ones, and lessons/play.py shows a picture where nobody can move a slider."""

import inspect

import earlier
import look
import play
import pytest


def test_earlier_is_what_the_lessons_wrote(lessons):
    lesson_08 = (lessons / "src" / "08_classifier_and_receptive_field.py").read_text(encoding="utf-8")
    lesson_09 = (lessons / "src" / "09_from_classifier_to_fcn.py").read_text(encoding="utf-8")
    for each in (earlier.windows, earlier.Flatten, earlier.new_classifier, earlier.train):
        assert inspect.getsource(each) in lesson_08, f"{each.__name__} differs from lesson 08's; copy it over"
    assert inspect.getsource(earlier.convolutional) in lesson_09, "convolutional differs from lesson 09's; copy it over"
    assert f"SIDE = {earlier.SIDE}\n" in lesson_08


def test_without_anybody_in_front_the_first_picture_is_shown(monkeypatch):
    shown = []
    monkeypatch.setattr(look, "show", lambda figure, alt: shown.append((figure, alt)))
    play.sliders(lambda row, column: (row, f"column {column}"), row=(0, 9, 4), column=(0, 5, 2))
    assert shown == [(4, "column 2")]


def test_with_somebody_in_front_the_sliders_draw_again(monkeypatch):
    widgets = pytest.importorskip("ipywidgets", reason="needs ipywidgets: pip install 'minifcn[lessons]'")
    shown, displayed = [], []
    monkeypatch.setattr(look, "show", lambda figure, alt: shown.append(figure))
    monkeypatch.setattr(look, "display", displayed.append)
    monkeypatch.setattr(play, "found_widgets", lambda: widgets)
    play.sliders(lambda row: (row, "a row"), row=(0, 9, 4))
    (box,) = displayed
    slider = box.children[0]
    assert (slider.min, slider.max, slider.value) == (0, 9, 4)
    slider.value = 7
    assert shown == [4, 7]
