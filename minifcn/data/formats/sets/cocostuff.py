"""COCO-Stuff: annotations/train2017/NAME.png beside images/train2017/NAME.jpg (or stuffthingmaps/), numbers one below its list of labels.

Source: its README and labels.txt. The list has 0 unlabeled and 1 person to 182 wood; in the PNG files 0 is person, 181 wood and 255
unlabeled, which is void. Eleven of the things (street sign, hat, …) occur in no file.
"""

from dataclasses import replace
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, by_name
from minifcn.data.formats.sets.partners import partners
from minifcn.data.formats.source import Format, Options, Source
from minifcn.data.labels import VOID

LABELS, SPLITS = ("annotations", "stuffthingmaps", "annotations/stuffthingmaps"), ("train2017", "val2017")
YEAR = "2017"
CLASSES = [
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic light",
    "fire hydrant",
    "street sign",
    "stop sign",
    "parking meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "hat",
    "backpack",
    "umbrella",
    "shoe",
    "eye glasses",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports ball",
    "kite",
    "baseball bat",
    "baseball glove",
    "skateboard",
    "surfboard",
    "tennis racket",
    "bottle",
    "plate",
    "wine glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted plant",
    "bed",
    "mirror",
    "dining table",
    "window",
    "desk",
    "toilet",
    "door",
    "tv",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "blender",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy bear",
    "hair drier",
    "toothbrush",
    "hair brush",
    "banner",
    "blanket",
    "branch",
    "bridge",
    "building-other",
    "bush",
    "cabinet",
    "cage",
    "cardboard",
    "carpet",
    "ceiling-other",
    "ceiling-tile",
    "cloth",
    "clothes",
    "clouds",
    "counter",
    "cupboard",
    "curtain",
    "desk-stuff",
    "dirt",
    "door-stuff",
    "fence",
    "floor-marble",
    "floor-other",
    "floor-stone",
    "floor-tile",
    "floor-wood",
    "flower",
    "fog",
    "food-other",
    "fruit",
    "furniture-other",
    "grass",
    "gravel",
    "ground-other",
    "hill",
    "house",
    "leaves",
    "light",
    "mat",
    "metal",
    "mirror-stuff",
    "moss",
    "mountain",
    "mud",
    "napkin",
    "net",
    "paper",
    "pavement",
    "pillow",
    "plant-other",
    "plastic",
    "platform",
    "playingfield",
    "railing",
    "railroad",
    "river",
    "road",
    "rock",
    "roof",
    "rug",
    "salad",
    "sand",
    "sea",
    "shelf",
    "sky-other",
    "skyscraper",
    "snow",
    "solid-other",
    "stairs",
    "stone",
    "straw",
    "structural-other",
    "table",
    "tent",
    "textile-other",
    "towel",
    "tree",
    "vegetable",
    "wall-brick",
    "wall-concrete",
    "wall-other",
    "wall-panel",
    "wall-stone",
    "wall-tile",
    "wall-wood",
    "water-other",
    "waterdrops",
    "window-blind",
    "window-other",
    "wood",
]


def recognise(source: Path) -> str | None:
    place = labels_in(source)
    return f"{place.relative_to(source).as_posix()}/ with files of COCO's pictures is there" if place else None


def labels_in(source: Path) -> Path | None:
    """The folder of a split's PNG files; COCO's own annotations/ holds JSON alone."""
    places = (source / folder / split for folder in LABELS for split in SPLITS)
    return next((place.parent for place in places if next(place.glob("0*.png"), None)), None)


def read(source: Path, options: Options) -> Source:
    place = labels_in(source)
    if place is None:
        raise DataError(f"{source}: no {LABELS[0]}/{SPLITS[0]}/NAME.png is there, nor in {LABELS[1]}/")
    folder = options.pictures or next(
        (source / name for name in ("images", ".") if (source / name / SPLITS[1]).is_dir()), source
    )
    pictures = {
        name: path
        for split in SPLITS
        for name, path in by_name(folder, PICTURES).items()
        if name.startswith(f"{split}/")
    }
    labels = {name: path for name, path in by_name(place, (".png",)).items() if name.split("/")[0] in SPLITS}
    items, left_out = partners(labels, pictures)
    items = [replace(item, split=item.split and item.split.removesuffix(YEAR)) for item in items]
    meaning: dict[int, str | None] = dict(enumerate(CLASSES)) | {VOID: None}
    return Source(items, meaning, left_out=left_out)


FORMAT = Format("cocostuff", "COCO-Stuff, the PNG files of things and stuff", recognise, read)
