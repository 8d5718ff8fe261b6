"""The lists of pictures in ImageSets/Segmentation: which picture a line means, whoever wrote it."""

import os
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.images import LABEL_ENDINGS, PICTURE_ENDINGS
from minifcn.data.layout import make_lists
from minifcn.data.meaning.texts import text_of, unquoted
from minifcn.files import write_whole
from minifcn.names import instead

PICTURES, LABELS, SPLITS = "JPEGImages", "SegmentationClass", "ImageSets/Segmentation"
ENDINGS = "|".join(ending[1:] for ending in sorted({*PICTURE_ENDINGS, *LABEL_ENDINGS, ".npy", ".mat"}))
ENDING = re.compile(rf"\.(?:{ENDINGS})$", re.IGNORECASE)
FIRST_FILE = re.compile(rf"(.*?\.(?:{ENDINGS}))[\s,;]+(\S.*)", re.IGNORECASE)
HEADING = {
    "image",
    "images",
    "mask",
    "masks",
    "label",
    "labels",
    "filename",
    "file_name",
    "file",
    "name",
    "picture",
    "path",
    "id",
    "image_id",
}
VOC_NAME = re.compile(r"20(?:0[7-9]|1[0-2])_\d{6}")  # 2007_000032
Names = Sequence[Collection[str]]  # of the pictures' files, and of the labels', where no picture has the name
VOC2007 = "VOC2007", re.compile(r"\d{6}")  # in this year's folder the names are numbers alone, as anybody's may be


@dataclass(frozen=True)
class PictureList:
    """Line, from 1, and name, of each line that names a picture; and what there is to say about the others."""

    lines: list[tuple[int, str]]
    notes: list[str]


def read_list(folder: Path, split: str, there: Names | None = None) -> PictureList:
    """What the list of a split names. `there`: the names of the files that may be meant (those beside the list).

    A line is a name, a name with its ending, a path, or the first of several columns: a path to the labels behind it,
    numbers as in Oxford's pets, or VOC's 1 and -1, of which the last is not in the split. Raises DataError where there
    is no such list, no name in it, or none of a form that is understood.
    """
    path = folder / f"{split}.txt"
    if not path.is_file():
        others = sorted(file.stem for file in folder.glob("*.txt"))
        raise DataError(
            f"split {split!r}: there is no file {path}{instead(split, others, 'the splits in this folder are:')}"
            f"{'; write it, a name a line, or name another split' if others else '. ' + make_lists(folder.parent.parent)}"
        )
    there = file_names(folder.parent.parent) if there is None else there
    text = text_of(path, "split", "write one picture name a line")
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    lines = [(number, line) for number, line in lines if not line.startswith("#") or meant(line, there)]
    if lines[1:] and is_heading(lines[0][1], there):
        lines = lines[1:]
    if not lines:
        raise DataError(f"split {path}: no picture names in it; write one a line")
    return taken(path, lines, there)


def taken(path: Path, lines: Sequence[tuple[int, str]], there: Names) -> PictureList:
    """The names in the lines: of a line whole where a file has that name, else of its first column."""
    found: list[tuple[int, str, str]] = []
    for number, line in lines:
        first, rest = columns(line)
        name = whole(line, there)
        if name or not is_known(rest):
            comment = rest.startswith("#")  # any other word may be a part of the name
            name, rest = name or meant(line, there) or (meant(first, there) if comment else None), ""
        else:
            check_pair(path, number, first, rest)
            name = meant(first, there)
        found.append((number, name or "", rest))
    strange = any(columns(line)[1] or ENDING.search(line) or "/" in line for _, line in lines)
    if strange and not any(name for _, name, _ in found):
        number, line = lines[0]
        such = next((f", such as {min(names)}" for names in there if names), "")
        raise DataError(
            f"split {path}: none of its {len(lines)} lines names a picture in {PICTURES}, line {number} is {line!r}; "
            f"write a picture's name without ending a line{such}"
        )
    by_columns = any(name and rest for _, name, rest in found)
    names = [
        (number, name or plain(columns(line)[0] if rest and (by_columns or ENDING.search(rest)) else line))
        for (number, name, rest), (_, line) in zip(found, lines, strict=True)
    ]
    absent = {number for number, _, rest in found if rest == "-1"}
    if absent and len(absent) == len(names):
        raise DataError(
            f"split {path}: every line ends in -1, VOC's mark for a picture without the class, so no picture is in the split; "
            "take the second column out to have them all"
        )
    notes = [
        f"split {path}: {len(absent)} of {len(names)} lines end in -1, VOC's mark for a picture without the class: they are not in the split"
    ]
    return PictureList([entry for entry in names if entry[0] not in absent], notes if absent else [])


