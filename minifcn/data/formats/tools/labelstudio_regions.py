"""The regions of one Label Studio annotation as masks: brushes, bitmasks, polygons, and the brush files of its PNG and NumPy exports."""

import base64
import binascii
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import files_below
from minifcn.data.formats.masks import read_numbers
from minifcn.data.formats.picture_index import checked_size
from minifcn.data.formats.shapes import polygons, runlengths

BRUSH_FILE = re.compile(
    r"^task-(?P<task>[^-]+)-annotation-(?P<annotation>[^-]+)-by-(?P<who>[^-]*)-(?P<rest>.+)-(?P<count>\d+)$"
)
LABELS = ("brushlabels", "bitmasklabels", "polygonlabels", "labels")  # with these a region is an area
OTHERS = {"rectanglelabels": "boxes", "ellipselabels": "ellipses", "keypointlabels": "points", "vectorlabels": "lines"}

Reader = Callable[[int, int], np.ndarray]  # of a height and a width


class Region(NamedTuple):
    """Its label, how it is read, bool (H, W), and the size of the picture, if it says so."""

    label: str
    mask: Reader
    size: tuple[int, int] | None


def region_of(result: Mapping[str, object], counts: Counter[str], which: str) -> Region | None:
    """A result of an annotation as a region. None for what is no area, which `counts` then tells. Raises DataError."""
    value = result.get("value") or result  # the short JSON keeps it flat
    if not isinstance(value, Mapping):
        raise DataError(f"{which}: its value is {type(value).__name__}")
    labels = next((value[key] for key in LABELS if value.get(key)), None)
    reader = reader_of(value, which)
    if reader is None or labels is None:
        kind = next((word for key, word in OTHERS.items() if key in value), None)
        if kind or reader is not None:
            counts[kind or "regions without a label"] += 1
        return None
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise DataError(f"{which}: its labels are {labels!r}; expected a list of names")
    counts["regions with several labels, of which the first is taken"] += len(labels) > 1
    height, width = (result.get(key) or value.get(key) for key in ("original_height", "original_width"))
    size = None if height is None or width is None else checked_size(height, width, which)
    return Region(labels[0], reader, size)


def reader_of(value: Mapping[str, object], which: str) -> Reader | None:
    if "rle" in value:
        return partial(said, which, partial(runlengths.brush, value["rle"]))  # type: ignore[arg-type]
    if "imageDataURL" in value:
        return partial(said, which, partial(bitmask, str(value["imageDataURL"])))
    if "points" in value and "vectorlabels" not in value:
        return partial(said, which, partial(polygon, value["points"]))
    return None


def said(which: str, reader: Reader, height: int, width: int) -> np.ndarray:
    """A mask, or the message with the region that it is about."""
    try:
        return reader(height, width)
    except DataError as error:
        raise DataError(f"{which}: {error}") from error


def polygon(points: object, height: int, width: int) -> np.ndarray:
    """Corners in hundredths of the picture, by COCO's rule, as Label Studio's own COCO export is meant."""
    try:
        corners = np.asarray(points, float).reshape(-1, 2) / 100 * (width, height)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError("the points of the polygon are no list of x, y") from error
    if not (np.isfinite(corners).all() and (abs(corners) <= 10 * max(height, width)).all()):
        raise DataError("the points of the polygon lie far outside the picture; they are expected in hundredths of it")
    columns = np.zeros((width, height), bool)
    view, inside = runlengths.inside(columns, polygons.edges(corners, height, width))
    view[inside] = True
    return columns.T


def bitmask(address: str, height: int, width: int) -> np.ndarray:
    """A PNG within the JSON: what is not transparent is inside."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2], validate=True))) as image:
            if image.size != (width, height):
                raise DataError(
                    f"its bitmask is {image.height}x{image.width}, but its picture {height}x{width} (height x width)"
                )
            if image.mode not in ("RGBA", "LA", "PA") and "transparency" not in image.info:
                raise DataError(
                    f"its bitmask is an image of mode {image.mode} without transparency, which says what is inside"
                )
            return np.asarray(image.convert("RGBA"))[..., 3] > 0
    except (OSError, ValueError, binascii.Error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"its bitmask is no PNG in base64 ({error})") from error


def brush_file(path: Path, height: int, width: int) -> np.ndarray:
    """A file of the brush exports: not 0 is inside."""
    if path.suffix == ".npy":
        try:
            mask = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: cannot be read ({error})") from error
    else:
        mask = read_numbers(path)
    if mask.shape != (height, width):
        raise DataError(f"{path}: the brush is {mask.shape}, but its picture {(height, width)} (height, width)")
    return mask != 0


def brush_files(folder: Path) -> dict[tuple[str, str], list[Path]]:
    """The files of the brush exports below a folder, by the numbers of task and annotation, in order."""
    found: dict[tuple[str, str], list[Path]] = {}
    for path in files_below(folder):
        match = BRUSH_FILE.match(path.stem)
        if match and path.suffix in (".png", ".npy"):
            found.setdefault((match["task"], match["annotation"]), []).append(path)
    return found


def region_of_file(path: Path, controls: set[str]) -> Region:
    """The region in a brush file. Its name holds that of the control (tag), the labels and a count, with "-" between."""
    match = BRUSH_FILE.match(path.stem)
    assert match
    rest = match["rest"]
    control = next(
        (each for each in sorted(controls, key=len, reverse=True) if rest.startswith(f"{each}-")), rest.split("-")[0]
    )
    return Region(rest[len(control) + 1 :], partial(brush_file, path), None)
