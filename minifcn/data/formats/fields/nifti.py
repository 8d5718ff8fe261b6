"""NIfTI volumes as slices: imagesTr/ and labelsTr/ (Decathlon, nnU-Net) or two folders of NAME.nii.gz, names from dataset.json.

Source: files of nibabel 5.4.2, and its reading: an array is (x, y, z). Each volume is turned so that x goes to the right of the body, y to its
front, z to its head, whatever way it was stored; a slice is a picture of x and y with the front above. Numbers may be stored with a
scale and come back as 0.988: they are rounded, never cut.
"""

import io
import json
import re
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

from minifcn.data.errors import DataError
from minifcn.data.extras import extra
from minifcn.data.formats.fields.bodies import split_note, split_of_bodies
from minifcn.data.formats.source import Format, Item, Options, Source, class_or_void

ENDINGS = (".nii.gz", ".nii")
FOLDERS = (("imagesTr", "labelsTr"), ("images", "labels"), ("images", "masks"), ("image", "label"))
FIRST_CHANNEL, CHANNEL = "_0000", re.compile(r"_\d{4}$")  # nnU-Net's files are NAME_0000, NAME_0001, …
NAMES, IGNORE = "dataset.json", "ignore"
DARK, BRIGHT = 0.5, 99.5  # percent of a volume's values that become black, and up to where they are below white
WHOLE = 0.1  # how far a scaled number may lie from a whole one
reading = Lock()  # a volume is decoded once, however many threads want its slices


def recognise(source: Path) -> str | None:
    places = folders(source)
    return f"{places[1].name}/ with NIfTI volumes is there" if places else None


def folders(source: Path) -> tuple[Path, Path] | None:
    """The folders of pictures and of labels."""
    places = [(source / pictures, source / labels) for pictures, labels in FOLDERS]
    return next((each for each in places if each[0].is_dir() and each[1].is_dir() and volumes(each[1])), None)


