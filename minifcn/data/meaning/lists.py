"""A list of class names: one a line, line i for label value i, or each with its number. What looks like another tool's is refused."""

import os
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from minifcn.data.classes import usual_name
from minifcn.data.errors import DataError
from minifcn.data.labels import VOID
from minifcn.data.meaning.strange import NAMED, NUMBERED, SAYING, columns_in, number_behind, what_else
from minifcn.data.meaning.structured import from_json, is_yaml, yaml_names
from minifcn.data.meaning.texts import text_of, unquoted

VOIDS = [
    "void",
    "ignore",
    "ignored",
    "unlabelled",
    "unlabeled",
    "nodata",
    "dontcare",
    "voidunlabelled",
    "voidunlabeled",
]


def read_class_names(path: str | os.PathLike[str]) -> list[str]:
    """The class names in a text file, one a line: line i, counted from 0, names label value i.

    Raises DataError, with file and line, where `read_class_list` does, where there is but one, and where the list gives
    numbers that do not go from 0 without a gap.
    """
    names = read_class_list(path)
    if len(names) < 2:
        only = next(iter(names.values()))
        raise DataError(f"class names {path}: only {only!r} in it; a model needs at least 2 classes to tell apart")
    if sorted(names) != list(range(len(names))):
        raise DataError(f"class names {path}: its numbers do not go from 0 without a gap; use read_class_list")
    return [names[value] for value in range(len(names))]


def read_class_list(path: str | os.PathLike[str]) -> dict[int, str]:
    """Label value → class name, from a text file with one name a line, or one NUMBER: NAME a line; JSON too.

    Raises DataError, with file and line, where the file is missing, empty, not text, longer than 255 names, has a blank
    line between names or a name twice, or holds what is no list of names: a heading, columns, colours, comments.
    """
    return listed_in(text_of(Path(path), "class names", "give a text file with one name a line"), Path(path))


def listed_in(text: str, path: Path) -> dict[int, str]:
    """As `read_class_list`, of the content of a file."""
    if text.lstrip()[:1] in ("{", "["):
        return checked(from_json(text, path), path)
    lines = [line.strip() for line in text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise DataError(f"class names {path}: no names in it; write one a line, line 1 for label value 0")
    if is_yaml(lines):
        lines = yaml_names(lines, path)
    bare = unwrapped(lines)
    entries = numbers_of(bare, path)
    if bare == lines:  # whoever sets names in quotes says where each ends
        check_columns(entries, path)
    return checked([(line, value, unquoted(name)) for line, value, name in entries], path)


def class_list_text(names: Mapping[int, str]) -> str:
    """The content of a class_names.txt that says these names: one a line, or NUMBER: NAME where that would be read otherwise.

    >>> class_list_text({0: "sky", 1: "sea"}), class_list_text({1: "pet", 2: "background"}), class_list_text({0: "label", 1: "sea"})
    ('sky\\nsea\\n', '1: pet\\n2: background\\n', '0: label\\n1: sea\\n')
    """
    plain = "".join(f"{names[value]}\n" for value in sorted(names))
    try:
        if listed_in(plain, Path()) == dict(names):
            return plain
    except DataError:
        pass
    return "".join(f"{value}: {quoted(names[value])}\n" for value in sorted(names))


def quoted(name: str) -> str:
    """A name in quotes where it would lose its own on reading, or be taken for columns."""
    if unquoted(name) == name and not any(sign in name for sign in ",;|"):
        return name
    return f"'{name}'" if '"' in name else f'"{name}"'


def unwrapped(lines: Sequence[str]) -> list[str]:
    """Lines without what a list in a program has around its names: a comma behind each, quotes, dashes."""
    lines = list(lines)
    if len(lines) > 1 and all(line.endswith(",") for line in lines[:-1] if line):
        lines = [line.removesuffix(",").rstrip() for line in lines]
    if all(line.startswith("- ") for line in lines if line):
        lines = [line[2:].strip() for line in lines]
    return [unquoted(line) for line in lines]


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
        return [(number, int(value), name) for number, (value, name) in enumerate(pairs, 1)]
    check_half_numbered(lines, path)
    if number_behind(lines):
        raise DataError(
            f"class names {path}, line 1: {lines[0]!r} has a number behind a name, as every line has; if it is the label value, {SAYING}"
        )
    return [(number, number - 1, line) for number, line in enumerate(lines, 1)]


def check_half_numbered(lines: Sequence[str], path: Path) -> None:
    """Raise DataError where some lines say the number that they have as a line, '0: sky', and others say none."""
    said = [re.match(rf"{number}\s*[:=]\s*\S", line) is not None for number, line in enumerate(lines)]
    if any(said) and not all(said):
        number = said.index(False)
        raise DataError(
            f"class names {path}, line {number + 1}: {lines[number]!r} has no number, and line {said.index(True) + 1} has; {SAYING}"
        )


def check_columns(entries: Sequence[tuple[int, int, str]], path: Path) -> None:
    """Raise DataError where every name holds columns of its own."""
    if sign := columns_in([name for _, _, name in entries if unquoted(name) == name]):
        line, _, name = entries[0]
        raise DataError(
            f"class names {path}, line {line}: {name!r} holds columns with {sign!r} between, as every line does, and not a name; "
            f"{SAYING} (names that do hold a {sign!r}: in quotes)"
        )


def are_names(found: Sequence[re.Match[str] | None]) -> bool:
    """Whether lines that begin with a number and a blank are names nevertheless: "2 euro" below "5 euro"."""
    matches = [match for match in found if match]
    if any(re.match(r"\d+\s*[^\w\s]", match[0]) for match in matches):
        return False
    values, names = [int(match[1]) for match in matches], [match[2] for match in matches]
    return len(set(names)) < len(names) or any(low >= high for low, high in pairwise(values))


def checked(entries: Sequence[tuple[int, int, str]], path: Path) -> dict[int, str]:
    """Label value → name. Raises DataError, with the line, where a number or a name stands twice or does not fit."""
    names: dict[int, str] = {}
    line_of: dict[str | int, int] = {}
    for line, value, written in entries:
        name = usual_name(written)
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
