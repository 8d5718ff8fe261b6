"""YOLO segmentation as Ultralytics has it: images/ and labels/, or both below each split, with a data.yaml that names the classes.

Source: Ultralytics 8.4.190 (`verify_image_label`, `polygons2masks_overlap`, `PolygonSemanticDataset`), and files written by its
converters, supervision 0.31.2, Datumaro 1.13.12, labelme2yolo 0.4.0 and Label Studio's SDK 2.1.2. The background has no number there:
Ultralytics gives it the one behind the last class. Where objects overlap the smaller is on top, whichever stands first. An object in
several parts is one outline, with bridges of no width; a hole is there by such a bridge, or not at all.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.formats.coco.instances import overlap_note
from minifcn.data.formats.finding import apart
from minifcn.data.formats.picture_index import shown_size
from minifcn.data.formats.shapes.extent import all_outside, place_of, places_said
from minifcn.data.formats.source import BACKGROUND, VOID_NAME, Format, Item, Options, Source, class_or_void
from minifcn.data.formats.yolo.drawing import DRAWN, EITHER, TRACED, Picture, drawn, kind_of, rectangular, rims_of
from minifcn.data.formats.yolo.files import (
    Found,
    classes_of,
    find,
    name_of,
    root_of,
    sample,
    settings_of,
    split_by_folders,
    splits_of,
)
from minifcn.data.formats.yolo.lines import Labels, like_poses, read_labels, without_extra
from minifcn.data.formats.yolo.settings import Setting
from minifcn.data.voc import in_threads

WITH_BOXES = "pictures with boxes, within which nobody said which pixels are the object's"
NO_PICTURE = "label files without a picture"
NOT_THERE = "lines of lists without a picture"


def recognise(source: Path) -> str | None:
    root = root_of(source)
    found = sample(root) if root.is_dir() else None
    return f"{found.relative_to(root).as_posix()}, a text file of classes and numbers, is there" if found else None


def read(source: Path, options: Options) -> Source:
    root = root_of(source)
    if not root.is_dir():
        raise DataError(f"{source}: there is no such folder, nor a data.yaml of this name")
    found = find(root, options.pictures)
    texts = [text for _, text in found.pairs if text]
    if not texts:
        raise DataError(f"{source}: no label files; text files in labels/, or beside their pictures, are expected")
    everything = in_threads(read_labels, texts)
    check_outlines(source, everything)
    path, settings = settings_of(source)
    check_poses(source, everything, settings)
    everything, extra = without_extra(everything)
    labels = dict(zip(texts, everything, strict=True))
    named, names = classes_of(source, path, settings)
    check_classes(labels.values(), named, names)
    used = {outline.number for each in labels.values() for outline in each.outlines}
    background = max([*names, *used]) + 1
    taken, left_out = chosen(source, found, labels)
    pictures = in_threads(partial(picture_of, labels), taken)
    seen = look_at(pictures)
    if outside := all_outside(seen):
        raise DataError(f"{source}: {outside}")
    rims = rims_of(seen.elements())
    splits, said_of_splits, lost = splits_of(root, path, settings, [picture for picture, _ in taken])
    overlaps: dict[Path, int] = {}
    items = [
        Item(
            name_of(near := picture if root in picture.parents else text or picture, root),
            picture,
            splits.get(picture) or split_by_folders(near, root),
            partial(labels_in, picture, each, background, rims, overlaps),
        )
        for (picture, text), each in zip(taken, pictures, strict=True)
    ]
    meaning: dict[int, str | None] = {background: BACKGROUND}
    meaning |= {number: class_or_void(names[number]) for number in sorted(names)}
    meaning |= {number: f"number {number}" for number in sorted(used - names.keys())}
    notes = [
        *notes_on_classes(named, names, background),
        *([extra] if extra else []),
        *notes_on_pictures(taken, labels),
        *said_of_splits,
        *notes_on_outlines(seen, rims),
    ]
    left_out = {why: left for why, left in (left_out | {NOT_THERE: lost}).items() if left}
    return Source(apart(items), meaning, False, left_out, notes, later=partial(said_later, overlaps))


def chosen(
    source: Path, found: Found, labels: Mapping[Path, Labels]
) -> tuple[list[tuple[Path, Path | None]], dict[str, list[str]]]:
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


def picture_of(labels: Mapping[Path, Labels], pair: tuple[Path, Path | None]) -> Picture:
    """A picture as it is shown: Ultralytics turns it by its EXIF tag before it looks at labels."""
    path, text = pair
    return Picture(*shown_size(path), labels[text].outlines if text else [])


def check_outlines(source: Path, everything: list[Labels]) -> None:
    """Raise DataError where there are boxes alone, or nothing."""
    boxes = sum(labels.boxes for labels in everything)
    if any(labels.outlines for labels in everything):
        return
    if boxes:
        raise DataError(
            f"{source}: the label files hold boxes alone ({boxes} lines of a class and four numbers), as YOLO has them for detection, and pixels "
            "cannot be learned from boxes. Export the segmentation"
        )
    raise DataError(
        f"{source}: none of the {len(everything)} label files holds an outline: there is nothing but background"
    )


def check_poses(source: Path, everything: list[Labels], settings: Mapping[str, Setting]) -> None:
    """Raise DataError where each line is as long as a box and the points that data.yaml tells of, or looks like these."""
    if like_poses(everything):
        raise DataError(
            f"{source}: each line holds as many numbers, and they read as a box and points within it, as YOLO has poses: pixels cannot be learned "
            "from these. Export the segmentation"
        )
    shape = settings.get("kpt_shape")
    if not (isinstance(shape, list) and len(shape) == 2 and all(each.isdecimal() for each in shape)):
        return
    numbers = {len(outline.corners) for labels in everything for outline in labels.outlines}
    if numbers == {4 + int(shape[0]) * int(shape[1])}:
        raise DataError(
            f"{source}: a set of poses (kpt_shape {', '.join(shape)}): a line is a box and {shape[0]} points, and pixels cannot be learned from "
            "these. Export the segmentation"
        )


def check_classes(everything: Iterable[Labels], named: Path | None, names: Mapping[int, str]) -> None:
    """Raise DataError for the first outline of a class that the list does not name."""
    for labels in everything:
        for outline in labels.outlines:
            if names and outline.number not in names:
                raise DataError(
                    f"{labels.path}, line {outline.line}: class {outline.number}, but {named} names {len(names)} classes, {min(names)} to {max(names)}; "
                    "add its name there, or correct the line"
                )


def look_at(pictures: list[Picture]) -> Counter[str]:
    """How the outlines came about, where they lie in their pictures, and how many of them are rectangles."""
    seen: Counter[str] = Counter()
    for picture in pictures:
        for outline in picture.outlines:
            ring = picture.ring(outline)
            seen.update((kind_of(ring), place_of(ring, picture.height, picture.width)))
            seen["rectangles"] += rectangular(ring)
    return seen


def labels_in(path: Path, picture: Picture, background: int, rims: set[str], overlaps: dict[Path, int]) -> np.ndarray:
    labels, overlaps[path] = drawn(picture, background, rims)
    return labels


def notes_on_classes(named: Path | None, names: Mapping[int, str], background: int) -> list[str]:
    said = [f"what no outline covers is called {background} here, the number behind the last class"]
    if not names:
        said.append(
            "no data.yaml and no classes.txt names the classes, so they are called by their numbers; "
            f"--values 0=NAME,1=NAME,…,{background}=background names them"
        )
    twice = sorted(name for name, count in Counter(names.values()).items() if count > 1 and name != VOID_NAME)
    if twice:
        said.append(f"{named} gives the name {twice[0]!r} to several classes: they become one")
    return said


def notes_on_pictures(taken: list[tuple[Path, Path | None]], labels: Mapping[Path, Labels]) -> list[str]:
    said = []
    if missing := sum(text is None for _, text in taken):
        said.append(
            f"{missing} of {len(taken)} pictures have no label file: all background, as Ultralytics takes them. Were they not labelled yet, take "
            "them out"
        )
    if empty := sum(text is not None and not labels[text].outlines for _, text in taken):
        said.append(f"{empty} label files hold no outline: all background")
    if points := sum(labels[text].points for _, text in taken if text):
        said.append(f"{points} lines are points, left out")
    return said


def notes_on_outlines(seen: Counter[str], rims: set[str]) -> list[str]:
    total = seen[DRAWN] + seen[TRACED] + seen[EITHER]
    said = []
    if covered := sum(seen[kind] for kind in rims):
        said.append(
            f"{covered} of {total} outlines were traced along the pixels of masks: they are filled with their rims"
        )
    if seen["rectangles"] == total:
        said.append(
            f"all {total} outlines are rectangles, of oriented boxes perhaps: they are filled whole, whatever lies in them"
        )
    return [*said, *places_said(seen)]


def said_later(overlaps: Mapping[Path, int]) -> list[str]:
    return overlap_note(
        sum(overlaps.values()),
        sum(taken > 0 for taken in overlaps.values()),
        "the smaller object, as Ultralytics has it,",
    )


FORMAT = Format("yolo", "YOLO segmentation, as Ultralytics has it", recognise, read)
