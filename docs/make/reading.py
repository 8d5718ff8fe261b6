"""The reading list's line counts: `python docs/make/reading.py` writes them into docs/reading.md, and a test holds them.

What a command cannot know stays with its author: which files, in which order, and what to look for.
"""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reading.md"
FILE = re.compile(r"^(\| \d+ \| \[)([^]]+)(\]\([^)]*\) \| )([\d,]+)( \|)", re.MULTILINE)
ROOM = re.compile(r"^\| \[(minifcn/[^]]+)\]\([^)]*\) \| .+ \|$", re.MULTILINE)
SUM = re.compile(r"(?<=the whole idea: )[\d,]+(?= lines)")


def lines_of(path: str) -> int:
    return len((ROOT / path).read_text(encoding="utf-8").splitlines())


def files(page: str) -> list[tuple[str, int]]:
    """The files of the list, and the lines that the page says each has."""
    return [(match[2], int(match[4].replace(",", ""))) for match in FILE.finditer(page)]


def counted(page: str) -> str:
    """The page with today's counts."""
    page = FILE.sub(lambda match: f"{match[1]}{match[2]}{match[3]}{lines_of(match[2])}{match[5]}", page)
    return SUM.sub(f"{sum(lines_of(path) for path, _ in files(page)):,}", page)


def rooms() -> Iterator[str]:
    """Every folder of the library that has Python files."""
    for folder in sorted({path.parent for path in (ROOT / "minifcn").rglob("*.py")}):
        if folder.name != "minifcn":
            yield folder.relative_to(ROOT).as_posix()


def faults(page: str) -> list[str]:
    """What is off in the page, a sentence each, with the path that it is about."""
    listed = files(page)
    found = [] if len(listed) == 12 else [f"the list has {len(listed)} files; it promises twelve"]
    missing = [path for path, _ in listed if not (ROOT / path).is_file()]
    found += [f"{path}: no such file; name the one that has this idea now" for path in missing]
    real = [(path, said) for path, said in listed if path not in missing]
    found += [
        f"{path}: the page says {said} lines, it has {lines_of(path)}" for path, said in real if said != lines_of(path)
    ]
    total, stated = sum(lines_of(path) for path, _ in real), SUM.search(page)
    if stated is None:
        found.append("the sentence with the sum of lines is gone")
    elif not missing and stated[0] != f"{total:,}":
        found.append(f"the page says {stated[0]} lines in all, there are {total:,}")
    if total > 1650:
        found.append(f"{total:,} lines are no evening any more; the list is meant to be about 1,500")
    written = ROOM.findall(page)
    found += [f"{room}/: no line for this room" for room in rooms() if room not in written]
    found += [f"{room}/: no such room" for room in written if not (ROOT / room).is_dir()]
    return found


if __name__ == "__main__":
    PAGE.write_text(counted(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print("\n".join(faults(PAGE.read_text(encoding="utf-8"))) or f"{PAGE}: the counts are today's")
