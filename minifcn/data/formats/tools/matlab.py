"""MATLAB's labelers: PixelLabelData/Label_1.png, grey numbers, of which 0 is what nobody labelled.

Source: MathWorks, "How Labeler Apps Store Exported Pixel Labels". Which picture and which name belong to a file and a number is said in
gTruth.mat, which only MATLAB reads. So the names come from a list beside it, or --values, and a file belongs to the picture in its own name
(Label_1_NAME.png), else to the picture of its number in the order of names, as an imageDatastore lists them.
"""

import re
from functools import partial
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, by_name
from minifcn.data.formats.lists import Meaning, list_beside, read_list
from minifcn.data.formats.masks import read_numbers
from minifcn.data.formats.source import Format, Item, Options, Source
from minifcn.files import not_there

NAME = re.compile(r"Label_(\d+)(?:_(.+))?")
FOLDER = "PixelLabelData"


def recognise(source: Path) -> str | None:
    folder = labels_folder(source)
    return f"{folder.name}/ with Label_….png is there" if folder else None


def labels_folder(source: Path) -> Path | None:
    """The folder itself or one in it that holds such files; of several, as each export makes one, the last."""
    if not source.is_dir():
        return None
    inside = sorted(
        (path for path in source.glob(f"{FOLDER}*") if path.is_dir()), key=lambda path: (len(path.name), path.name)
    )
    return next((folder for folder in (*reversed(inside), source) if any(folder.glob("Label_[0-9]*.png"))), None)


def read(source: Path, options: Options) -> Source:
    folder = labels_folder(source)
    if folder is None:
        raise DataError(f"{source}: no {FOLDER}/ with Label_1.png and so on is in it")
    masks = {int(match[1]): (path, match[2]) for path in folder.glob("*.png") if (match := NAME.fullmatch(path.stem))}
    notes = [f"the labels are those of {folder}"]
    pictures = [] if all(name for _, name in masks.values()) else pictures_in_order(source, folder, options)
    items, lost = [], []
    for number, (path, name) in sorted(masks.items()):
        if name is None and number > len(pictures):
            lost.append(path.stem)
            continue
        picture = None if name else pictures[number - 1]
        items.append(Item(name or picture.stem, picture, None, partial(read_numbers, path)))  # type: ignore[union-attr]
    if pictures and items:
        first, last = items[0], items[-1]
        notes.append(
            f"which picture a file belongs to stands in gTruth.mat alone; taken is the order of names: {masks[min(masks)][0].name} is "
            f"{first.name}, the last one {last.name}. Look at them before you train"
        )
    place = list_beside(folder) or list_beside(source)
    meaning: Meaning | None = None
    if place:
        meaning = read_list(place, first=1)[0]
        meaning.setdefault(0, None)
        notes.append(f"the classes are those of {place}, its first name for number 1")
    return Source(items, meaning, False, {"labels without a picture": lost} if lost else {}, notes, void=(0,))


def pictures_in_order(source: Path, folder: Path, options: Options) -> list[Path]:
    """The pictures in the order of their names."""
    if options.pictures is None:
        near = [path for path in sorted(source.iterdir()) if path.is_dir() and not path.name.startswith((FOLDER, "."))]
        places = [
            place
            for place in (source, *near)
            if place != folder and any(path.suffix.lower() in PICTURES for path in place.iterdir())
        ]
        if len(places) != 1:
            raise DataError(
                f"{folder}: its files are called Label_1.png and so on; say where their pictures are with --pictures FOLDER"
            )
        return [path for path in sorted(places[0].iterdir()) if path.suffix.lower() in PICTURES]
    if not options.pictures.is_dir():
        raise DataError(f"--pictures {options.pictures}: {not_there(options.pictures, 'there is no such folder')}")
    return list(by_name(options.pictures, PICTURES).values())


FORMAT = Format("matlab", "MATLAB's labelers, a folder PixelLabelData", recognise, read)
