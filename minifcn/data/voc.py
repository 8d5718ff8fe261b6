"""Reads the folder layout of PASCAL VOC: JPEGImages/, SegmentationClass/, ImageSets/Segmentation/<split>.txt."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from minifcn.data.classes import ClassMap
from minifcn.data.errors import DataError
from minifcn.data.images import LABEL_ENDINGS, PICTURE_ENDINGS, Picture, read_whole
from minifcn.data.labels import VOID, read_labels
from minifcn.data.layout import what_is_missing
from minifcn.data.pixels.depth import dark_set
from minifcn.data.pixels.turned import turned_line
from minifcn.names import instead

PICTURES, LABELS, SPLITS = "JPEGImages", "SegmentationClass", "ImageSets/Segmentation"


class VOCFolder:
    """The pictures and labels of one split.

    `root`       the folder that holds JPEGImages, SegmentationClass and ImageSets, or one above it, as the VOC archives
                 unpack: VOCdevkit/VOC2012, VOC2012, TrainVal/VOCdevkit/VOC2011; of several years the latest that has
                 the split
    `split`      the name of a file in ImageSets/Segmentation, without .txt
    `class_map`  which classes the labels are turned into
    `limit`      keep only the first so many pictures of the split
    `bits`       how many bits of pictures of 16 hold something, as for `read_picture`

    `.ids` lists the pictures in the order of the split file. Endings: `images.PICTURE_ENDINGS` and `LABEL_ENDINGS`. Raises DataError
    where the folder or the split is not found, or the split is empty or names a picture twice. The pictures themselves
    are only opened by `picture`, `labels` and `check`.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str,
        class_map: ClassMap,
        limit: int | None = None,
        bits: int | None = None,
    ) -> None:
        if limit is not None and limit < 1:
            raise DataError(f"{split}: limit is {limit}; keep at least 1 picture")
        self.folder = find_folder(Path(root), split)
        self.split = split
        self.class_map = class_map
        self.bits = bits
        self.picture_notes: list[str] = []
        self.ids = _read_split(self.folder / SPLITS, split)[:limit]
        self._pictures = files_by_stem(self.folder / PICTURES, PICTURE_ENDINGS)
        self._labels = files_by_stem(self.folder / LABELS, LABEL_ENDINGS)

    def __len__(self) -> int:
        return len(self.ids)

    def picture(self, i: int) -> np.ndarray:
        """Picture `i`, RGB, upright, uint8 (H, W, 3). Raises DataError with the file's name."""
        return self._whole(i).pixels

    def _whole(self, i: int) -> Picture:
        name = self.ids[i]
        if name not in self._pictures:
            expected = self.folder / PICTURES / name
            raise DataError(
                f"picture {expected}.jpg: there is no such file, nor {name} with another ending of pictures that are read beside it"
            )
        return read_whole(self._pictures[name], self.bits)

    def labels(self, i: int) -> np.ndarray:
        """The labels of picture `i` as the class map's classes, 255 void, uint8 (H, W). DataError names the file."""
        path = self._labels_path(i)
        labels = read_labels(path, self.class_map.known)
        try:
            return self.class_map.apply(labels)
        except DataError as error:
            raise DataError(f"labels {path}: {error}") from error

    def _labels_path(self, i: int) -> Path:
        name = self.ids[i]
        return self._labels.get(name, self.folder / LABELS / f"{name}.png")

    def files(self, i: int) -> tuple[Path | None, Path]:
        """Where picture `i` and its labels lie; None where there is no such picture."""
        return self._pictures.get(self.ids[i]), self._labels_path(i)

    def check(self, progress: Callable[[], object] | None = None) -> int:
        """Read every pair whole; returns how many pixels are not void. Raises DataError with the first bad file in the order of the split.

        Found are files that are missing, unreadable or cut short, sizes that differ, colours instead of class numbers
        and unknown label values, and 16-bit pictures that come out nearly black. `progress` is called once a checked pair.
        `.picture_notes` says then what is to be known of sound ones: how many are turned by a tag.
        """
        facts: list[tuple[int, int | None]] = []  # orientation, and largest number, of each picture
        found = in_threads(lambda i: self._look_at(i, facts), range(len(self)), progress)
        problems = [problem for problem in found if isinstance(problem, str)]
        if problems:
            raise DataError(f"{problems[0]} (split {self.split}: {len(problems)} of {len(self)} pairs are bad)")
        if dark := dark_set([top for _, top in facts if top is not None], self.bits):
            raise DataError(f"split {self.split}: pictures: {dark}")
        turned = sum(orientation > 1 for orientation, _ in facts)
        self.picture_notes = [turned_line(self.split, turned, len(self))] if turned else []
        return sum(found)

    def _look_at(self, i: int, facts: list[tuple[int, int | None]]) -> str | int:
        """What is wrong with a pair, or how many of its pixels are not void; what its picture's file says goes into `facts`."""
        try:
            picture, header, top = self._whole(i)
            facts.append((header.orientation, top))
            labels = self.labels(i)
        except DataError as error:
            return str(error)
        if picture.shape[:2] == labels.shape:
            return int((labels != VOID).sum())
        return sizes_differ(self._labels_path(i), labels, self._pictures[self.ids[i]], picture)


