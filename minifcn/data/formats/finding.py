"""Finding files: pictures and masks by their names, which of them belong together, and the splits that lists give them."""

import json
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from minifcn.data.errors import DataError
from minifcn.data.formats.source import USUAL, Item, usual_split
from minifcn.data.images import LABEL_ENDINGS, PICTURE_ENDINGS

PICTURES = PICTURE_ENDINGS  # the same as of a folder to train on
MASKS = (*LABEL_ENDINGS, ".npy")
# the words that a mask's name has and its picture's has not, and the other way round, at either end: a_mask, mask_a
OF_MASKS = ("mask", "masks", "label", "labels", "labelid", "labelids", "gt", "seg", "segmentation", "annotation", "l")
OF_PICTURES = ("image", "img", "picture", "photo", "rgb", "sat")
JOINTS = "_-. "


def files_below(folder: Path) -> list[Path]:
    """All files below a folder, in order, also in folders that are links; a folder that can be reached twice is entered once."""
    found: list[Path] = []
    seen: set[str] = set()
    tops = [str(folder)]
    while tops:
        linked = []
        for top in tops:
            for here, folders, files in os.walk(top, onerror=refuse):
                if os.path.realpath(here) in seen:
                    folders.clear()
                    continue
                seen.add(os.path.realpath(here))
                linked += [path for name in folders if os.path.islink(path := os.path.join(here, name))]
                found += [Path(here, name) for name in files]
        tops = sorted(linked)  # after what lies there itself
    return sorted(found)


def refuse(error: OSError) -> None:
    """Raise DataError for a folder that may not be read: what lies in it would be missing without a word."""
    if isinstance(error, PermissionError):
        raise DataError(
            f"{error.filename}: the folder cannot be read ({error.strerror}); see that you may, or take it out"
        ) from error


def by_name(folder: Path, endings: tuple[str, ...]) -> dict[str, Path]:
    """Files below `folder` by their path in it without ending, in order; in Unicode's composed form, as systems differ there.

    Names that begin with a dot are not anybody's. DataError where two files have one name but for the ending.
    """
    found: dict[str, Path] = {}
    for path in files_below(folder):
        inside = path.relative_to(folder)
        if path.suffix.lower() not in endings or any(part.startswith(".") for part in inside.parts):
            continue
        name = composed(inside.with_suffix("").as_posix())
        if name in found:
            raise DataError(f"{found[name]} and {path.name} are both called {name}; take out the one that is not meant")
        found[name] = path
    return found


def composed(name: str) -> str:
    """A name in Unicode's composed form: é is one character, whatever system wrote it."""
    return unicodedata.normalize("NFC", name)


def core(name: str, words: Iterable[str]) -> str:
    """A name without one of `words` at an end, where a joint parts it from the rest; the folders above stay.

    >>> core("night/a_1_mask", ("mask",)), core("mask-a", ("mask",)), core("unmask", ("mask",)), core("mask", ("mask",))
    ('night/a_1', 'a', 'unmask', 'mask')
    """
    above, _, last = name.rpartition("/")
    low = last.lower()
    for word in words:
        if len(last) > len(word) + 1:
            if low.endswith(word) and last[-len(word) - 1] in JOINTS:
                last = last[: -len(word) - 1]
                break
            if low.startswith(word) and last[len(word)] in JOINTS:
                last = last[len(word) + 1 :]
                break
    return f"{above}/{last}" if above else last


def matched(pictures: Iterable[str], masks: Iterable[str]) -> dict[str, str]:
    """Picture's name → its mask's: the same name, or the same but for a word such as "mask" or "image" at an end.

    >>> matched(["a", "image_1", "b"], ["a_mask", "mask_1", "c"])
    {'a': 'a_mask', 'image_1': 'mask_1'}
    """
    masks = list(masks)
    there = set(masks)
    bare: dict[str, list[str]] = {}
    for mask in masks:
        stem, dot, ending = mask.rpartition(".")
        name = stem if f"{dot}{ending}".lower() in PICTURES else mask  # a.jpg.png
        bare.setdefault(core(name, OF_MASKS), []).append(mask)
    found = {}
    for picture in pictures:
        for name in (picture, core(picture, OF_PICTURES)):
            near = [picture] if picture in there else bare.get(name, [])
            if len(near) > 1:
                raise DataError(f"the picture {picture} has {len(near)} masks: {', '.join(near)}; keep one of them")
            if near:
                found[picture] = near[0]
                break
    return found


