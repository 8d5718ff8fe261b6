"""Supervisely's project: meta.json with the classes, and of each data set ann/NAME.jpg.json beside img/NAME.jpg.

Source: files written by the SDK supervisely 6.74.51, and how it draws them: objects in their order, the later on top, polygons by
OpenCV's rule with corners cut to whole numbers, holes cleared with their rims. Data sets may lie in one another (`datasets/`).
"""

import base64
import binascii
import io
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from minifcn.data.errors import DataError
from minifcn.data.formats import finding
from minifcn.data.formats.coco.painting import overlap_note, put
from minifcn.data.formats.finding import PICTURES
from minifcn.data.formats.picture_index import checked_size, split_of
from minifcn.data.formats.shapes import polygons
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source, class_or_void, usual_split

META, ANNOTATIONS, IMAGES = "meta.json", "ann", "img"
BACKGROUNDS = ("__bg__", "bg")  # what the SDK calls it when it turns a project into one of masks
DOWNLOAD = "download the project again"
AREAS = ("bitmap", "polygon", "multipolygon", "rectangle")


def recognise(source: Path) -> str | None:
    if meta_of(source) is None:
        return None
    folders = [folder for folder in annotation_folders(source) if any(folder.glob("*.json"))]
    if not folders:
        return None
    return f"{META}, with annotations in {folders[0].relative_to(source).as_posix()}/, is there"


def annotation_folders(source: Path) -> list[Path]:
    """`ann` folders of the data sets; a data set alone has one itself."""
    if not source.is_dir():
        return []
    return [path for path in sorted(source.glob(f"**/{ANNOTATIONS}")) if path.is_dir()]


def meta_of(source: Path) -> Path | None:
    """The project's list of classes; of a data set that was given alone it lies one folder above."""
    return next((path for path in (source / META, source.parent / META) if path.is_file()), None)


def read_json(path: Path) -> dict[str, object]:
    content = finding.read_json(path, DOWNLOAD)
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds no JSON object, as Supervisely's files do")
    return content


def read(source: Path, options: Options) -> Source:
    meta = meta_of(source)
    if meta is None:
        raise DataError(f"{source}: {META} with the project's classes is not there; download the project with it")
    listed = read_json(meta).get("classes")
    if not (
        isinstance(listed, list)
        and all(isinstance(each, dict) and isinstance(each.get("title"), str) for each in listed)
    ):
        raise DataError(f"{meta}: has no list 'classes' of objects with a 'title'")
    numbers = {each["title"]: place for place, each in enumerate(listed, 1)}
    counts: Counter[str] = Counter()
    items, bare = [], []
    overlaps: dict[str, int] = {}
    for folder in annotation_folders(source):
        pictures = pictures_in(folder.parent / IMAGES)
        for path in sorted(folder.glob("*.json")):
            objects, size, tagged = objects_of(path, numbers, counts)
            picture = pictures.pop(path.stem, None) or take_by_stem(pictures, path.stem)
            name = "/".join(
                (*dataset_of(folder.parent, source), Path(path.stem).stem if picture else without_ending(path.stem))
            )
            split = next((found for part in dataset_of(folder.parent, source) if (found := split_of(part))), None)
            items.append(Item(name, picture, split or tagged, partial(labels_of, path, objects, size, overlaps)))
        bare += [path.name for path in pictures.values()]
    meaning: dict[int, str | None] = {0: BACKGROUND}
    meaning.update(
        (number, BACKGROUND if title in BACKGROUNDS else class_or_void(title)) for title, number in numbers.items()
    )
    boxes = counts.pop("rectangle", 0)
    notes = [f"{count} objects of geometry {kind} are no areas, left out" for kind, count in counts.items()]
    if boxes:
        notes.append(
            f"{boxes} objects are boxes and filled whole, as Supervisely draws them, whatever shape lies in them"
        )
    left_out = {"pictures without annotations": bare} if bare else {}
    return Source(
        shortened(items), meaning, False, left_out, notes, later=partial(overlap_note, overlaps, "the later object")
    )


def pictures_in(folder: Path) -> dict[str, Path]:
    """Pictures by the name that their annotation file has before .json: as a rule with the ending."""
    paths = [
        path for path in sorted(folder.glob("*")) if path.suffix.lower() in PICTURES and not path.name.startswith(".")
    ]
    return {path.name: path for path in paths}


def take_by_stem(pictures: dict[str, Path], stem: str) -> Path | None:
    """Of an older project, whose annotation files lack the picture's ending: the one picture of that stem, taken out."""
    found = [name for name, path in pictures.items() if path.stem == stem]
    return pictures.pop(found[0]) if len(found) == 1 else None


def without_ending(name: str) -> str:
    return Path(name).stem if Path(name).suffix.lower() in PICTURES else name


def dataset_of(folder: Path, source: Path) -> tuple[str, ...]:
    """The names of the data sets that a folder lies in."""
    return tuple(part for part in folder.relative_to(source).parts if part != "datasets")


def shortened(items: list[Item]) -> list[Item]:
    """Names without the data set, where that leaves them different."""
    short = [item.name.rpartition("/")[2] for item in items]
    if len(set(short)) < len(short):
        return items
    return [replace(item, name=name) for item, name in zip(items, short, strict=True)]