def columns(line: str) -> tuple[str, str]:
    """The first column of a line, and the others.

    >>> columns("/JPEGImages/a b.jpg /SegmentationClass/a b.png"), columns("Abyssinian_100 1 1 1"), columns("a,b"), columns("JPEGImages/b c.jpg")
    (('/JPEGImages/a b.jpg', '/SegmentationClass/a b.png'), ('Abyssinian_100', '1 1 1'), ('a', 'b'), ('JPEGImages/b c.jpg', ''))
    """
    match = re.match(r"(\"[^\"]+\"|'[^']+')[\s,;]+(\S.*)", line) or FIRST_FILE.match(line)
    match = match or re.match(r"([^\t,;]+)[\t,;]\s*(\S.*)", line) or re.match(r"(\S.*?)((?:\s+-?\d+)+)$", line)
    if match:
        return match[1].strip(), match[2].strip()
    if ENDING.search(line):
        return line, ""
    first, *rest = line.split(maxsplit=1)
    return first, "".join(rest)


def is_known(rest: str) -> bool:
    """Whether the columns behind the first are numbers, files, or files and numbers: a word may be part of a name with blanks.

    >>> is_known("1 1"), is_known("SegmentationClass/b c.png 3"), is_known("of the cat")
    (True, True, False)
    """
    words = [word.strip("\"'") for word in re.split(r"[\s,;]+", rest)]
    while words and re.fullmatch(r"-?\d+", words[-1]):
        words.pop()
    return not words or bool(ENDING.search(words[-1]))


def check_pair(path: Path, number: int, first: str, rest: str) -> None:
    """Raise DataError where a line pairs a picture with labels of another name: they are looked for under the picture's."""
    match = FIRST_FILE.match(rest)
    labels = unquoted(match[1] if match else rest)
    if ENDING.search(labels) and plain(labels).rpartition("/")[2] != plain(first).rpartition("/")[2]:
        raise DataError(
            f"split {path}, line {number}: pairs {first} with {labels}; give the labels the picture's name, "
            f"{LABELS}/{plain(first).rpartition('/')[2]}.png"
        )


def whole(line: str, there: Names) -> str | None:
    """The name that a line is as it stands, with or without its ending."""
    return next((name for names in there for name in (line, ENDING.sub("", line)) if name in names), None)


def meant(text: str, there: Names) -> str | None:
    r"""The one of the names `there` that a name or a path means: whole, without its ending, or without the folders before it.

    >>> there = [{"aachen/a", "b"}]
    >>> meant("JPEGImages/aachen/a.jpg", there), meant(r".\b.png", there), meant("a", there)
    ('aachen/a', 'b', None)
    """
    parts = [part for part in unquoted(text).replace("\\", "/").split("/") if part not in ("", ".")]
    tails = ["/".join(parts[start:]) for start in range(len(parts))]
    tried = [text, *(each for tail in tails for each in (tail, ENDING.sub("", tail)))]
    return next((name for names in there for name in tried if name in names), None)