def volumes(folder: Path) -> dict[str, Path]:
    """Volumes in a folder by their name without ending. DataError where two have one name."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        ending = next((ending for ending in ENDINGS if path.name.lower().endswith(ending)), None)
        if ending and not path.name.startswith("."):
            name = path.name[: -len(ending)]
            if name in found:
                raise DataError(f"{found[name]} and {path.name} are both called {name}; take out one of them")
            found[name] = path
    return found


def read(source: Path, options: Options) -> Source:
    extra("nibabel", "nibabel", "NIfTI volumes")
    places = folders(source)
    if places is None:
        raise DataError(
            f"{source}: no imagesTr/ and labelsTr/ (or images/ and labels/) with volumes {' or '.join(ENDINGS)} are there"
        )
    pictures, labels = volumes(places[0]), volumes(places[1])
    meaning = names_in(source / NAMES)
    both = [name for name in labels if name in pictures or name + FIRST_CHANNEL in pictures]
    if not both:
        raise DataError(f"{source}: no volume in {places[1].name}/ has the name of one in {places[0].name}/")
    splits = split_of_bodies(both)
    items: list[Item] = []
    bare = 0
    for name in both:
        picture = pictures.get(name) or pictures[name + FIRST_CHANNEL]
        shape, wanted = numbers(labels[name]).shape, greys(picture).shape
        if shape != wanted:
            raise DataError(
                f"labels {labels[name]}: {shape} voxels, but the volume {picture.name} has {wanted}; both must have the same size"
            )
        shown = np.flatnonzero(numbers(labels[name]).any(axis=(0, 1))).tolist()
        bare += shape[2] - len(shown)
        items += [
            Item(
                f"{name}_z{z:03}", None, splits.get(name), partial(labels_of, labels[name], z), partial(png, picture, z)
            )
            for z in shown
        ]
    used = {name for each in both for name in (each, each + FIRST_CHANNEL)}
    left_out = {
        "volumes without labels": [
            name for name in pictures if name not in used and CHANNEL.sub("", name) not in labels
        ],
        "labels without a volume": [name for name in labels if name not in both],
        "further channels of volumes": [
            name for name in pictures if name not in used and CHANNEL.sub("", name) in labels
        ],
    }
    notes = [
        f"a picture is a slice across the body, the front above, its right at the right; {bare:,} slices without a label are left out",
        f"a volume's values are stretched: from {DARK} to {BRIGHT} percent of them become 0 to 255",
        *split_note(splits, "volume"),
    ]
    return Source(items, meaning, left_out={why: names for why, names in left_out.items() if names}, notes=notes)


def names_in(path: Path) -> dict[int, str | None] | None:
    """Number → class by dataset.json: the Decathlon's {"1": "liver"}, nnU-Net's {"liver": 1} with "ignore" for void. DataError where it is neither."""
    if not path.is_file():
        return None
    try:
        listed = json.loads(path.read_bytes())["labels"].items()
        turned = [
            (int(name), number) if str(name).lstrip("-").isdecimal() else (number, name) for name, number in listed
        ]
        if not all(isinstance(number, int) and isinstance(name, str) for number, name in turned):
            raise ValueError("numbers with names are expected; regions of several numbers cannot be told apart")
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise DataError(f"{path}: labels cannot be read ({error!r})") from error
    return {number: None if name == IGNORE else class_or_void(name) for number, name in sorted(turned)}


def opened(path: Path) -> Any:
    """The volume in nibabel, x to the right, y to the front, z to the head, of more dimensions the first. Raises DataError."""
    nibabel = extra("nibabel", "nibabel", "NIfTI volumes")
    try:
        image = nibabel.as_closest_canonical(nibabel.load(path))
        array = np.asarray(image.dataobj)
    except Exception as error:  # nibabel raises whatever its parsers hit
        raise DataError(f"volume {path}: cannot be read ({error}); replace the file") from error
    if array.dtype.kind not in "iuf" or array.ndim < 2 or array.size == 0:
        raise DataError(f"volume {path}: {array.dtype} {array.shape}; numbers (x, y, z) are expected")
    array = array.reshape(*array.shape[:3], *(1,) * (3 - array.ndim), -1)[..., 0]
    return array


def numbers(path: Path) -> np.ndarray:
    """The class numbers of a volume, int32 (x, y, z). Raises DataError for fractions."""
    with reading:
        return kept_numbers(path, path.stat().st_mtime_ns)


def greys(path: Path) -> np.ndarray:
    """A volume, uint8 (x, y, z), dark to bright; what is no number is black."""
    with reading:
        return kept_greys(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2)  # slices come one after another
def kept_numbers(path: Path, _written: int) -> np.ndarray:
    array = opened(path)
    whole = np.rint(array)
    if not (np.isfinite(array).all() and (abs(array - whole) <= WHOLE).all()):
        raise DataError(
            f"labels {path}: {array.dtype} with fractions; class numbers are expected, and no probabilities"
        )
    return whole.astype(np.int32)


@lru_cache(maxsize=2)
def kept_greys(path: Path, _written: int) -> np.ndarray:
    array = opened(path).astype(np.float32)
    finite = np.isfinite(array)
    dark, bright = np.percentile(array[finite], (DARK, BRIGHT)) if finite.any() else (0, 1)
    array[~finite] = dark
    return (np.clip((array - dark) / max(bright - dark, 1e-9), 0, 1) * 255 + 0.5).astype(np.uint8)


def upright(volume: np.ndarray, z: int) -> np.ndarray:
    """A slice as rows from the front of the body to its back."""
    return np.ascontiguousarray(volume[:, ::-1, z].T)


def labels_of(path: Path, z: int) -> np.ndarray:
    return upright(numbers(path), z)


def png(path: Path, z: int) -> bytes:
    """A slice of a volume as a PNG file of greys."""
    encoded = io.BytesIO()
    Image.fromarray(upright(greys(path), z)).save(encoded, "PNG")
    return encoded.getvalue()


FORMAT = Format("nifti", "NIfTI volumes and their labels, as slices", recognise, read)
