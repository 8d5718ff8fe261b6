"""Lists of classes as tools write them beside their labels: one name a line, numbers or colours with names, a table."""

import csv
import io
import json
import re
from contextlib import suppress
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import text_lines
from minifcn.data.formats.source import IGNORE, class_or_void
from minifcn.data.labels import VOID, colour_map
from minifcn.data.pixels.soft_edges import pack

Meaning = dict[int, str | None]

LISTS = (
    "class_names.txt", "classes.txt", "labels.txt", "label_names.txt", "names.txt", "categories.txt", "obj.names",
    "label_colors.txt", "label_colours.txt", "class_dict.csv", "classes.csv", "_classes.csv", "labels.csv",
    "colors.txt", "colormap.txt", "labelmap.txt", "labelmap.csv", "dataset_meta.json",
)  # fmt: skip
NUMBERED = re.compile(r"(-?\d+)\s*[:,;=\t ]\s*(.+)")
COLOURED = re.compile(r"(\d+)[,; \t]+(\d+)[,; \t]+(\d+)[,; \t]+(.+)")


def list_beside(folder: Path) -> Path | None:
    """The list of classes in a folder. DataError where there are two that say different things."""
    there = [path for path in (folder / name for name in LISTS) if path.is_file()]
    said = [read_list(path) for path in there]
    for path, other in zip(there[1:], said[1:], strict=True):
        if other != said[0]:
            raise DataError(
                f"{there[0]} and {path.name} beside it say different things of the classes; keep the right one"
            )
    return there[0] if there else None


def read_list(path: Path, first: int = 0) -> tuple[Meaning, bool]:
    """Number or colour → class, None for void; and whether they are colours. DataError names the line that is wrong.

    `first`: the number of the first name where lines are names alone.
    """
    if path.name == "dataset_meta.json":
        return label_map_of_json(path)
    lines = text_lines(path)
    if path.name == "labelmap.txt":
        return label_map(path)
    rows = [(number, line) for number, line in enumerate(lines, 1) if not line.startswith("#")]
    if path.suffix.lower() == ".csv":
        return table(path, rows)
    if not rows:
        raise DataError(f"{path}: no classes in it; write one a line")
    if rows[0][1].endswith(":") or (len(rows) == 1 and "," in rows[0][1]):
        raise DataError(f"{path}, line {rows[0][0]}: {rows[0][1]!r}; a class a line is expected: its name, or '3 name'")
    if all(COLOURED.fullmatch(line) for _, line in rows):
        return colours(path, rows), True
    if len(rows) > 1 and all(NUMBERED.fullmatch(line) for _, line in rows):
        return numbers(path, rows), False
    ignored = rows[0][1] == IGNORE  # then labelme counts from -1
    names = [class_or_void(line) for _, line in rows]
    found = dict(enumerate(names, -1 if ignored else first))
    if ignored:
        found[VOID] = None  # as which it is saved in a PNG
    return different(path, found), False


def different(path: Path, found: Meaning) -> Meaning:
    """What came, unless one name stands for two numbers."""
    names = [name for name in found.values() if name is not None]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError(f"{path}: {twice!r} stands twice; names must differ")
    return found


def numbers(path: Path, rows: list[tuple[int, str]]) -> Meaning:
    """Lines of "3 name", "3: name" or "3,name"."""
    found: Meaning = {}
    for line, text in rows:
        number, name = NUMBERED.fullmatch(text).groups()  # type: ignore[union-attr]
        if int(number) in found:
            raise DataError(f"{path}, line {line}: the number {number} stands in a line above too")
        found[int(number)] = class_or_void(name.strip().strip('"'))
    return found


def colours(path: Path, rows: list[tuple[int, str]]) -> Meaning:
    """Lines of "red green blue name"."""
    found: Meaning = {}
    for line, text in rows:
        *parts, name = COLOURED.fullmatch(text).groups()  # type: ignore[union-attr]
        value = packed(path, line, parts)
        if value in found:
            raise DataError(f"{path}, line {line}: the colour {','.join(parts)} stands in a line above too")
        found[value] = class_or_void(name.strip())
    return found


def packed(path: Path, line: int, parts: list[str]) -> int:
    """Red, green and blue as 0xRRGGBB."""
    if len(parts) != 3 or not all(part.strip().isdecimal() and int(part) < 256 for part in parts):
        raise DataError(
            f"{path}, line {line}: {','.join(parts)!r} is no colour; red, green, blue from 0 to 255 are expected"
        )
    red, green, blue = map(int, parts)
    return red << 16 | green << 8 | blue


