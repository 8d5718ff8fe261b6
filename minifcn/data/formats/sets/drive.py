"""DRIVE: vessels of the retina, white on black in GIF files; outside of the field of view (`mask/`) is void.

Source: the release. Files of one eye have the number at the beginning in common: images/21_training.tif, 1st_manual/21_manual1.gif,
mask/21_training_mask.gif. Copies that were saved again say white by 255, by 1 or by 251, each with its palette: colours are read.
"""

import re
from functools import partial
from pathlib import Path

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, by_name
from minifcn.data.formats.source import BACKGROUND, NO_DATA, Format, Item, Options, Source
from minifcn.data.images import open_image

MANUAL, SECOND, VIEW = "1st_manual", "2nd_manual", "mask"
MEANING: dict[int, str | None] = {0: BACKGROUND, 255: "vessel"}
DIGITS = re.compile(r"\d+")
NEARLY = 16  # palettes of saved copies hold (4, 2, 4) for black and (252, 254, 252) for white


def recognise(source: Path) -> str | None:
    there = [split for split in ("training", "test") if (source / split / MANUAL).is_dir()]
    return f"{there[0]}/{MANUAL}/ is there" if there else None


def read(source: Path, options: Options) -> Source:
    items: list[Item] = []
    bare: list[str] = []
    notes = [f"no data is what lies outside of the field of view, black in {VIEW}/"]
    for split in ("training", "test"):
        folder = source / split
        manual, views, pictures = numbered(folder / MANUAL), numbered(folder / VIEW), numbered(folder / "images")
        for number, path in manual.items():
            labels = partial(vessels, path, views.get(number))
            items.append(Item(f"{number}_{split}", pictures.get(number), split, labels))
        bare += [f"{number}_{split}" for number in sorted(pictures.keys() - manual.keys())]
        blind = [path.name for number, path in manual.items() if number not in views]
        if blind:
            notes.append(f"{split}: {len(blind)} labels have no field of view in {folder / VIEW}: all of them counts")
        if (folder / SECOND).is_dir():
            notes.append(f"{split}/{SECOND}/, what a second person saw, is left out")
    if not items:
        raise DataError(f"{source}: no labels in training/{MANUAL}/ or test/{MANUAL}/")
    left_out = {f"pictures without labels in {MANUAL}/": bare} if bare else {}
    return Source(items, dict(MEANING), left_out=left_out, notes=notes, void=(NO_DATA,))


def numbered(folder: Path) -> dict[str, Path]:
    """Files by the number that their names begin with. DataError where two have one number."""
    found: dict[str, Path] = {}
    for name, path in (by_name(folder, PICTURES) if folder.is_dir() else {}).items():
        digits = DIGITS.match(name)
        number = digits.group() if digits else name
        if number in found:
            raise DataError(
                f"{folder}: {found[number].name} and {path.name} are both of eye {number}; keep one of them"
            )
        found[number] = path
    return found


def vessels(path: Path, view: Path | None) -> np.ndarray:
    """0, 255 for a vessel, NO_DATA where the field of view is black, int32 (H, W)."""
    labels = black_and_white(path)
    if view is not None:
        seen = black_and_white(view)
        if seen.shape != labels.shape:
            raise DataError(
                f"field of view {view}: {seen.shape[0]}x{seen.shape[1]} (height x width), but the labels {path.name} are "
                f"{labels.shape[0]}x{labels.shape[1]}; both must have the same size"
            )
        labels[seen == 0] = NO_DATA
    return labels


def black_and_white(path: Path) -> np.ndarray:
    """0 and 255, int32 (H, W), by the colours that are seen; other greys stay what they are, and the table shows them."""
    grey = np.asarray(open_image(path, "labels").convert("L")).astype(np.int32)
    grey[grey <= NEARLY] = 0
    grey[grey >= 255 - NEARLY] = 255
    return grey


FORMAT = Format("drive", "DRIVE, retinal vessels with their field of view", recognise, read)
