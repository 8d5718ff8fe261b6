"""Class lists in JSON, and under `names` in YAML, as programs exchange them."""

import ast
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from minifcn.data.errors import DataError
from minifcn.data.meaning.strange import SAYING


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


def from_json(text: str, path: Path) -> list[tuple[int, int, str]]:
    """Place, from 1, label value and name of a JSON list of names, of {number: name}, of {name: number}, or of COCO's categories."""
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
    return [(line, value, name) for line, (value, name) in enumerate(entries, 1)]


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
