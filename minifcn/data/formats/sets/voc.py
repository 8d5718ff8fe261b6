"""A folder in VOC layout: nothing to import where its labels are numbers, but colours and other numbers can be named and written anew."""

from functools import partial
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import MASKS, PICTURES, by_name
from minifcn.data.formats.masks import in_colours, read_colours, read_numbers
from minifcn.data.formats.source import USUAL, Format, Item, Options, Source, usual_name
from minifcn.data.labels import VOID
from minifcn.data.layout import HOLDS, parts_of
from minifcn.data.meaning.lists import read_class_names
from minifcn.data.meaning.splits import read_list
from minifcn.data.voc import LABELS, SPLITS, find_folder
from minifcn.data.voc import PICTURES as IMAGES

NAMES, ANOTHERS = "class_names.txt", "labelmap.txt"  # the second is CVAT's, whose export has the layout too
FEW = 3  # files that are looked at for colours


def recognise(source: Path) -> str | None:
    place = place_in(source)
    return f"{IMAGES}/, {LABELS}/ and {SPLITS}/ is there" if place else None


def place_in(source: Path) -> Path | None:
    """The folder of the three parts: the source, or one in it, as VOC's archives unpack."""
    try:
        place = find_folder(source, "train")
    except DataError:
        return None
    theirs = (place / ANOTHERS).is_file()
    return place if len(parts_of(place)) == len(HOLDS) and not theirs else None


def read(source: Path, options: Options) -> Source:
    place = find_folder(source, "train")
    labels = by_name(place / LABELS, MASKS)
    coloured = any(in_colours(path) for path in list(labels.values())[:FEW])
    if not coloured and not (options.values or options.void or options.threshold):
        raise DataError(
            f"{place}: this is a VOC folder already, and its labels are numbers: there is nothing to import. Train on it with "
            "minifcn train --data, or say what its numbers mean with --values or --void"
        )
    pictures = by_name(place / IMAGES, PICTURES)
    splits = splits_of(place)
    reader = read_colours if coloured else read_numbers
    listed = [name for name in splits if name in labels]
    items = [Item(name, pictures.get(name), splits[name], partial(reader, labels[name])) for name in listed]
    left_out = {
        "names in the lists without labels": [name for name in splits if name not in labels],
        "labels that no list names": [name for name in labels if name not in splits],
    }
    meaning = None if coloured else names_in(place)
    return Source(items, meaning, coloured, {why: names for why, names in left_out.items() if names})


def splits_of(place: Path) -> dict[str, str]:
    """Name → split from train, val and test; from all lists where none of these is there. A name stays in the first that has it."""
    there = sorted(path.stem for path in (place / SPLITS).glob("*.txt"))
    chosen = [split for split in USUAL if split in there] or there
    found: dict[str, str] = {}
    for split in chosen:
        for _, name in read_list(place / SPLITS, split).lines:
            found.setdefault(name, split)
    return found


def names_in(place: Path) -> dict[int, str | None] | None:
    """Number → class by class_names.txt, where that is there."""
    path = place / NAMES
    if not path.is_file():
        return None
    return {number: usual_name(name) for number, name in enumerate(read_class_names(path))} | {VOID: None}


FORMAT = Format("voc", "a folder in VOC layout, whose colours or numbers are to mean something else", recognise, read)
