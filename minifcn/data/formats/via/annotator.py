"""VIA, the VGG Image Annotator: its project or its export, beside the pictures or above folders of them.

What no region covers is background. Where regions overlap the later is on top, as in VIA's own COCO export. A picture that is listed
without a region was loaded, and perhaps never looked at: it is left out. Coordinates are pixels of the picture as it is shown.
"""

from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.formats.coco.instances import overlap_note, plain_name, told_apart
from minifcn.data.formats.picture_index import PictureIndex, shown_size, split_of
from minifcn.data.formats.shapes.extent import all_outside, place_of, places_said
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source, class_or_void
from minifcn.data.formats.via.classes import ALL_ALIKE, Attributes, chosen_attribute, values_of
from minifcn.data.formats.via.files import File, Listed, Region, load, via_files
from minifcn.data.formats.via.regions import CLOSED, VOID, Area, area_of, drawn

BARE, LOST, UNLISTED = (
    "pictures without a region",
    "pictures with regions that are not there",
    "pictures that no file of VIA's lists",
)


def recognise(source: Path) -> str | None:
    files = via_files(source)
    return f"{files[0].name}, with regions as VIA writes them, is there" if files else None


def read(source: Path, options: Options) -> Source:
    paths = via_files(source) or ([source] if source.is_file() else [])
    files = [load(path) for path in paths]
    root = source if source.is_dir() else source.parent
    index = PictureIndex(*([options.pictures] if options.pictures and options.pictures.is_dir() else []), root)
    pictures, left_out = pictures_of(files, index)
    regions = [region for _, each, _ in pictures.values() for region in each.regions]
    if not regions:
        raise DataError(f"{source}: {nothing_in(files, left_out)}")
    attributes = {name: each for file in reversed(files) for name, each in file.attributes.items()}
    counts: Counter[str] = Counter()
    areas = {region.which: area for region in regions if (area := area_of(region, counts))}
    if not areas:
        raise DataError(
            f"{source}: none of the {len(regions)} regions is an area ({told(counts)}): pixels cannot be learned from them"
        )
    shapes = [region for region in regions if region.which in areas]
    name, said = chosen_attribute(shapes, attributes, options.attribute)
    numbers, meaning = classes_of(shapes, name, attributes, counts)
    places: Counter[str] = Counter()
    overlaps: dict[str, int] = {}
    items = []
    for path, (file, each, found) in pictures.items():
        size = shown_size(path)
        mine = [(numbers[region.which], areas[region.which]) for region in each.regions if region.which in areas]
        places.update(place_of(area.reach(), *size) for _, area in mine)
        split = split_of(file.path.stem) or split_of(file.path.parent.name) or split_of(path.parent.name)
        items.append(Item(plain_name(found), path, split, partial(labels_in, str(path), mine, size, overlaps)))
    if outside := all_outside(places):
        raise DataError(f"{source}: {outside}")
    boxes = sum(area.box for area in areas.values())
    notes = [
        *said,
        *([f"{boxes} regions are boxes and filled whole, whatever lies in them"] if boxes else []),
        *([f"{counts[CLOSED]} lines end where they begin, and are filled as polygons"] if counts[CLOSED] else []),
        *([f"left out of the regions: {told(counts)}"] if told(counts) else []),
        *([f"{counts['bare']} regions have no {name}: they are void"] if counts["bare"] else []),
        *(
            [f"{counts['several']} regions have several values of {name}: the first is taken"]
            if counts["several"]
            else []
        ),
        *places_said(places),
    ]
    left_out[UNLISTED] = index.left((item.picture for item in items), root)
    left_out = {why: names for why, names in left_out.items() if names}
    return Source(told_apart(items), meaning, False, left_out, notes, later=partial(said_later, overlaps))


def pictures_of(
    files: list[File], index: PictureIndex
) -> tuple[dict[Path, tuple[File, Listed, str]], dict[str, list[str]]]:
    """Picture → its file, its entry and its name there; and what is left out. DataError where two files say different things of one."""
    found: dict[Path, tuple[File, Listed, str]] = {}
    left_out: dict[str, list[str]] = {BARE: [], LOST: []}
    for file in files:
        for each in file.pictures:
            path = index.find(each.named, file.path.parent)
            if not each.regions:
                left_out[BARE].append(each.named)
            elif path is None:
                left_out[LOST].append(each.named)
            elif path not in found:
                found[path] = (file, each, each.named)
            elif shapes_in(found[path][1].regions) != shapes_in(each.regions):
                raise DataError(
                    f"the picture {path} has other regions in {found[path][0].path} than in {file.path}; give the file that counts as SOURCE"
                )
    for why, names in left_out.items():
        left_out[why] = sorted(set(names) - {named for _, _, named in found.values()})
    return found, left_out


def shapes_in(regions: list[Region]) -> list[Mapping[str, object]]:
    return [region.shape for region in regions]


def nothing_in(files: list[File], left_out: Mapping[str, list[str]]) -> str:
    """Why there is nothing to read."""
    if lost := left_out[LOST]:
        return f"none of the {len(lost)} pictures with regions ({lost[0]}, …) is there; say where they are with --pictures FOLDER"
    if not files:
        return "no file of VIA's, a JSON or CSV of pictures and regions, is there"
    return f"{files[0].path.name} lists {len(left_out[BARE])} pictures, and no region of any"


def told(counts: Counter[str]) -> str:
    return ", ".join(
        f"{count} {why}" for why, count in counts.items() if why not in ("bare", "several", CLOSED) and count
    )


def classes_of(
    regions: list[Region], name: str | None, attributes: Attributes, counts: Counter[str]
) -> tuple[dict[str, int], dict[int, str | None]]:
    """Region → number, and number → class: in the order of the project's choices, then by name. What has no class is void."""
    values = {region.which: values_of(region, name, attributes) if name else [ALL_ALIKE] for region in regions}
    counts["several"] = sum(len(each) > 1 for each in values.values())
    counts["bare"] = sum(not each for each in values.values())
    order = list(attributes[name].choices.values()) if name and name in attributes else []
    used = sorted({each[0] for each in values.values() if each})
    names = list(dict.fromkeys(map(class_or_void, [*(each.strip() for each in order), *used])))
    classes = {BACKGROUND: 0} | {each: place for place, each in enumerate(filter(None, names), 1) if each != BACKGROUND}
    meaning: dict[int, str | None] = {number: each for each, number in classes.items()} | {VOID: None}
    numbers = {
        which: classes.get(class_or_void(each[0]) or "", VOID) if each else VOID for which, each in values.items()
    }
    return numbers, meaning


def labels_in(which: str, areas: list[tuple[int, Area]], size: tuple[int, int], overlaps: dict[str, int]) -> np.ndarray:
    labels, overlaps[which] = drawn(areas, *size)
    return labels


def said_later(overlaps: Mapping[str, int]) -> list[str]:
    return overlap_note(
        sum(overlaps.values()),
        sum(taken > 0 for taken in overlaps.values()),
        "the region that stands later in the file",
    )


FORMAT = Format("via", "VIA, the VGG Image Annotator: its projects, JSON and CSV", recognise, read)
