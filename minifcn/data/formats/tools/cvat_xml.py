"""CVAT's own XML, "CVAT for images 1.1": polygons, boxes, and brush masks as run lengths row by row within their box.

Source: CVAT's page "XML annotation format" and files written by Datumaro 1.13.12 and cvat-sdk 2.80.0 (`masks.py`). CVAT's mask
export fills polygons and boxes by COCO's rule, in the order of z_order; so does this. Datumaro writes a file a split, without `subset`.
"""

from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.formats.coco.painting import overlap_note, put
from minifcn.data.formats.finding import told_apart
from minifcn.data.formats.picture_index import PictureIndex, checked_size, plain_name, split_of
from minifcn.data.formats.shapes import polygons, runlengths
from minifcn.data.formats.shapes.extent import WITHIN, all_outside, place_of, places_said
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source, class_or_void

NAME = "annotations.xml"
AREAS = ("polygon", "box", "mask")
Shape = tuple[int, ElementTree.Element]


def recognise(source: Path) -> str | None:
    files = xml_files(source)
    return f"{files[0].name}, with <annotations> of CVAT, is there" if files else None


def xml_files(source: Path) -> list[Path]:
    """CVAT's XML files in a folder, annotations.xml first, or the file itself: a task's, or, as Datumaro writes them, one a split."""
    if source.is_file():
        return [source] if source.suffix.lower() == ".xml" and is_cvats(source) else []
    found = sorted(source.glob("*.xml"), key=lambda path: (path.name != NAME, path)) if source.is_dir() else []
    if not any(map(is_cvats, found[:2])):  # one a picture, as VOC has them
        return []
    return [path for path in found if is_cvats(path)]


def is_cvats(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        head = file.read(4096)
    return "<annotations>" in head and "<meta>" in head


def read(source: Path, options: Options) -> Source:
    files = xml_files(source) or [source]
    index = PictureIndex(
        *([options.pictures] if options.pictures and options.pictures.is_dir() else []), files[0].parent
    )
    gathered = Gathered(index, len(files) > 1)
    for path in files:
        gathered.add(path)
    return gathered.source(files[0] if len(files) == 1 else source)


class Gathered:
    """What the files come to: items, and what has to be said."""

    def __init__(self, index: PictureIndex, several: bool) -> None:
        self.index, self.several = index, several
        self.numbers: dict[str, int] = {}
        self.counts: Counter[str] = Counter()
        self.places: Counter[str] = Counter()
        self.overlaps: dict[str, int] = {}
        self.items: list[Item] = []
        self.bare: list[str] = []
        self.taken: dict[Path, Path] = {}  # picture → the file that lists it

    def add(self, path: Path) -> None:
        tree = root_of(path)
        names = [each.text or "" for each in tree.iterfind("meta//labels/label/name")]
        if not names or tree.find("image") is None:
            raise DataError(f"{path}: has no labels in its <meta> or no <image>; CVAT's XML has both")
        for name in names:
            self.numbers.setdefault(name, len(self.numbers) + 1)
        numbers = {name: self.numbers[name] for name in names}
        for image in tree.iterfind("image"):
            named = image.get("name") or ""
            size, which = size_of(image, path), f"{path}: {named}"
            shapes = shapes_of(image, numbers, self.counts, which)
            if not shapes:
                self.bare.append(named)
                continue
            self.places.update(place_in(shape, size) for _, shape in shapes)
            subset = image.get("subset")
            split = (split_of(subset) or subset) if subset and subset != "default" else None
            if split is None and self.several:
                split = split_of(path.stem)
            picture = self.index.find(named, path.parent, split)
            if picture is not None and self.taken.setdefault(picture, path) != path:
                raise DataError(
                    f"the picture {picture} is listed in {self.taken[picture].name} and in {path.name}; where two XML files describe the same "
                    "pictures, give the one that counts as SOURCE"
                )
            labels = partial(labels_of, shapes, size, which, self.overlaps)
            self.items.append(Item(plain_name(named), picture, split, labels))

    def source(self, path: Path) -> Source:
        if not self.items:
            raise DataError(f"{path}: no picture has a polygon, a mask or a box")
        if outside := all_outside(self.places):
            raise DataError(f"{path}: {outside}")
        meaning: dict[int, str | None] = {0: BACKGROUND}
        meaning.update((number, class_or_void(name)) for name, number in self.numbers.items())
        boxes = self.counts.pop("box", 0)
        notes = [
            f"{count} shapes of kind {kind} are left out; CVAT's mask export has them"
            for kind, count in self.counts.items()
        ]
        if boxes:
            notes.append(f"{boxes} shapes are boxes and filled whole, as in CVAT's mask export, whatever lies in them")
        notes += places_said(self.places)
        left_out = {"frames without a shape": self.bare} if self.bare else {}
        later = partial(overlap_note, self.overlaps, "the shape of the higher z_order")
        return Source(told_apart(self.items), meaning, False, left_out, notes, later=later)


def root_of(path: Path) -> ElementTree.Element:
    """<annotations> of a file. DataError for one that cannot be read, or is of a film's tracks."""
    try:
        tree = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError, LookupError, ValueError) as error:  # of encodings too
        raise DataError(f"{path}: cannot be read as XML ({error}); export it again") from error
    if tree.find("track") is not None and tree.find("image") is None:
        raise DataError(
            f'{path}: this is "CVAT for video", of tracks; export it as "CVAT for images 1.1" or as "Segmentation mask 1.1"'
        )
    return tree


