"""Small data folders for the tests, in the layout of VOC, written without the library."""

import numpy as np
from PIL import Image

from minifcn.data import ClassMap

PICTURES, LABELS, SPLITS = "JPEGImages", "SegmentationClass", "ImageSets/Segmentation"


def flat_picture(height=6, width=8, colour=(10, 20, 30)):
    return Image.new("RGB", (width, height), colour)


def numbered(known):
    """Classes 0 to `known` - 1 under names of no meaning."""
    return ClassMap.own([f"class {value}" for value in range(known)])


def label_image(labels):
    """Labels as a palette image; the palette runs backwards, so that who reads colours gets other numbers."""
    image = Image.fromarray(np.asarray(labels, np.uint8))
    image.putpalette(bytes(255 - value // 3 for value in range(768)))
    return image


def write_folder(root, splits, height=6, width=8):
    """Folders and splits ({"train": ["a", "b"]}); a picture (PNG, so that its pixels last) and labels a name.

    The number of a name, in the order of the names' first appearance, fills its picture's red and is its label.
    """
    for part in (PICTURES, LABELS, SPLITS):
        (root / part).mkdir(parents=True)
    names = list(dict.fromkeys(name for ids in splits.values() for name in ids))
    for number, name in enumerate(names):
        flat_picture(height, width, (number, 0, 0)).save(root / PICTURES / f"{name}.png")
        label_image(np.full((height, width), number)).save(root / LABELS / f"{name}.png")
    for split, ids in splits.items():
        (root / SPLITS / f"{split}.txt").write_text("".join(f"{name}\n" for name in ids), encoding="utf-8")
    return root
