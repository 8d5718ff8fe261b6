"""The pictures a model does worst on: picture, truth, prediction and errors side by side, a caption above each row."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from minifcn.data.labels import VOID
from minifcn.draw.pictures.legend import INK, PAPER, font_for, legend
from minifcn.draw.pictures.overlay import VOID_COLOUR, has_background, shown_classes, tint
from minifcn.draw.pictures.sheet import COLUMN, GAP, TALLEST, TEXT

TITLES = ("picture", "truth", "prediction", "errors")
WRONG = (213, 40, 0)
WIDTH = len(TITLES) * (COLUMN + GAP) - GAP


class Shown(NamedTuple):
    """A row: a caption, `picture` uint8 (H, W, 3), `truth` uint8 (H, W) with 255 for void, `prediction` alike."""

    caption: str
    picture: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray


def gallery(rows: Iterable[Shown], names: Sequence[str], colours: np.ndarray) -> Image.Image:
    """`rows` below each other with column titles and one legend: an RGB image.

    `names`: the K classes. `colours`: uint8 (K, 3). Pictures are scaled to their column. `rows` may come one at a time:
    of each only its strip is kept. The last column is the picture in grey, red where the prediction is wrong, cream
    where the truth is void. Raises ValueError for no rows, and as `overlay` does for shapes and labels that do not fit.
    """
    titles = {column * (COLUMN + GAP) + COLUMN // 2: title for column, title in enumerate(TITLES)}
    strips, seen = [text_strip(titles, "mm")], np.zeros(VOID + 1, bool)
    for row in rows:
        strips += [text_strip({TEXT // 4: row.caption}, "lm"), row_strip(row, names, colours)]
        seen[row.truth] = seen[row.prediction] = True
    if len(strips) == 1:
        raise ValueError("gallery: there are no rows; give at least one picture with pixels that are scored")
    entries = shown_classes([np.flatnonzero(seen)], names, colours)
    if seen[0] and has_background(names):
        entries[0] = (entries[0][0], PAPER)  # untinted, so its swatch stays empty
    strips.append(legend([*entries, ("wrong", WRONG)], WIDTH, TEXT))

    tops = np.cumsum([0, *(strip.height + GAP for strip in strips)])
    sheet = Image.new("RGB", (max(strip.width for strip in strips), int(tops[-1])), PAPER)
    for strip, top in zip(strips, tops, strict=False):
        sheet.paste(strip, (0, int(top)))
    return sheet


def text_strip(texts: Mapping[int, str], anchor: str) -> Image.Image:
    """A line of texts, each at its column in pixels."""
    strip = Image.new("RGB", (WIDTH, 2 * TEXT), PAPER)
    for x, text in texts.items():
        ImageDraw.Draw(strip).text((x, TEXT), text, fill=INK, font=font_for(text, TEXT), anchor=anchor)
    return strip


def row_strip(row: Shown, names: Sequence[str], colours: np.ndarray) -> Image.Image:
    scale = min(COLUMN / row.picture.shape[1], TALLEST / row.picture.shape[0])
    size = max(1, round(scale * row.picture.shape[1])), max(1, round(scale * row.picture.shape[0]))
    picture = np.array(Image.fromarray(row.picture).resize(size, Image.Resampling.LANCZOS))
    truth, prediction = (
        np.array(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST))
        for labels in (row.truth, row.prediction)
    )
    panels = (
        picture,
        tint(picture, truth, names, colours),
        tint(picture, prediction, names, colours),
        errors(picture, truth, prediction),
    )
    strip = Image.new("RGB", (WIDTH, size[1]), PAPER)
    for column, panel in enumerate(panels):
        strip.paste(Image.fromarray(panel), (column * (COLUMN + GAP) + (COLUMN - size[0]) // 2, 0))
    return strip


def errors(picture: np.ndarray, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """The picture in pale grey, red where truth and prediction differ, cream where the truth is void."""
    grey = 110 + 0.55 * picture.mean(2, keepdims=True)  # (H, W, 1)
    drawn = np.repeat(grey, 3, axis=2)
    for where, colour, strength in ((truth != prediction, WRONG, 0.8), (truth == VOID, VOID_COLOUR, 1.0)):
        drawn[where] += strength * (np.array(colour) - drawn[where])
    return np.rint(drawn).astype(np.uint8)
