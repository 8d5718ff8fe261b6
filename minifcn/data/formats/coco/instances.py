"""COCO's JSON: polygons and run lengths of objects, one file a split, as many tools write it.

Source: the data format page of COCO, and files written by pycocotools 2.0.11, supervision 0.31.2, Label Studio's SDK 2.1.2
and Datumaro 1.13.12. Category ids have gaps, begin at 0 or at 1, and may be another's in the next file. Those of darwin-py 3.6.3 are
checksums of the names, up to 4 billion. What no annotation covers is background. `iscrowd` 1 says no more than that run lengths are used: supervision writes it for any mask with a hole.
"""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.formats.coco.files import NEEDED, by_id, json_files, number_for, read_json, splits_word
from minifcn.data.formats.coco.painting import Filler, Shape, drawn, filler_for, outlines, overlap_note
from minifcn.data.formats.finding import told_apart
from minifcn.data.formats.picture_index import PictureIndex, checked_size, plain_name, stored_size
from minifcn.data.formats.shapes.extent import WITHIN, all_outside, place_of, places_said
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source, class_or_void, usual_name

WITHOUT_PIXELS = ("that are a box alone", "of keypoints alone", "of fewer than three corners")


def recognise(source: Path) -> str | None:
    files = json_files(source)
    return f"{files[0].name}, a JSON file of images, annotations and categories, is there" if files else None


@dataclass
class Part:
    """One JSON file: its pictures, and the annotations of each by the picture's id."""

    path: Path
    split: str | None
    images: list[dict[str, object]]
    categories: dict[int, str]
    annotations: dict[object, list[dict[str, object]]]
    filler: Filler
    rule: str | None


def load(path: Path, several: bool) -> Part:
    content = read_json(path)
    grouped: dict[object, list[dict[str, object]]] = {}
    for each in content["annotations"]:
        grouped.setdefault(each.get("image_id"), []).append(each)
    info: object = content.get("info")
    filler, rule = filler_for(info if isinstance(info, dict) else {}, content["annotations"])
    split = splits_word(path, several)
    return Part(path, split, content["images"], categories_of(path, content), grouped, filler, rule)


def categories_of(path: Path, content: dict[str, list[dict[str, object]]]) -> dict[int, str]:
    """Id → name, by id. What only holds the others together (Roboflow's first) is no class."""
    found: dict[int, str] = {}
    for each in by_id(content["categories"]):
        number, name = each.get("id"), each.get("name")
        if not isinstance(number, int) or not isinstance(name, str):
            raise DataError(f"{path}: a category needs a whole number 'id' and a 'name', got {each}")
        if number in found and found[number] != name:
            raise DataError(f"{path}: category {number} is called {found[number]!r} and {name!r}; give each its own id")
        found[number] = name
    used = {each.get("category_id") for each in content["annotations"]}
    if lost := used - found.keys():
        raise DataError(
            f"{path}: annotations are of category {sorted(map(str, lost))[0]}, which its categories do not list"
        )
    above = {
        each.get("supercategory") for each in content["categories"] if each.get("name") != each.get("supercategory")
    }
    return {number: name for number, name in found.items() if number in used or above - {"none"} != {name}}


def read(source: Path, options: Options) -> Source:
    files = json_files(source) or ([source] if source.is_file() else [])
    if not files:
        raise DataError(f"{source}: no JSON file with lists of {', '.join(NEEDED)} is there or in its folders")
    parts = [load(path, len(files) > 1) for path in files]
    parts, bare = [part for part in parts if part.annotations], [part for part in parts if not part.annotations]
    if not parts:
        raise DataError(f"{bare[0].path}: lists pictures, but no annotations; export it with them")
    numbers = numbers_of(parts)
    zero = next((name for name, number in numbers.items() if number == 0), BACKGROUND)
    background = 0 if usual_name(zero) == BACKGROUND else max(numbers.values()) + 1
    root = source if source.is_dir() else source.parent.parent if source.parent.name == "annotations" else source.parent
    index = PictureIndex(*([options.pictures] if options.pictures and options.pictures.is_dir() else []), root)
    gathered = Gathered(index, numbers, background)
    for part in parts:
        gathered.add(part)
    gathered.check()
    meaning: dict[int, str | None] = {background: BACKGROUND}
    meaning |= {number: class_or_void(name) for name, number in numbers.items()}
    left_out = gathered.left_out | {
        "JSON files without annotations": [part.path.name for part in bare],
        "pictures that no JSON file lists": index.left((item.picture for item in gathered.items), root),
    }
    notes = [*gathered.notes(), *dict.fromkeys(part.rule for part in parts if part.rule)]
    items = told_apart(gathered.items)
    return Source(
        items, meaning, False, {why: names for why, names in left_out.items() if names}, notes, later=gathered.later
    )


def numbers_of(parts: list[Part]) -> dict[str, int]:
    """Class name → number: the id of the first file that has the name, or, where another class has that, a free one."""
    numbers: dict[str, int] = {}
    for part in parts:
        for identity, name in part.categories.items():
            if name not in numbers:
                numbers[name] = number_for(identity, numbers.values())
    return numbers


