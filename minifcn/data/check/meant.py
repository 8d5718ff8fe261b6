"""What colours in label files become, said in a table before anything is converted; and whose colours they are is not guessed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minifcn.data.check.coloured import UNSAID, Choice, palette_table, reading_of
from minifcn.data.check.colours import BY_PALETTE, ColourSource, by_table
from minifcn.data.check.palettes import Colour
from minifcn.data.check.recolour import BACKUP, numbers_of_colours, strange_colours
from minifcn.data.check.replacing import replaced
from minifcn.data.classes import ClassMap
from minifcn.data.errors import DataError
from minifcn.data.images import opened
from minifcn.data.labels import VOC_CLASSES, VOID, stored_numbers
from minifcn.data.pixels.soft_edges import pack
from minifcn.data.pixels.turned import as_stored

# CamVid's colours. Each of them is in VOC's palette too, as another class; these are in both lists, so files with no other colours may be of either.
CAMVID: dict[Colour, str] = {
    (128, 0, 0): "Building", (128, 128, 0): "Tree", (128, 128, 128): "Sky", (64, 0, 128): "Car", (192, 0, 128): "Archway",
    (192, 128, 128): "SignSymbol",
}  # fmt: skip


class Became(NamedTuple):
    """A row of the table: a number, where there was one, and a colour; the class that it becomes; in how many pixels and pictures.

    A row without a number and a colour is of all colours on soft edges that become this class.
    """

    number: int | None
    colour: Colour | None
    becomes: int
    pixels: int
    pictures: int


class Converted(NamedTuple):
    """The number of each pixel of a label file, if it has some, its colour, the class number that it becomes, and the colours of no class with their pixels."""

    numbers: np.ndarray | None
    colours: np.ndarray
    labels: np.ndarray
    others: dict[Colour, int]


def converted(path: Path, classes: ClassMap, source: ColourSource = BY_PALETTE, choice: Choice = UNSAID) -> Converted:
    """What a label file of colours, of equal channels, or with a palette, becomes; nothing is written."""
    found = opened(path, "labels")
    image, others = found.image, dict[Colour, int]()
    if image.mode == "P":
        numbers, pixels = stored_numbers(image, found.header), np.array(image.convert("RGB"))
        if found.header.kind == "TIFF":
            pixels = as_stored(pixels, found.header.orientation)
        labels = None
    else:
        numbers, pixels = None, stored_numbers(image, found.header)
        labels = reading_of(found, path, classes, choice, source._replace(sure=True)).labels
        if pixels.ndim == 2 or pixels.shape[2] == 2:
            pixels = np.repeat(pixels.reshape(*pixels.shape[:2], -1)[..., :1], 3, 2)
    if labels is None:
        table = source.table
        labels, others = by_table(pixels, table) if table else numbers_of_colours(pixels, classes.known)
    elif (labels == pixels[..., 0]).all() and (pixels[..., :3] == pixels[..., :1]).all():
        numbers = labels  # equal channels of numbers
    return Converted(numbers, pixels, labels, others)


def what_becomes(
    paths: Iterable[Path], classes: ClassMap, source: ColourSource = BY_PALETTE, choice: Choice = UNSAID
) -> list[Became]:
    """What is found in the files and what converting them makes of it, the most frequent first."""
    pixels, pictures = Counter[tuple[int, int, int]](), Counter[tuple[int, int, int]]()
    known = pack(np.array(list(source.table or palette_table(classes.known)), np.uint8)).tolist()
    for path in paths:
        numbers, colours, labels, others = converted(path, classes, source, choice)
        number = np.full(labels.shape, -1) if numbers is None else numbers.astype(int)
        colour = pack(colours[..., :3]).astype(int)
        if numbers is None and not others:
            colour[~np.isin(colour, known)] = SOFT
        packed = ((number + 1) << 34) + ((colour + 1) << 8) + labels
        found, counts = np.unique(packed, return_counts=True)
        rows = [((value >> 34) - 1, (value >> 8 & (1 << 26) - 1) - 1, value & 255) for value in found.tolist()]
        pixels.update(dict(zip(rows, counts.tolist(), strict=True)))
        pictures.update(rows)
    return [
        Became(
            None if number < 0 else number,
            None if colour == SOFT else (colour >> 16, colour >> 8 & 255, colour & 255),
            becomes,
            count,
            pictures[number, colour, becomes],
        )
        for (number, colour, becomes), count in pixels.most_common()
    ]


SOFT = -1  # in place of a colour


def rows_in_words(rows: Sequence[Became], classes: ClassMap) -> list[str]:
    """A line a row."""
    names = dict(zip(classes.values, classes.names, strict=True)) | dict.fromkeys(classes.void, "void")
    total = sum(row.pixels for row in rows) or 1
    return [
        f"{found_in_words(row)} "
        f"{'void' if row.becomes == VOID else f'{row.becomes} {names.get(row.becomes, str())}'.rstrip()}, {100 * row.pixels / total:.2g} %, {row.pixels:,} pixels, "
        f"{row.pictures} picture{'s' * (row.pictures != 1)}"
        for row in rows
    ]


def found_in_words(row: Became) -> str:
    """The left half of a row, with its verb."""
    if row.number is not None:
        return f"number {row.number}, {row.colour} becomes"
    return f"{row.colour} becomes" if row.colour else "colours on soft edges become"


def consent(rows: Sequence[Became], classes: ClassMap) -> str:
    """Why these colours are not taken for those of VOC's palette without a word from a person; empty where they are.

    A list of one's own need not be in the order of VOC's palette. A palette may be wrong where its numbers are right.
    """
    give = "give --colours FILE, a table with lines such as 128 128 128 Sky; or, where the table above is right, --voc-colours"
    if any(row.number is not None for row in rows):
        return "whether the numbers or the colours of these files are right nobody but you knows: where the table above is right, give --voc-colours"
    if tuple(classes.names) != VOC_CLASSES:
        return f"the folder has a class list of its own, and that its classes have the colours of VOC's palette, in that order, is not said: {give}"
    colours = {row.colour for row in rows if row.colour} - {(0, 0, 0)}
    if len(colours) > 1 and colours <= CAMVID.keys():
        named = ", ".join(f"{colour} {CAMVID[colour]}" for colour in sorted(colours, reverse=True)[:3])
        return f"these colours are CamVid's as well ({named}), where they mean other classes than VOC's: {give}"
    return ""


def convert(path: Path, classes: ClassMap, source: ColourSource = BY_PALETTE, choice: Choice = UNSAID) -> Path:
    """Write a label file of colours, or with a palette whose colours are right, as class numbers; returns where the original lies now.

    As `recolour.convert_colours`, but by a table of one's own or by the palette. DataError where a colour is no class's.
    """
    found = converted(path, classes, source, choice)
    if found.others:
        raise DataError(f"labels {path}: not converted, for {strange_colours(found.others)}")
    return replaced(path, path.read_bytes(), found.labels, BACKUP, "converted")
