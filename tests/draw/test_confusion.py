"""The confusion matrix as a picture: what stands in its cells, and that nothing is cut off."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from minifcn.draw.curves import save, style, to_svg
from minifcn.draw.report.confusion import confusion_figure

MATRIX = [[900, 96, 4, 0], [30, 60, 10, 0], [0, 0, 0, 0], [1, 0, 0, 3]]
NAMES = ["background", "cat", "absent", "dog"]


def cells(figure):
    """(row, column) -> the number that stands there."""
    found = {}
    for text in figure.axes[0].texts:
        x, y = text.get_position()
        found[int(y), int(x)] = text.get_text()
    return found


def test_rows_are_normalised_and_small_shares_left_out():
    figure = confusion_figure(MATRIX, NAMES)
    expected = {(0, 0): "90", (0, 1): "10", (1, 0): "30", (1, 1): "60", (1, 2): "10", (3, 0): "25", (3, 3): "75"}
    assert cells(figure) == expected  # 96 of 1000 rounds to 10; 4 of 1000 are below 0.5 %
    mesh = figure.axes[0].collections[0]
    shares = mesh.get_array().reshape(4, 4)
    np.testing.assert_allclose(shares[0], [90, 9.6, 0.4, 0])
    assert shares.mask[2].all() and not shares.mask[[0, 1, 3]].any()  # no pixels, no shares: the ground shows, grey
    assert mesh.get_clim() == (0, 100)


def test_truth_runs_down_and_prediction_to_the_right():
    axes = confusion_figure(MATRIX, NAMES).axes[0]
    assert axes.get_ylim() == (4, 0) and axes.get_xlim() == (0, 4)
    assert axes.get_ylabel() == "true class" and axes.get_xlabel() == "predicted class"
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [label.get_text() for label in labels] == NAMES


def test_a_number_stands_out_from_its_cell():
    figure = confusion_figure([[99, 1], [34, 66]], ["a", "b"])
    inks = {text.get_text(): text.get_color() for text in figure.axes[0].texts}
    assert inks["99"] == inks["66"] == "white" and inks["1"] == inks["34"] != "white"


@pytest.mark.parametrize("count, longest", [(1, 3), (2, 40), (7, 12), (21, 11), (60, 30), (200, 9)])
def test_nothing_is_cut_off(count, longest):
    names = [f"{i} " + "m" * (longest - 4) for i in range(count)]
    figure = confusion_figure(np.eye(count, dtype=int) + 1, names)
    with style():
        FigureCanvasAgg(figure).draw()
        box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
    matrix = figure.axes[0].get_window_extent()
    assert matrix.width == pytest.approx(matrix.height, rel=1e-6)
    assert matrix.width / figure.dpi > 0.75 * min(max(2.6, 0.34 * count), 11)


def test_numbers_and_names_give_way_where_there_is_no_room():
    assert len(confusion_figure(np.eye(45, dtype=int), list(map(str, range(45)))).axes[0].texts) == 45
    many = confusion_figure(np.eye(200, dtype=int), list(map(str, range(200)))).axes[0]
    assert not many.texts
    assert [label.get_text() for label in many.get_yticklabels()][:3] == ["0", "2", "4"]


def test_names_are_shown_as_they_are_and_long_ones_cut():
    figure = confusion_figure([[1, 0], [0, 1]], ["$x_1$ & <b>", "n" * 60])
    text = ["".join(node.itertext()) for node in ElementTree.fromstring(to_svg(figure)).iter()]
    assert "$x_1$ & <b>" in text and "n" * 39 + "…" in text and "n" * 60 not in text


def test_the_file_is_the_same_every_time(tmp_path):
    for name in ("first.svg", "second.svg", "first.png", "second.png"):
        save(confusion_figure(MATRIX, NAMES), str(tmp_path / name))
    for ending in ("svg", "png"):
        assert (tmp_path / f"first.{ending}").read_bytes() == (tmp_path / f"second.{ending}").read_bytes()


@pytest.mark.parametrize(
    "matrix, names, words",
    [
        (np.eye(3), ["a", "b"], r"matrix has shape \(3, 3\), but there are 2 names; give C by C"),
        ([[1, 2]], ["a"], r"matrix has shape \(1, 2\), but there are 1 names"),
        ([], [], "there are 0 names; give C by C, C at least 1"),
        ([[1, -2], [0, 1]], ["a", "b"], "the least count is -2; expected counts of pixels, 0 or more"),
    ],
)
def test_what_is_no_confusion_matrix_is_refused(matrix, names, words):
    with pytest.raises(ValueError, match=f"confusion_figure: .*{words}"):
        confusion_figure(matrix, names)
