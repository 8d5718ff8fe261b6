"""What is missing in a folder: a part of VOC's layout, or a file in one, and what lies there instead."""

import os
import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from minifcn.names import nearest

OTHERS = (
    "SegmentationObject/",
    "Annotations/",
)  # parts of VOC that nothing here reads, the first much like the labels by name
SHOWN = 8  # names of what lies there
HOLDS = {
    "JPEGImages": "the pictures",
    "SegmentationClass": "the labels, a PNG of class numbers a picture",
    "ImageSets/Segmentation": "train.txt and val.txt, a picture's name without ending a line",
}

IMPORT = "What another tool or a public set wrote becomes such a folder with: minifcn import {} --out ROOT"
# what tools and public sets call their folders and files
TOOLS = {
    "train",
    "valid",
    "val",
    "test",
    "images",
    "masks",
    "labels",
    "annotations",
    "img",
    "ann",
    "ds",
    "meta.json",
    "labelmap.txt",
}
TOOLS |= {
    "_classes.csv",
    "gtfine",
    "leftimg8bit",
    "trimaps",
    "masks_machine",
    "segmentationclasspng",
    "segmentationclassnpy",
}
NOT_READ = {
    ".mat": "is a MATLAB file; minifcn reads {}: save its numbers (of SBD's files GTcls.Segmentation) as one, or take minifcn import",
    ".npy": "is a NumPy array; minifcn reads {}: save it as one, with minifcn.data.write_labels",
    ".json": "is a list of outlines; minifcn reads {}: minifcn import draws them",
    ".xml": "is a list of boxes or outlines; minifcn reads {}: let the program that wrote it save masks",
    ".txt": "is text; minifcn reads {}: let the program that wrote it save masks",
}


def what_is_missing(root: Path, places: Sequence[Path]) -> str:
    """The sentence about a folder `root` of which none of `places` has all three parts."""
    best = max(places, key=lambda place: len(parts_of(place)))  # of equals the first, which is root
    found = parts_of(best)
    if found:
        missing = [part for part in HOLDS if part not in found]
        wanted = " and ".join(f"{part}/ ({HOLDS[part]})" for part in missing)
        way = (
            f". {make_lists(best)}"
            if missing == ["ImageSets/Segmentation"] and not any(best.glob("ImageSets/*.txt"))
            else ""
        )
        way = way or (f". {IMPORT.format(typed(best))}" if is_of_a_tool(best) else "")
        return f"data {best}: {wanted} {'is' if len(missing) == 1 else 'are'} missing; {instead_of(best, missing)}{way}"
    inside = [place.parent for place in sorted(root.glob("*/JPEGImages")) if len(parts_of(place.parent)) == len(HOLDS)]
    above = next((folder for folder in root.absolute().parents[:2] if len(parts_of(folder)) == len(HOLDS)), None)
    if inside or above:
        return f"data {root}: the parts {listed(HOLDS)} lie in {inside[0] if inside else above}; give that folder"
    if is_of_a_tool(root):
        return (
            f"data {root}: none of {listed(HOLDS)} is in it; {contents(root)}. "
            f"{IMPORT.format(typed(root))}; then give ROOT"
        )
    looked = [root / "VOCdevkit/VOC20xx", root / "VOC20xx", root / "TrainVal/VOCdevkit/VOC2011"]
    return (
        f"data {root}: none of {listed(HOLDS)} is in it; {contents(root)}. "
        f"Looked in {', '.join(map(str, looked))} too; give the folder that holds the three"
    )


def parts_of(place: Path) -> list[str]:
    """Which of the three parts `place` has."""
    return [part for part in HOLDS if (place / part).is_dir()]


def instead_of(place: Path, missing: Sequence[str]) -> str:
    """What lies in `place` that was perhaps meant by the missing parts; else all that lies there."""
    hints = []
    for part in missing:
        if part in strangers(place):  # a file, or a link that leads nowhere
            hints.append(f"{place / part} is there, but is no folder")
            continue
        if part == "ImageSets/Segmentation" and any(place.glob("ImageSets/*")):
            hints.append(f"in {place / 'ImageSets'} {contents(place / 'ImageSets')}: move the lists into {part}")
            continue
        near = nearest(part.partition("/")[0], [name for name in strangers(place) if name not in OTHERS])
        if near:
            hints.append(f"there is {near[0]}, and if that is meant, rename it to {part}")
    return "; ".join(hints) or contents(place)


def strangers(place: Path) -> list[str]:
    """What lies in `place` and is none of the three parts; folders end in a slash."""
    known = {part.partition("/")[0] for part in parts_of(place)}
    return sorted(path.name + "/" * path.is_dir() for path in place.iterdir() if path.name not in known)


