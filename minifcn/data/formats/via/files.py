"""VIA's files: a project or an export, of version 1, 2 or 3, as a list of pictures with their regions.

Source: via.js of VIA 1.0.6 and 2.0.11, `_via_data.js` and `_via_metadata.js` of VIA 3.0.11. Regions are a list in version 2 and a mapping in
version 1. A project has the same below `_via_img_metadata`, and what its attributes are. The CSV has a region a line, in JSON within
its cells. Version 3 numbers its shapes, and names its attributes by numbers.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import read_json
from minifcn.data.formats.shapes.extent import is_number
from minifcn.data.meaning.texts import text_of

HEADING = ("filename", "region_shape_attributes", "region_attributes")
WORDS = (
    ('"_via_img_metadata"',),
    ('"_via_settings"',),
    ('"filename"', '"regions"', '"file_attributes"'),
    ('"shape_attributes"', '"region_attributes"'),
    ('"fileref"', '"base64_img_data"'),  # a picture within may stand before the regions
    ('"vid_list"', '"data_format_version"'),
)
HEAD = 1 << 16
MANY = 1000  # JSON files: one a picture, and not VIA's
SHAPES_OF_3 = {1: ("point", ("cx", "cy")), 2: ("rect", ("x", "y", "width", "height")), 3: ("circle", ("cx", "cy", "r")),
               4: ("ellipse", ("cx", "cy", "rx", "ry")), 5: ("line", ()), 6: ("polyline", ()), 7: ("polygon", ()),
               8: ("rect", ("x", "y", "width", "height")), 9: ("circle", ("cx", "cy", "r"))}  # fmt: skip

Object = Mapping[str, object]


class Region(NamedTuple):
    """What a file says of a region: its shape, its attributes, and which it is, for messages."""

    shape: Object
    attributes: Object
    which: str


class Listed(NamedTuple):
    """A picture in a file."""

    named: str
    regions: list[Region]


class Attribute(NamedTuple):
    """What a project says of an attribute: the names of its choices by their ids, and whether several may be chosen."""

    choices: Mapping[str, str]
    several: bool


class File(NamedTuple):
    """A file of VIA's: its pictures, and its attributes by their names, where it says what they are."""

    path: Path
    pictures: list[Listed]
    attributes: Mapping[str, Attribute]


def via_files(source: Path) -> list[Path]:
    """The file itself, or VIA's files in a folder and in the folders within it; projects first, for they say the most."""
    if source.is_file():
        return [source] if looks_like_via(source) else []
    found = [
        path
        for ending in ("json", "csv")
        for pattern in ("*", "*/*")
        for path in sorted(source.glob(f"{pattern}.{ending}"))
    ]
    if not source.is_dir() or len(found) > MANY:
        return []
    found = [path for path in found if not path.name.startswith(".") and looks_like_via(path)]
    return sorted(found, key=lambda path: (path.suffix == ".csv", '"_via_settings"' not in head(path)))


