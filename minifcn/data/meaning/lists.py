"""A list of class names: one a line, line i for label value i, or each with its number. What looks like another tool's is refused."""

import ast
import json
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from minifcn.data.errors import DataError
from minifcn.data.labels import VOID

NUMBERED = re.compile(r"(\d+)\s*(?:->|[:=,;.)|](?!\d)|\s-\s|\s)\s*(\S.*)")  # 1 pet, 1: pet, 1, pet, 1 -> pet
NAMED = re.compile(r"(\S.*?)\s*(?:->|[:=,;|\t])\s*(\d+)")  # pet: 1
COLOUR_FIRST = re.compile(r"\d+[\s,;]+\d+[\s,;]+\d+[\s,;]+\S.*")
COLOUR_LAST = re.compile(r"\S.*?[\s,;:]+\(?\d+[\s,;]+\d+[\s,;]+\d+\)?\W*")
HEX_COLOUR = re.compile(r"(^|[\s,;:])(#|0x)[0-9a-fA-F]{6}\b")
HEADING = {
    "id", "idx", "index", "no", "number", "value", "pixel value", "pixel_value", "pixel", "label", "labels", "label id", "label_id", "class",
    "class id", "class_id", "name", "names", "class name", "class_name", "class names", "class_names", "classes", "label name", "label_name",
    "category", "categories", "colour", "color", "rgb", "color_rgb", "hex", "r", "g", "b", "red", "green", "blue", "train", "val", "ratio",
    "stuff", "trainid", "parts", "actions", "supercategory",
}  # fmt: skip
ALONE = {word for word in HEADING if re.match("name|class|label|categor|id|pixel.", word)}  # "train" alone is a class
VOIDS = {
    "void",
    "ignore",
    "ignored",
    "unlabelled",
    "unlabeled",
    "nodata",
    "dontcare",
    "voidunlabelled",
    "voidunlabeled",
}
SAYING = "write one name a line, or NUMBER: NAME"
PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp")


def read_class_names(path: str | os.PathLike[str]) -> list[str]:
    """The class names in a text file, one a line: line i, counted from 0, names label value i.

    Raises DataError, with file and line, where `read_class_list` does, and where the list gives numbers that do not go
    from 0 without a gap.
    """
    names = read_class_list(path)
    if sorted(names) != list(range(len(names))):
        raise DataError(f"class names {path}: its numbers do not go from 0 without a gap; use read_class_list")
    return [names[value] for value in range(len(names))]


def read_class_list(path: str | os.PathLike[str]) -> dict[int, str]:
    """Label value → class name, from a text file with one name a line, or one NUMBER: NAME a line; JSON too.

    Raises DataError, with file and line, where the file is missing, empty, not text, longer than 255 names, has a blank
    line between names or a name twice, or holds what is no list of names: a heading, columns, colours, comments.
    """
    path = Path(path)
    text = text_of(path, "class names", "give a text file with one name a line")
    if text.lstrip()[:1] in ("{", "["):
        return from_json(text, path)
    lines = [line.strip() for line in text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise DataError(f"class names {path}: no names in it; write one a line, line 1 for label value 0")
    if is_yaml(lines):
        lines = yaml_names(lines, path)
    return checked(numbers_of(unwrapped(lines), path), path)


def text_of(path: Path, what: str, advice: str) -> str:
    """A text file, UTF-8 or with the mark of UTF-16, its letters composed. DataError begins with `what` and ends with `advice`."""
    try:
        content = path.read_bytes()
        marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        text = unicodedata.normalize("NFC", content.decode("utf-16" if marked else "utf-8-sig"))
        if "\0" not in text and (not marked or any(map(str.isascii, text))):  # two marks alone make no text
            return text
        reason = "not UTF-8 text"
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or type(error).__name__) if isinstance(error, OSError) else "not UTF-8 text"
    raise DataError(f"{what} {path}: cannot be read ({reason}); {advice}")


def unwrapped(lines: Sequence[str]) -> list[str]:
    """Lines without what a list in a program has around its names: a comma behind each, quotes, dashes."""
    lines = list(lines)
    if len(lines) > 1 and all(line.endswith(",") for line in lines[:-1] if line):
        lines = [line.removesuffix(",").rstrip() for line in lines]
    if all(line.startswith("- ") for line in lines if line):
        lines = [line[2:].strip() for line in lines]
    return [unquoted(line) for line in lines]


def unquoted(text: str) -> str:
    """Without a pair of quotes around it.

    >>> unquoted('"building, edifice"'), unquoted("'a' and 'b'")
    ('building, edifice', "'a' and 'b'")
    """
    whole = len(text) > 2 and text[0] == text[-1] and text[0] in "\"'" and text[0] not in text[1:-1]
    return text[1:-1].strip() if whole else text


