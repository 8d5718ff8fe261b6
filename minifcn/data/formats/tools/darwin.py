"""V7's Darwin, exported as semantic masks by darwin-py: masks/ and class_mapping.csv with a number or a colour a class.

Source: darwin-py 3.6.3, exporter/formats/mask.py. The table is headed "class_name,class_color", `__background__` comes first. The kinds
`index` and `rgb` keep all classes; `grey` spreads the numbers over 0 to 255 one after the other, so that of many classes some are
painted twice and merge: such an export is refused.
"""

import csv
from functools import partial
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, by_name, text_lines
from minifcn.data.formats.lists import Meaning, packed
from minifcn.data.formats.masks import read_colours, read_numbers
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source, class_or_void

TABLE, HEADING = "class_mapping.csv", "class_name,class_color"


def recognise(source: Path) -> str | None:
    table = source / TABLE
    return f"{TABLE} and masks/ are there" if table.is_file() and (source / "masks").is_dir() else None


def read(source: Path, options: Options) -> Source:
    if not (source / TABLE).is_file() or not (source / "masks").is_dir():
        raise DataError(f"{source}: darwin-py writes masks/ and {TABLE}; they are not there")
    rows = rows_of(source / TABLE)
    coloured = any(" " in value for _, value in rows)
    keys = [
        packed(source / TABLE, line, value.split()) if coloured else whole(source / TABLE, line, value)
        for line, (_, value) in enumerate(rows, 2)
    ]
    if not coloured and keys != list(range(len(keys))):
        check_grey(source / TABLE, keys)
    masks = by_name(source / "masks", (".png",))
    pictures = by_name(source / "images", PICTURES) if (source / "images").is_dir() else {}
    names = [BACKGROUND if name == "__background__" else class_or_void(name) for name, _ in rows]
    meaning: Meaning = dict(zip(keys, names, strict=True))
    reader = read_colours if coloured else read_numbers
    items = [Item(name, pictures.get(name), None, partial(reader, mask)) for name, mask in masks.items()]
    without = [name for name in pictures if name not in masks]
    return Source(items, meaning, coloured, {"pictures without a mask": without} if without else {})


def rows_of(path: Path) -> list[tuple[str, str]]:
    """Name and number, or colour as "r g b", of each class."""
    heading, *rows = list(csv.reader(text_lines(path))) or [[]]
    if ",".join(heading) != HEADING or not rows or any(len(row) != 2 for row in rows):
        raise DataError(f"{path}: a heading {HEADING} and two columns are expected")
    return [(name, value.strip()) for name, value in rows]


def whole(path: Path, line: int, value: str) -> int:
    if not value.isdecimal():
        raise DataError(f"{path}, line {line}: {value!r} is neither a number nor a colour such as '255 51 51'")
    return int(value)


def check_grey(path: Path, greys: list[int]) -> None:
    """Raise DataError where a class was painted with a number that a later class had: both were then painted as the later one."""
    for place, grey in enumerate(greys):
        if place < grey < len(greys):
            raise DataError(
                f"{path}: an export of greys with {len(greys)} classes, in which darwin-py merges class {place} into class {grey}; "
                "export it as semantic_mask_index instead"
            )


FORMAT = Format("darwin", "V7's Darwin, semantic masks of darwin-py", recognise, read)
