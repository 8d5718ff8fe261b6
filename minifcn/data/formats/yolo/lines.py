"""A label file of YOLO's: a line an object, its class and then what is known of where it lies, in shares of the picture.

A class and four numbers are a box. A class and x, y of three corners and more are an outline. One number behind either is a
confidence or the number of a track, as Ultralytics writes them with its predictions. labelme2yolo writes a point as a class and x, y.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.meaning.texts import text_of

BOX = (4, 5)  # numbers of a box behind its class, without and with a confidence
POINT = 2
FEW = 5  # lines that are needed to tell points from corners
NEAR = 0.01  # how far from its box, in shares, a point may lie
SPREAD = 0.5  # of a box's width or height: so far from one another its points lie, as a rule
SHARES = (-1.0, 2.0)  # between these a number may be a share of the picture


class Outline(NamedTuple):
    """The class of an object, its corners x, y, x, y, … in shares of the picture, and its line."""

    number: int
    corners: np.ndarray
    line: int


class Labels(NamedTuple):
    """What a file holds: outlines, how many boxes, and how many points."""

    path: Path
    outlines: list[Outline]
    boxes: int
    points: int


def read_labels(path: Path) -> Labels:
    """A label file. DataError with the line that is none; an empty file holds nothing."""
    outlines: list[Outline] = []
    boxes = points = 0
    for line, text in enumerate(text_of(path, "labels", "replace the file, or take it out").splitlines(), 1):
        words = text.split()
        if not words:
            continue
        number, values = class_of(path, line, words[0]), numbers_of(path, line, words[1:])
        if len(values) in BOX:
            boxes += 1
        elif len(values) == POINT:
            points += 1
        elif len(values) < BOX[0]:
            raise DataError(
                f"{path}, line {line}: {len(words)} numbers; an outline is a class and x, y of three corners and more"
            )
        else:
            outlines.append(Outline(number, values, line))
    return Labels(path, outlines, boxes, points)


def class_of(path: Path, line: int, word: str) -> int:
    """The class, which some programs write as 0.0."""
    value = number(word)
    if value is None or value < 0 or value != int(value):
        raise DataError(f"{path}, line {line}: {word!r} is no class; a whole number from 0 is expected")
    return int(value)


def numbers_of(path: Path, line: int, words: list[str]) -> np.ndarray:
    values = [number(word) for word in words]
    if None in values:
        raise DataError(f"{path}, line {line}: {words[values.index(None)]!r} is no number")
    return np.array(values, float)


def number(word: str) -> float | None:
    """A finite number, or None."""
    try:
        value = float(word)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def looks_like_labels(path: Path, fewest: int) -> bool:
    """Whether the first line of a file is a class and numbers, `fewest` in all."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            words = next((line.split() for line in file if line.strip()), [])
    except (OSError, UnicodeDecodeError):
        return False
    values = [number(word) for word in words]
    return len(values) >= fewest and None not in values and (values[0] or 0) >= 0 and (values[0] or 0) % 1 == 0


def like_poses(everything: list[Labels]) -> bool:
    """Whether each line rather is a box and points within it, all of them as many: x and y of each, or x, y and 0, 1 or 2 for seen."""
    lines = [outline.corners for labels in everything for outline in labels.outlines]
    if len({len(numbers) for numbers in lines}) != 1:
        return False
    numbers = np.stack(lines)
    boxes, rest = numbers[:, :4], numbers[:, 4:]
    seen_too, alone = rest.shape[1] % 3 == 0, rest.shape[1] % 2 == 0 and rest.shape[1] > 2 and len(lines) >= FEW
    if seen_too and np.isin(rest[:, 2::3], (0, 1, 2)).all():
        points = rest.reshape(len(lines), -1, 3)
        return fill_boxes(points[..., :2], points[..., 2] > 0, boxes)
    if not alone:
        return False
    points = rest.reshape(len(lines), -1, 2)
    return fill_boxes(points, np.ones(points.shape[:2], bool), boxes)


def fill_boxes(points: np.ndarray, seen: np.ndarray, boxes: np.ndarray) -> bool:
    """Whether boxes, x, y, width and height, lie in their pictures, and points, (box, point, x or y), within them and over most of them.

    Corners of small objects below and to the right read as large boxes with a few points at their middles.
    """
    middle, size = boxes[:, None, :2], boxes[:, None, 2:]
    if (middle - size / 2 < -NEAR).any() or (middle + size / 2 > 1 + NEAR).any():
        return False
    points = np.where(seen[..., None], points, middle)
    within = (abs(points - middle) <= size / 2 + NEAR).all()
    spread = np.ptp(points, axis=1) / np.maximum(boxes[:, 2:], NEAR)
    return bool(within and (points.shape[1] == 1 or np.median(spread.max(axis=1)) > SPREAD))


def without_extra(everything: list[Labels]) -> tuple[list[Labels], list[str]]:
    """The labels without a number behind their corners, where every outline has one, and a note on it. Raises DataError."""
    odd = [(each.path, outline) for each in everything for outline in each.outlines if len(outline.corners) % 2]
    if odd and len(odd) < sum(len(each.outlines) for each in everything):
        path, outline = odd[0]
        raise DataError(
            f"{path}, line {outline.line}: {len(outline.corners)} numbers behind the class; x and y come in pairs. Is the last one a confidence, "
            "export without it"
        )
    said = []
    if odd:
        everything = [
            each._replace(outlines=[line._replace(corners=line.corners[:-1]) for line in each.outlines])
            for each in everything
        ]
        said.append(
            f"each of the {len(odd)} outlines has a number behind its corners, a confidence or a track: it is left out"
        )
    for each in everything:
        for outline in each.outlines:
            check_shares(each.path, outline)
    return everything, said


def check_shares(path: Path, outline: Outline) -> None:
    """Raise DataError where corners are no shares of the picture."""
    low, high = outline.corners.min(), outline.corners.max()
    if low < SHARES[0] or high > SHARES[1]:
        raise DataError(
            f"{path}, line {outline.line}: its numbers reach from {low:g} to {high:g}, but YOLO's corners are shares of the picture, from 0 to 1. "
            "Are they pixels, divide x by the width and y by the height; are they key points, or tracks, export the outlines alone"
        )