def numbers_of(lines: Sequence[str], path: Path) -> list[tuple[int, int, str]]:
    """Line, from 1, label value and name: the numbers that stand there, else those of the lines, from 0."""
    for number, line in enumerate(lines, 1):
        if not line:
            raise DataError(
                f"class names {path}, line {number}: blank; each line names one label value, so give it a name"
            )
        if problem := what_else(line, number, lines):
            raise DataError(f"class names {path}, line {number}: {problem}")
    for pattern, number_first in ((NUMBERED, True), (NAMED, False)):
        found = [pattern.fullmatch(line) for line in lines]
        if sum(map(bool, found)) <= len(lines) // 2 or (number_first and are_names(found)):
            continue
        for number, (match, line) in enumerate(zip(found, lines, strict=True), 1):
            if not match:
                raise DataError(
                    f"class names {path}, line {number}: {line!r} has no number, and other lines have; {SAYING}"
                )
        pairs = [match.groups() if number_first else match.groups()[::-1] for match in found if match]
        return [(number, int(value), unquoted(name)) for number, (value, name) in enumerate(pairs, 1)]
    return [(number, number - 1, line) for number, line in enumerate(lines, 1)]


def are_names(found: Sequence[re.Match[str] | None]) -> bool:
    """Whether lines that begin with a number and a blank are names nevertheless: "2 euro" below "5 euro"."""
    matches = [match for match in found if match]
    if any(re.match(r"\d+\s*[^\w\s]", match[0]) for match in matches):
        return False
    values, names = [int(match[1]) for match in matches], [match[2] for match in matches]
    return len(set(names)) < len(names) or any(low >= high for low, high in pairwise(values))


def what_else(line: str, number: int, lines: Sequence[str]) -> str | None:
    """Why a line is no class name, and what to do; None where it may be one."""
    first = number == 1
    if line.startswith("#"):
        cvat = "label" in line and "color" in line
        named = "this is the head of CVAT's labelmap.txt: name the file so, and it is read as such" if cvat else SAYING
        return f"begins with #, and is no class; {named}"
    if line.lower() == "__ignore__" and first:
        return (
            "'__ignore__' is the mark of the list that labelme is given, whose numbers begin at -1: take the line out, "
            "so that the next one names label value 0"
        )
    if first and len(lines) > 1 and is_heading(line):
        roboflow = re.fullmatch(r"pixel value,\s*class", line.lower())
        named = "this is Roboflow's _classes.csv: name the file so, and it is read as such" if roboflow else SAYING
        return f"{line!r} is a heading and no class; {named}"
    if COLOUR_FIRST.fullmatch(line):
        return (
            f"{line!r} has a colour in front of a name; name the file label_colors.txt, and it is read as such, "
            f"or {SAYING}"
        )
    if re.fullmatch(r".+?:(\d+,\d+,\d+)?:[^:]*:[^:]*", line):
        return f"{line!r} is a line of CVAT's labelmap.txt: name the file so, and it is read as such, or {SAYING}"
    if COLOUR_LAST.fullmatch(line) or HEX_COLOUR.search(line):
        return f"{line!r} has a colour behind a name; {SAYING}"
    if ("\t" in line and not (NUMBERED.fullmatch(line) or NAMED.fullmatch(line))) or line.count("\t") > 1:
        return f"{line!r} holds columns with tabs between, and not a name; {SAYING}"
    if re.fullmatch(r"[+-]?[\d.]+", line):
        return f"{line!r} is a number and no name; {SAYING}"
    if re.match(r"-\d+\b", line):
        return f"{line!r}: a number below 0 is in no label file; take the line out, and {SAYING}"
    if re.match(r"1[.)]\s", line) and first:
        return f"{line!r}: is the first class label value 1, or is it 0? {SAYING.capitalize()}"
    if first and len(lines) == 1 and re.search(r"[,;]", line):
        return f"{line!r} holds all the names; write one a line"
    if re.match(r"[{}\[\]<>]|\w+\s*[{\[]", line):
        return f"{line!r} is no name; {SAYING}"
    if line.lower().endswith(PICTURES):
        return f"{line!r} is a picture's name, and not that of a class; {SAYING}"
    return None


def is_heading(line: str) -> bool:
    """Whether a line says what columns hold.

    >>> is_heading("Pixel Value, Class"), is_heading("id name"), is_heading("class_name"), is_heading("train")
    (True, True, True, False)
    """
    for between in (r"[,;\t:|]", r"\s"):
        words = [unquoted(word.strip()).lower() for word in re.split(between, line) if word.strip()]
        if words and all(word in (HEADING if words[1:] else ALONE) for word in words):
            return True
    return False


