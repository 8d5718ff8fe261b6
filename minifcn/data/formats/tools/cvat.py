"""CVAT's and Datumaro's "Segmentation mask 1.1": colours in SegmentationClass, explained by labelmap.txt.

Source: exports of CVAT and Datumaro 1.13.12. A line is `label:r,g,b:parts:actions`, the first is a comment. Where no line has a colour
the masks have VOC's, in the list's order. Masks may hold plain numbers instead, the places in the list. Names may hold sub-folders,
frames without a mask are listed, and a task's only list is called `default.txt`.
"""

from functools import partial
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, by_name, listed
from minifcn.data.formats.lists import different, labels_of, labels_of_json, with_colours
from minifcn.data.formats.masks import COLOURED, mode_of, read_colours, read_numbers
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source, class_or_void

LIST, JSON_LIST = "labelmap.txt", "dataset_meta.json"
MASKS = "SegmentationClass"


def recognise(source: Path) -> str | None:
    """The list is what nobody else writes. (CVAT leaves it out where the labels are VOC's: such a folder is in VOC layout.)"""
    if not (source / MASKS).is_dir():
        return None
    there = next((name for name in (LIST, JSON_LIST) if (source / name).is_file()), None)
    return f"{there} and {MASKS}/ are there" if there else None


def read(source: Path, options: Options) -> Source:
    masks = by_name(source / MASKS, (".png",))
    if not masks:
        raise DataError(f"{source / MASKS}: no PNG is in it")
    pictures = by_name(source / "JPEGImages", PICTURES) if (source / "JPEGImages").is_dir() else {}
    splits, without, twice = listed((source / "ImageSets/Segmentation").glob("*.txt"), masks)
    named = labels_of(source / LIST) if (source / LIST).is_file() else labels_of_json(source / JSON_LIST)
    coloured = mode_of(next(iter(masks.values()))) in COLOURED
    if coloured:
        meaning = with_colours(source / LIST, named)
    else:
        meaning = different(source / LIST, {place: class_or_void(name) for place, (name, _) in enumerate(named)})
    reader = read_colours if coloured else read_numbers
    items = [Item(name, pictures.get(name), splits.get(name), partial(reader, mask)) for name, mask in masks.items()]
    without = [*without, *(name for name in pictures if name not in masks and name not in without)]
    return Source(
        items,
        meaning,
        coloured,
        {"frames without a mask": without} if without else {},
        [*notes(named, coloured, options), *twice],
    )


def notes(named: list[tuple[str, int | None]], coloured: bool, options: Options) -> list[str]:
    """What a person should know of the list."""
    said = []
    first = class_or_void(named[0][0])
    if first != BACKGROUND and options.values is None:
        listed = any(class_or_void(name) == BACKGROUND for name, _ in named)
        when = "where a program sorted the table" if listed else "as the table has none"
        said.append(
            f"the first label is {named[0][0]} and not background: {when}, Datumaro has painted as {named[0][0]} what nobody labelled; "
            "see it with check-data --sheet"
        )
    bare = [name for name, colour in named if colour is None]
    if coloured and 0 < len(bare) < len(named):
        said.append(f"no colour in the list for {', '.join(bare)}: Datumaro paints such labels white, #ffffff")
    return said


FORMAT = Format("cvat", 'CVAT and Datumaro, "Segmentation mask 1.1"', recognise, read)
