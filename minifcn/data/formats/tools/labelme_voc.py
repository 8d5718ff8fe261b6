"""The folder that labelme's labelme2voc.py writes: class_names.txt, palette PNGs with 255 for `__ignore__`, and no lists of splits.

Source: labelme2voc.py of labelme 3, 4, 5 and 6. Newer ones write PNGs into SegmentationClass and arrays into SegmentationClassNpy, older
ones arrays, where -1 is `__ignore__`, into SegmentationClass and PNGs into SegmentationClassPNG.
"""

from functools import partial
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, by_name, listed
from minifcn.data.formats.lists import read_list
from minifcn.data.formats.masks import read_numbers
from minifcn.data.formats.source import Format, Item, Options, Source
from minifcn.data.labels import VOID

LIST = "class_names.txt"
PLACES = (("SegmentationClassPNG", ".png"), ("SegmentationClass", ".png"), ("SegmentationClassNpy", ".npy"), ("SegmentationClass", ".npy"))  # fmt: skip
OWN = ("SegmentationClassPNG", "SegmentationClassNpy", "SegmentationClassVisualization")


def recognise(source: Path) -> str | None:
    """Its own folders, or at least its name for background: people copy the rest into folders of theirs."""
    if not (source / LIST).is_file() or not (source / "JPEGImages").is_dir() or place_of(source) is None:
        return None
    if own := next((name for name in OWN if (source / name).is_dir()), None):
        return f"{LIST} and {own}/ are there"
    with (source / LIST).open(encoding="utf-8-sig", errors="replace") as file:
        return f"{LIST} that begins with _background_ is there" if file.readline().strip() == "_background_" else None


def place_of(source: Path) -> tuple[str, str] | None:
    """The folder of labels and their ending."""
    return next(((name, ending) for name, ending in PLACES if any((source / name).glob(f"*{ending}"))), None)


def read(source: Path, options: Options) -> Source:
    place = place_of(source)
    if place is None or not (source / LIST).is_file():
        raise DataError(f"{source}: labelme2voc writes {LIST} and labels into SegmentationClass; they are not there")
    names, ending = place
    masks = by_name(source / names, (ending,))
    pictures = by_name(source / "JPEGImages", PICTURES) if (source / "JPEGImages").is_dir() else {}
    meaning, _ = read_list(source / LIST)
    meaning |= {VOID: None, -1: None}
    splits, lost, twice = listed((source / "ImageSets/Segmentation").glob("*.txt"), masks)
    items = [
        Item(name, pictures.get(name), splits.get(name), partial(read_numbers, mask)) for name, mask in masks.items()
    ]
    without = sorted(set(pictures) - set(masks))
    left_out = {"pictures without labels": without, "names of the lists without labels": lost}
    return Source(items, meaning, False, {why: names for why, names in left_out.items() if names}, twice)


FORMAT = Format("labelme2voc", "the folder that labelme2voc.py writes", recognise, read)
