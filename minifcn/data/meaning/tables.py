"""Class lists as other tools write them beside their labels, with colours or numbers; each is known by the name of its file."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from minifcn.data.classes import is_background
from minifcn.data.errors import DataError
from minifcn.data.labels import VOID, colour_map
from minifcn.data.meaning.lists import checked, is_void, read_class_list
from minifcn.data.meaning.strange import is_heading
from minifcn.data.meaning.texts import text_of, unquoted

Colour = tuple[int, ...]  # red, green, blue
OWN = "class_names.txt"


@dataclass(frozen=True)
class Table:
    """What a file says: label value → name, numbers that are void beside 255, colour → label value."""

    names: dict[int, str]
    void: tuple[int, ...] = ()
    colours: dict[Colour, int] = field(default_factory=dict)


def read_table(path: Path) -> Table:
    """The class list in a file: as its tool means it where the file has the name that the tool gives it, else of names alone."""
    reader = READERS.get(path.name.lower())
    return reader(path) if reader else Table(read_class_list(path))


def lines_of(path: Path) -> list[tuple[int, str]]:
    """Number, from 1, and text of the lines that are neither blank nor a comment. DataError where there are none."""
    text = text_of(path, "class names", "replace the file")
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not lines:
        raise DataError(f"class names {path}: no classes in it")
    return lines


def labelmap(path: Path) -> Table:
    """CVAT's, as Datumaro writes it: label:red,green,blue:parts:actions. The background has number 0, the others follow.

    Without any colour they are VOC's, by number.
    """
    found: list[tuple[int, str, Colour | None]] = []
    for number, line in lines_of(path):
        parts = line.rsplit(":", 3)
        if len(parts) != 4 or not parts[0].strip():
            raise DataError(f"class names {path}, line {number}: {line!r}; expected 'name:red,green,blue::'")
        found.append((number, parts[0].strip(), colour_of(parts[1].split(","), path, number) if parts[1] else None))
    named = [entry for entry in found if is_background(entry[1])]
    first = (named or [entry for entry in found if entry[2] == (0, 0, 0)])[:1]
    found = first + [entry for entry in found if entry not in first]
    names = checked([(number, value, name) for value, (number, name, _) in enumerate(found)], path)
    if not any(colour for _, _, colour in found):
        return Table(names, colours=voc_colours(names))
    return Table(names, colours=colours_to(names, [colour for _, _, colour in found], path))


def label_colors(path: Path) -> Table:
    """CamVid's: red green blue name. A class has its line's number, from 0; one called Void is void."""
    entries: list[tuple[int, int, str]] = []
    colours: list[Colour | None] = []
    for value, (number, line) in enumerate(lines_of(path)):
        parts = line.replace(",", " ").split(maxsplit=3)
        if len(parts) < 4:
            raise DataError(f"class names {path}, line {number}: {line!r}; expected 'red green blue name'")
        entries.append((number, value, parts[3].strip()))
        colours.append(colour_of(parts[:3], path, number))
    return with_void(checked(entries, path), colours, path)


def classes_csv(path: Path) -> Table:
    """Roboflow's: a heading, then number, name."""
    entries = []
    for number, row in rows_of(path):
        if len(row) < 2 or not row[0].isdecimal():
            raise DataError(f"class names {path}, line {number}: {', '.join(row)!r}; expected 'number, name'")
        entries.append((number, int(row[0]), row[1]))
    return Table(checked(entries, path))


def class_dict(path: Path) -> Table:
    """The class_dict.csv that many public sets have: a heading, then name, red, green, blue. A class has its row's number, from 0."""
    entries: list[tuple[int, int, str]] = []
    colours: list[Colour | None] = []
    for value, (number, row) in enumerate(rows_of(path)):
        if len(row) < 4:
            raise DataError(f"class names {path}, line {number}: {', '.join(row)!r}; expected 'name, red, green, blue'")
        entries.append((number, value, row[0]))
        colours.append(colour_of(row[1:4], path, number))
    return with_void(checked(entries, path), colours, path)


def ade20k(path: Path) -> Table:
    """ADE20K's objectInfo150.txt: columns with tabs, the number first, the name last; number 0 is what nobody named."""
    entries = []
    for number, line in lines_of(path):
        cells = [cell.strip() for cell in line.split("\t")]
        if cells[0].isdecimal() and len(cells) > 1:
            entries.append((number, int(cells[0]), cells[-1]))
        elif entries or not is_heading(line):
            raise DataError(f"class names {path}, line {number}: {line!r}; expected number and name, with tabs between")
    return Table(checked(entries, path), void=(0,))


def rows_of(path: Path) -> list[tuple[int, list[str]]]:
    """Number and columns of the lines of a table with commas between, without its heading."""
    rows = [
        (number, [unquoted(cell.strip()) for cell in next(csv.reader([line], skipinitialspace=True))])
        for number, line in lines_of(path)
    ]
    return [row for place, row in enumerate(rows) if place or not is_heading(", ".join(row[1]))]


def with_void(names: dict[int, str], colours: Sequence[Colour | None], path: Path) -> Table:
    """A table in which the classes that are called void are it: no other number moves, and their colours mean 255."""
    void = tuple(value for value, name in names.items() if is_void(name))
    numbers = {
        colour: VOID if number in void else number for colour, number in colours_to(names, colours, path).items()
    }
    return Table(names, void, numbers)


def colour_of(words: Sequence[str], path: Path, line: int) -> Colour:
    """Three numbers. Raises DataError, with the line, where they are no colour."""
    if len(words) != 3 or not all(re.fullmatch(r"\s*\d{1,3}\s*", word) and int(word) <= 255 for word in words):
        raise DataError(
            f"class names {path}, line {line}: {','.join(words)!r} is no colour; expected red,green,blue, each 0 to 255"
        )
    red, green, blue = map(int, words)
    return red, green, blue


def colours_to(names: dict[int, str], colours: Sequence[Colour | None], path: Path) -> dict[Colour, int]:
    """Colour → number, of classes in the order of `names`. Raises DataError where two classes have the same."""
    found: dict[Colour, int] = {}
    for value, colour in zip(names, colours, strict=True):
        if colour in found:
            raise DataError(
                f"class names {path}: {names[found[colour]]} and {names[value]} have the same colour {colour}; "
                "nobody can tell them apart"
            )
        if colour:
            found[colour] = value
    return found


def voc_colours(values: dict[int, str]) -> dict[Colour, int]:
    """The colours that VOC's palette has for these numbers, and for void."""
    palette = colour_map().tolist()
    return {(red, green, blue): value for value in [*values, VOID] for red, green, blue in [palette[value]]}


READERS: dict[str, Callable[[Path], Table]] = {
    "labelmap.txt": labelmap,
    "label_colors.txt": label_colors,
    "_classes.csv": classes_csv,
    "class_dict.csv": class_dict,
    "objectinfo150.txt": ade20k,
}
