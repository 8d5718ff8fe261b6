"""What colours in label files become, said in a table before anything is converted; and whose colours they are is not guessed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from minifcn.data.check.colours import Table, by_table
from minifcn.data.check.palettes import Colour
from minifcn.data.check.recolour import BACKUP, numbers_of_colours, replaced, strange_colours
from minifcn.data.classes import ClassMap
from minifcn.data.errors import DataError
from minifcn.data.images import open_image
from minifcn.data.labels import VOC_CLASSES, VOID

# CamVid's colours. Each of them is in VOC's palette too, as another class; these are in both lists, so files with no other colours may be of either.
CAMVID: dict[Colour, str] = {
    (128, 0, 0): "Building", (128, 128, 0): "Tree", (128, 128, 128): "Sky", (64, 0, 128): "Car", (192, 0, 128): "Archway",
    (192, 128, 128): "SignSymbol",
}  # fmt: skip


class Became(NamedTuple):
    """A row of the table: a number, where there was one, and a colour; the class that it becomes; in how many pixels and pictures."""

    number: int | None
    colour: Colour
    becomes: int
    pixels: int
    pictures: int


class Converted(NamedTuple):
    """A label file, the colour of each of its pixels, the class number that it becomes, and the colours of no class with their pixels."""

    image: Image.Image
    colours: np.ndarray
    labels: np.ndarray
    others: dict[Colour, int]


def converted(path: Path, known: int, table: Table | None) -> Converted:
    """What a label file of colours, or with a palette, becomes; nothing is written."""
    image = open_image(path, "labels")
    shown = image.convert("RGB") if image.mode == "P" else image
    pixels = np.array(shown)
    return Converted(image, pixels, *(by_table(pixels, table) if table else numbers_of_colours(shown, known)))


def what_becomes(paths: Iterable[Path], known: int, table: Table | None) -> list[Became]:
    """What is found in the files and what converting them makes of it, the most frequent first."""
    pixels, pictures = Counter[tuple[int, ...]](), Counter[tuple[int, ...]]()
    for path in paths:
        image, colours, labels, _ = converted(path, known, table)
        number = np.array(image).astype(int) if image.mode == "P" else np.full(labels.shape, -1)
        rows = np.concatenate(
            [number[..., None], colours[..., :3].astype(int), labels[..., None].astype(int)], -1
        ).reshape(-1, 5)
        packed = ((((rows[:, 0] + 1) * 256 + rows[:, 1]) * 256 + rows[:, 2]) * 256 + rows[:, 3]) * 256 + rows[:, 4]
        _, first, counts = np.unique(packed, return_index=True, return_counts=True)
        found = {
            tuple(rows[place].tolist()): count for place, count in zip(first.tolist(), counts.tolist(), strict=True)
        }
        pixels.update(found)
        pictures.update(found.keys())
    return [
        Became(None if row[0] < 0 else row[0], row[1:4], row[4], count, pictures[row])
        for row, count in pixels.most_common()
    ]


def rows_in_words(rows: Sequence[Became], classes: ClassMap) -> list[str]:
    """A line a row."""
    names = dict(zip(classes.values, classes.names, strict=True))
    total = sum(row.pixels for row in rows) or 1
    return [
        f"{f'number {row.number}, ' if row.number is not None else ''}{row.colour} becomes "
        f"{'void' if row.becomes == VOID else f'{row.becomes} {names.get(row.becomes, str())}'.rstrip()}, {100 * row.pixels / total:.2g} %, {row.pixels:,} pixels, "
        f"{row.pictures} picture{'s' * (row.pictures != 1)}"
        for row in rows
    ]


def consent(rows: Sequence[Became], classes: ClassMap) -> str:
    """Why these colours are not taken for those of VOC's palette without a word from a person; empty where they are.

    A list of one's own need not be in the order of VOC's palette. A palette may be wrong where its numbers are right.
    """
    give = "give --colours FILE, a table with lines such as 128 128 128 Sky; or, where the table above is right, --voc-colours"
    if any(row.number is not None for row in rows):
        return "whether the numbers or the colours of these files are right nobody but you knows: where the table above is right, give --voc-colours"
    if tuple(classes.names) != VOC_CLASSES:
        return f"the folder has a class list of its own, and that its classes have the colours of VOC's palette, in that order, is not said: {give}"
    colours = {row.colour for row in rows} - {(0, 0, 0)}
    if len(colours) > 1 and colours <= CAMVID.keys():
        named = ", ".join(f"{colour} {CAMVID[colour]}" for colour in sorted(colours, reverse=True)[:3])
        return f"these colours are CamVid's as well ({named}), where they mean other classes than VOC's: {give}"
    return ""


def convert(path: Path, known: int, table: Table | None) -> Path:
    """Write a label file of colours, or with a palette whose colours are right, as class numbers; returns where the original lies now.

    As `recolour.convert_colours`, but by a table of one's own or by the palette. DataError where a colour is no class's.
    """
    found = converted(path, known, table)
    if found.others:
        raise DataError(f"labels {path}: not converted, for {strange_colours(found.others)}")
    return replaced(path, path.read_bytes(), found.labels, BACKUP, "converted")
