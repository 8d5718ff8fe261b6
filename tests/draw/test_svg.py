"""The pen: words measured, characters that XML cannot hold, and that the tests' own eye sees what is wrong with a picture."""

import re

import numpy as np
import pytest

import minifcn as mf
from minifcn.draw.diagrams.svg import (
    LINE,
    WIDTH,
    Canvas,
    Entry,
    Picture,
    draw_legend,
    legend_size,
    shortened,
    text_width,
)

from .svgs import check_picture, contrast, measured, parsed


def good():
    w = mf.Tensor(np.ones(3), requires_grad=True)
    return mf.draw.graph((w * w).sum(), names={"w": w}).svg


def test_the_eye_sees_a_good_picture():
    check_picture(good())


@pytest.mark.parametrize(
    "says, spoil",
    [
        ("leaves its box", lambda svg: svg.replace(">Mul<", ">Multiplication of two tensors<")),
        ("too small", lambda svg: svg.replace('font-size="11"', 'font-size="8"')),
        ("pixels wide", lambda svg: re.sub(r'width="\d[\d.]*" height="(\d+)" viewBox="0 0 [\d.]+', r'width="900" height="\1" viewBox="0 0 900', svg, count=1)),
        ("clipped", lambda svg: re.sub(r'height="(\d+)" viewBox="0 0 ([\d.]+) \d+"', r'height="100" viewBox="0 0 \2 100"', svg, count=1)),
        ("hard to read", lambda svg: svg.replace('fill="#d6ebfa"', 'fill="#204060"')),
        ("is lost on", lambda svg: svg.replace(f'stroke="{LINE}" stroke-width', 'stroke="#dddddd" stroke-width')),
        ("runs over a box", lambda svg: re.sub(r'd="M([\d.]+) ([\d.]+)', r'd="M\1 \2V60', svg, count=1)),
        ("two boxes overlap|overlap", lambda svg: re.sub(r'(<g class="operation">.*?</g>)', r"\1\1", svg, count=1, flags=re.S)),
        ("a part without a title", lambda svg: svg.replace("<title>w (input)", "<title></title><title>w (input)")),
        ("leans on something else", lambda svg: svg.replace("<rect ", '<rect id="a" ', 1)),
        ("stand on no box", lambda svg: svg.replace("</svg>", '<text x="50" y="50" font-size="12" text-anchor="middle">x</text></svg>')),
        ("mid-air", lambda svg: re.sub(r'<polygon points="[\d.]+,', '<polygon points="2,', svg, count=1)),
    ],
)  # fmt: skip
def test_the_eye_sees_what_is_wrong(says, spoil):
    svg = spoil(good())
    assert svg != good()
    with pytest.raises(AssertionError, match=says):
        check_picture(svg)


def test_words_are_measured_wide_enough():
    canvas = Canvas()
    canvas.text(0, 20, "(1, 512, 32, 32) Wm", 12, bold=True, anchor="start")
    canvas.text(0, 40, "(1, 512, 32, 32) Wm", 11, anchor="start")
    texts = list(parsed(canvas.svg(100, 100, "a test")).iter("{http://www.w3.org/2000/svg}text"))
    for text, bold in zip(texts, (True, False), strict=True):
        assert text_width(text.text, float(text.get("font-size")), bold) >= 1.03 * measured(text).w
    assert text_width("頭頭頭頭", 10) == 40  # a square each
    assert text_width("iii") < text_width("WWW")


def test_shortened_keeps_the_end_and_fits():
    for text in ("backbone.inception_3a.conv5x5.weight", "頭" * 30, "x" * 200, "short", ""):
        for room in (30, 100, 216):
            found = shortened(text, room, 11, True)
            assert text_width(found, 11, True) <= room
            assert found == text if text_width(text, 11, True) <= room else text.endswith(found.removeprefix("…"))


def test_the_contrast_is_that_of_the_web_guidelines():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_a_legend_wraps():
    entries = [Entry(f"entry number {place}", "#ffffff", LINE) for place in range(20)]
    rows, wide, high = legend_size(entries)
    assert [entry for row in rows for entry in row] == entries and len(rows) > 2 and wide <= WIDTH - 24
    canvas = Canvas()
    draw_legend(canvas, entries, WIDTH / 2, 10)
    check_picture(canvas.svg(WIDTH, high + 20, "a legend"))


def test_a_picture_of_ones_own_says_what_is_missing():
    with pytest.raises(NotImplementedError, match="Picture does not draw anything"):
        _ = Picture().svg
