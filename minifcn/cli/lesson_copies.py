"""Copies of the lessons for somebody who works through them: without outputs, with all that they read beside them, out of git's sight.

What was written is remembered in the folder, so that an update can tell a file that its owner changed from one that nobody touched. A changed
file is never written over: the new version is laid beside it.
"""

import json
import posixpath
import re
from pathlib import Path
from typing import Any, NamedTuple

from minifcn.files import make_folder, write_whole

WRITTEN = ".minifcn-lessons"  # in the folder: every file as it was written last
TOOLS = frozenset(["make.py", "pages.py", "films.py"])  # what makes the notebooks, and its folders
NOT_COPIED = frozenset(["src", "solutions", "answers", "__pycache__", ".ipynb_checkpoints", WRITTEN])
MADE = frozenset(["shown", "install"])  # tags of cells that only a committed notebook needs
LINK = re.compile(r"(!?)\[((?:[^][]|\\[][])*)\]\(([^)#\s]+)(#[^)\s]*)?\)")
CALL = re.compile(r"^check\.(?!use\()(\w+)\(", re.MULTILINE)  # check.use is no exercise: it builds with answers


class Step(NamedTuple):
    """What became of a file: "new", "renewed", "as it was", "yours" or "beside". `note`: more, for a person."""

    name: str
    state: str
    note: str = ""


def start(source: Path, folder: Path) -> list[Step]:
    """Write the lessons of `source` into `folder`, or bring those there up to date. Raises ValueError, FileError."""
    if folder.resolve() == source.resolve() or source.resolve() in folder.resolve().parents:
        raise ValueError(f"--start {folder}: that is where the lessons come from; name a folder of your own")
    fresh = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    make_folder(folder)
    contents = copies(source)
    steps = [placed(folder, name, content) for name, content in contents.items()]
    if not (folder / ".gitignore").exists():
        names = ["*"] if fresh else [f"/{WRITTEN}/", *(f"/{name}" for name in contents), "/new_*", "/my_scores.json"]
        write_whole(folder / ".gitignore", "".join(f"{name}\n" for name in names).encode())
    return steps


def copies(source: Path) -> dict[str, bytes]:
    """Name in the folder -> content, of all that a learner needs."""
    found = {}
    for path in sorted(source.rglob("*")):
        parts = path.relative_to(source).parts
        if path.is_file() and not NOT_COPIED & set(parts) and not (len(parts) == 1 and path.name in TOOLS):
            found["/".join(parts)] = path.read_bytes()
    return {name: for_a_learner(name, content, found) for name, content in found.items()}


def for_a_learner(name: str, content: bytes, names: dict[str, bytes]) -> bytes:
    if name.endswith(".md"):
        return without_links(content.decode(), name, names).encode()
    if not name.endswith(".ipynb"):
        return content
    notebook = read_notebook(name, content)
    cells = [cell for cell in notebook["cells"] if not MADE & set(cell.get("metadata", {}).get("tags", ()))]
    for cell in cells:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
        else:
            cell["source"] = without_links("".join(cell["source"]), name, names).splitlines(keepends=True)
    return as_bytes(notebook | {"cells": cells})


def without_links(text: str, name: str, names: dict[str, bytes]) -> str:
    """Text in which a link to what is not copied is its words alone."""

    def kept(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), match[3]))
        return match[0] if re.match(r"[a-z]+:", match[3]) or target in names else match[2]

    return LINK.sub(kept, text)


# ---- one file ----


def placed(folder: Path, name: str, content: bytes) -> Step:
    """Bring one file up to date, and remember what was written. The file first: killed in between, it is only compared once more."""
    path, record = folder / name, folder / WRITTEN / name
    before = record.read_bytes() if record.is_file() else None
    now = path.read_bytes() if path.is_file() else None
    if now is None:
        step = Step(name, "new")
        put(path, content)
    elif content == before and now != content:
        return Step(name, "as it was" if same(name, now, content) else "yours")
    elif same(name, now, content):
        step = Step(name, "as it was")
    elif before is not None and same(name, now, before):
        step = Step(name, "renewed")
        put(path, content)
    else:
        step = beside(folder, name, content, now, before)
    if before != content:
        put(record, content)
    return step


def beside(folder: Path, name: str, content: bytes, now: bytes, before: bytes | None) -> Step:
    """The new version of a file that its owner changed, under another name; a notebook with the owner's answers in it."""
    carried = 0
    if name.endswith(".ipynb"):
        content, carried = with_answers(name, content, now, before)
    head, tail = posixpath.split(name)
    number = 1
    while True:
        other = posixpath.join(head, f"new_{tail}" if number == 1 else f"new_{number}_{tail}")
        record = folder / WRITTEN / other
        last = record.read_bytes() if record.is_file() else None
        if not (folder / other).exists() or (last is not None and same(other, (folder / other).read_bytes(), last)):
            break
        number += 1
    put(folder / other, content)
    put(record, content)
    answers = f", with {carried} of your answers" if carried else ""
    return Step(name, "beside", f"{other}{answers}")


def with_answers(name: str, content: bytes, now: bytes, before: bytes | None) -> tuple[bytes, int]:
    """The new notebook with those exercise cells that somebody filled in, and how many. An exercise that is asked in another way now stays empty."""
    notebook = read_notebook(name, content)
    try:
        theirs, stubs = by_exercise(read_notebook(name, now)), by_exercise(read_notebook(name, before or now))
    except ValueError:
        return content, 0
    carried = 0
    for cell in notebook["cells"]:
        exercise = exercise_of(cell)
        source = "".join(cell["source"])
        if exercise in theirs and theirs[exercise] != source == stubs.get(exercise):
            cell["source"] = theirs[exercise].splitlines(keepends=True)
            carried += 1
    return as_bytes(notebook), carried


def by_exercise(notebook: dict[str, Any]) -> dict[str, str]:
    return {name: "".join(cell["source"]) for cell in notebook["cells"] if (name := exercise_of(cell))}


def exercise_of(cell: dict[str, Any]) -> str:
    call = CALL.search("".join(cell["source"])) if cell["cell_type"] == "code" else None
    return call[1] if call else ""


def same(name: str, one: bytes, other: bytes) -> bool:
    """Whether nobody wrote anything. A notebook that was only run is the same: what it shows comes again."""
    if one == other or not name.endswith(".ipynb"):
        return one == other
    try:
        first, second = (read_notebook(name, content)["cells"] for content in (one, other))
    except ValueError:
        return False
    return [by_hand(cell) for cell in first] == [by_hand(cell) for cell in second]


def by_hand(cell: dict[str, Any]) -> tuple[Any, ...]:
    """What of a cell a person writes."""
    return cell["cell_type"], "".join(cell["source"]), cell.get("attachments")


def read_notebook(name: str, content: bytes) -> dict[str, Any]:
    """Raises ValueError where it is none."""
    try:
        notebook = json.loads(content)
        if all("".join(cell["source"]) is not None and cell["cell_type"] for cell in notebook["cells"]):
            return dict(notebook)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{name}: not a notebook that can be read ({error!r}); save it again in Jupyter") from error
    raise ValueError(f"{name}: not a notebook that can be read; save it again in Jupyter")


def as_bytes(notebook: dict[str, Any]) -> bytes:
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def put(path: Path, content: bytes) -> None:
    make_folder(path.parent)
    write_whole(path, content)
