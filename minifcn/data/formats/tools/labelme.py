"""labelme's own files: a JSON a picture, with shapes that are filled one after the other, later ones over earlier ones.

Source: labelme 6.3.1 and 7.9.1, `shapes_to_label`. Pixels are those that Pillow draws: rims count. `_background_` is number 0 and `__ignore__`
-1, the others come in the order of labels.txt, where that is, else by name. The picture lies at imagePath, seen from the JSON, or in
imageData; its labels lie as the picture is shown. group_id tells instances apart and no classes.
"""

import base64
import binascii
import io
import json
import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES
from minifcn.data.formats.lists import LISTS, Meaning, read_list
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source, class_or_void
from minifcn.data.images import read_picture
from minifcn.data.voc import in_threads

IGNORED = -1
LINE, POINT = 10, 5  # width of a line and radius of a point, in pixels, where labelme makes labels
EXACTLY = {"rectangle": 2, "circle": 2, "line": 2, "point": 1, "oriented_rectangle": 4, "mask": 2}
KINDS = ("polygon", "linestrip", *EXACTLY)


def recognise(source: Path) -> str | None:
    files = [source] if source.is_file() and source.suffix.lower() == ".json" else json_files(source)
    return f"{files[0].name} with shapes and imagePath is there" if any(map(is_labelme, files[:3])) else None


def json_files(source: Path) -> list[Path]:
    """The JSON files below a folder; hidden ones are not anybody's."""
    found = sorted(source.rglob("*.json")) if source.is_dir() else []
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(source).parts)]


def is_labelme(path: Path) -> bool:
    try:
        said = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and isinstance(said.get("shapes"), list) and "imagePath" in said


def load(path: Path) -> dict[str, Any]:
    """A labelme file. DataError where it is none."""
    try:
        said = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(said, dict) or not isinstance(said.get("shapes"), list):
        raise DataError(f"{path}: no labelme file: an object with a list of shapes is expected")
    return said


def read(source: Path, options: Options) -> Source:
    root = source.parent if source.is_file() else source
    everything = [source] if source.is_file() else json_files(source)
    files = [path for path in everything if source.is_file() or is_labelme(path)]
    if not files:
        raise DataError(f"{source}: no JSON of labelme's is in it")
    heads = in_threads(partial(head, root), files)
    used = sorted({str(shape["label"]) for _, shapes, _ in heads for shape in shapes})
    place, meaning = class_list(root, used)
    numbers = {name: number for number, name in meaning.items() if name is not None}
    items = []
    for path, (picture, shapes, said) in zip(files, heads, strict=True):
        for shape in shapes:
            name = class_or_void(shape["label"])
            if name is not None and name not in numbers:
                raise DataError(
                    f"{path}: the label {shape['label']!r} is not in {place}; add it there, or correct it in labelme"
                )
        name = path.relative_to(root).with_suffix("").as_posix()
        labels = partial(draw, path, shapes, said, numbers)
        items.append(
            Item(name, picture, None, labels, None if picture or not said["inside"] else partial(inside, path))
        )
    return Source(items, meaning, False, left_out(root, everything, files, items), notes(used, heads, items, place))


def head(root: Path, path: Path) -> tuple[Path | None, list[dict[str, Any]], dict[str, Any]]:
    """The picture's file, the shapes, and what else is needed to draw them. (The picture in the JSON is read when it is wanted.)"""
    said = load(path)
    shapes = [checked(path, place, shape) for place, shape in enumerate(said["shapes"], 1)]
    within = bool(said.get("imageData"))
    picture = picture_of(path, str(said.get("imagePath") or ""), within)
    version = str(said.get("version") or "").partition(".")[0]
    return picture, shapes, {
        "size": (said.get("imageHeight"), said.get("imageWidth")),
        "inside": within,
        "picture": picture,
        "round": version.isdecimal() and int(version) >= 7,  # whether corners of a linestrip are round
    }  # fmt: skip


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
        return base64.b64decode(load(path)["imageData"])
    except (binascii.Error, TypeError, ValueError) as error:
        raise DataError(f"{path}: its imageData is no picture ({error})") from error


def checked(path: Path, place: int, shape: Any) -> dict[str, Any]:
    """A shape as it stands, if it can be drawn. DataError for one that labelme would not draw either."""
    where = f"{path}, shape {place}"
    if not isinstance(shape, dict) or not isinstance(shape.get("label"), str):
        raise DataError(f"{where}: it has no label")
    kind, points = shape.get("shape_type") or "polygon", shape.get("points")
    where += f" ({kind}, {shape['label']!r})"
    if kind not in KINDS:
        raise DataError(f"{where}: of a kind that is unknown here; known are {', '.join(KINDS)}")
    if not isinstance(points, list) or not all(is_point(point) for point in points):
        raise DataError(f"{where}: its points are no list of [x, y]")
    if kind in EXACTLY and len(points) != EXACTLY[kind]:
        raise DataError(f"{where}: it has {len(points)} points, {EXACTLY[kind]} are expected")
    if kind == "mask" and not isinstance(shape.get("mask"), str):
        raise DataError(f"{where}: it has no mask")
    return {"label": shape["label"], "kind": kind, "points": points, "mask": shape.get("mask"), "where": where}


def is_point(point: Any) -> bool:
    return (
        isinstance(point, list)
        and len(point) == 2
        and all(isinstance(each, int | float) and math.isfinite(each) and abs(each) < 1 << 24 for each in point)
    )


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


