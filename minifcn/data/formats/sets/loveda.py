"""LoveDA: land cover from above, Train/Urban/images_png beside masks_png. 0 is "no data", void; 1 to 7 are the classes.

Source: the release. Test has pictures alone.
"""

from functools import partial
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, by_name
from minifcn.data.formats.masks import read_numbers
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source

IMAGES, MASKS = "images_png", "masks_png"
CLASSES = (BACKGROUND, "building", "road", "water", "barren", "forest", "agriculture")
MEANING: dict[int, str | None] = {0: None} | dict(enumerate(CLASSES, 1))
DEPTH = ("", "*/", "*/*/")  # of the source itself, of a split, of a domain within a split


def recognise(source: Path) -> str | None:
    place = next((place for depth in DEPTH for place in source.glob(f"{depth}{MASKS}") if place.is_dir()), None)
    return f"{place.relative_to(source)}/ is there" if place else None


def read(source: Path, options: Options) -> Source:
    masks = files_in(source, MASKS, (".png",))
    if not masks:
        raise DataError(f"{source}: no PNG files in a folder {MASKS}/ are there, such as Train/Urban/{MASKS}/0.png")
    pictures = files_in(source, IMAGES, PICTURES)
    items = [
        Item(name, pictures.get(name), split_of(name, source), partial(read_numbers, mask))
        for name, mask in masks.items()
    ]
    bare = sorted(set(pictures) - set(masks))
    return Source(items, dict(MEANING), left_out={"pictures without a mask": bare} if bare else {})


def files_in(source: Path, folder: str, endings: tuple[str, ...]) -> dict[str, Path]:
    """Files of all folders so called, by the path in the source without that folder: Train/Urban/0."""
    places = [place for depth in DEPTH for place in source.glob(f"{depth}{folder}") if place.is_dir()]
    return {
        (place.parent.relative_to(source) / name).as_posix(): path
        for place in sorted(places)
        for name, path in by_name(place, endings).items()
    }


def split_of(name: str, source: Path) -> str | None:
    """The first folder of a name; of a split given alone its own."""
    first = name.split("/")[0].lower() if "/" in name else source.name.lower()
    return first if first in ("train", "val", "test") else None


FORMAT = Format("loveda", "LoveDA: masks_png of 1 to 7, 0 is void", recognise, read)
