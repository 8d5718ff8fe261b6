"""What a data.yaml says: the part of YAML that such files are written in, which needs no library.

That is a mapping of words; behind each a text, a list or a mapping, within brackets or in lines of their own, with comments and quotes.
"""

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from minifcn.data.errors import DataError
from minifcn.data.meaning.texts import text_of

KEY = re.compile(r"""(?P<key>"[^"]*"|'[^']*'|-?\d+|[^\s:#\[\]{},'"-][^:#]*?)\s*:(?:\s+(?P<value>.*))?$""")
MARK = re.compile(r"^[&!]\S*\s*")  # a name for what follows, or its kind
PAIRS = {"[": "]", "{": "}"}

Setting = str | list[str] | dict[str, str]


def read_settings(path: Path) -> dict[str, Setting]:
    """Word → text, list of texts, or mapping of texts. DataError where the file is no text."""
    text = text_of(path, "settings", "it is expected to be YAML, as Ultralytics reads it")
    if text.lstrip().startswith("{"):
        return in_json(text)
    return settings_in([without_comment(line).rstrip() for line in dedent(text).splitlines()])


def in_json(text: str) -> dict[str, Setting]:
    """What JSON says, which is YAML too; nothing where it is none.

    >>> in_json('{"names": ["cat", 7], "train": "images", "val": null, "flow": {"0": [1]}}')
    {'names': ['cat', '7'], 'train': 'images', 'val': '', 'flow': {'0': '[1]'}}
    """

    def said(value: object) -> str:
        return "" if value is None else str(value)

    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {
        key: {name: said(each) for name, each in value.items()} if isinstance(value, dict)
        else [said(each) for each in value] if isinstance(value, list) else said(value)
        for key, value in found.items()
    }  # fmt: skip


def settings_in(lines: list[str]) -> dict[str, Setting]:
    """What lines without comments say; those that say nothing known here are passed over.

    >>> settings_in(["path: ../a b", "names:", "  0: cat", "  1: 'hot dog'", "nc: 2", "train: [a, 'b, c']"])
    {'path': '../a b', 'names': {'0': 'cat', '1': 'hot dog'}, 'nc': '2', 'train': ['a', 'b, c']}
    """
    found: dict[str, Setting] = {}
    place = 0
    while place < len(lines):
        match = KEY.match(lines[place]) if lines[place][:1] not in ("", " ", "\t", "-") else None
        place += 1
        if not match:
            continue
        key, value = plain(match["key"]), MARK.sub("", (match["value"] or "").strip())
        end = place
        while end < len(lines) and (not lines[end].strip() or lines[end][0] in " \t-" or is_open(value)):
            value = f"{value} {lines[end].strip()}" if is_open(value) else value
            end += 1
        if not value:
            found[key] = in_block([line.strip() for line in lines[place:end] if line.strip()])
        elif value[0] in PAIRS:
            found[key] = in_brackets(value)
        elif value[0] not in "|>*":  # a text of several lines: a program that fetches the set
            found[key] = plain(value)
        place = end
    return found


def is_open(value: str) -> bool:
    """Whether a list or a mapping in brackets goes on in the next line."""
    return value[:1] in PAIRS and PAIRS[value[0]] not in quotes_out(value)


def quotes_out(text: str) -> str:
    """A text whose parts in quotes are blanked, so that a sign in it is one."""
    return re.sub(r"""(?<![\w])("(?:\\.|[^"\\])*"|'(?:''|[^'])*')""", lambda match: "_" * len(match[0]), text)


def without_comment(line: str) -> str:
    """A line up to a # that stands first or behind a blank, outside quotes.

    >>> without_comment("a: '#1' # one"), without_comment("a: b#c")
    ("a: '#1' ", 'a: b#c')
    """
    match = re.search(r"(^|\s)#", quotes_out(line))
    return line[: match.start() + len(match[1])] if match else line


def in_block(lines: list[str]) -> Setting:
    """Lines below a word: each with a dash, or each a word of its own with a text."""
    if lines and all(line.startswith("-") for line in lines):
        return [plain(line[1:].strip()) for line in lines]
    matches = [KEY.match(line) for line in lines]
    return {plain(match["key"]): plain((match["value"] or "").strip()) for match in matches if match}


def in_brackets(value: str) -> Setting:
    """[a, b] or {0: a, 1: b}."""
    end = quotes_out(value).find(PAIRS[value[0]])
    inside = value[1 : end if end > 0 else len(value)]
    bare, parts, start = quotes_out(inside), [], 0
    for comma in [*(place for place, sign in enumerate(bare) if sign == ","), len(inside)]:
        parts.append(inside[start:comma].strip())
        start = comma + 1
    parts = [part for part in parts if part]
    if value[0] == "[":
        return [plain(part) for part in parts]
    places = [quotes_out(part).find(":") for part in parts]
    return {
        plain(part[:place].strip()): plain(part[place + 1 :].strip())
        for part, place in zip(parts, places, strict=True)
        if place > 0
    }


def plain(text: str) -> str:
    """A text without its quotes.

    >>> plain("'it''s'"), plain(r'"caf\\xe9"'), plain("a 'b'")
    ("it's", 'café', "a 'b'")
    """
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(ast.literal_eval(text))
        except (ValueError, SyntaxError):
            return text[1:-1]
    return text


def names_in(settings: Mapping[str, Setting], path: Path) -> dict[int, str]:
    """Number → class name, from a list or a mapping; empty where the file names no classes. DataError for what is neither."""
    said = settings.get("names")
    if not said:
        return {}
    numbered = dict(enumerate(said)) if isinstance(said, list) else said
    if not isinstance(numbered, dict) or not all(str(key).strip().isdecimal() for key in numbered):
        raise DataError(f"{path}: 'names' is {said!r}; a list of names, or names by their numbers from 0, is expected")
    return {int(key): name for key, name in numbered.items()}


def paths_in(settings: Mapping[str, Setting]) -> dict[str, list[str]]:
    """Split → folders of pictures, or files that list them."""
    words = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
    found: dict[str, list[str]] = {}
    for word, split in words.items():
        said = settings.get(word)
        paths = [said] if isinstance(said, str) else said if isinstance(said, list) else []
        if paths := [path for path in paths if path and path not in ("~", "null")]:
            found.setdefault(split, []).extend(paths)
    return found
