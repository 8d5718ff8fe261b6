"""YOLO segmentation as Ultralytics has it: images/ and labels/, or both below each split, with a data.yaml that names the classes.

Source: Ultralytics 8.4.190 (`verify_image_label`, `polygons2masks_overlap`, `PolygonSemanticDataset`), and files written by its
converters, supervision 0.31.2, Datumaro 1.13.12, labelme2yolo 0.4.0 and Label Studio's SDK 2.1.2. The background has no number there:
Ultralytics gives it the one behind the last class. Where objects overlap the smaller is on top, whichever stands first. An object in
several parts is one outline, with bridges of no width; a hole is there by such a bridge, or not at all.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.formats.coco.painting import overlap_note
from minifcn.data.formats.finding import told_apart
from minifcn.data.formats.picture_index import shown_size
from minifcn.data.formats.shapes.extent import all_outside
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source, class_or_void
from minifcn.data.formats.yolo.checking import check_classes, check_outlines, check_poses
from minifcn.data.formats.yolo.drawing import Picture, drawn, look_at, rims_of
from minifcn.data.formats.yolo.files import (
    Found,
    classes_of,
    find,
    is_yaml,
    name_of,
    root_of,
    sample,
    settings_of,
    split_by_folders,
    splits_of,
)
from minifcn.data.formats.yolo.lines import Labels, read_labels, without_extra
from minifcn.data.formats.yolo.notes import notes_on_classes, notes_on_outlines, notes_on_pictures
from minifcn.data.formats.yolo.settings import Setting, paths_in, read_settings
from minifcn.data.voc import in_threads

WITH_BOXES = "pictures with boxes, within which nobody said which pixels are the object's"
NO_PICTURE = "label files without a picture"
NOT_THERE = "lines of lists without a picture"
LARGEST = np.iinfo(np.int32).max - 1  # number of a class: that of the background is one more

Pair = tuple[Path, Path | None]  # a picture and its label file


class Classes(NamedTuple):
    """The file that names the classes, their names by their numbers, and all numbers that outlines have."""

    named: Path | None
    names: dict[int, str]
    used: set[int]

    @property
    def background(self) -> int:
        return max(self.names.keys() | self.used) + 1

    def meaning(self) -> dict[int, str | None]:
        meaning: dict[int, str | None] = {self.background: BACKGROUND}
        meaning |= {number: class_or_void(self.names[number]) for number in sorted(self.names)}
        return meaning | {number: f"number {number}" for number in sorted(self.used - self.names.keys())}


def recognise(source: Path) -> str | None:
    root = root_of(source, sample)
    if found := sample(root) if root.is_dir() else None:
        return f"{found.relative_to(root).as_posix()}, a text file of classes and numbers, is there"
    if is_yaml(source) and (said := read_settings(source)).get("names") and paths_in(said):
        return f"{source.name}, which names classes and says where pictures are, is there"
    return None


def read(source: Path, options: Options) -> Source:
    root = root_of(source, sample)
    path, settings = settings_of(source) if source.exists() else (None, {})
    found = find_in(root, source, settings, options)
    labels, said_of_lines = labels_in(found, source, settings)
    classes = classes_in(labels.values(), root, path, settings)
    taken, left_out = chosen(source, found, labels)
    pictures = in_threads(partial(picture_of, labels), taken)
    seen = look_at(pictures)
    if outside := all_outside(seen):
        raise DataError(f"{source}: {outside}")
    rims = rims_of(seen.elements())
    splits, said_of_splits, lost = splits_of(root, path, settings, [picture for picture, _ in taken])
    overlaps: dict[Path, int] = {}
    items = [
        item_of(pair, root, splits, partial(draw, pair[0], each, classes.background, rims, overlaps))
        for pair, each in zip(taken, pictures, strict=True)
    ]
    notes = [
        *notes_on_classes(classes.named, classes.names, classes.background),
        *said_of_lines,
        *notes_on_pictures(taken, labels),
        *said_of_splits,
        *notes_on_outlines(seen, rims),
    ]
    left_out = {why: left for why, left in (left_out | {NOT_THERE: lost}).items() if left}
    later = partial(overlap_note, overlaps, "the smaller object, as Ultralytics has it,")
    return Source(told_apart(items), classes.meaning(), False, left_out, notes, later=later)


def find_in(root: Path, source: Path, settings: Mapping[str, Setting], options: Options) -> Found:
    """The files of the set. DataError where there are no labels."""
    if not root.is_dir():
        raise DataError(f"{source}: there is no such folder, nor a data.yaml of this name")
    found = find(root, options.pictures)
    if not any(text for _, text in found.pairs):
        apart = f". {source.name} says path: {settings['path']}, which is not there" if "path" in settings else ""
        raise DataError(
            f"{root}: no label files; text files in labels/, or beside their pictures, are expected"
            f"{apart if is_yaml(source) and root == source.parent else ''}"
        )
    return found


def labels_in(found: Found, source: Path, settings: Mapping[str, Setting]) -> tuple[dict[Path, Labels], list[str]]:
    """What stands in each label file, and what is said of it. DataError where it is nothing to learn pixels from."""
    texts = [text for _, text in found.pairs if text]
    everything = in_threads(read_labels, texts)
    check_outlines(source, everything)
    check_poses(source, everything, settings)
    everything, said = without_extra(everything)
    return dict(zip(texts, everything, strict=True)), said


def classes_in(everything: Iterable[Labels], root: Path, path: Path | None, settings: Mapping[str, Setting]) -> Classes:
    """The classes of a set. DataError where an outline is of one that nobody names, or a number is too large."""
    everything = list(everything)
    named, names = classes_of(root, path, settings)
    check_classes(everything, named, names)
    used = {outline.number for labels in everything for outline in labels.outlines}
    if (last := max(names.keys() | used)) > LARGEST:
        raise DataError(f"{named or root}: a class has the number {last}; {LARGEST} is the largest that is read")
    return Classes(named, names, used)


def chosen(source: Path, found: Found, labels: Mapping[Path, Labels]) -> tuple[list[Pair], dict[str, list[str]]]:
    """Pictures with their label files, and what is left out beside them. Raises DataError where nothing is left."""
    taken, bare, boxed = [], [], []
    for picture, text in found.pairs:
        if text and labels[text].boxes:
            boxed.append(text)
        elif picture:
            taken.append((picture, text))
        elif text:
            bare.append(text)
    if bare and not taken:
        raise DataError(
            f"{source}: {len(bare)} label files ({bare[0].name}, …) and no picture of theirs, and corners are shares of a picture's size; "
            "say where the pictures are with --pictures FOLDER"
        )
    if not any(text and labels[text].outlines for _, text in taken):
        raise DataError(
            f"{source}: {len(boxed)} label files hold boxes (lines of a class and four numbers), and no other holds an outline. Pixels cannot be learned "
            "from boxes: export the segmentation"
        )
    names = {
        why: [text.relative_to(found.root).as_posix() for text in texts]
        for why, texts in ((NO_PICTURE, bare), (WITH_BOXES, boxed))
    }
    return taken, found.left_out | names


def picture_of(labels: Mapping[Path, Labels], pair: Pair) -> Picture:
    """A picture as it is shown: Ultralytics turns it by its EXIF tag before it looks at labels."""
    path, text = pair
    return Picture(*shown_size(path), labels[text].outlines if text else [])


def item_of(pair: Pair, root: Path, splits: Mapping[Path, str], labels: Callable[[], np.ndarray]) -> Item:
    """A picture by its place in the set, or by that of its labels where it lies elsewhere."""
    picture, text = pair
    near = picture if root in picture.parents else text or picture
    return Item(name_of(near, root), picture, splits.get(picture) or split_by_folders(near, root), labels)


def draw(path: Path, picture: Picture, background: int, rims: set[str], overlaps: dict[Path, int]) -> np.ndarray:
    labels, overlaps[path] = drawn(picture, background, rims)
    return labels


FORMAT = Format("yolo", "YOLO segmentation, as Ultralytics has it", recognise, read)