def head(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(HEAD).decode("utf-8-sig", "replace")
    except OSError:
        return ""


def looks_like_via(path: Path) -> bool:
    """By the words in its first part."""
    begins = head(path)
    if path.suffix.lower() == ".csv":
        return all(word in begins.partition("\n")[0] for word in HEADING)
    return path.suffix.lower() == ".json" and any(all(word in begins for word in words) for words in WORDS)


def load(path: Path) -> File:
    """A file as it is. DataError where it cannot be read."""
    if path.suffix.lower() == ".csv":
        return File(path, rows_together(path), {})
    content = read_json(path)
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds no object; VIA's JSON has pictures by their names")
    if "metadata" in content and "file" in content:
        return version_3(path, content)
    pictures = content.get("_via_img_metadata", content)
    found = [
        listed(path, key, each) for key, each in entries(pictures) if isinstance(each, dict) and "filename" in each
    ]
    said = dictionary(dictionary(content.get("_via_attributes")).get("region"))
    return File(path, found, {name: attribute(each) for name, each in said.items()})


def dictionary(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def entries(value: object) -> Iterable[tuple[object, object]]:
    """Key and value of a mapping, place and value of a list."""
    return value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()


def listed(path: Path, key: object, entry: Object) -> Listed:
    named = entry.get("filename")
    if not isinstance(named, str) or not named:
        raise DataError(f"{path}: the picture {key} has no 'filename'")
    return Listed(named, [region(path, named, *each) for each in entries(entry.get("regions"))])


def region(path: Path, named: str, place: object, said: object) -> Region:
    which = f"{path}: region {place} of {named}"
    shape = dictionary(said).get("shape_attributes")
    if not isinstance(shape, dict):
        raise DataError(f"{which}: has no 'shape_attributes'")
    return Region(shape, dictionary(dictionary(said).get("region_attributes")), which)


def attribute(said: object) -> Attribute:
    """An attribute of a project: where a choice has a description it is what people see."""
    options = dictionary(dictionary(said).get("options"))
    choices = {key: text for key, text in options.items() if isinstance(text, str) and text.strip()}
    return Attribute(choices, dictionary(said).get("type") in ("checkbox", 2))


def rows_together(path: Path) -> list[Listed]:
    """The pictures of a CSV, whose lines are regions."""
    (_, first), *rows = rows_of(path) or [(1, [])]
    heading = [cell.strip().lstrip("#").strip() for cell in first]
    if not all(word in heading for word in HEADING):
        raise DataError(f"{path}: its heading is {', '.join(heading)!r}; VIA's has {', '.join(HEADING)}")
    found: dict[str, list[Region]] = {}
    for line, row in rows:
        if len(row) != len(heading):
            raise DataError(
                f"{path}, line {line}: {len(row)} cells, but the heading has {len(heading)}; a name with a comma perhaps"
            )
        named, *cells = (row[heading.index(word)] for word in HEADING)
        shape, attributes = (object_in(cell, f"{path}, line {line}") for cell in cells)
        found.setdefault(named, []).extend([Region(shape, attributes, f"{path}, line {line}")] if shape else [])
    return [Listed(named, regions) for named, regions in found.items()]


def rows_of(path: Path) -> list[tuple[int, list[str]]]:
    """The lines of a CSV that hold something, in cells, with their numbers."""
    lines = csv.reader(io.StringIO(text_of(path, "regions", "they are expected to be text"), newline=""))
    try:
        return [(lines.line_num, row) for row in lines if row]
    except csv.Error as error:
        raise DataError(f"{path}, line {lines.line_num}: cannot be read as CSV ({error}); export it as JSON") from error


def object_in(cell: str, where: str) -> dict[str, object]:
    """What a cell holds. DataError where it is no object of JSON; an empty cell is one that is empty."""
    try:
        said = json.loads(cell) if cell.strip() else {}
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: a cell cannot be read as JSON ({error})") from error
    if not isinstance(said, dict):
        raise DataError(f"{where}: a cell holds no object of JSON")
    return said


def version_3(path: Path, content: Object) -> File:
    """A project of VIA 3: files, views of a file each, metadata of a view, and attributes by their ids."""
    said = dictionary(content.get("attribute"))
    names = {key: str(dictionary(each).get("aname") or key) for key, each in said.items()}
    views = {
        key: [str(each) for _, each in entries(dictionary(view).get("fid_list"))]
        for key, view in dictionary(content.get("view")).items()
    }
    files = {key: str(dictionary(each).get("fname") or "") for key, each in dictionary(content.get("file")).items()}
    regions: dict[str, list[Region]] = {key: [] for key in files}
    for key, each in dictionary(content.get("metadata")).items():
        entry = dictionary(each)
        shape, view = entry.get("xy"), views.get(str(entry.get("vid")), [])
        if not shape or entry.get("z") or len(view) != 1 or view[0] not in files:
            continue  # of a whole file, of a time in a film, or of several files
        which = f"{path}: region {key} of {files[view[0]]}"
        values = {names.get(number, number): value for number, value in dictionary(entry.get("av")).items()}
        regions[view[0]].append(Region(dict(shape_of_3(shape, which)), values, which))
    found = [Listed(named, regions[key]) for key, named in files.items() if named]
    return File(path, found, {names[key]: attribute(each) for key, each in said.items()})


def shape_of_3(numbers: object, which: str) -> Iterator[tuple[str, object]]:
    """The number of a shape and its coordinates, as version 2 writes them."""
    if not isinstance(numbers, list) or not is_number(numbers[0]) or numbers[0] not in SHAPES_OF_3:
        raise DataError(
            f"{which}: its shape is {numbers!r:.80}; expected is the number of a shape, 1 to 9, and coordinates"
        )
    name, words = SHAPES_OF_3[int(numbers[0])]
    yield "name", name
    yield from zip(
        words or ("all_points_x", "all_points_y"),
        numbers[1:] if words else (numbers[1::2], numbers[2::2]),
        strict=False,
    )
