"""labelme's own files: a JSON a picture, with shapes that are filled one after the other, later ones over earlier ones.

Source: labelme 6.3.1 and 7.9.1. What shapes cover is in `labelme_shapes`. `_background_` is number 0 and `__ignore__`
-1, the others come in the order of labels.txt, where that is, else by name. The picture lies at imagePath, seen from the JSON, or in
imageData; its labels lie as the picture is shown. group_id tells instances apart and no classes.
"""

import base64
import binascii
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, files_below, read_json
from minifcn.data.formats.lists import LISTS, Meaning, read_list
from minifcn.data.formats.shapes.extent import all_outside, place_of, places_said
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source, class_or_void, tidy
from minifcn.data.formats.tools.labelme_shapes import checked, fill
from minifcn.data.formats.turning import picture_size
from minifcn.data.voc import in_threads

IGNORED = -1


def recognise(source: Path) -> str | None:
    files = [source] if source.is_file() and source.suffix.lower() == ".json" else json_files(source)
    found = next((path for path in files[:3] if may_be_labelme(path)), None)
    return f"{found.name} with shapes and imagePath is there" if found else None


def json_files(source: Path) -> list[Path]:
    """The JSON files below a folder; hidden ones are not anybody's."""
    found = [path for path in files_below(source) if path.suffix == ".json"] if source.is_dir() else []
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(source).parts)]


def may_be_labelme(path: Path) -> bool:
    """Whether a file has labelme's words: without parsing, as files of other tools may be large."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return b'"shapes"' in content and b'"imagePath"' in content


def load(path: Path) -> dict[str, Any] | None:
    """A labelme file; None where it is sound JSON of another kind. DataError where it is not."""
    said = read_json(path, "replace the file, or take it out")
    ours = isinstance(said, dict) and isinstance(said.get("shapes"), list) and "imagePath" in said
    return said if ours else None


def read(source: Path, options: Options) -> Source:
    root = source.parent if source.is_file() else source
    everything = [source] if source.is_file() else json_files(source)
    found = {path: each for path, each in zip(everything, in_threads(head, everything), strict=True) if each}
    if not found:
        raise DataError(f"{source}: no file of labelme's: a JSON with a list of shapes and imagePath is expected")
    used = sorted({shape["label"] for each in found.values() for shape in each.shapes})
    place, meaning = class_list(root, used)
    numbers = {name: number for number, name in meaning.items() if name is not None}
    check_pixels(source, found)
    items = []
    for path, each in found.items():
        for shape in each.shapes:
            name = class_or_void(shape["label"])
            if name is not None and name not in numbers:
                raise DataError(
                    f"{path}: the label {shape['label']!r} is not in {place}; add it there, or correct it in labelme"
                )
        name = path.relative_to(root).with_suffix("").as_posix()
        items.append(Item(name, each.picture, None, partial(draw, path, each, numbers), each.inside))
    check_pictures(found)
    places = Counter(
        place_of(shape["points"], *size_of(path, each)) for path, each in found.items() for shape in each.shapes
    )
    if outside := all_outside(places):
        raise DataError(f"{source}: {outside}")
    said = [*notes(used, items, found, place), *places_said(places)]
    return Source(items, meaning, False, left_out(root, everything, items, found), said)


def check_pictures(found: Mapping[Path, "File"]) -> None:
    """Raise DataError where two files say that they belong to one picture, and one of them lies beside another: renamed, or copied."""
    first: dict[Path, Path] = {}
    for path, each in found.items():
        if each.picture is None:
            continue
        other = first.setdefault(each.picture.resolve(), path)
        for one in (path, other) if other != path else ():
            beside = next((place for ending in PICTURES if (place := one.with_suffix(ending)).is_file()), None)
            if beside and beside.resolve() != each.picture.resolve():
                raise DataError(
                    f"{one}: its imagePath says {each.picture.name}, as {other if one == path else path} does, and {beside.name} lies beside it: "
                    "were the files renamed or copied? Correct imagePath, or take one of them out"
                )


def check_pixels(source: Path, found: Mapping[Path, "File"]) -> None:
    """Raise DataError where all points are shares of the picture, as some converters write them."""
    points = [xy for each in found.values() for shape in each.shapes for point in shape["points"] for xy in point]
    if points and max(points) <= 1:
        raise DataError(
            f"{source}: all points lie between 0 and 1: they are shares of the picture, and labelme's are pixels"
        )


@dataclass(frozen=True)
class File:
    """A file of labelme's: the picture's file or where it lies within, shapes, height and width, if corners of a linestrip are round.

    `named`: what imagePath calls the picture.
    """

    picture: Path | None
    inside: Callable[[], bytes] | None
    shapes: list[dict[str, Any]]
    size: tuple[Any, Any]
    round: bool
    named: str


def head(path: Path) -> File | None:
    """All of a file but the picture in it, which is read when it is wanted; None where it is not labelme's."""
    said = load(path)
    if said is None:
        return None
    shapes = [checked(path, place, shape) for place, shape in enumerate(said["shapes"], 1)]
    within = bool(said.get("imageData"))
    picture = picture_of(path, str(said.get("imagePath") or ""), within)
    version = str(said.get("version") or "").partition(".")[0]
    return File(
        picture,
        partial(inside, path) if within and picture is None else None,
        shapes,
        (said.get("imageHeight"), said.get("imageWidth")),
        version.isdecimal() and int(version) >= 7,
        PureWindowsPath(str(said.get("imagePath") or "")).name,
    )


