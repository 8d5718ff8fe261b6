"""Cellpose: NAME_cp_masks.png (or .tif) beside the picture, 16 bits, a number an object. Numbers are cells and no classes: all above 0 are one.

Source: Cellpose 4.2.1 (io.save_masks). `masks/` may be a folder of its own, beside outlines/ and flows/; NAME_img.png beside
NAME_masks.png is how its training sets come.
"""

from functools import partial
from pathlib import Path

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES
from minifcn.data.formats.masks import read_numbers
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source

SUFFIX, ENDINGS = "_cp_masks", (".png", ".tif", ".tiff")
# what else Cellpose writes beside a picture
OTHERS = ("_cp_output", "_cp", "_flows", "_cellprob", "_outlines", "_dP", "_seg", "_masks", SUFFIX)
TRAINING, IMAGE = "_masks", "_img"
TOUCHING = "cells that touch become one region of cell: this project tells classes apart, not objects"


def recognise(source: Path) -> str | None:
    masks = mask_files(source)
    return f"{next(iter(masks.values())).name} is there" if masks else None


def mask_files(source: Path) -> dict[str, Path]:
    """Masks by the name of their picture: NAME_cp_masks; else NAME_masks where a NAME_img is beside it. In the source or a folder in it."""
    if not source.is_dir():
        return {}
    files = sorted(
        path for depth in ("*", "*/*") for path in source.glob(f"{depth}{TRAINING}.*")
        if path.suffix.lower() in ENDINGS and not path.name.startswith(".")
    )  # fmt: skip
    found: dict[str, Path] = {}
    for path in files:
        if path.stem.endswith(SUFFIX):
            name = path.stem.removesuffix(SUFFIX)
            if name.endswith(OTHERS):  # NAME_outlines_cp_masks is a drawing
                continue
            if found.setdefault(name, path).parent != path.parent:
                raise DataError(f"{found[name]} and {path} are masks of one picture; take out one of them")
    return found or {
        path.stem.removesuffix(TRAINING): path
        for path in files
        if next(path.parent.glob(f"{path.stem.removesuffix(TRAINING)}{IMAGE}.*"), None)
    }


def read(source: Path, options: Options) -> Source:
    masks = mask_files(source)
    if not masks:
        raise DataError(f"{source}: no NAME{SUFFIX}.png is there, nor NAME{TRAINING}.png beside NAME{IMAGE}.png")
    pictures = pictures_beside(masks, source)
    found = {name: pictures.get(name) or pictures.get(name + IMAGE) for name in masks}
    items = [Item(name, found[name], None, partial(cells, path)) for name, path in masks.items()]
    used = set(found.values())
    bare = [name for name, path in pictures.items() if path not in used]
    left_out = {"pictures without masks": bare} if bare else {}
    return Source(items, {0: BACKGROUND, 1: "cell"}, left_out=left_out, notes=[TOUCHING])


def pictures_beside(masks: dict[str, Path], source: Path) -> dict[str, Path]:
    """Pictures by name in the folders of the masks, and in the source itself. DataError where two are the picture of one mask."""
    places = {path.parent for path in masks.values()} | {source}
    found: dict[str, Path] = {}
    for path in sorted(path for place in places for path in place.iterdir() if path.suffix.lower() in PICTURES):
        if path.stem.endswith(OTHERS) or path.name.startswith("."):
            continue
        if path.stem in found and path.stem in masks:
            raise DataError(
                f"{found[path.stem]} and {path} are both the picture of {masks[path.stem].name}; take out one of them"
            )
        found[path.stem] = path
    return found


def cells(path: Path) -> np.ndarray:
    """1 where the mask has a number above 0, int32 (H, W)."""
    return (read_numbers(path) > 0).astype(np.int32)


FORMAT = Format("cellpose", "Cellpose, NAME_cp_masks.png: its cells as one class", recognise, read)
