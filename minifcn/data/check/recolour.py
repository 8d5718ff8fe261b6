"""Label files written anew as class numbers: those of colours, and those drawn on pixels that a tag turns. The originals are kept."""

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from minifcn.data.check.coloured import UNSAID, Choice, reading_of
from minifcn.data.errors import DataError
from minifcn.data.images import opened
from minifcn.data.labels import NUMBERED, VOID, colour_map, read_labels, write_labels
from minifcn.data.pixels.turned import upright
from minifcn.files import write_whole

# beside SegmentationClass and not in it: no reader takes the originals for labels
BACKUP = "SegmentationClass_colours"
UNTURNED = "SegmentationClass_unturned"


def palette_numbers(image: Image.Image, used: Iterable[int], known: int) -> dict[int, int]:
    """Where a palette gives the numbers `used` the VOC colours of other classes: number → that class; else empty.

    So it is after a drawing program has sorted the palette anew. A palette with any colour of its own says nothing.
    """
    palette = np.reshape(image.getpalette("RGB") or [], (-1, 3)).tolist()
    other = {}
    for value in used:
        said = _number_of(tuple(palette[value]), known) if value < len(palette) else None
        if said is None:
            return {}
        if said != value:
            other[value] = said
    return other


@cache
def _palette() -> dict[tuple[int, ...], int]:
    return {tuple(colour): number for number, colour in enumerate(colour_map().tolist())}


def _number_of(colour: tuple[int, ...], known: int) -> int | None:
    """The class, or void, that a colour of three means exactly; None for no such class."""
    number = _palette().get(colour)
    return number if number is not None and (number < known or number == VOID) else None


def convert_colours(path: str | os.PathLike[str], known: int, choice: Choice = UNSAID) -> Path:
    """Turn the label file `path` from colours, or equal channels, into a palette PNG of class numbers; returns where the original lies now.

    That is in the folder SegmentationClass_colours beside the file's own. Nothing is changed, and DataError raised, where the file
    holds no colours, or colours of no class (`choice` says what soft edges and greys are), or where another file lies in the place of
    the original. OSError where nothing can be written.
    """
    path = Path(path)
    content = path.read_bytes()
    found = opened(path, "labels")
    reading = reading_of(found, path, known, choice)
    if not reading.fixable or reading.labels is None:
        if reading.kind in ("greys", "soft edges", "other colours"):
            raise DataError(f"labels {path}: not converted, for {reading.clause.partition('; ')[2]}")
        numbers = found.image.mode in NUMBERED or found.image.mode.startswith("I")
        why = " is of class numbers already" if numbers else " holds no colours"
        raise DataError(f"labels {path}: mode {found.image.mode}{why}; there is nothing to convert")
    return replaced(path, content, reading.labels, BACKUP, "converted")


def turn_labels(path: str | os.PathLike[str], orientation: int) -> Path:
    """Turn a label file of numbers as EXIF's `orientation`, that of its picture, says; returns where the original lies now.

    That is in the folder SegmentationClass_unturned beside the file's own. DataError where an original lies there already: a file
    is turned once. OSError where nothing can be written.
    """
    path = Path(path)
    if (there := backup_of(path, UNTURNED)).exists():
        raise DataError(
            f"labels {path}: not turned, for it was turned before: {there} is its original; take that away to turn it again"
        )
    return replaced(path, path.read_bytes(), upright(read_labels(path), orientation), UNTURNED, "turned")


def backup_of(path: Path, folder: str) -> Path:
    return path.parent.with_name(folder) / path.name


def replaced(path: Path, content: bytes, labels: np.ndarray, folder: str, done: str) -> Path:
    """Write `labels` as a PNG in place of the file `path`, whose `content` goes to `folder` first; returns where it lies then.

    It is safe on disk before the label file is replaced, in one step. A file with another ending than .png is taken away.
    """
    backup, result = backup_of(path, folder), path.with_suffix(".png")
    for there, what in ((backup, content), (result, content)):
        if there != path and there.exists() and there.read_bytes() != what:
            raise DataError(
                f"labels {path}: not {done}, for {there} is there already and is another file; move it away"
            )
    backup.parent.mkdir(exist_ok=True)
    write_whole(backup, content, durable=True)
    write_labels(result, labels)
    if result != path:
        path.unlink()
    return backup