def size_of(image: ElementTree.Element, path: Path) -> tuple[int, int]:
    which = f"{path}: the image {image.get('name')}"
    return checked_size(number_in(image, "height", which), number_in(image, "width", which), which)


def number_in(element: ElementTree.Element, name: str, which: str, default: str = "") -> int:
    """A whole number in an attribute. Raises DataError."""
    text = element.get(name) or default
    try:
        return int(text)
    except ValueError as error:
        raise DataError(f"{which}: {name!r} is {text!r}; expected a whole number") from error


def shapes_of(image: ElementTree.Element, numbers: dict[str, int], counts: Counter[str], which: str) -> list[Shape]:
    """The areas of a picture, the topmost last: by z_order, then as they stand."""
    found = []
    for shape in image:
        turned = (shape.get("rotation") or "0").strip("0.") != ""
        if shape.tag not in AREAS or turned:
            if shape.tag != "tag":  # that is about the whole picture
                counts["turned " * turned + shape.tag] += 1
            continue
        counts["box"] += shape.tag == "box"
        label = shape.get("label")
        if label not in numbers:
            raise DataError(f"{which}: a {shape.tag} has the label {label!r}, which <meta> does not list")
        found.append((numbers[label], shape))
    return sorted(found, key=lambda each: number_in(each[1], "z_order", which, "0"))


def labels_of(shapes: Iterable[Shape], size: tuple[int, int], which: str, overlaps: dict[str, int]) -> np.ndarray:
    """int32 (H, W)."""
    height, width = size
    columns = np.zeros((width, height), np.int32)
    taken = 0
    for number, shape in shapes:
        try:
            view, inside = mask_in(columns, shape) if shape.tag == "mask" else ring_in(columns, shape)
        except (DataError, KeyError, ValueError) as error:
            reason = str(error) if isinstance(error, DataError) else f"an attribute is missing or no number ({error})"
            raise DataError(f"{which}: a {shape.tag} of {shape.get('label')}: {reason}") from error
        taken += put(view, inside, number, 0)
    overlaps[which] = taken
    return columns.T


def ring_in(columns: np.ndarray, shape: ElementTree.Element) -> tuple[np.ndarray, np.ndarray]:
    width, height = columns.shape
    ring = ring_of(shape)
    if len(ring) < 6 or len(ring) % 2 or not np.isfinite(ring).all() or max(map(abs, ring)) > 10 * max(height, width):
        raise DataError(f"its corners are no ring of a picture of {height}x{width} (height x width)")
    return runlengths.inside(columns, polygons.edges(ring, height, width))


def ring_of(shape: ElementTree.Element) -> list[float]:
    """The corners of a polygon or a box: x, y, x, y, … Raises KeyError or ValueError where they are none."""
    if shape.tag == "box":
        left, top, right, bottom = (float(shape.attrib[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
        return [left, top, right, top, right, bottom, left, bottom]
    return [float(number) for point in shape.attrib["points"].split(";") for number in point.split(",")]


def place_in(shape: ElementTree.Element, size: tuple[int, int]) -> str:
    """Where a shape lies in its picture; of one that is none it is said where it is drawn."""
    try:
        ring = ring_of(shape) if shape.tag != "mask" else []
        return place_of(ring, *size) if len(ring) % 2 == 0 else WITHIN
    except (KeyError, ValueError):
        return WITHIN


def mask_in(columns: np.ndarray, shape: ElementTree.Element) -> tuple[np.ndarray, np.ndarray]:
    """A brush mask: its run lengths go along the rows of its box."""
    left, top, width, height = (int(shape.attrib[key]) for key in ("left", "top", "width", "height"))
    if (
        left < 0
        or top < 0
        or width < 1
        or height < 1
        or left + width > columns.shape[0]
        or top + height > columns.shape[1]
    ):
        raise DataError(f"its box of {height}x{width} at row {top}, column {left} does not lie in the picture")
    counts = [int(count) for count in shape.attrib["rle"].split(",")]
    rows = np.zeros((height, width), bool)
    view, inside = runlengths.inside(rows, runlengths.switches(counts, height, width))
    view[inside] = True
    return columns[left : left + width, top : top + height], rows.T


FORMAT = Format("cvat-xml", 'CVAT\'s XML, "CVAT for images 1.1"', recognise, read)