def sizes_differ(labels_path: Path, labels: np.ndarray, picture_path: Path, picture: np.ndarray) -> str:
    """The sentence about labels (H, W) and a picture (H, W, 3) that do not fit each other."""
    (height, width), (label_height, label_width) = picture.shape[:2], labels.shape
    return (
        f"labels {labels_path}: {label_height}x{label_width} (height x width), but the picture "
        f"{picture_path.name}, upright, is {height}x{width}; both must have the same size"
    )


def in_threads(
    function: Callable[[Any], Any], items: Iterable[Any], progress: Callable[[], object] | None = None
) -> list[Any]:
    """`function` of each item, in order. `progress` is called once a result; Ctrl-C drops what has not begun."""
    # decoding lets go of Python's lock, so threads are enough to use every core
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        results = []
        try:
            for result in pool.map(function, items):
                results.append(result)
                if progress:
                    progress()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return results


def find_folder(root: Path, split: str) -> Path:
    """The folder at or below `root` that has pictures, labels and splits, best one with `split`. DataError for none."""
    if not root.is_dir():
        if root.exists():
            raise DataError(
                f"data {root}: this is a file; give the folder that holds {PICTURES}/, {LABELS}/ and {SPLITS}/"
            )
        raise DataError(f"data {root}: there is no such folder")
    years = [*root.glob("VOCdevkit/VOC20[0-9][0-9]"), *root.glob("VOC20[0-9][0-9]")]
    latest_first = sorted(years, key=lambda folder: folder.name, reverse=True)
    places = [root, *latest_first, root / "TrainVal/VOCdevkit/VOC2011"]
    found = [place for place in places if all((place / part).is_dir() for part in (PICTURES, LABELS, SPLITS))]
    if not found:
        raise DataError(what_is_missing(root, places))
    return next((place for place in found if (place / SPLITS / f"{split}.txt").is_file()), found[0])


def split_lines(folder: Path, split: str) -> list[tuple[int, str]]:
    """Line number, from 1, and name, of all lines of a split file that are not blank. DataError for no names."""
    path = folder / f"{split}.txt"
    if not path.is_file():
        there = sorted(file.stem for file in folder.glob("*.txt"))
        raise DataError(
            f"split {split!r}: there is no file {path}{instead(split, there, 'the splits in this folder are:')}"
        )
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"split {path}: not UTF-8 text; write one picture name a line") from error
    names = [(number, listed_name(line.strip())) for number, line in enumerate(lines, 1) if line.strip()]
    if not names:
        raise DataError(f"split {path}: no picture names in it; write one a line")
    return names


def listed_name(line: str) -> str:
    r"""The picture's name in a line: of a path, of whatever system, its last part without the ending; of two paths that of the first.

    >>> listed_name("2007_000032"), listed_name(r"JPEGImages\a b.jpg"), listed_name("/JPEGImages/a.jpg /SegmentationClass/a.png")
    ('2007_000032', 'a b', 'a')
    """
    columns = line.split()
    if len(columns) > 1 and all(is_path(column) for column in columns):
        line = columns[0]
    return PureWindowsPath(line).stem if is_path(line) else line  # it takes / and \\ for the same


def is_path(text: str) -> bool:
    return ("/" in text or "\\" in text) and text.lower().endswith(PICTURE_ENDINGS)


def _read_split(folder: Path, split: str) -> list[str]:
    first_line: dict[str, int] = {}
    for number, name in split_lines(folder, split):
        if name in first_line:
            raise DataError(listed_twice(folder, split, number, name, first_line[name]))
        first_line[name] = number
    return list(first_line)


def listed_twice(folder: Path, split: str, line: int, name: str, first: int) -> str:
    """The sentence about a name that a split file repeats."""
    return f"split {folder / split}.txt, line {line}: {name} stands in line {first} too; list it once"


def files_by_stem(folder: Path, endings: tuple[str, ...]) -> dict[str, Path]:
    """Files by name without ending, endings in any case; where two share a name, the ending that stands first wins. Hidden files are none."""
    rank = {ending: place for place, ending in enumerate(endings)}
    files = [file for file in folder.iterdir() if file.suffix.lower() in rank and not file.name.startswith(".")]
    return {file.stem: file for file in sorted(files, key=lambda file: (-rank[file.suffix.lower()], file))}