class Gathered:
    """What the files come to: items, and what has to be said."""

    def __init__(self, index: PictureIndex, numbers: dict[str, int], background: int) -> None:
        self.index, self.numbers, self.background = index, numbers, background
        self.items: list[Item] = []
        self.left_out: dict[str, list[str]] = {}
        self.counts: Counter[str] = Counter()
        self.places: Counter[str] = Counter()
        self.overlaps: dict[str, int] = {}
        self.reach = 0.0  # the largest coordinate

    def add(self, part: Part) -> None:
        listed: dict[object, str] = {}
        for image in part.images:
            named = image.get("file_name")
            if not isinstance(named, str) or not named:
                raise DataError(f"{part.path}: a picture has no 'file_name': {image}")
            if listed.setdefault(image.get("id"), named) != named:
                raise DataError(
                    f"{part.path}: {listed[image.get('id')]} and {named} have one id, {image.get('id')}, so it is not said whose the annotations "
                    "are; give each picture its own id"
                )
            picture = self.index.find(named, part.path.parent, part.split)
            shapes, size = self.shapes(part, image, named), size_of(image, picture, part.path)
            outlined = [shape.segmentation for shape in shapes if not isinstance(shape.segmentation, dict)]
            self.places.update(place_of(np.concatenate(rings), *size) for rings in outlined)
            self.places[WITHIN] += len(shapes) - len(outlined)  # run lengths always are
            labels = partial(self.labels, part, named, size, shapes)
            self.items.append(Item(plain_name(named), picture, part.split, labels))
        self.counts["of pictures that the file does not list"] += sum(
            len(each) for image, each in part.annotations.items() if image not in listed
        )

    def shapes(self, part: Part, image: dict[str, object], named: str) -> list[Shape]:
        shapes = []
        annotations = part.annotations.get(image.get("id"), [])
        self.counts["pictures without annotations"] += not annotations
        for each in annotations:
            which = f"{part.path}: annotation {each.get('id')} of {named}"
            segmentation = each.get("segmentation")
            if not segmentation:
                self.counts["of keypoints alone" if each.get("keypoints") else "that are a box alone"] += 1
                continue
            if not isinstance(segmentation, dict):
                segmentation = outlines(segmentation, which)
            if not segmentation:
                self.counts["of fewer than three corners"] += 1
                continue
            self.reach = max(self.reach, reach_of(segmentation))
            self.counts["crowds"] += bool(each.get("iscrowd"))
            category = each["category_id"]
            assert isinstance(category, int)
            shapes.append(Shape(self.numbers[part.categories[category]], segmentation, which))
        self.counts["shapes"] += len(shapes)
        return shapes

    def labels(self, part: Part, named: str, size: tuple[int, int], shapes: list[Shape]) -> np.ndarray:
        labels, self.overlaps[f"{part.path} {named}"] = drawn(shapes, *size, self.background, part.filler)
        return labels

    def check(self) -> None:
        lost = self.counts["of pictures that the file does not list"]
        if not self.counts["shapes"] and lost:
            raise DataError(
                f"none of the annotations has an outline or run lengths and is of a picture that its file lists: {lost} name another image_id. "
                "Is it text in one list, and a number in the other?"
            )
        if not self.counts["shapes"]:
            found = [f"{self.counts[why]} {why}" for why in WITHOUT_PIXELS if self.counts[why]]
            raise DataError(
                f"none of the annotations has an outline or run lengths ({', '.join(found)}), and pixels cannot be learned from anything else. "
                "Export the segmentation"
            )
        if outside := all_outside(self.places):
            raise DataError(outside)
        if self.reach <= 1:
            raise DataError(
                "all corners lie between 0 and 1: they are shares of the picture, and COCO's are pixels. Multiply x by the width and y by the height"
            )
        seen: dict[Path, str | None] = {}
        for item in self.items:
            if item.picture is not None and item.picture in seen:
                raise DataError(f"the picture {item.picture} is listed twice {twice(seen[item.picture], item.split)}")
            if item.picture is not None:
                seen[item.picture] = item.split

    def notes(self) -> list[str]:
        said = [
            f"{self.counts[why]} annotations {why}, left out"
            for why in (*WITHOUT_PIXELS, "of pictures that the file does not list")
            if self.counts[why]
        ]
        said += places_said(self.places)
        if self.counts["crowds"]:
            said.append(f"{self.counts['crowds']} annotations are marked as crowds (iscrowd 1): they keep their class")
        if self.background:
            said.append(f"the categories begin at 0, so what no annotation covers is called {self.background} here")
        if self.counts["pictures without annotations"]:
            said.append(
                f"{self.counts['pictures without annotations']} pictures are listed without annotations: all background"
            )
        return said

    def later(self) -> list[str]:
        return overlap_note(self.overlaps)


def twice(first: str | None, second: str | None) -> str:
    """Where, and what to do."""
    if first == second:
        return "in one JSON file; join the two entries, or take one out"
    return (
        f"({first} and {second}); where two JSON files describe the same pictures, give the one that counts as SOURCE"
    )


def reach_of(segmentation: object) -> float:
    """The largest coordinate of outlines; of run lengths it is none of theirs."""
    if isinstance(segmentation, dict):
        return np.inf
    return max((float(np.max(ring)) for ring in segmentation), default=0.0)  # type: ignore[attr-defined]


def size_of(image: dict[str, object], picture: Path | None, path: Path) -> tuple[int, int]:
    height, width = image.get("height"), image.get("width")
    if height is not None and width is not None:
        return checked_size(height, width, f"{path}: the picture {image.get('file_name')}")
    if picture is None:
        raise DataError(
            f"{path}: the picture {image.get('file_name')} has no width and height, and its file is not there"
        )
    return stored_size(picture)


FORMAT = Format("coco", "COCO's JSON: polygons and run lengths", recognise, read)