def checked(entries: Sequence[tuple[int, int, str]], path: Path) -> dict[int, str]:
    """Label value → name. Raises DataError, with the line, where a number or a name stands twice or does not fit."""
    names: dict[int, str] = {}
    line_of: dict[str | int, int] = {}
    for line, value, name in entries:
        if value == VOID and line <= VOID and is_void(name):
            continue  # said already: 255 is void everywhere
        if name in line_of:
            raise DataError(
                f"class names {path}, line {line}: {name!r} stands in line {line_of[name]} too; names must differ"
            )
        if value in line_of:
            raise DataError(
                f"class names {path}, line {line}: the number {value} stands in line {line_of[value]} too; numbers must differ"
            )
        if value == VOID and value != line - 1:
            raise DataError(f"class names {path}, line {line}: {VOID} is void in label files; give {name!r} another")
        if value >= VOID:
            raise DataError(f"class names {path}, line {line}: only {VOID} names fit (label value 255 is void)")
        names[value] = name
        line_of[name] = line_of[value] = line
    return names


def is_void(name: str) -> bool:
    """Whether this is how tools call pixels that nobody gives a class.

    >>> is_void("Void"), is_void("__ignore__"), is_void("no data"), is_void("avoid")
    (True, True, True, False)
    """
    plain = re.sub(r"[^a-z]", "", name.lower())
    return plain in VOIDS


def is_yaml(lines: Sequence[str]) -> bool:
    """Whether the lines are a YAML file with the key `names`, as YOLO's."""
    return any(re.match(r"names\s*:", line) for line in lines)


def yaml_names(lines: Sequence[str], path: Path) -> list[str]:
    """What stands under `names` in a YAML file, a line a name."""
    start = next(place for place, line in enumerate(lines) if re.match(r"names\s*:", line))
    inline = lines[start].partition(":")[2].strip()
    if inline[:1] in ("[", "{"):
        written = " ".join([inline, *lines[start + 1 :]])
        written = written[: written.find("]" if inline[0] == "[" else "}") + 1] or written
        try:
            return (
                [f"{key}: {value}" for key, value in ast.literal_eval(written).items()]
                if inline[0] == "{"
                else list(map(str, ast.literal_eval(written)))
            )
        except (ValueError, SyntaxError):  # names without quotes
            return [part.strip() for part in written.strip("[]{} ").split(",")]
    found = []
    for line in lines[start + 1 :]:
        if not line or line.startswith("#"):
            continue
        if not re.match(r"- |\d+\s*:", line):
            break
        found.append(line)
    if not found:
        raise DataError(f"class names {path}, line {start + 1}: no names under {lines[start]!r}; {SAYING}")
    return found


def from_json(text: str, path: Path) -> dict[int, str]:
    """Label value → name of a JSON list of names, of {number: name}, of {name: number}, or of COCO's categories."""
    try:
        content: Any = json.loads(text)
    except ValueError:
        try:
            content = ast.literal_eval(text.strip())  # a list as Python prints it
        except (ValueError, SyntaxError):
            raise DataError(f"class names {path}: begins as JSON does, and is none; {SAYING}") from None
    if isinstance(content, Mapping):
        content = content.get("names", content.get("categories", content))
    entries = json_entries(content)
    if not entries:
        raise DataError(
            f"class names {path}: this JSON does not say which number is which class; {SAYING}, or try minifcn import"
        )
    return checked([(line, value, name) for line, (value, name) in enumerate(entries, 1)], path)


def json_entries(content: Any) -> list[tuple[int, str]]:
    """Label value and name; empty where it cannot be told."""
    if isinstance(content, list):
        if all(isinstance(name, str) for name in content):
            return list(enumerate(content))
        if all(isinstance(each, Mapping) and {"id", "name"} <= each.keys() for each in content):
            return json_entries({str(each["id"]): each["name"] for each in content})
    if isinstance(content, Mapping):
        if all(str(key).isdecimal() and isinstance(name, str) for key, name in content.items()):
            return [(int(key), name) for key, name in content.items()]
        if all(isinstance(value, int) and not isinstance(value, bool) and value >= 0 for value in content.values()):
            return [(value, str(name)) for name, value in content.items()]
        greys = [
            value for value in content.values() if isinstance(value, list) and len(value) == 3 and len(set(value)) == 1
        ]
        if len(greys) == len(content) and all(
            isinstance(grey[0], int) for grey in greys
        ):  # Supervisely's machine colours
            return [(value[0], str(name)) for name, value in content.items()]
    return []
