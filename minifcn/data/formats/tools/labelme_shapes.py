"""The shapes of labelme's files and the pixels that they cover.

Source: labelme 6.3.1 and 7.9.1, `shape_to_mask` and `shapes_to_label`; X-AnyLabeling 4.2.1, whose files are read as labelme's. Pixels are those that Pillow draws: rims count, and a polygon's
corners are the centres of pixels.
"""

import base64
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from minifcn.data.errors import DataError
from minifcn.data.formats.shapes.extent import is_number

LINE, POINT = 10, 5  # width of a line and radius of a point, in pixels, where labelme makes labels
FAR = 1 << 24  # a coordinate beyond which Pillow's drawing is not exact
# "rotation" and "quadrilateral" are X-AnyLabeling's
EXACTLY = {
    "rectangle": 2,
    "circle": 2,
    "line": 2,
    "point": 1,
    "oriented_rectangle": 4,
    "mask": 2,
    "rotation": 4,
    "quadrilateral": 4,
}
KINDS = ("polygon", "linestrip", *EXACTLY)


def checked(path: Path, place: int, shape: Any) -> dict[str, Any]:
    """A shape as it stands, if it can be drawn. DataError for one that labelme would not draw either."""
    where = f"{path}, shape {place}"
    if not isinstance(shape, dict) or not isinstance(shape.get("label"), str) or not shape["label"].strip():
        raise DataError(f"{where}: it has no label")
    kind, points = shape.get("shape_type") or "polygon", shape.get("points")
    where += f" ({kind}, {shape['label']!r})"
    if kind not in KINDS:
        raise DataError(f"{where}: of a kind that is unknown here; known are {', '.join(KINDS)}")
    if not isinstance(points, list) or not all(is_point(point) for point in points):
        raise DataError(f"{where}: its points are no list of [x, y]")
    if far := next((point for point in points if not all(abs(each) < FAR for each in point)), None):
        raise DataError(f"{where}: its point {far} lies far outside any picture; correct it in labelme")
    if kind == "rectangle" and len(points) == 4:  # X-AnyLabeling gives all four corners
        kind = "quadrilateral"
    if kind in EXACTLY and len(points) != EXACTLY[kind]:
        raise DataError(f"{where}: it has {len(points)} points, {EXACTLY[kind]} are expected")
    if kind == "mask" and not isinstance(shape.get("mask"), str):
        raise DataError(f"{where}: it has no mask")
    return {"label": shape["label"], "kind": kind, "points": points, "mask": shape.get("mask"), "where": where}


def is_point(point: Any) -> bool:
    return isinstance(point, list) and len(point) == 2 and all(map(is_number, point))


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