def draw(path: Path, shapes: list[dict[str, Any]], said: Mapping[str, Any], numbers: Mapping[str, int]) -> np.ndarray:
    """The labels of a file, int32 (H, W)."""
    height, width = size_of(path, said)
    labels = np.full((height, width), numbers[BACKGROUND], np.int32)
    for shape in shapes:
        name = class_or_void(shape["label"])
        fill(labels, shape, IGNORED if name is None else numbers[name], said["round"])
    return labels


def size_of(path: Path, said: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width of the picture as it is shown."""
    height, width = said["size"]
    if height is None or width is None:
        if said["picture"] is None:
            raise DataError(f"{path}: neither imageHeight and imageWidth nor a picture say how large the labels are")
        return read_picture(said["picture"]).shape[:2]
    if not all(isinstance(side, int) and 0 < side < 1 << 16 for side in (height, width)):
        raise DataError(f"{path}: imageHeight {height!r} and imageWidth {width!r} are no size of a picture")
    return height, width


def fill(labels: np.ndarray, shape: Mapping[str, Any], number: int, round_corners: bool) -> None:
    """Give the pixels of a shape the class `number`."""
    if shape["kind"] == "mask":
        return fill_mask(labels, shape, number)
    canvas = Image.new("L", labels.shape[::-1])
    pen = ImageDraw.Draw(canvas)
    points = [(float(x), float(y)) for x, y in shape["points"]]
    match shape["kind"]:
        case "rectangle":
            (x0, y0), (x1, y1) = points
            pen.rectangle((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), fill=1, outline=1)
        case "circle":
            (x, y), rim = points
            radius = math.dist((x, y), rim)
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1, outline=1)
        case "point":
            ((x, y),) = points
            pen.ellipse((x - POINT, y - POINT, x + POINT, y + POINT), fill=1, outline=1)
        case "line" | "linestrip":
            pen.line(
                points, fill=1, width=LINE, joint="curve" if round_corners and shape["kind"] == "linestrip" else None
            )
        case _:
            if len(points) > 2:
                pen.polygon(points, fill=1, outline=1)
    labels[np.asarray(canvas).astype(bool)] = number


def fill_mask(labels: np.ndarray, shape: Mapping[str, Any], number: int) -> None:
    """Those pixels of a mask, a PNG in base64 whose first pixel lies on the first point, that are not 0."""
    try:
        mask = np.asarray(Image.open(io.BytesIO(base64.b64decode(shape["mask"])))).astype(bool)
    except Exception as error:  # Pillow raises whatever its parsers hit
        raise DataError(f"{shape['where']}: its mask is no PNG in base64 ({error})") from error
    (left, top), (right, bottom) = np.asarray(shape["points"], float)
    if mask.ndim != 2:
        raise DataError(f"{shape['where']}: its mask has {mask.ndim} axes, rows and columns are expected")
    x, y = round(left), round(top)
    height, width = mask.shape
    if all(float(each).is_integer() for each in (left, top, right, bottom)):  # whole corners cut the mask
        height, width = min(height, int(bottom) - y + 1), min(width, int(right) - x + 1)
    rows, columns = slice(max(y, 0), max(y + height, 0)), slice(max(x, 0), max(x + width, 0))
    part = labels[rows, columns]
    seen = mask[max(-y, 0) :, max(-x, 0) :][: part.shape[0], : part.shape[1]]
    part[seen] = number


def left_out(root: Path, everything: list[Path], files: list[Path], items: list[Item]) -> dict[str, list[str]]:
    """Pictures that nobody labelled, and JSON files of other kinds."""
    taken = {item.picture.resolve() for item in items if item.picture}
    names = {path.with_suffix("") for path in files}
    pictures = [path for path in sorted(root.rglob("*")) if path.suffix.lower() in PICTURES]
    found = {
        "pictures without labels": [
            path.relative_to(root).as_posix()
            for path in pictures
            if path.resolve() not in taken and path.with_suffix("") not in names
        ],
        "JSON files that are not labelme's": [
            path.relative_to(root).as_posix() for path in everything if path not in set(files)
        ],
    }
    return {why: names for why, names in found.items() if names}


def notes(used: list[str], heads: list[Any], items: list[Item], place: Path | None) -> list[str]:
    """What a person should know of the files."""
    said = [
        f"the classes are those of {place}"
        if place
        else "no labels.txt is there: the classes stand in the order of their names"
    ]
    alike: dict[str, list[str]] = {}
    for label in used:
        alike.setdefault(label.strip().lower(), []).append(label)
    for labels in alike.values():
        if len(labels) > 1:
            said.append(
                f"the labels {', '.join(map(repr, labels))} differ in case or blanks alone and become classes of their own"
            )
    empty = [item.name for item, (_, shapes, _) in zip(items, heads, strict=True) if not shapes]
    if empty:
        said.append(
            f"{len(empty)} files have no shape and become background alone: {', '.join(empty[:3])}{', …' if len(empty) > 3 else ''}"
        )
    thin = [
        shape["where"]
        for _, shapes, _ in heads
        for shape in shapes
        if shape["kind"] == "polygon" and len(shape["points"]) < 3
    ]
    if thin:
        said.append(f"{len(thin)} polygons of fewer than three points cover nothing: {thin[0]}")
    return said


FORMAT = Format("labelme", "labelme's JSON files", recognise, read)