def sole(folder: Path) -> Path | None:
    """The one folder in `folder`, where nothing else is there: what an archive unpacks to."""
    left = (".", "__MACOSX", "Thumbs.db", "desktop.ini")  # what systems leave
    inside = [path for path in folder.iterdir() if not path.name.startswith(left)]
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else None


def listed(files: Iterable[Path], names: Iterable[str]) -> tuple[dict[str, str], list[str], list[str]]:
    """Name → split, of names that lists (train.txt, …) hold; names that a list holds and nobody else; a note on names in two splits.

    A line is a name, or a path with an ending and perhaps further columns. What train, val or test lists counts before any other list.
    """
    known = set(names)
    splits: dict[str, str] = {}
    lost: dict[str, None] = {}
    twice: dict[tuple[str, str], list[str]] = {}
    for file in sorted(files, key=lambda file: (usual_split(file.stem) not in USUAL, file.name)):
        for line in text_lines(file):
            name = name_in(line, known)
            if name is None:
                lost[line] = None
            elif (first := splits.setdefault(name, file.stem)) != file.stem and usual_split(file.stem) in USUAL:
                twice.setdefault((first, file.stem), []).append(name)
    return splits, list(lost), [twice_note(*lists, found) for lists, found in twice.items()]


def twice_note(first: str, second: str, names: list[str]) -> str:
    more = ", …" if len(names) > 3 else ""
    return f"{len(names)} names are in the lists {first} and {second} ({', '.join(names[:3])}{more}): taken for {first} alone"


def name_in(line: str, known: Collection[str]) -> str | None:
    """The name of `known` that a line of a list means.

    >>> name_in("a b", {"a b"}), name_in("/default/n/a.jpg defaultannot/n/a.png", {"n/a"}), name_in("n/a", {"a"}), name_in("a 1", {"a"})
    ('a b', 'n/a', None, 'a')
    """
    for text in (line, re.split(r'"? "?', line.lstrip('"'))[0]):
        path = composed(text.strip('"')).replace("\\", "/").removeprefix("./").strip("/")
        if path in known:
            return path
        stem, dot, ending = path.rpartition(".")
        if f"{dot}{ending}".lower() not in (*PICTURES, *MASKS):
            continue
        while stem:  # folders may stand before the name; without an ending they are part of it
            if stem in known:
                return stem
            stem = stem.partition("/")[2]
    return None


def apart(items: list[Item]) -> list[Item]:
    """The items, with their split before the name where two splits hold the same names."""
    if len({item.name for item in items}) == len(items):
        return items
    return [replace(item, name=f"{item.split}/{item.name}") if item.split else item for item in items]


def told_apart(items: list[Item]) -> list[Item]:
    """Pictures of one name get their split before it, and where that leaves several, the folder that they lie in."""
    times = Counter(item.name for item in items)
    items = [
        replace(item, name=f"{item.split}/{item.name}") if times[item.name] > 1 and item.split else item
        for item in items
    ]
    times = Counter(item.name for item in items)
    return [
        replace(item, name=f"{item.picture.parent.name}/{item.name}") if times[item.name] > 1 and item.picture else item
        for item in items
    ]


def text_lines(path: Path) -> list[str]:
    """The lines of a text file that are not blank, without blanks around them. DataError where it is none."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise DataError(f"{path}: cannot be read ({reason}); it is expected to be text") from error
    return [line.strip() for line in lines if line.strip()]


def read_json(path: Path, advice: str = "export it again") -> Any:
    """What a JSON file holds, in any of the encodings that JSON has. DataError where it is none; it ends with `advice`."""
    try:
        content = path.read_bytes()
        found = json.loads(content) if content.strip() else None
    # no JSON, or a number of thousands of digits, lists in lists in lists
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({why_not(error)}; {advice}") from error
    if not content.strip():
        raise DataError(f"{path}: an empty file; {advice}")
    return found


def why_not(error: Exception) -> str:
    """Why a file is no JSON, with the bracket behind it, and whether it was sound up to its end."""
    if isinstance(error, OSError):
        return f"{error.strerror or type(error).__name__})"
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8 text)"
    early = isinstance(error, json.JSONDecodeError) and (
        error.msg.startswith("Unterminated string") or error.pos >= len(error.doc.rstrip())
    )
    return f"{error})" + ": cut short perhaps" * early