def plain(text: str) -> str:
    r"""The name in a line that names no file: without ending, and without folders that are no part of it.

    >>> plain("/JPEGImages/a.jpg"), plain(r"C:\\new\\a.jpg"), plain("SegmentationClass/sub/a.png"), plain("sub/a"), plain("../a")
    ('a', 'a', 'sub/a', 'sub/a', 'a')
    """
    bare = unquoted(text)
    path = ENDING.sub("", bare).replace("\\", "/")
    for part in (PICTURES, LABELS):
        if f"/{part}/" in f"/{path}":
            return f"/{path}".rpartition(f"/{part}/")[2]
    if ENDING.search(bare) or path.startswith("/") or ".." in path.split("/"):
        return path.rpartition("/")[2]
    return bare


def is_heading(line: str, there: Names) -> bool:
    """Whether a line says what the columns of a table hold."""
    words = [unquoted(word).lower() for word in re.split(r"[\s,;]+", line)]
    return len(words) > 1 and all(word in HEADING for word in words) and not meant(columns(line)[0], there)


def file_names(root: Path) -> Names:
    """The names of the pictures in a folder, and of the labels."""
    return [{name for name, _ in named_files(root / part)} for part in (PICTURES, LABELS)]


def named_files(folder: Path) -> list[tuple[str, str]]:
    """All files in a folder and those in it, sorted by path, each behind the name by which a list calls it.

    That is its path below `folder` without ending, letters composed. Files whose names begin with a dot are nobody's.
    """
    found = []
    for place, _, files in os.walk(folder, followlinks=True):
        below = os.path.relpath(place, folder).replace(os.sep, "/") + "/" if place != str(folder) else ""
        for file in files:
            if not file.startswith("."):
                name = unicodedata.normalize("NFC", below + os.path.splitext(file)[0])
                found.append((name, os.path.join(place, file)))
    return sorted(found, key=lambda each: each[1])


def are_voc(folder: Path) -> bool:
    """Whether nine of ten names in the lists of a folder are such as VOC's pictures have."""
    names: set[str] = set()
    for file in sorted((folder / SPLITS).glob("*.txt")):
        try:
            text = text_of(file, "split", "")
        except DataError:
            continue
        names |= {plain(columns(line.strip())[0]) for line in text.splitlines() if line.strip()}
    form = VOC2007[1] if folder.name == VOC2007[0] else VOC_NAME
    return bool(names) and sum(bool(form.fullmatch(name)) for name in names) >= 0.9 * len(names)


def write_splits(root: Path | str, share: float = 0.2, seed: int = 0) -> tuple[int, int]:
    """Write train.txt and val.txt for the pictures of a folder that have labels; returns how many names each has.

    A `share` of them, drawn by `seed`, is for val. Raises DataError where there are fewer than two, or a list already.
    """
    root = Path(root)
    for part in (PICTURES, LABELS):
        if not (root / part).is_dir():
            raise DataError(f"data {root}: {part}/ is missing; give the folder that holds {PICTURES}/ and {LABELS}/")
    pictures, labels = file_names(root)
    names = sorted({*pictures} & {*labels})
    if len(names) < 2 or not 0 < share < 1:
        raise DataError(
            f"data {root}: {len(names)} pictures have labels of their name, share {share:g}; two are needed, and a share between 0 and 1"
        )
    files = [root / SPLITS / f"{split}.txt" for split in ("train", "val")]
    if lists := [file for file in files if file.exists()]:
        raise DataError(f"split {lists[0]}: there is one already; nothing is written over it")
    count = min(max(1, round(share * len(names))), len(names) - 1)
    drawn = set(np.random.default_rng(seed).permutation(len(names))[:count].tolist())
    files[0].parent.mkdir(parents=True, exist_ok=True)
    for file, val in zip(files, (False, True), strict=True):
        lines = [name for place, name in enumerate(names) if (place in drawn) == val]
        write_whole(file, ("\n".join(lines) + "\n").encode())
    return len(names) - count, count
