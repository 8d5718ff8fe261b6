"""The page of the paper's claims: well-formed, loads nothing, every figure said in words too, and figures that draw what was measured."""

import base64
import io
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from minifcn.draw.paper import figures as paper_figures
from minifcn.draw.paper.page import LONG, MARKS, PaperPage, anchor
from minifcn.draw.paper.plots import Bars, Curves, Picture

from .pages import Page

ODD = '<script>alert(1)</script> & "$x_1$"'


def judged():
    """False where anything
    differs <at all>.
    """


def result(name="exact", verdict="holds", kind="identity", table=(), plots=(), section="3.1"):
    claim = SimpleNamespace(name=name, section=section, says=f"{name} is so", kind=kind, run=judged)
    outcome = SimpleNamespace(measured=f"{name}: 0 of 7 differ", table=table, plots=plots)
    return SimpleNamespace(claim=claim, outcome=outcome, verdict=verdict, seconds=0.123)


CURVES = Curves("Loss", "step", "loss", {"p = 1": (range(4), [4, 3, 2, 1]), "p = 0.5": (range(4), [4, math.nan, 3, 2])})
BARS = Bars("Scores", "mean IU", {"fcn32s": [0.4, 0.5], "fcn8s": [0.6, 0.62]})
PICTURE = Picture("two cells", np.array([[[255, 0, 0], [0, 9, 255]]], np.uint8))
ALL = [
    result(table=[("net", "differ"), ("a & b", "0")], plots=[CURVES, BARS, PICTURE]),
    result("curves-again", "does not hold", "experiment", plots=[CURVES, CURVES]),
    result(ODD, "failed"),
    result("labels", "not measured", "data", section="arXiv v2, appendix A"),
]


def written(folder, results=ALL, **changes):
    page = PaperPage(folder)
    for each in results:
        page.draw(each)
    page.write(
        results, **{"headline": "One holds.", "about": "NumPy 2; seeds 0", "notice": "", "command": "", **changes}
    )
    return (folder / "index.html").read_text(encoding="utf-8")


def test_the_page_is_well_formed_and_loads_nothing(tmp_path):
    text = written(tmp_path, notice="Stopped <after> 2 of 7.", command="minifcn paper 'a & b'")
    page = Page(text)
    loads = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert all(load.startswith(("data:", "#")) for load in loads)
    assert not re.search(r"url\((?!data:|#)|@import", text)
    assert "<script" not in text
    assert len(page.ids) == len(set(page.ids)), "an id appears twice"
    for reference in re.findall(r"""(?:url\(#|href="#)([^)"]+)""", text):
        assert reference in page.ids
    for words in ("One holds.", "NumPy 2; seeds 0", "Stopped <after> 2 of 7.", "minifcn paper 'a & b'", ODD, "a & b"):
        assert words in page.text
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_every_claim_is_a_row_and_a_part_in_the_order_given(tmp_path):
    text = written(tmp_path)
    overview, *parts = text.split("<section ")
    assert len(parts) == len(ALL)
    rows = overview.split("<tr>")[2:]  # the head is the first
    for each, row, part in zip(ALL, rows, parts, strict=True):
        seen = Page(f"<table><tr>{row.split('</tbody>')[0]}</table>").text
        for words in (
            each.claim.section,
            each.claim.name,
            each.claim.says,
            each.outcome.measured,
            each.verdict,
            "0.12 s",
        ):
            assert words in seen
            assert words in " ".join(re.sub("<[^>]+>", " ", part).replace("&lt;", "<").replace("&gt;", ">")
                                     .replace("&amp;", "&").replace("&quot;", '"').split())  # fmt: skip
        assert f'href="#{anchor(each.claim)}"' in row and part.startswith(f'id="{anchor(each.claim)}"')
        assert MARKS[each.verdict] in seen
    assert "How it is judged: It does not hold where anything differs &lt;at all&gt;." in parts[0]
    assert "that is a finding, not a fault" in parts[1] and "something here is at fault" in parts[0]


def test_figures_have_words_for_who_does_not_see_them(tmp_path):
    page = Page(written(tmp_path, ALL[:1]))
    labels = [attributes["aria-label"] for tag, attributes in page.tags if tag == "svg"]
    assert labels == [
        "Curves, loss over step: p = 1, p = 0.5",
        "Bars, mean IU: fcn32s 0.450 (0.400 to 0.500); fcn8s 0.610 (0.600 to 0.620)",
    ]
    assert [attributes["alt"] for tag, attributes in page.tags if tag == "img"] == ["two cells"]
    for words in ("Loss", "Scores (a dot a seed, a bar their mean)", "two cells"):
        assert words in page.text


def picture_of(text):
    tag = re.search(r"<img[^>]*>", text)[0]
    data = re.search(r"base64,([^\"]+)", tag)[1]
    return tag, np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_a_small_picture_is_kept_exactly_and_enlarged_by_the_browser(tmp_path):
    tag, pixels = picture_of(written(tmp_path, ALL[:1]))
    assert (pixels == PICTURE.pixels).all() and 'class="pixels"' in tag and 'width="240"' in tag


def test_a_large_picture_is_reduced(tmp_path):
    tag, pixels = picture_of(written(tmp_path, [result(plots=[Picture("x", np.full((500, 3000, 3), 77, np.uint8))])]))
    assert pixels.shape == (167, 1000, 3) and (pixels == 77).all() and 'class=""' in tag


