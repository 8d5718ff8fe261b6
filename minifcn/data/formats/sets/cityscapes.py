"""Cityscapes: gtFine (or gtCoarse) beside leftImg8bit, split/city/NAME in both, the 19 classes of its evaluation; and KITTI of the same numbers.

Source: the label table of cityscapesscripts 2.3.0; the tests hold it against this one. What its evaluation ignores is void here.
`_labelIds` and `_labelTrainIds` are grey of 8 bits; `_color` names several labels by one colour, `_instanceIds` counts objects.

KITTI's semantic benchmark (read: the README of its development kit, and Datumaro's copy of the layout): training/image_2/NAME.png, the label
ids in training/semantic/NAME.png; training/instance/NAME.png, of 16 bits, has the label id in the upper 8 and the object in the lower.
"""

from functools import partial
from pathlib import Path

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, by_name
from minifcn.data.formats.masks import mode_of, read_numbers
from minifcn.data.formats.source import Format, Item, Options, Source

LABELS, IMAGES = ("gtFine", "gtCoarse"), "leftImg8bit"
# labelId → class, in the order of the train ids 0 to 18
CLASSES = {
    7: "road", 8: "sidewalk", 11: "building", 12: "wall", 13: "fence", 17: "pole", 19: "traffic light", 20: "traffic sign",
    21: "vegetation", 22: "terrain", 23: "sky", 24: "person", 25: "rider", 26: "car", 27: "truck", 28: "bus", 31: "train",
    32: "motorcycle", 33: "bicycle",
}  # fmt: skip
IDS = range(34)
KINDS: dict[str, dict[int, str | None]] = {
    "labelIds": dict(CLASSES) | {number: None for number in IDS if number not in CLASSES},
    "labelTrainIds": dict(enumerate(CLASSES.values())) | {255: None},
}
REFUSED = {
    "color": "one colour stands for several labels (a car and its licence plate, a pole and a group of poles, black for five)",
    "instanceIds": "they number objects (26001 is the second car)",
    "instanceTrainIds": "they number objects (13001 is the second car)",
}
WITHHELD = (
    "the release withholds the labels of its test: all of them are void, and no score on that split means anything"
)


def recognise(source: Path) -> str | None:
    place = labels_in(source)
    return None if place is None else f"{place.name}/ with split/city/NAME_{place.name}_….png is there"


def labels_in(source: Path) -> Path | None:
    """The folder of labels: gtFine, or gtCoarse, in the source or in the folder of an archive, or the source itself."""
    places = [place for name in LABELS for place in (source / name, *source.glob(f"{name}*/{name}"))]
    places += [source] * (source.name in LABELS)
    return next((place for place in places if next(place.glob(f"*/*/*_{place.name}_*.png"), None)), None)


def read(source: Path, options: Options) -> Source:
    place = labels_in(source)
    if place is None:
        raise DataError(
            f"{source}: neither {' nor '.join(LABELS)} with split/city/NAME_gtFine_labelIds.png is there; give the folder that holds "
            f"{LABELS[0]}/ and {IMAGES}/"
        )
    kind = kind_in(place)
    ending = f"_{place.name}_{kind}"
    labels = {
        name.removesuffix(ending): path for name, path in by_name(place, (".png",)).items() if name.endswith(ending)
    }
    pictures = pictures_of(source, place, options)
    short = names_alone(labels)
    items = [
        Item(short[name], pictures.get(name), name.split("/")[0], partial(read_numbers, path))
        for name, path in labels.items()
    ]
    bare = sorted(set(pictures) - set(labels))
    notes = [WITHHELD] if any(item.split == "test" for item in items) else []
    return Source(items, dict(KINDS[kind]), left_out={"pictures without labels": bare} if bare else {}, notes=notes)


def kind_in(place: Path) -> str:
    """Which of the label files to take. DataError where there are only such as do not say the class of each pixel."""
    there = {path.stem.split("_")[-1] for path in place.glob("*/*/*.png")}
    for kind in KINDS:
        if kind in there:
            return kind
    reasons = "; ".join(f"NAME_{place.name}_{kind}.png: {REFUSED[kind]}" for kind in sorted(there & REFUSED.keys()))
    raise DataError(
        f"{place}: no NAME_{place.name}_labelIds.png and no _labelTrainIds.png is there. {reasons or 'Other files are'}. "
        "Take the labelIds from the same archive, or make them with cityscapesscripts"
    )


def pictures_of(source: Path, labels: Path, options: Options) -> dict[str, Path]:
    """Pictures by split/city/NAME, from leftImg8bit beside the labels, or in the folder of its own archive, or from `--pictures`."""
    given = options.pictures
    beside = [labels.parent / IMAGES, source / IMAGES, *source.glob(f"{IMAGES}*/{IMAGES}")]
    places = beside if given is None else [given / IMAGES, given]
    place = next((place for place in places if place.is_dir()), None)
    found = by_name(place, PICTURES) if place else {}
    return {name.removesuffix(f"_{IMAGES}"): path for name, path in found.items()}


def names_alone(names: dict[str, Path]) -> dict[str, str]:
    """split/city/NAME → NAME, which says the city itself; the whole where two would be the same."""
    last = {name: name.split("/")[-1] for name in names}
    return last if len(set(last.values())) == len(last) else {name: name for name in names}


def recognise_kitti(source: Path) -> str | None:
    found = kitti_in(source)
    return f"{found[1].parent.name}/{found[1].name}/ beside {KITTI_IMAGES}/ is there" if found else None


def kitti_in(source: Path) -> tuple[Path, Path] | None:
    """KITTI's pictures and its labels, in training/ or in the source itself: of label ids, else of ids and objects."""
    pairs = [(place / KITTI_IMAGES, place / kind) for place in (source / "training", source) for kind in KITTI_LABELS]
    return next((pair for pair in pairs if all(place.is_dir() for place in pair)), None)


def read_kitti(source: Path, options: Options) -> Source:
    found = kitti_in(source)
    if found is None:
        raise DataError(f"{source}: no training/ with {KITTI_IMAGES}/ and {' or '.join(KITTI_LABELS)}/ is there")
    pictures, labels = by_name(options.pictures or found[0], PICTURES), by_name(found[1], (".png",))
    reader = KITTI_LABELS[found[1].name]
    items = [Item(name, pictures.get(name), None, partial(reader, path)) for name, path in labels.items()]
    bare = sorted(set(pictures) - set(labels))
    return Source(items, dict(KINDS["labelIds"]), left_out={"pictures without labels": bare} if bare else {})


def read_upper(path: Path) -> np.ndarray:
    """Labels of 16 bits whose upper 8 are the class. DataError for a file of 8 bits, in which there is no upper half."""
    if mode_of(path) in ("L", "P", "1"):
        raise DataError(f"{path}: labels of 8 bits; KITTI's {path.parent.name}/ has 16, the class in the upper 8")
    return read_numbers(path) >> 8


KITTI_IMAGES = "image_2"
KITTI_LABELS = {"semantic": read_numbers, "instance": read_upper}
FORMAT = Format("cityscapes", "Cityscapes, gtFine or gtCoarse: labelIds or labelTrainIds", recognise, read)
KITTI = Format("kitti", "KITTI's semantic benchmark: semantic or instance beside image_2", recognise_kitti, read_kitti)
