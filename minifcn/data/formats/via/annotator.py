"""VIA, the VGG Image Annotator: its project or its export, beside the pictures or above folders of them.

What no region covers is background. Where regions overlap the later is on top, as in VIA's own COCO export. A picture that is listed
without a region was loaded, and perhaps never looked at: it is left out. Coordinates are pixels of the picture as it is shown.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.formats.coco.painting import overlap_note
from minifcn.data.formats.finding import told_apart
from minifcn.data.formats.picture_index import PictureIndex, plain_name, shown_size, split_of
from minifcn.data.formats.shapes.extent import all_outside, place_of, places_said
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source, class_or_void
from minifcn.data.formats.via.classes import ALL_ALIKE, Attributes, chosen_attribute, values_of
from minifcn.data.formats.via.files import File, Listed, Region, load, via_files
from minifcn.data.formats.via.regions import CLOSED, VOID, Area, area_of, drawn
from minifcn.data.voc import in_threads

BARE, LOST, UNLISTED = (
    "pictures without a region",
    "pictures with regions that are not there",
    "pictures that no file of VIA's lists",
)
NO_CLASS, SEVERAL = "regions without a class", "regions of several classes"


def recognise(source: Path) -> str | None:
    files = via_files(source)
    return f"{files[0].name}, with regions as VIA writes them, is there" if files else None


def read(source: Path, options: Options) -> Source:
    files = [load(path) for path in via_files(source) or ([source] if source.is_file() else [])]
    root = source if source.is_dir() else source.parent
    index = PictureIndex(*([options.pictures] if options.pictures and options.pictures.is_dir() else []), root)
    pictures, left_out = pictures_of(files, index)
    regions = [region for _, each in pictures.values() for region in each.regions]
    if not regions:
        raise DataError(f"{source}: {nothing_in(files, left_out)}")
    counts: Counter[str] = Counter()
    areas = areas_of(source, regions, counts)
    attributes = {name: each for file in reversed(files) for name, each in file.attributes.items()}
    shapes = [region for region in regions if region.which in areas]
    name, said = chosen_attribute(shapes, attributes, options.attribute)
    numbers, meaning = classes_of(shapes, name, attributes, counts)
    sizes = dict(zip(pictures, in_threads(shown_size, pictures), strict=True))
    mine = {
        path: [region.which for region in each.regions if region.which in areas] for path, (_, each) in pictures.items()
    }
    places = Counter(place_of(areas[which].reach(), *sizes[path]) for path, found in mine.items() for which in found)
    if outside := all_outside(places):
        raise DataError(f"{source}: {outside}")
    overlaps: dict[Path, int] = {}
    items = [
        Item(
            plain_name(each.named), path, split_by(file.path, path),
            partial(labels_in, path, [(numbers[which], areas[which]) for which in mine[path]], sizes[path], overlaps),
        )
        for path, (file, each) in pictures.items()
    ]  # fmt: skip
    notes = [*said, *notes_on(areas.values(), counts, name), *places_said(places)]
    left_out[UNLISTED] = index.left((item.picture for item in items), root)
    left_out = {why: names for why, names in left_out.items() if names}
    later = partial(overlap_note, overlaps, "the region that stands later in the file")
    return Source(told_apart(items), meaning, False, left_out, notes, later=later)


def areas_of(source: Path, regions: Sequence[Region], counts: Counter[str]) -> dict[str, Area]:
    """Region → its area, of those that have one. DataError where none has."""
    areas = {region.which: area for region in regions if (area := area_of(region, counts))}
    if not areas:
        raise DataError(
            f"{source}: none of the {len(regions)} regions is an area ({told(counts)}): pixels cannot be learned from them"
        )
    return areas


def split_by(file: Path, picture: Path) -> str | None:
    """The split that the file, its folder or that of the picture is named after."""
    return split_of(file.stem) or split_of(file.parent.name) or split_of(picture.parent.name)


def notes_on(areas: Iterable[Area], counts: Counter[str], name: str | None) -> list[str]:
    said = {
        f"{counts[CLOSED]} lines end where they begin, and are filled as polygons": counts[CLOSED],
        f"left out of the regions: {told(counts)}": told(counts),
        f"{counts[NO_CLASS]} regions have no {name}: they are void": counts[NO_CLASS],
        f"{counts[SEVERAL]} regions have several values of {name}: the first is taken": counts[SEVERAL],
    }
    boxes = sum(area.box for area in areas)
    filled = [f"{boxes} regions are boxes and filled whole, whatever lies in them"] if boxes else []
    return filled + [note for note, needed in said.items() if needed]


class Entry(NamedTuple):
    """What a file says of a picture, and where that is."""

    file: File
    said: Listed
    picture: Path | None

    def is_near(self) -> bool:
        """Whether the picture lies in the file's folder, or below it."""
        return self.picture is not None and self.file.path.parent in self.picture.parents