def objects_of(
    path: Path, numbers: Mapping[str, int], counts: Counter[str]
) -> tuple[list[tuple[int, dict[str, object]]], tuple[int, int], str | None]:
    """The number and the object of each area in an annotation file, in order, the picture's height and width, and the split of its tags."""
    content = read_json(path)
    size, objects = content.get("size"), content.get("objects")
    if not (isinstance(size, dict) and all(isinstance(size.get(key), int) for key in ("height", "width"))):
        raise DataError(f"{path}: has no 'size' of 'height' and 'width'")
    if not (isinstance(objects, list) and all(isinstance(each, dict) for each in objects)):
        raise DataError(f"{path}: has no list 'objects'")
    found = []
    for each in objects:
        kind = each.get("geometryType") or each.get("shape") or ("bitmap" if each.get("bitmap") else "polygon")
        if kind not in AREAS:
            counts[str(kind)] += 1
            continue
        title = each.get("classTitle")
        if not isinstance(title, str) or title not in numbers:
            raise DataError(f"{path}: an object is of class {title!r}, which {META} does not list")
        if kind == "rectangle":
            counts[kind] += 1
        found.append((numbers[title], {**each, "geometryType": kind}))
    return found, checked_size(size["height"], size["width"], str(path)), split_in(content.get("tags"), path)


def split_in(tags: object, path: Path) -> str | None:
    """The split that a picture's tags name: Supervisely's training apps tag pictures train and val. DataError for two splits."""
    names = (
        [each["name"] for each in tags if isinstance(each, dict) and isinstance(each.get("name"), str)]
        if isinstance(tags, list)
        else []
    )
    splits = list(dict.fromkeys(usual for name in names if (usual := usual_split(name)) in ("train", "val", "test")))
    if len(splits) > 1:
        raise DataError(f"{path}: its tags say {' and '.join(splits)}; take one of them off the picture")
    return splits[0] if splits else None


def labels_of(
    path: Path, objects: list[tuple[int, dict[str, object]]], size: tuple[int, int], overlaps: dict[str, int]
) -> np.ndarray:
    """int32 (H, W): the objects in their order, the later on top."""
    labels = np.zeros(size, np.int32)
    taken = 0
    for place, (number, each) in enumerate(objects):
        try:
            patches = patches_of(each, *size)
        except (DataError, KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            reason = (
                str(error)
                if isinstance(error, DataError)
                else f"not as the SDK writes it ({type(error).__name__}: {error})"
            )
            raise DataError(f"{path}: object {place} ({each['geometryType']}): {reason}") from error
        for top, left, mask in patches:
            view = labels[top : top + mask.shape[0], left : left + mask.shape[1]]
            taken += put(view, mask, number, 0)
    overlaps[str(path)] = taken
    return labels


def patches_of(each: Mapping[str, object], height: int, width: int) -> list[polygons.Patch]:
    kind = each["geometryType"]
    if kind == "bitmap":
        bitmap = each["bitmap"]
        left, top = (int(value) for value in bitmap["origin"])  # type: ignore[index]
        return [polygons.cut(top, left, bits(bitmap["data"]), height, width)]  # type: ignore[index]
    if kind == "multipolygon":
        return [ring_with_holes(part, height, width) for part in each["parts"]]  # type: ignore[attr-defined]
    points = each["points"]
    if kind == "rectangle":
        (x0, y0), (x1, y1) = whole(points["exterior"], height, width, 2)  # type: ignore[index]
        return [polygons.corners([x0, y0, x1, y0, x1, y1, x0, y1], height, width)]
    return [ring_with_holes(points, height, width)]  # type: ignore[arg-type]


def ring_with_holes(points: Mapping[str, list[list[float]]], height: int, width: int) -> polygons.Patch:
    """The outer ring, less the inner ones and their rims."""
    top, left, mask = polygons.corners(whole(points["exterior"], height, width), height, width)
    for ring in points.get("interior") or []:
        above, before, hole = polygons.corners(whole(ring, height, width), height, width)
        skip_rows, skip_columns = max(0, top - above), max(0, left - before)
        hole = hole[skip_rows:, skip_columns:]
        view = mask[above + skip_rows - top :, before + skip_columns - left :][: hole.shape[0], : hole.shape[1]]
        view[hole[: view.shape[0], : view.shape[1]]] = False
    return top, left, mask


def whole(ring: object, height: int, width: int, least: int = 3) -> np.ndarray:
    """Corners as the SDK takes them: cut to whole numbers. DataError for what is no ring of this picture."""
    corners = np.asarray(ring, float)
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < least or not np.isfinite(corners).all():
        raise DataError(f"expected {least} corners x, y or more")
    if (abs(corners) > 10 * max(height, width)).any():
        raise DataError(f"its corners lie far outside a picture of {height}x{width} (height x width)")
    return np.trunc(corners).astype(np.int64)


def bits(text: object) -> np.ndarray:
    """A bitmap, bool (h, w): a PNG, packed and in base64, of which what is not transparent counts; grey counts where it is not 0."""
    try:
        packed = base64.b64decode(str(text), validate=True)
        with Image.open(io.BytesIO(zlib.decompress(packed))) as image:
            if image.mode in ("RGBA", "LA", "PA") or (image.mode == "P" and "transparency" in image.info):
                return np.asarray(image.convert("RGBA"))[..., 3] > 0
            if image.mode in ("L", "1"):
                return np.asarray(image) > 0
            raise DataError(
                f"its bitmap is an image of mode {image.mode}; expected transparency or grey, which say what is inside"
            )
    except (OSError, zlib.error, binascii.Error, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"its bitmap is no packed PNG in base64 ({error})") from error


FORMAT = Format("supervisely", "Supervisely's project: JSON with bitmaps and polygons", recognise, read)
