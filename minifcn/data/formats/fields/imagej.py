"""ROIs of ImageJ and Fiji (and of Cellpose): NAME.roi, NAME_RoiSet.zip or NAME_rois.zip beside the picture, or within its TIFF.

Source: files written by roifile 2026.2.10, and its reading of ImageJ's RoiDecoder. Corners are edges of pixels, so a square from 5 to 10 has 25
pixels; several outlines of one ROI are filled even-odd. A ROI has a free name and perhaps a group, but no class: the group is taken
where any ROI has one, else the name without the number behind it. Names that ImageJ gives by itself (0012-0345) are one class.
"""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minifcn.data.errors import DataError
from minifcn.data.extras import extra
from minifcn.data.formats.fields.cellpose import OTHERS
from minifcn.data.formats.fields.filling import inside_ellipse, inside_rings
from minifcn.data.formats.finding import PICTURES, by_name, core
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source

WORDS = ("roiset", "rois", "roi")
UNNAMED = "object"
# by the place, by a number, or by a random one: names that nobody chose
GIVEN = re.compile(r"[Ff]?\d+([-_]\d+)*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
NUMBER = re.compile(r"[-_ #]*\d+$")
TAG, KINDS = 50839, (b"roi ", b" ior", b"over", b"revo")  # ImageJ's own data in a TIFF, in either order of bytes
TIFF, CELLPOSE = (".tif", ".tiff"), "_rois.zip"
LOOKED = (".roi", ".zip", *TIFF)
LOOK = 20  # TIFF files that are opened to see whether they carry ROIs
AREAS = ("POLYGON", "FREEHAND", "TRACED", "RECT", "OVAL")
TEXTS = ("TEXT", "IMAGE")


def recognise(source: Path) -> str | None:
    if not source.is_dir():
        return None
    files = sorted(path for depth in ("*", "*/*") for path in source.glob(depth) if path.suffix.lower() in LOOKED)
    for path in files:
        if path.suffix.lower() == ".roi" or (path.suffix.lower() == ".zip" and holds_rois(path)):
            return f"{path.name}, ROIs of ImageJ, is there"
    tiffs = [path for path in files if path.suffix.lower() in TIFF][:LOOK]
    within = next((path for path in tiffs if has_rois(path)), None)
    return f"{within.name} with ROIs in it is there" if within else None


def holds_rois(path: Path) -> bool:
    """Whether a zip begins with a ROI: the first file's name stands in its head."""
    with path.open("rb") as file:
        head = file.read(300)
    return head.startswith(b"PK\3\4") and head[30 : 30 + int.from_bytes(head[26:28], "little")].lower().endswith(
        b".roi"
    )


def has_rois(path: Path) -> bool:
    """Whether a TIFF carries ROIs or an overlay of ImageJ."""
    try:
        with Image.open(path) as image:
            found = image.tag_v2.get(TAG, b"")  # type: ignore[attr-defined]
            return any(kind in bytes(found[:200]) for kind in KINDS)
    except Exception:  # no picture, or one of a kind that Pillow does not know
        return False


def read(source: Path, options: Options) -> Source:
    extra("roifile", "roifile", "ROIs of ImageJ")
    pictures, twins = pictures_in(source)
    files = roi_files(source, pictures)
    if not files:
        raise DataError(f"{source}: no ROIs have the name of a picture: NAME_RoiSet.zip or NAME.roi beside NAME.tif")
    rois, others = {}, []
    for name, path in files.items():
        rois[name] = [roi for roi in rois_in(path) if is_area(roi)]
        others += [f"{name}: {roi.name}" for roi in rois_in(path) if not is_area(roi)]
    everything = [roi for each in rois.values() for roi in each]
    if not everything:
        raise DataError(
            f"{source}: none of {len(others)} ROIs is an area of a picture's first slice ({', '.join(others[:3])}); of a stack save the slices "
            "that have ROIs as pictures, each with its own"
        )
    grouped = any(roi.group for roi in everything)
    classes = [BACKGROUND, *sorted({class_of(roi, grouped) for roi in everything} - {BACKGROUND})]
    items = [
        Item(name, pictures[name], None, partial(labels_of, pictures[name], each, grouped, classes))
        for name, each in rois.items()
    ]
    left_out = {
        "pictures without ROIs": sorted(set(pictures) - set(files)),
        "ROIs that are no areas of the first slice": others,
        "files of ROIs without a picture": strays(source, files),
        "pictures that are there as TIFF too": twins,
    }
    notes = [
        "the class of a ROI is its group" if grouped else f"the class of a ROI is its name without the number behind it, {UNNAMED} where ImageJ named it",
        "where ROIs overlap the later one counts",
    ]  # fmt: skip
    if any(path.name.endswith(CELLPOSE) for path in files.values()):
        notes.append(
            f"Cellpose draws the outlines in NAME{CELLPOSE} through pixels, so cells are a row and a column smaller than in its masks"
        )
    if deep := [name for name in files if pages(pictures[name]) > 1]:
        notes.append(
            f"{len(deep)} pictures have several slices or channels ({', '.join(deep[:3])}): the first is taken"
        )
    meaning: dict[int, str | None] = dict(enumerate(classes))
    return Source(items, meaning, left_out={why: names for why, names in left_out.items() if names}, notes=notes)


def pictures_in(source: Path) -> tuple[dict[str, Path], list[str]]:
    """Pictures by name, of two files of one name the TIFF, and the others of these. What Cellpose made of a picture is none."""
    tiffs, rest = by_name(source, TIFF), by_name(source, tuple(ending for ending in PICTURES if ending not in TIFF))
    found = {name: path for name, path in sorted((rest | tiffs).items()) if not name.endswith(OTHERS)}
    return found, [path.name for name, path in rest.items() if name in found and name in tiffs]


def roi_files(source: Path, pictures: dict[str, Path]) -> dict[str, Path]:
    """The file with the ROIs of each picture: one of its name, the only one beside the only picture, or the picture itself."""
    there = {core(name, WORDS): path for name, path in zips(source).items()}
    lasts = {name.split("/")[-1]: path for name, path in there.items()}
    found = {name: path for name in pictures if (path := there.get(name) or lasts.get(name.split("/")[-1])) is not None}
    if not found and len(pictures) == len(there) == 1:
        found = {next(iter(pictures)): next(iter(there.values()))}
    within = {name: path for name, path in pictures.items() if name not in found and has_rois(path)}
    return found | within


def zips(source: Path) -> dict[str, Path]:
    files = by_name(source, (".zip", ".roi"))
    return {name: path for name, path in files.items() if path.suffix.lower() == ".roi" or holds_rois(path)}


def strays(source: Path, files: dict[str, Path]) -> list[str]:
    used = set(files.values())
    return [name for name, path in zips(source).items() if path not in used]


def rois_in(path: Path) -> list[Any]:
    library = extra("roifile", "roifile", "ROIs of ImageJ")
    try:
        found = library.roiread(path)
    except Exception as error:  # roifile raises whatever its parser hits
        raise DataError(f"{path}: the ROIs cannot be read ({error}); save them again in ImageJ") from error
    return found if isinstance(found, list) else [found]


def is_area(roi: Any) -> bool:
    """Whether a ROI covers pixels of the first slice: lines, points and texts do not."""
    later = max(roi.position, roi.c_position, roi.z_position, roi.t_position) > 1
    return (roi.roitype.name in AREAS or roi.composite) and roi.subtype.name not in TEXTS and not later


def class_of(roi: Any, grouped: bool) -> str:
    if grouped:
        return f"group {roi.group}"
    name = roi.name.strip()
    return UNNAMED if not name or GIVEN.fullmatch(name) else NUMBER.sub("", name) or UNNAMED


def labels_of(picture: Path, rois: Sequence[Any], grouped: bool, classes: list[str]) -> np.ndarray:
    """The number of the class of the last ROI that covers a pixel, 0 for none, int32 (H, W)."""
    try:
        with Image.open(picture) as image:
            width, height = image.size
    except Exception as error:
        raise DataError(f"picture {picture}: cannot be read ({error}); replace the file, or take it out") from error
    labels = np.zeros((height, width), np.int32)
    for roi in rois:
        labels[covered(roi, height, width)] = classes.index(class_of(roi, grouped))
    return labels


def covered(roi: Any, height: int, width: int) -> np.ndarray:
    """The pixels whose middle lies in the ROI, bool (H, W)."""
    if roi.roitype.name in ("RECT", "OVAL") and not roi.composite:
        box = (roi.left, roi.top, roi.right, roi.bottom)
        if roi.subpixelrect:
            box = (roi.xd, roi.yd, roi.xd + roi.widthd, roi.yd + roi.heightd)
        left, top, right, bottom = box
        if roi.roitype.name == "OVAL":
            return inside_ellipse(left, top, right, bottom, height, width)
        return inside_rings([np.array([(left, top), (right, top), (right, bottom), (left, bottom)])], height, width)
    return inside_rings(roi.coordinates(multi=True), height, width)


def pages(path: Path) -> int:
    try:
        with Image.open(path) as image:
            return int(getattr(image, "n_frames", 1))
    except Exception:  # said where the picture is read
        return 1


FORMAT = Format("imagej", "ROIs of ImageJ, Fiji or Cellpose beside their pictures", recognise, read)
