"""Reads the folder layout of PASCAL VOC: JPEGImages/, SegmentationClass/, ImageSets/Segmentation/<split>.txt."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from minifcn import workers
from minifcn.data.classes import ClassMap
from minifcn.data.errors import DataError
from minifcn.data.images import LABEL_ENDINGS, PICTURE_ENDINGS, Picture, read_whole
from minifcn.data.labels import VOID, read_labels, to_fit
from minifcn.data.layout import instead_of_file, what_is_missing
from minifcn.data.meaning.splits import LABELS, PICTURES, SPLITS, PictureList, named_files, read_list
from minifcn.data.pixels.depth import dark_set, not_meant
from minifcn.data.pixels.turned import turned_line
from minifcn.files import not_there


class VOCFolder:
    """The pictures and labels of one split.

    `root`       the folder that holds JPEGImages, SegmentationClass and ImageSets, or one above it, as the VOC archives
                 unpack: VOCdevkit/VOC2012, VOC2012, TrainVal/VOCdevkit/VOC2011; of several years the latest that has
                 the split
    `split`      the name of a file in ImageSets/Segmentation, without .txt
    `class_map`  which classes the labels are turned into
    `limit`      keep only the first so many pictures of the split
    `bits`       how many bits of pictures of 16 hold something, as for `read_picture`

    `.ids` lists the pictures in the order of the split file, `.notes` what there is to say about its lines. Endings:
    `images.PICTURE_ENDINGS` and `LABEL_ENDINGS`, in folders of JPEGImages too (then the name is sub/name). Raises DataError
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
        listed = read_list(self.folder / SPLITS, split)
        self.ids = _names_in(listed, self.folder / SPLITS, split)[:limit]
        self.notes = listed.notes
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
            near = instead_of_file(self.folder, PICTURES, name, PICTURE_ENDINGS)
            near = near or f", nor {name} with another ending of pictures that are read beside it"
            raise DataError(f"picture {expected}.jpg: {not_there(f'{expected}.jpg')}{near}")
        return read_whole(self._pictures[name], self.bits)

    def labels(self, i: int) -> np.ndarray:
        """The labels of picture `i` as the class map's classes, 255 void, uint8 (H, W). DataError names the file."""
        return self._classes(i, self.numbers(i))

    def labels_and_others(self, i: int) -> tuple[np.ndarray, bool]:
        """`labels`, and whether something in picture `i` counts as background that has a class of its own in its file, which is read once."""
        numbers = self.numbers(i)
        others = np.bincount(numbers.ravel(), minlength=VOID + 1)[self.class_map.left_out]
        return self._classes(i, numbers), bool(others.any())

    def _classes(self, i: int, numbers: np.ndarray) -> np.ndarray:
        try:
            return self.class_map.apply(numbers)
        except DataError as error:
            raise DataError(f"labels {self._labels_path(i)}: {error}") from error

    def numbers(self, i: int) -> np.ndarray:
        """The labels of picture `i` as its file has them, before the class map: uint8 (H, W). DataError names the file."""
        path = self._labels_path(i)
        if not path.exists():
            near = instead_of_file(self.folder, LABELS, self.ids[i], LABEL_ENDINGS)
            raise DataError(f"labels {path}: {not_there(path)}{near}")
        return read_labels(path, self.class_map.known)

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
        `.picture_notes` says then what is to be known of sound ones: how many are turned by a tag, and whether `bits` belongs to them.
        """
        facts: list[tuple[int, int | None]] = []  # orientation, and largest number, of each picture
        found = in_threads(lambda i: self._look_at(i, facts), range(len(self)), progress)
        problems = [problem for problem in found if isinstance(problem, str)]
        if problems:
            raise DataError(f"{problems[0]} (split {self.split}: {len(problems)} of {len(self)} pairs are bad)")
        tops = [top for _, top in facts if top is not None]
        if dark := dark_set(tops, self.bits):
            raise DataError(f"split {self.split}: pictures: {dark}")
        turned = sum(orientation > 1 for orientation, _ in facts)
        self.picture_notes = [turned_line(self.split, turned, len(self))] if turned else []
        if facts and (sentence := not_meant(tops, self.bits)):
            self.picture_notes.append(f"split {self.split}: pictures: {sentence}")
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
        f"{picture_path.name}, upright, is {height}x{width}; both must have the same size: {to_fit(labels.shape, picture.shape[:2])}"
    )


def in_threads(
    function: Callable[[Any], Any], items: Iterable[Any], progress: Callable[[], object] | None = None
) -> list[Any]:
    """`function` of each item, in order. `progress` is called once a result; Ctrl-C drops what has not begun."""
    # decoding lets go of Python's lock, so threads are enough to use every core
    with workers.pool(min(8, os.cpu_count() or 1)) as pool:
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
        raise DataError(f"data {root}: {not_there(root, 'there is no such folder')}")
    years = [*root.glob("VOCdevkit/VOC20[0-9][0-9]"), *root.glob("VOC20[0-9][0-9]")]
    latest_first = sorted(years, key=lambda folder: folder.name, reverse=True)
    places = [root, *latest_first, root / "TrainVal/VOCdevkit/VOC2011"]
    found = [place for place in places if all((place / part).is_dir() for part in (PICTURES, LABELS, SPLITS))]
    if not found:
        raise DataError(what_is_missing(root, places))
    return next((place for place in found if (place / SPLITS / f"{split}.txt").is_file()), found[0])


def _names_in(listed: PictureList, folder: Path, split: str) -> list[str]:
    first_line: dict[str, int] = {}
    for number, name in listed.lines:
        if name in first_line:
            raise DataError(listed_twice(folder, split, number, name, first_line[name]))
        first_line[name] = number
    return list(first_line)


def listed_twice(folder: Path, split: str, line: int, name: str, first: int) -> str:
    """The sentence about a name that a split file repeats."""
    return f"split {folder / split}.txt, line {line}: {name} stands in line {first} too; list it once"


def files_by_stem(folder: Path, endings: tuple[str, ...]) -> dict[str, Path]:
    """Files by the name that a list calls them, endings in any case; where two share a name, the ending that stands first wins."""
    rank = {ending: place for place, ending in enumerate(endings)}
    files = [(rank.get(os.path.splitext(file)[1].lower()), name, file) for name, file in named_files(folder)]
    known = [(place, name, file) for place, name, file in files if place is not None]
    return {name: Path(file) for _, name, file in sorted(known, key=lambda each: -each[0])}
