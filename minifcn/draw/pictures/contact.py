"""A contact sheet: many small pictures with their labels over them, to see at a glance whether a data set is what it should be."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from minifcn.data.labels import VOID
from minifcn.draw.pictures.legend import INK, PAPER, font_for, legend, one_line
from minifcn.draw.pictures.overlay import has_background, shown_classes, tint

MOST = 48  # pictures on a sheet
COLUMNS, TILE, GAP, TEXT = 8, 200, 10, 14  # columns at most; pixels: a tile's longer side, gaps, letters
NO_CLASS = ("no class", (255, 0, 255))  # what label values without a name look like
PROBLEM = (200, 0, 0)
MISSING = (128, 128, 128)  # stands for a picture that cannot be read


@dataclass(frozen=True)
class Tile:
    """One picture of a sheet: uint8 (H, W, 3), and its label values, uint8 (H, W); None for what cannot be read.

    `problem` is written in red below the name; a tile with one has a red frame.
    """

    name: str
    picture: np.ndarray | None
    labels: np.ndarray | None
    problem: str = ""


def spread(names: Sequence[str], first: Sequence[str], most: int = MOST) -> list[str]:
    """At most `most` of `names`: those in `first`, then others, evenly spread over what is left.

    >>> spread(["a", "b", "c", "d", "e", "f"], first=["d"], most=4)
    ['d', 'a', 'c', 'f']
    """
    chosen = list(dict.fromkeys(first))[:most]
    rest = [name for name in names if name not in set(chosen)]
    places = np.linspace(0, len(rest) - 1, min(most - len(chosen), len(rest))).round().astype(int)
    return chosen + [rest[place] for place in places]


def contact_sheet(tiles: Sequence[Tile], names: Sequence[str], colours: np.ndarray) -> Image.Image:
    """The tiles in rows, each with its labels over it and its name below, and one legend: an RGB image.

    `names`: the K classes, label value 0 first. `colours`: uint8 (K, 3). Labels of another size than their picture are
    stretched over it; values that are no class are magenta. Raises ValueError for no tiles or more than 48.
    """
    if not 1 <= len(tiles) <= MOST:
        raise ValueError(f"contact_sheet: got {len(tiles)} tiles; expected 1 to {MOST}")
    known, names = len(names), list(names)
    if known < VOID:  # else every value is a class or void
        names, colours = [*names, NO_CLASS[0]], np.vstack([colours, NO_CLASS[1]]).astype(np.uint8)
    drawn = [_tile(tile, known, names, colours) for tile in tiles]
    columns = min(len(drawn), COLUMNS)
    width = columns * (TILE + GAP) + GAP
    rows = [drawn[start : start + columns] for start in range(0, len(drawn), columns)]

    maps = [_known(tile.labels, known) for tile in tiles if tile.labels is not None]
    entries = shown_classes(maps, names, colours)
    if entries and has_background(names) and entries[0][0] == names[0]:
        entries[0] = (entries[0][0], PAPER)  # untinted, so its swatch stays empty
    bottom = legend(entries, width, TEXT + 2)

    heights = [max(tile.height for tile in row) + GAP for row in rows]
    sheet = Image.new("RGB", (bottom.width, GAP + sum(heights) + bottom.height), PAPER)
    for row, top in zip(rows, GAP + np.cumsum([0, *heights[:-1]]), strict=True):
        for column, tile in enumerate(row):
            sheet.paste(tile, (GAP + column * (TILE + GAP), int(top)))
    sheet.paste(bottom, (0, sheet.height - bottom.height))
    return sheet


def _tile(tile: Tile, known: int, names: Sequence[str], colours: np.ndarray) -> Image.Image:
    """The small picture, TILE wide with its paper, and one or two lines of text below it."""
    height, width = _shape(tile)
    scale = TILE / max(height, width)
    size = (max(1, round(scale * width)), max(1, round(scale * height)))
    if tile.picture is None:
        small = Image.new("RGB", size, MISSING)
    else:
        small = Image.fromarray(tile.picture).resize(size, Image.Resampling.LANCZOS)
    if tile.labels is not None:
        labels = _known(tile.labels, known)
        scaled = np.array(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST))
        small = Image.fromarray(tint(np.array(small), scaled, names, colours))
    lines = [(tile.name, INK)] + [(tile.problem, PROBLEM)] * bool(tile.problem)
    paper = Image.new("RGB", (TILE, size[1] + len(lines) * (TEXT + 6)), PAPER)
    inset = (TILE - size[0]) // 2
    paper.paste(small, (inset, 0))
    draw = ImageDraw.Draw(paper)
    if tile.problem:
        draw.rectangle((inset, 0, inset + size[0] - 1, size[1] - 1), outline=PROBLEM, width=3)
    for number, (text, colour) in enumerate(lines):
        text = _fitted(one_line(text))
        middle = size[1] + (number + 0.5) * (TEXT + 6)
        draw.text((TILE / 2, middle), text, fill=colour, font=font_for(text, TEXT), anchor="mm")
    return paper


def _shape(tile: Tile) -> tuple[int, int]:
    for pixels in (tile.picture, tile.labels):
        if pixels is not None:
            return pixels.shape[0], pixels.shape[1]
    return TILE, TILE


def _known(labels: np.ndarray, count: int) -> np.ndarray:
    """Values that are none of `count` classes, nor void, as `count`."""
    return np.where((labels >= count) & (labels != VOID), count, labels).astype(np.uint8)


def _fitted(text: str) -> str:
    """As much of `text` as a tile is wide; the end of a picture's name says more than its middle."""
    font = font_for(text + "…", TEXT)
    if font.getlength(text) <= TILE:
        return text
    keep = len(text)
    while keep > 2 and font_for("…", TEXT).getlength(text[: keep // 2] + "…" + text[-(keep - keep // 2) :]) > TILE:
        keep -= 1
    return text[: keep // 2] + "…" + text[-(keep - keep // 2) :]
