"""The drawings as pixels: each sign where the SVG has it, in its colour, and nothing left out in silence."""

import io
import re

import numpy as np
import pytest
from PIL import Image

import minifcn as mf
from minifcn.draw.diagrams.raster import dashes, lines, png, size_of

from .svgs import parsed

PAGE = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30">{}</svg>'
RECT = '<rect x="10" y="5" width="20" height="12" fill="#d6ebfa" stroke="#c25050" {}/>'


def pixels(svg, scale=2):
    return np.asarray(Image.open(io.BytesIO(png(svg, scale))).convert("RGBA")).astype(int)


def near(pixel, colour, off=24):
    """Whether a pixel has that colour, but for the few that a PNG keeps."""
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return pixel[3] > 128 and np.abs(pixel[:3] - wanted).max() <= off


def drawings():
    w = mf.Tensor(np.ones(3), requires_grad=True)
    yield mf.draw.graph((w * w).sum() + 1.0, names={"w": w})
    yield mf.draw.graph((mf.Tensor(np.ones(3)) * w).sum())  # a dashed box
    for stride, padding in ((32, "same"), (8, "paper")):
        yield mf.draw.architecture(mf.models.FCN("tiny", stride, 4, width=4, padding=padding), (64, 96))


def test_a_box_is_filled_and_framed_where_it_stands():
    found = pixels(PAGE.format(RECT.format("")))
    assert found.shape == (60, 80, 4) and size_of(PAGE.format("")) == (40, 30)
    for y, x in ((12, 22), (22, 40), (32, 57)):
        assert near(found[y, x], "#d6ebfa")
    for y, x in ((22, 20), (22, 60), (10, 40), (34, 40)):
        assert near(found[y, x], "#c25050")
    for y, x in ((4, 40), (50, 40), (22, 8), (22, 70)):
        assert found[y, x, 3] == 0, "the ground is transparent"


def test_round_corners_leave_the_corner_and_no_more_than_half():
    corner = np.s_[10:12, 20:22]  # the outermost pixels of the box's upper left
    assert pixels(PAGE.format(RECT.format("")))[corner][..., 3].all()
    assert not pixels(PAGE.format(RECT.format('rx="6"')))[corner][..., 3].any()
    # SVG takes half a side where rx is more: a box of 20 by 12 ends in half circles, and nothing is drawn outside of it
    wide = pixels(PAGE.format(RECT.format('rx="900"')))
    assert not wide[corner][..., 3].any() and near(wide[22, 40], "#d6ebfa")
    seen = wide[..., 3] > 0
    assert not (seen[:8].any() or seen[38:].any() or seen[:, :18].any() or seen[:, 64:].any())


def test_dashes_have_gaps_of_their_length():
    row = (
        pixels(PAGE.format('<path d="M0 15H40" stroke="#000000" stroke-width="2" stroke-dasharray="5 3"/>'))[30, :, 3]
        > 0
    )
    changes = np.flatnonzero(np.diff(row.astype(int)))
    assert len(changes) >= 8
    assert (
        12 <= np.diff(changes)[:6:2].mean() + np.diff(changes)[1:6:2].mean() <= 20
    )  # 8 pixels of the SVG, twice as fine
    assert [len(piece) for piece in dashes([(0, 0), (4, 0), (4, 4)], "5 3")] == [3]  # a dash goes round a corner


def test_a_curve_ends_where_it_ends_and_bends_between():
    (piece,) = lines("M0 0C0 10 20 10 20 20")
    assert piece[0] == (0, 0) and piece[-1] == (20, 20) and len(piece) > 8
    assert piece[len(piece) // 2] == pytest.approx((10, 10))
    assert piece[4][1] > piece[4][0], "it begins straight down"


def test_words_stand_at_their_anchor():
    sides = {}
    for anchor in ("start", "middle", "end"):
        word = f'<text x="20" y="20" font-size="11" text-anchor="{anchor}">mm</text>'
        columns = np.flatnonzero(pixels(PAGE.format(word))[..., 3].any(0))
        sides[anchor] = columns.min() / 2, columns.max() / 2
    assert 19 <= sides["start"][0] <= 22 and 18 <= sides["end"][1] <= 21
    assert sum(sides["middle"]) / 2 == pytest.approx(20, abs=1)


@pytest.mark.parametrize(
    "sign, words", [('<circle r="3"/>', "'circle'"), ('<path d="M0 0Q1 1 2 2" stroke="#000000"/>', "'Q' in a path")]
)
def test_a_sign_that_it_does_not_know_is_told(sign, words):
    with pytest.raises(ValueError, match=words):
        png(PAGE.format(sign))


@pytest.mark.parametrize("number", range(4))
def test_every_box_of_a_drawing_is_in_the_pixels(number):
    """Each filled box that no other covers shows its fill near its lower left corner, where no word stands."""
    drawing = list(drawings())[number]
    content, size = drawing._repr_png_()
    found = np.asarray(Image.open(io.BytesIO(content)).convert("RGBA")).astype(int)
    assert found.shape[:2] == (
        round(2 * float(parsed(drawing.svg).get("height"))),
        round(2 * float(parsed(drawing.svg).get("width"))),
    )
    assert (size["height"], size["width"]) == size_of(drawing.svg)[::-1]
    boxes = re.findall(
        r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" rx="[\d.]+" fill="(#\w+)"', drawing.svg
    )
    assert len(boxes) >= 5
    for x, y, w, h, fill in boxes:
        place = round(2 * (float(y) + float(h) - 2.5)), round(2 * (float(x) + float(w) / 2))
        assert near(found[place], fill), (x, y, fill)
    dark = (found[..., 3] > 128) & (found[..., :3].max(2) < 90)
    assert dark.sum() > 300, "words are written"


def test_it_is_saved_as_pixels(tmp_path):
    drawing = next(drawings())
    with Image.open(drawing.save(tmp_path / "graph.PNG")) as image:
        assert image.size == size_of(drawing.svg, 2)
    assert drawing.save(tmp_path / "graph.svg").read_text(encoding="utf-8") == drawing.svg
    with pytest.raises(
        ValueError, match=r"'graph\.pdf' ends neither in \.svg nor in \.png, and these are what is written"
    ):
        drawing.save(tmp_path / "graph.pdf")
