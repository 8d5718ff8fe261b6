"""COCO's annotations of one picture as numbers: polygons, run lengths, in the order of the file, the later on top."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.formats.shapes import polygons, runlengths
from minifcn.data.formats.shapes.extent import is_number

SAMPLE = 50  # areas that are looked at to learn which pixels a polygon covers
FAR = 10  # a corner so many pictures away is no corner of this picture

Ring = list[float]
Segmentation = list[Ring] | dict[str, object]


class Shape(NamedTuple):
    """One annotation: its class's number, its outlines or run lengths, and which of the file it is, for messages."""

    number: int
    segmentation: Segmentation
    which: str


def outlines(segmentation: object, which: str) -> list[Ring]:
    """The rings of a polygon segmentation that have three corners and more. DataError for what is no list of numbers."""
    if not isinstance(segmentation, list):
        raise DataError(
            f"{which}: its segmentation is {type(segmentation).__name__}; expected lists of corners or run lengths"
        )
    nested = all(isinstance(each, list) for each in segmentation)
    rings = [checked(ring, which) for ring in (segmentation if nested else [segmentation])]
    return [ring for ring in rings if len(ring) >= 6]


def checked(ring: list[object], which: str) -> Ring:
    numbers = list(filter(is_number, ring))
    if len(numbers) < len(ring):
        raise DataError(f"{which}: its polygon holds something else than numbers; expected x, y, x, y, …")
    if len(numbers) % 2:
        raise DataError(f"{which}: its polygon has {len(numbers)} numbers; x and y come in pairs")
    return numbers


Part = tuple[np.ndarray, np.ndarray]  # a view of some pixels, and which of them are meant
Filler = Callable[[np.ndarray, Ring], Part]


def by_edges(columns: np.ndarray, ring: Ring) -> Part:
    width, height = columns.shape
    return runlengths.inside(columns, polygons.edges(ring, height, width))


def by_corners(columns: np.ndarray, ring: Ring) -> Part:
    width, height = columns.shape
    top, left, mask = polygons.corners(np.rint(ring), height, width)
    return columns[left : left + mask.shape[1], top : top + mask.shape[0]], mask.T


def traced(columns: np.ndarray, ring: Ring) -> Part:
    """An outline that was traced along pixels covers them; other polygons lie on the pixels' edges."""
    return (by_corners if is_traced(ring) else by_edges)(columns, ring)


def is_traced(ring: Ring) -> bool:
    """Whether a ring can be an outline as OpenCV traces it: whole numbers, every side level, upright or slanted by half a right angle.

    >>> is_traced([4, 3, 4, 7, 8, 7, 8, 3]), is_traced([0, 0, 5, 1, 5, 5])
    (True, False)
    """
    points = np.asarray(ring, float).reshape(-1, 2)
    across = abs(np.roll(points, -1, axis=0) - points)
    slanted = (across[:, 0] == 0) | (across[:, 1] == 0) | (across[:, 0] == across[:, 1])
    return bool((points == np.rint(points)).all() and slanted.all())


def drawn(shapes: Iterable[Shape], height: int, width: int, background: int, filler: Filler) -> tuple[np.ndarray, int]:
    """int32 (H, W), and how many pixels a later class took from an earlier one."""
    columns = np.full((width, height), background, np.int32)  # one column after the other, as the run lengths go
    taken = 0
    for shape in shapes:
        for view, which in parts_of(shape, columns, filler):
            taken += put(view, which, shape.number, background)
    return columns.T, taken


def put(view: np.ndarray, which: np.ndarray, number: int, background: int) -> int:
    """Give pixels a class, and say how many of them it took from another one."""
    before = view[which]
    view[which] = number
    return int(np.count_nonzero((before != background) & (before != number)))


def overlap_note(overlaps: Mapping[Any, int], which: str = "the annotation that stands later in the file") -> list[str]:
    """What is said of classes that overlap. `overlaps`: of each picture, how many pixels a class took from another one."""
    total, pictures = sum(overlaps.values()), sum(taken > 0 for taken in overlaps.values())
    return [f"classes overlap in {total:,} pixels of {pictures} pictures: {which} is on top"] if total else []


def parts_of(shape: Shape, columns: np.ndarray, filler: Filler) -> Iterator[Part]:
    width, height = columns.shape
    if isinstance(shape.segmentation, dict):
        yield runlengths.inside(columns, switches_of(shape.segmentation, height, width, shape.which))
    else:
        for ring in shape.segmentation:
            check_within(ring, height, width, shape.which)
            yield filler(columns, ring)


def switches_of(code: Mapping[str, object], height: int, width: int, which: str) -> np.ndarray:
    if code.get("size") != [height, width]:
        raise DataError(
            f"{which}: its run lengths are of a picture of {code.get('size')} (height, width), but it belongs to one of {height}x{width}"
        )
    try:
        return runlengths.switches(code.get("counts"), height, width)  # type: ignore[arg-type]
    except DataError as error:
        raise DataError(f"{which}: {error}") from error


def check_within(ring: Ring, height: int, width: int, which: str) -> None:
    if max(ring) > FAR * max(height, width) or min(ring) < -FAR * max(height, width):
        raise DataError(
            f"{which}: its corners reach from {min(ring):g} to {max(ring):g}, far outside a picture of {height}x{width} "
            "(height x width); are these corners of another picture, or in another unit?"
        )


def filler_for(info: Mapping[str, object], annotations: Iterable[Mapping[str, object]]) -> tuple[Filler, str | None]:
    """How this file's polygons are to be filled, and the sentence about it. Without a sign of another rule it is COCO's own.

    A square of 5 is 25 pixels by COCO's tool and 36 by those that trace masks with OpenCV: these corners are pixels. Label
    Studio's file says who wrote it; of others the areas tell, where corners are whole numbers and the areas were counted.
    """
    if info.get("contributor") == "Label Studio Converter":
        return traced, (
            "Label Studio traced the outlines of its brushes along the pixels: they are filled with their rim. Holes and lines one "
            "pixel wide are not in this export; its JSON export has them"
        )
    nearer = list(islice(filter(None, map(nearer_rule, annotations)), SAMPLE))
    votes = nearer.count("corners")
    if votes and votes >= 0.9 * len(nearer):
        return by_corners, (
            f"polygons are filled with their corners and rims, as {votes} of {len(nearer)} areas in the file say: its corners are pixels"
        )
    return by_edges, None


def nearer_rule(annotation: Mapping[str, object]) -> str | None:
    """Which rule comes nearer to the area that the file gives, "edges" or "corners"; None where it cannot tell."""
    area, rings = annotation.get("area"), annotation.get("segmentation")
    if not (is_whole(area) and isinstance(rings, list) and len(rings) == 1):
        return None
    ring = rings[0]
    if not (isinstance(ring, list) and len(ring) >= 6 and len(ring) % 2 == 0):
        return None
    if not all(is_whole(each) and 0 <= each < 1e4 for each in ring):
        return None
    height, width = int(max(ring[1::2])) + 1, int(max(ring[0::2])) + 1
    sizes = {}
    for name, filler in (("edges", by_edges), ("corners", by_corners)):
        _, which = filler(np.zeros((width, height), np.uint8), ring)
        sizes[name] = abs(int(which.sum()) - area)
    return None if sizes["edges"] == sizes["corners"] else min(sizes, key=lambda name: sizes[name])


def is_whole(value: object) -> TypeGuard[float]:
    return is_number(value) and value == int(value)