def table(path: Path, rows: list[tuple[int, str]]) -> tuple[Meaning, bool]:
    """A csv with a heading: a number and a name (Roboflow's "Pixel Value, Class"), or a name and r, g, b."""
    read = [[cell.strip() for cell in next(csv.reader(io.StringIO(text), skipinitialspace=True))] for _, text in rows]
    heading = [cell.lower() for cell in read[0]] if read else []
    named = next(
        (place for place, cell in enumerate(heading) if cell in ("class", "name", "label", "class name")), None
    )
    shades = [place for place, cell in enumerate(heading) if cell in ("r", "g", "b", "red", "green", "blue")]
    valued = next(
        (place for place, cell in enumerate(heading) if cell in ("pixel value", "value", "index", "id", "number")), None
    )
    if named is None or (valued is None and len(shades) != 3):
        raise DataError(
            f"{path}: its heading is {', '.join(heading)!r}; a number or red, green, blue and a name are expected"
        )
    found: Meaning = {}
    for (line, text), cells in zip(rows[1:], read[1:], strict=True):
        if len(cells) != len(heading):
            raise DataError(f"{path}, line {line}: {text!r} has {len(cells)} columns, its heading {len(heading)}")
        if len(shades) == 3:
            value = packed(path, line, [cells[place] for place in shades])
        elif re.fullmatch(r"-?\d+", cells[valued or 0]):
            value = int(cells[valued or 0])
        else:
            raise DataError(f"{path}, line {line}: {cells[valued or 0]!r} is no number")
        if value in found:
            raise DataError(f"{path}, line {line}: {text!r}: its number or colour stands in a line above too")
        found[value] = class_or_void(cells[named])
    return found, len(shades) == 3


def label_map(path: Path) -> tuple[Meaning, bool]:
    """CVAT's labelmap.txt as colours."""
    return with_colours(path, labels_of(path)), True


def labels_of(path: Path) -> list[tuple[str, int | None]]:
    """Names and colours, where there are any, of CVAT's labelmap.txt: lines of "name:r,g,b:parts:actions"."""
    named: list[tuple[str, int | None]] = []
    for line, text in enumerate(text_lines(path), 1):
        if text.startswith("#"):
            continue
        parts = text.rsplit(":", 3)  # from the right: a name may hold colons
        if len(parts) != 4:
            raise DataError(f"{path}, line {line}: {text!r}; expected 'label:r,g,b:parts:actions'")
        name, colour = parts[0].strip(), parts[1].strip()
        named.append((name, packed(path, line, colour.split(",")) if colour else None))
    if not 1 <= len(named) <= VOID + 1:
        raise DataError(f"{path}: {len(named)} labels in it; 1 to {VOID + 1} are expected")
    return named


def label_map_of_json(path: Path) -> tuple[Meaning, bool]:
    """Datumaro's dataset_meta.json as colours, or as numbers where its label_map stands alone: colours are optional there."""
    with suppress(ValueError, AttributeError, TypeError, KeyError, RecursionError):
        said = json.loads(path.read_bytes())
        if said["label_map"] and not said.keys() & {"labels", "segmentation_colors"}:
            numbers = {int(number): class_or_void(str(name)) for number, name in said["label_map"].items()}
            return different(path, numbers), False
    return with_colours(path, labels_of_json(path)), True  # which says what is wrong, where something is


def labels_of_json(path: Path) -> list[tuple[str, int | None]]:
    """Names and colours of Datumaro's dataset_meta.json: only labels with a colour stand in its label_map."""
    try:
        said = json.loads(path.read_bytes())
        painted = zip(said.get("label_map", {}).values(), said.get("segmentation_colors", ()), strict=True)
        colours = {name: red << 16 | green << 8 | blue for name, (red, green, blue) in painted}
        named = [(str(name), colours.get(name)) for name in said.get("labels") or colours]
        if not named:
            raise ValueError("it is empty")
        return named
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise DataError(
            f"{path}: no list of labels can be read from it ({type(error).__name__}: {error}); expected are labels, the names, "
            "and for those with a colour label_map and segmentation_colors"
        ) from error


def with_colours(path: Path, named: list[tuple[str, int | None]]) -> Meaning:
    """Colour → class. Where no name has a colour they have VOC's, in their order; where one alone has none it is white.

    Both are what Datumaro 1.13.12 paints.
    """
    if all(colour is None for _, colour in named):
        palette = pack(colour_map())
        named = [(name, int(palette[place])) for place, (name, _) in enumerate(named)]
    white = sum(colour is None for _, colour in named) == 1 and all(colour != 0xFFFFFF for _, colour in named)
    found: Meaning = {}
    for name, colour in named:
        colour = 0xFFFFFF if colour is None and white else colour
        if colour is None:
            continue
        if colour in found:
            raise DataError(f"{path}: {name} and {found[colour]} have one colour, so their pixels cannot be told apart")
        found[colour] = class_or_void(name)
    return different(path, found)