def picture_of(path: Path, said: str, within: bool) -> Path | None:
    """The picture's file: at imagePath, of whatever system; where it is not there and not in the JSON, beside it by its name."""
    parts = PureWindowsPath(said)
    places = [path.parent / parts.as_posix()] if said else []
    if not within:
        places += [path.parent / parts.name] if said else []
        places += [path.with_suffix(ending) for ending in PICTURES]
    return next((place for place in places if place.is_file()), None)


def inside(path: Path) -> bytes:
    """The picture's file that lies in a JSON."""
    try:
        return base64.b64decode((load(path) or {})["imageData"])
    except (binascii.Error, KeyError, TypeError) as error:
        raise DataError(f"{path}: its imageData is no picture ({error})") from error


def class_list(root: Path, used: list[str]) -> tuple[Path | None, Meaning]:
    """The list in the folder, or above it if it has all labels in use; else the labels in use by name, background first."""
    for folder in (root, root.parent):
        for place in (folder / name for name in LISTS):
            if place.is_file():
                meaning, coloured = read_list(place)
                known = {*meaning.values(), BACKGROUND, None}
                if not coloured and (folder == root or all(class_or_void(label) in known for label in used)):
                    return place, with_background(meaning)
    names = [name for label in used if (name := class_or_void(label)) not in (None, BACKGROUND)]
    return None, {IGNORED: None, 0: BACKGROUND} | dict(enumerate(dict.fromkeys(names), 1))


def with_background(meaning: Meaning) -> Meaning:
    """A list of names with background as 0, what nobody drew on: it is moved up by one where it lacks it."""
    if BACKGROUND in meaning.values():
        return {IGNORED: None, **meaning}
    first = 1 - min((number for number, name in meaning.items() if name is not None), default=0)
    return {IGNORED: None, 0: BACKGROUND} | {
        number + first: name for number, name in meaning.items() if name is not None
    }


def draw(path: Path, file: File, numbers: Mapping[str, int]) -> np.ndarray:
    """The labels of a file, int32 (H, W)."""
    labels = np.full(size_of(path, file), numbers[BACKGROUND], np.int32)
    for shape in file.shapes:
        name = class_or_void(shape["label"])
        fill(labels, shape, IGNORED if name is None else numbers[name], file.round)
    return labels


def size_of(path: Path, file: File) -> tuple[int, int]:
    """Height and width of the picture as it is shown."""
    height, width = file.size
    if height is not None and width is not None:
        if not all(isinstance(side, int) and 0 < side < 1 << 16 for side in (height, width)):
            raise DataError(f"{path}: imageHeight {height!r} and imageWidth {width!r} are no size of a picture")
        return height, width
    if file.picture is None and file.inside is None:
        raise DataError(f"{path}: neither imageHeight and imageWidth nor a picture say how large the labels are")
    stored, orientation = picture_size(file.picture, file.inside, path.stem)
    return stored[::-1] if orientation >= 5 else stored


def by_ending(root: Path) -> list[Path]:
    """The pictures below a folder; hidden ones are not anybody's."""
    found = [path for path in files_below(root) if path.suffix.lower() in PICTURES]
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts)]


def left_out(root: Path, everything: list[Path], items: list[Item], found: Mapping[Path, File]) -> dict[str, list[str]]:
    """Pictures that nobody labelled, and JSON files of other kinds."""
    taken = {item.picture.resolve() for item in items if item.picture}
    names = {path.with_suffix("") for path in found}
    pictures = by_ending(root)
    without = [path for path in pictures if path.resolve() not in taken and path.with_suffix("") not in names]
    said = {
        "pictures without labels": [path.relative_to(root).as_posix() for path in without],
        "JSON files that are not labelme's": [
            path.relative_to(root).as_posix() for path in everything if path not in found
        ],
    }
    return {why: names for why, names in said.items() if names}


def notes(used: list[str], items: list[Item], found: Mapping[Path, File], place: Path | None) -> list[str]:
    """What a person should know of the files."""
    said = [
        f"the classes are those of {place}"
        if place
        else "no labels.txt is there: the classes stand in the order of their names"
    ]
    alike: dict[str, list[str]] = {}
    for label in used:
        alike.setdefault(tidy(label).lower(), []).append(tidy(label))
    for labels in map(sorted, map(set, alike.values())):
        if len(labels) > 1:
            some = ", ".join(map(repr, labels))
            said.append(f"the labels {some} differ in case alone and become classes of their own")
    empty = [item.name for item, file in zip(items, found.values(), strict=True) if not file.shapes]
    if empty:
        more = ", …" if len(empty) > 3 else ""
        said.append(f"{len(empty)} files have no shape and become background alone: {', '.join(empty[:3])}{more}")
    shapes = [shape for file in found.values() for shape in file.shapes]
    thin = [shape["where"] for shape in shapes if shape["kind"] == "polygon" and len(shape["points"]) < 3]
    if thin:
        said.append(f"{len(thin)} polygons of fewer than three points cover nothing: {thin[0]}")
    others = [
        f"{path.name} names {file.named or 'none'}, {file.picture.name} is taken"
        for path, file in found.items()
        if file.picture and file.picture.name != file.named
    ]
    if others:
        said.append(
            f"{len(others)} files name a picture that is not there; that of their own name is taken: {others[0]}"
        )
    return said


FORMAT = Format("labelme", "labelme's JSON files, and X-AnyLabeling's", recognise, read)