def contents(place: Path) -> str:
    """What lies in `place`, in words."""
    found = strangers(place)
    own = parts_of(place)
    shown = [*(f"{part}/" for part in own), *found[:SHOWN]]
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"there is {', '.join(shown)}{more}" if shown else "the folder is empty"


def listed(parts: Sequence[str] | dict[str, str]) -> str:
    """ "A/, B/ and C/"."""
    names = [f"{part}/" for part in parts]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def make_lists(place: Path) -> str:
    """How the lists are written of a folder that has pictures and labels."""
    return (
        f"""This line writes the lists: python -c "from minifcn.data import write_splits; write_splits({str(place)!r})"; """
        f"so does, into a new folder, minifcn import {typed(place)} --out ROOT --split 0.2"
    )


def is_of_a_tool(place: Path) -> bool:
    """Whether the folder looks like one that an annotation tool or a public set wrote."""
    names = [name.rstrip("/").lower() for name in strangers(place)]
    return any(name in TOOLS or name.endswith(".json") or name.startswith("task-") for name in names)


def typed(path: Path) -> str:
    """A path as it is typed into a shell."""
    return f'"{path}"' if " " in str(path) else str(path)


BACKUPS = ("_colours", "_unturned")  # what `check-data --fix` keeps beside the labels


def instead_of_file(root: Path, part: str, name: str, endings: Sequence[str] = (".png",)) -> str:
    """What lies in or beside `part` instead of a file called `name`, as ", only …", with what to do; "" for nothing like it."""
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and f"{path.name}/" not in OTHERS):
        if folder.name == part.partition("/")[0] or folder.name in HOLDS or folder.name.endswith(BACKUPS):
            continue
        for ending in endings:
            if os.path.isfile(folder / f"{name}{ending}"):  # pathlib raises for a name longer than any disk takes
                return (
                    f": {name}{ending} lies in {folder.name}/, so put its files into {part}/ in place of what is there"
                )
    below, _, name = name.rpartition("/")
    place = root / part / below
    if not os.path.isdir(place):
        return ""
    files, lower = _files_in(place, place.stat().st_mtime_ns)
    if found := lower.get(name.lower(), []):
        file = next((file for file in found if file.rpartition(".")[0] == name), found[0])
        if file.rpartition(".")[0] != name:
            return f", only {file}: upper and lower case differ; write {file.rpartition('.')[0]}, as the file has it"
        if file[file.rindex(".") :].lower() in endings:  # a folder, or a link that leads nowhere
            return f"; {file} is there, but is no file"
        return f"; {file} {not_read(file, endings)}"
    pictures = root / "JPEGImages" / below
    others = _files_in(pictures, pictures.stat().st_mtime_ns)[1] if part != "JPEGImages" and pictures.is_dir() else {}
    start = bisect_left(files, name)
    for file in files[start : start + 3]:
        stem = file.rpartition(".")[0]
        # a number behind it makes another name, and so does a picture that is called so
        if stem.startswith(name) and re.match(r"[_\-. ][A-Za-z]", stem[len(name) :]) and stem.lower() not in others:
            return f", only {file}; drop {stem[len(name) :]} from the names in {part}/"
    if strokes := [file for file in files if file.startswith("task-") and "-annotation-" in file]:
        return (
            f"; files such as {strokes[0]} are Label Studio's, one a brush stroke, of 0 and 255, and have to be joined into one file of "
            f"class numbers a picture: minifcn import {typed(root)} --out ROOT"
        )
    return ""


def not_read(file: str, endings: Sequence[str]) -> str:
    """Why a file is not read, and what to do.

    >>> not_read("a.pcx", [".jpg", ".png"])
    'is of another kind; minifcn reads JPG and PNG: save it as one'
    """
    kind = NOT_READ.get(file[file.rindex(".") :].lower(), "is of another kind; minifcn reads {}: save it as one")
    return kind.format(some_kinds(endings))


def some_kinds(endings: Sequence[str]) -> str:
    """The first three endings as people say them.

    >>> some_kinds([".jpg", ".png"]), some_kinds([".png", ".tif", ".bmp", ".gif"])
    ('JPG and PNG', 'PNG, TIF, BMP and others')
    """
    kinds = [ending[1:].upper() for ending in endings]
    return " and ".join(kinds) if len(kinds) < 4 else f"{', '.join(kinds[:3])} and others"


@lru_cache(maxsize=4)
def _files_in(folder: Path, changed: int) -> tuple[list[str], dict[str, list[str]]]:
    """The files in a folder, sorted, and by their names without ending in lower case; `changed`: when it was last changed."""
    files = sorted(path.name for path in folder.iterdir() if "." in path.name[1:])
    lower: dict[str, list[str]] = {}
    for file in files:
        lower.setdefault(file.rpartition(".")[0].lower(), []).append(file)
    return files, lower
