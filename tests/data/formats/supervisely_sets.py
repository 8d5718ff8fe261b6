"""Supervisely's exports, small: each function writes a set and returns name → the labels that an import must give."""

import base64
import io
import json
import zlib

import numpy as np
from PIL import Image

from .coco_sets import HEIGHT, WIDTH, box, empty, write_json
from .drawing import photo, save
from .outlines import opencv_by_loops

CLASSES = ("cat", "road", "sign")


def bitmap(mask, top, left, title="cat"):
    """As the SDK packs it: PNG of mode P with number 0 transparent, zlib, base64."""
    image = Image.fromarray(np.asarray(mask, np.uint8))
    image.putpalette([0, 0, 0, 255, 255, 255])
    stream = io.BytesIO()
    image.save(stream, "PNG", transparency=0, optimize=0)
    return pack(stream.getvalue(), top, left, title)


def pack(png, top, left, title="cat"):
    data = base64.b64encode(zlib.compress(png)).decode()
    return thing(title, "bitmap", bitmap={"origin": [left, top], "data": data})


def thing(title, kind, **more):
    return {
        "classTitle": title,
        "description": "",
        "tags": [],
        "shape": kind,
        "geometryType": kind,
        "nnCreated": False,
        **more,
    }


def polygon(exterior, *interior, title="road"):
    return thing(title, "polygon", points={"exterior": exterior, "interior": list(interior)})


def annotation(*objects):
    return {
        "description": "",
        "size": {"height": HEIGHT, "width": WIDTH},
        "tags": [],
        "objects": objects,
        "customBigData": {},
    }


def meta(root):
    shapes = ("bitmap", "polygon", "any")
    classes = [
        {"title": title, "shape": shape, "color": "#FF0000"} for title, shape in zip(CLASSES, shapes, strict=True)
    ]
    write_json(root / "meta.json", {"classes": classes, "tags": [], "projectSettings": {}})


def corners(top, left, height, width):
    """A rectangle's corners as pixels: both ends belong to it."""
    return [[left, top], [left + width - 1, top], [left + width - 1, top + height - 1], [left, top + height - 1]]


def supervisely(root):
    """Two data sets, one within the other, with a picture of the same name; a hole, an object on another, boxes, points, a fraction."""
    meta(root)
    ring = np.ones((6, 7), bool)
    ring[2:4, 3:5] = False
    first = box(box(empty(), 2, 3, 20, 22, 2), 8, 9, 5, 6, 0)  # the hole is cleared with its rim
    kite = [[40, 3], [47, 14], [41, 31], [30, 12]]
    first[opencv_by_loops(kite, HEIGHT, WIDTH) > 0] = 2
    first[5:11, 20:27][ring] = 1
    second = box(empty(), 10, 12, 6, 8, 3)
    third = box(box(empty(), 1, 2, 4, 4, 2), 20, 30, 5, 5, 2)
    hole = polygon(corners(2, 3, 20, 22), corners(8, 9, 5, 6))
    parts = [{"exterior": corners(1, 2, 4, 4), "interior": []}, {"exterior": corners(20, 30, 5, 5), "interior": []}]
    fraction = polygon([[x + 0.9, y + 0.5] for x, y in corners(1, 2, 4, 4)])
    sets = {
        "ds1/a.jpg": [hole, polygon(kite), bitmap(ring, 5, 20)],
        "ds1/b.png": [],
        "ds1/datasets/night/a.jpg": [
            thing("sign", "rectangle", points={"exterior": [[12, 10], [19, 15]], "interior": []}),
            thing("sign", "point", points={"exterior": [[3, 3]], "interior": []}),
        ],
        "ds1/datasets/night/c.jpg": [thing("road", "multipolygon", parts=parts), fraction],
    }
    for seed, (name, objects) in enumerate(sets.items()):
        folder, _, file = name.rpartition("/")
        write_json(root / folder / "ann" / f"{file}.json", annotation(*objects))
        save(root / folder / "img" / file, photo(seed))
    return {"ds1__a": first, "ds1__b": empty(), "ds1__night__a": second, "ds1__night__c": third}


def supervisely_masks(root):
    """The masks export: the number in three equal channels."""
    (root / "train").mkdir(parents=True)
    colours = {"cat": [1, 1, 1], "road": [2, 2, 2]}
    (root / "obj_class_to_machine_color.json").write_text(json.dumps(colours), encoding="utf-8")
    expected = {}
    for seed, (split, name) in enumerate((("train", "a"), ("train", "b"), ("val", "c"))):
        expected[name] = box(box(empty(), 2 + seed, 3, 9, 8, 2), 5, 5, 3, 4, 1)
        save(root / split / "masks_machine" / f"{name}.png", np.repeat(expected[name][..., None], 3, 2))
        save(root / split / "masks_human" / f"{name}.png", np.repeat(expected[name][..., None] * 80, 3, 2))
        save(root / split / "img" / f"{name}.jpg", photo(seed))
    return expected


def supervisely_voc(root):
    """The Pascal VOC export, which no reader can make sense of."""
    place = root / "VOCdevkit/VOC"
    rng = np.random.default_rng(0)
    for seed, name in enumerate(("ds1_a", "ds1_b")):
        colours = Image.fromarray(rng.integers(0, 256, (3, 3), np.uint8)[box(box(empty(), 2, 3, 9, 8, 2), 1, 2, 1, 9)])
        save(place / f"SegmentationClass/{name}_class.png", colours.convert("P", palette=Image.Palette.ADAPTIVE))
        save(place / f"SegmentationObject/{name}_instance.png", colours.convert("P", palette=Image.Palette.ADAPTIVE))
        save(place / f"JPEGImages/{name}.jpg", photo(seed))
    (place / "ImageSets/Segmentation").mkdir(parents=True)
    (place / "ImageSets/Segmentation/train.txt").write_text("ds1_a.jpg\n", encoding="utf-8")
    (place / "ImageSets/Segmentation/val.txt").write_text("ds1_b.jpg\n", encoding="utf-8")
    (place / "colors.txt").write_text("neutral 224 224 192\ncat 255 0 0\n", encoding="utf-8")


SUPERVISELY_SETS = {"supervisely": supervisely, "supervisely_masks": supervisely_masks}
