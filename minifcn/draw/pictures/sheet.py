"""Samples side by side as one picture: the rows of a report for places that show no HTML."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from minifcn.draw.pictures.legend import INK, PAPER, font_for, legend, one_line
from minifcn.draw.pictures.overlay import has_background, shown_classes, tint

COLUMN, TALLEST, GAP, TEXT = 240, 260, 8, 16  # pixels: column width, row height at most, gaps, letters


def sample_sheet(samples: Sequence[Any], names: Sequence[str], colours: np.ndarray) -> Image.Image:
    """Rows of picture, truth and the prediction of each stage, with column titles and one legend: an RGB image.

    `samples`: objects with `picture` uint8 (H, W, 3), `truth` uint8 (H, W) with 255 for void, and `predictions`, a dict
    stage → uint8 (H, W). `names`: the K classes. `colours`: uint8 (K, 3). Pictures are scaled to their column.
    Raises ValueError for no samples, and as `overlay` does for shapes and labels that do not fit.
    """
    if not samples:
        raise ValueError("sample_sheet: there are no samples; give at least one")
    stages = list(dict.fromkeys(stage for sample in samples for stage in sample.predictions))
    titles = ["picture", "truth", *stages]
    width = len(titles) * (COLUMN + GAP) - GAP
    strips = [_titles(titles, width)]
    for sample in samples:
        strips.append(_row(sample, stages, names, colours, width))
    maps = [labels for sample in samples for labels in (sample.truth, *sample.predictions.values())]
    entries = shown_classes(maps, names, colours)
    if has_background(names) and entries[0][0] == names[0]:
        entries[0] = (entries[0][0], PAPER)  # untinted, so its swatch stays empty
    strips.append(legend(entries, width, TEXT))

    heights = [strip.height for strip in strips]
    sheet = Image.new("RGB", (max(strip.width for strip in strips), sum(heights) + GAP * (len(strips) - 1)), PAPER)
    for strip, top in zip(strips, np.cumsum([0, *heights[:-1]]) + GAP * np.arange(len(strips)), strict=True):
        sheet.paste(strip, (0, int(top)))
    return sheet


def _titles(titles: Sequence[str], width: int) -> Image.Image:
    strip = Image.new("RGB", (width, 2 * TEXT), PAPER)
    draw = ImageDraw.Draw(strip)
    for column, title in enumerate(map(one_line, titles)):
        draw.text(
            (column * (COLUMN + GAP) + COLUMN / 2, TEXT), title, fill=INK, font=font_for(title, TEXT), anchor="mm"
        )
    return strip


def _row(sample: Any, stages: Sequence[str], names: Sequence[str], colours: np.ndarray, width: int) -> Image.Image:
    picture = Image.fromarray(sample.picture)
    scale = min(COLUMN / picture.width, TALLEST / picture.height)
    size = (max(1, round(scale * picture.width)), max(1, round(scale * picture.height)))
    inset = (COLUMN - size[0]) // 2
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    strip = Image.new("RGB", (width, size[1]), PAPER)
    strip.paste(picture, (inset, 0))
    maps = [sample.truth, *(sample.predictions.get(stage) for stage in stages)]
    for column, labels in enumerate(maps, start=1):
        if labels is not None:
            scaled = np.array(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST))
            drawn = tint(np.array(picture), scaled, names, colours)
            strip.paste(Image.fromarray(drawn), (column * (COLUMN + GAP) + inset, 0))
    return strip
