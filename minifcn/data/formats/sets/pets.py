"""Oxford-IIIT Pet: trimaps of 1 pet, 2 background, 3 the border between them, which is void.

Source: the release. `annotations/trimaps/NAME.png` is grey of 8 bits; lists hold "name class species breed"; `._NAME.png` beside the
trimaps are a Mac's notes and no pictures; some `NAME.jpg` are PNG or GIF inside. Kaggle's copy has each folder twice, one in the other.
"""

from functools import partial
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, by_name, listed
from minifcn.data.formats.masks import read_numbers
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source

MEANING = {1: "pet", 2: BACKGROUND, 3: None}
LISTS = ("trainval.txt", "test.txt")
TRAIN = {"trainval": "train", "test": "test"}
BREEDS = (
    "the trimaps say pet or background, no breed and no species: those are in the lists alone, and are not imported"
)


def recognise(source: Path) -> str | None:
    return "annotations/trimaps/ is there" if (part(source, "annotations") / "trimaps").is_dir() else None


def part(source: Path, name: str) -> Path:
    """A folder of the set, which may lie in another of its own name."""
    return next((place for place in (source / name / name, source / name) if place.is_dir()), source / name)


def read(source: Path, options: Options) -> Source:
    annotations = part(source, "annotations")
    trimaps = by_name(annotations / "trimaps", (".png",))
    if not trimaps:
        raise DataError(f"{annotations / 'trimaps'}: no trimaps are there; they are NAME.png, one a picture")
    folder = part(source, "images")
    pictures = by_name(folder, PICTURES) if folder.is_dir() else {}
    lists = [path for path in (annotations / name for name in LISTS) if path.is_file()]
    splits, lost, twice = listed(lists, trimaps)
    left_out = {
        f"trimaps that are in none of {', '.join(path.name for path in lists)}": [
            name for name in trimaps if lists and name not in splits
        ],
        "lines of the lists without a trimap": lost,
    }
    notes = [BREEDS, *twice]
    if "trainval" in splits.values():
        notes.append("trainval.txt becomes train, and val is drawn from it")
    items = [
        Item(name, pictures.get(name), TRAIN.get(splits.get(name, "")), partial(read_numbers, trimap))
        for name, trimap in trimaps.items()
        if name in splits or not lists
    ]
    return Source(items, dict(MEANING), left_out={why: names for why, names in left_out.items() if names}, notes=notes)


FORMAT = Format("pets", "Oxford-IIIT Pet, the trimaps", recognise, read)