def pictures_of(files: list[File], index: PictureIndex) -> tuple[dict[Path, tuple[File, Listed]], dict[str, list[str]]]:
    """Picture → its file and its entry there; and what is left out. DataError where two entries say different things of one.

    A picture that lies below a file of VIA's is that file's, and no other's that lists one of its name.
    """
    entries = [
        Entry(file, each, index.find(each.named, file.path.parent) if each.regions else None)
        for file in files
        for each in file.pictures
    ]
    found: dict[Path, Entry] = {}
    left: dict[str, list[Entry]] = {BARE: [], LOST: []}
    for entry in sorted(entries, key=lambda entry: not entry.is_near()):
        path = entry.picture
        if path is None or (found.get(path, entry).is_near() and not entry.is_near()):
            left[LOST if entry.said.regions else BARE].append(entry)
            continue
        first = found.setdefault(path, entry)
        if shapes_in(first.said.regions) != shapes_in(entry.said.regions):
            raise DataError(said_twice(path, first.file, entry.file))
    taken = {(entry.file.path.parent, entry.said.named) for entry in found.values()}
    names = {
        why: sorted({each.said.named for each in lost if (each.file.path.parent, each.said.named) not in taken})
        for why, lost in left.items()
    }
    return {path: (entry.file, entry.said) for path, entry in found.items()}, names


def said_twice(picture: Path, first: File, second: File) -> str:
    if first is second:
        return f"{first.path}: the picture {picture} stands in it twice, with other regions; take out the entry that is not meant"
    return f"the picture {picture} has other regions in {first.path} than in {second.path}; give the file that counts as SOURCE"


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
    """How many regions are no areas, by what they are."""
    return ", ".join(
        f"{count} {why}" for why, count in counts.items() if why not in (NO_CLASS, SEVERAL, CLOSED) and count
    )


def classes_of(
    regions: list[Region], name: str | None, attributes: Attributes, counts: Counter[str]
) -> tuple[dict[str, int], dict[int, str | None]]:
    """Region → number, and number → class: in the order of the project's choices, then by name. What has no class is void."""
    values = {region.which: values_of(region, name, attributes) if name else [ALL_ALIKE] for region in regions}
    counts[SEVERAL] = sum(len(each) > 1 for each in values.values())
    counts[NO_CLASS] = sum(not each for each in values.values())
    order = list(attributes[name].choices.values()) if name and name in attributes else []
    used = sorted({each[0] for each in values.values() if each})
    names = list(dict.fromkeys(map(class_or_void, [*(each.strip() for each in order), *used])))
    classes = {BACKGROUND: 0} | {each: place for place, each in enumerate(filter(None, names), 1) if each != BACKGROUND}
    meaning: dict[int, str | None] = {number: each for each, number in classes.items()} | {VOID: None}
    numbers = {
        which: classes.get(class_or_void(each[0]) or "", VOID) if each else VOID for which, each in values.items()
    }
    return numbers, meaning


def labels_in(
    path: Path, areas: list[tuple[int, Area]], size: tuple[int, int], overlaps: dict[Path, int]
) -> np.ndarray:
    labels, overlaps[path] = drawn(areas, *size)
    return labels


FORMAT = Format("via", "VIA, the VGG Image Annotator: its projects, JSON and CSV", recognise, read)