def test_a_long_table_is_folded_and_a_short_one_is_not(tmp_path):
    rows = [("n", "n²"), *((n, n * n) for n in range(LONG + 1))]
    assert f"<details><summary>{LONG + 1} rows</summary>" in written(tmp_path, [result(table=rows)])
    assert "<details>" not in written(tmp_path, [result(table=rows[:-1])])


def test_a_narrow_table_stands_beside_its_figure_and_one_of_texts_wraps(tmp_path):
    rows = [("net", "says"), ("a", "0.5")]
    beside = '<div class="pair"><div><div class="scroll"><table class="">'
    assert beside in written(tmp_path, [result(table=rows, plots=[CURVES])])
    assert beside not in written(tmp_path, [result(table=rows)])
    text = written(tmp_path, [result(table=[*rows, ("b", "a sentence of some length " * 3)], plots=[CURVES])])
    assert '<table class="plain">' in text and '<div class="pair"><figure' in text


@pytest.mark.parametrize(
    "changes, error, words",
    [
        ({"table": [("a", "b"), ("1",)]}, ValueError, r"table: the row \('1',\) has 1 cells; expected 2"),
        ({"plots": ["x"]}, TypeError, "plot: got str; expected Curves, Bars or Picture"),
        ({"plots": [Picture("x", np.zeros((2, 2, 3)))]}, ValueError, r"picture 'x': got float64 \(2, 2, 3\); expected uint8"),
        ({"plots": [Curves("c", "x", "y", {"l": ([1, 2], [1])})]}, ValueError, "line 'l' has 2 values of x and 1 of y"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_said(changes, error, words, tmp_path):
    with pytest.raises(error, match=words):
        PaperPage(tmp_path).draw(result(**changes))


def test_a_failure_leaves_the_earlier_page(tmp_path, monkeypatch):
    before = written(tmp_path)
    monkeypatch.setattr("os.replace", None)
    with pytest.raises(TypeError):
        written(tmp_path, ALL[:1])
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == before


def test_a_page_without_results(tmp_path):
    page = Page(written(tmp_path, []))
    assert "One holds." in page.text and "Verdict" not in page.text


def lines_of(figure):
    return [(line.get_xdata().tolist(), line.get_ydata().tolist(), line) for line in figure.axes[0].lines]


def test_curves_draw_the_values_with_gaps(tmp_path):
    figure = paper_figures.curves(CURVES)
    (x, y, first), (_, gap, second) = lines_of(figure)
    assert (x, y) == ([0, 1, 2, 3], [4, 3, 2, 1]) and math.isnan(gap[1]) and gap[2:] == [3, 2]
    assert first.get_linestyle() != second.get_linestyle() and first.get_color() != second.get_color()
    assert first.get_marker() != second.get_marker() != "None"
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "loss")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["p = 1", "p = 0.5"]


def test_curves_of_several_seeds_are_faint_and_their_mean_strong():
    seeds = [[1.0, 2.0, 6.0], [3.0, 4.0, 0.0]]
    *faint, (_, mean, strong) = lines_of(paper_figures.curves(Curves("t", "x", "y", {"l": ([1, 2, 3], seeds)})))
    assert [y for _, y, _ in faint] == seeds and all(line.get_alpha() < 0.5 for *_, line in faint)
    assert mean == [2.0, 3.0, 3.0] and strong.get_linewidth() > 2 * faint[0][2].get_linewidth()


def test_fourteen_lines_all_look_different():
    figure = paper_figures.curves(Curves("t", "x", "y", {f"line {n}": ([0, 1], [n, n]) for n in range(14)}))
    looks = {(line.get_color(), str(line._dash_pattern)) for *_, line in lines_of(figure)}
    assert len(looks) == 14


@pytest.mark.parametrize("lines", [{}, {"l": ([1, 2], [math.nan, math.inf])}, {"l": ([], [])}])
def test_curves_of_nothing_say_so(lines):
    figure = paper_figures.curves(Curves("t", "x", "y", lines))
    assert [text.get_text() for text in figure.axes[0].texts] == ["Nothing finite was measured."]


def test_bars_are_as_long_as_the_mean_with_a_dot_a_seed():
    axes = paper_figures.bars(BARS).axes[0]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([0.45, 0.61])
    dots = [line.get_xdata().tolist() for line in axes.lines if line.get_marker() == "o"]
    assert dots == [[0.4, 0.5], [0.6, 0.62]]
    assert [text.get_text() for text in axes.texts] == ["0.450 (0.400 to 0.500)", "0.610 (0.600 to 0.620)"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["fcn32s", "fcn8s"]
    assert axes.get_xlabel() == "mean IU" and axes.get_xlim()[0] == 0


def test_bars_below_zero_and_missing_ones():
    axes = paper_figures.bars(Bars("t", "gain", {"worse": [-2.0], "none": [math.nan], "better": [1.0]})).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [-2, 0, 1] and axes.get_xlim()[0] < -2
    assert [text.get_text() for text in axes.texts] == ["-2.00", "none", "1.00"]
    assert not [line for line in axes.lines if line.get_marker() == "o"]


def test_bars_of_nothing_say_so():
    assert [text.get_text() for text in paper_figures.bars(Bars("t", "y", {})).axes[0].texts] == [
        "Nothing was measured."
    ]
