"""YOLO segmentation as tools write it, small: each function writes a set and returns name → the labels that an import must give."""

import numpy as np

from .coco_sets import HEIGHT, STAR, WIDTH, empty
from .drawing import becomes, blocks, photo, save, text
from .outlines import coco_by_loops, opencv_by_loops

KITE = [24.5, 4.25, 33.1, 15.5, 25, 31.75, 12.2, 14.4]
INNER = [20.4, 9.1, 29.2, 13.3, 24.6, 22.7]  # within the kite
# as OpenCV traces a mask: whole pixels, sides level, upright or slanted by half a right angle
CONTOUR = [8, 4, 5, 7, 5, 12, 9, 16, 15, 16, 17, 14, 17, 6, 15, 4]
# the same with a hole that a bridge leads to, and back: the corners of the hole are pixels of the object
HOLLOW = [
    8,
    4,
    5,
    7,
    5,
    12,
    9,
    16,
    15,
    16,
    17,
    14,
    17,
    6,
    15,
    4,
    8,
    4,
    9,
    9,
    10,
    8,
    13,
    8,
    14,
    9,
    14,
    11,
    13,
    12,
    10,
    12,
    9,
    11,
    9,
    9,
]
PARTS = [[3, 3.5, 9.5, 4, 6, 9.25], [30, 20.5, 41.5, 22, 36, 31.25]]
# the two parts with a bridge between their nearest corners, as Ultralytics joins them
JOINED = [9.5, 4, 6, 9.25, 3, 3.5, 9.5, 4, 30, 20.5, 41.5, 22, 36, 31.25, 30, 20.5]


def line(number, ring, decimals=6, height=HEIGHT, width=WIDTH):
    """A line of a label file: class and corners, in shares of the picture."""
    shares = (np.reshape(ring, (-1, 2)) / (width, height)).ravel().tolist()
    return f"{number} " + " ".join(f"{share:.{decimals}f}" for share in shares)


def box_line(number, left, top, width, height):
    return f"{number} {(left + width / 2) / WIDTH:.6f} {(top + height / 2) / HEIGHT:.6f} {width / WIDTH:.6f} {height / HEIGHT:.6f}"


def filled(labels, number, ring, rule=coco_by_loops):
    labels[rule(ring, HEIGHT, WIDTH) > 0] = number
    return labels


def hollow():
    """A mask traced, hole and all: within the hole's corners nothing, on them the object."""
    mask = opencv_by_loops(CONTOUR, HEIGHT, WIDTH)
    mask[9:12, 10:14] = 0
    return mask


def yolo(root):
    """Ultralytics' own layout: the smaller object first, a traced one, one in two parts, an empty file, none at all, a sub-folder."""
    text(
        root / "data.yaml",
        "# a set",
        "path: ../datasets/mine  # dataset root dir",
        "train: images/train",
        "val: images/val",
        "test:",
        "names:",
        "  0: cat  # purrs",
        "  1: 'hot dog'",
    )
    lines = {
        "train/a": [line(1, INNER), line(0, KITE)],
        "train/night/b": [line(0, STAR), line(1, HOLLOW, 5)],
        "train/c": [],
        "val/d": [line(1, JOINED)],
        "val/e": [line(0, CONTOUR), ""],
    }
    for seed, (name, written) in enumerate(lines.items()):
        save(root / f"images/{name}.jpg", photo(seed))
        text(root / f"labels/{name}.txt", *written)
    save(root / "images/train/nobody.png", photo(9))
    two = filled(filled(empty(), 2, PARTS[0]), 2, PARTS[1])
    night = filled(empty(), 1, STAR)
    night[hollow() > 0] = 2
    return {
        "a": filled(filled(empty(), 1, KITE), 2, INNER),
        "night__b": night,
        "c": empty(),
        "nobody": empty(),
        "d": two,
        "e": filled(empty(), 1, CONTOUR, opencv_by_loops),
    }


def roboflow_yolo(root):
    """Roboflow's: a folder each split, with pictures and labels in it; paths that lead out of the folder, names in brackets."""
    text(
        root / "data.yaml",
        "train: ../train/images",
        "val: ../valid/images",
        "test: ../test/images",
        "",
        "nc: 2",
        "names: ['leaf', 'stem, old']",
        "",
        "roboflow:",
        "  workspace: mine",
        "  url: https://example.org/mine",
    )
    expected = {}
    for seed, split in enumerate(["train", "train", "train", "valid", "valid", "test"]):
        name = f"IMG_{seed}_jpg.rf.51d3c1c9a0bd18dad0356a615ac5a7{seed}f"
        ring = np.add(STAR, 0.31 * seed)
        save(root / split / f"images/{name}.jpg", photo(seed))
        text(root / split / f"labels/{name}.txt", line(seed % 2, ring, 16))
        expected[name] = filled(empty(), 1 + seed % 2, ring)
    text(root / "README.roboflow.txt", "an export")
    return expected


def labelstudio_yolo(root):
    """Label Studio's: classes.txt in place of a data.yaml, no splits, names with blanks and dots."""
    text(root / "classes.txt", "cat", "zebra")
    text(root / "notes.json", '{"categories": [{"id": 0, "name": "cat"}, {"id": 1, "name": "zebra"}]}')
    expected = {}
    for seed in range(4):
        ring = np.add(KITE, 0.7 * seed)
        save(root / f"images/0a1b2c{seed}d-my pic.{seed}.jpg", photo(seed))
        text(root / f"labels/0a1b2c{seed}d-my pic.{seed}.txt", line(seed % 2, ring, 12))
        expected[f"0a1b2c{seed}d-my pic.{seed}"] = filled(empty(), 1 + seed % 2, ring)
    return expected


MAPPED = {7: 0, 8: 1, 11: 2}


def semantic(root):
    """Masks with a set's own numbers, which label_mapping turns; data.yaml calls their folder annotations."""
    text(
        root / "data.yaml", "path: mine", "train: images/train", "val: images/val", "masks_dir: annotations  # masks",
        "names:", *(f"  {number}: {name}" for number, name in enumerate(["road", "car", "sky"])),
        "label_mapping:", "  -1: ignore_label", "  0: ignore_label", *(f"  {old}: {new}" for old, new in MAPPED.items()), "  12: 255",
    )  # fmt: skip
    expected = {}
    for seed, name in enumerate(["train/a", "train/b", "train/deep/c", "val/a"]):
        numbers = blocks([0, 7, 8, 11, 12, 255], seed)
        save(root / f"images/{name}.jpg", photo(seed))
        save(root / f"annotations/{name}.png", numbers)
        split, _, rest = name.partition("/")
        expected[f"{split}__{rest.replace('/', '__')}"] = becomes(
            numbers, {0: 255, 7: 0, 8: 1, 11: 2, 12: 255, 255: 255}
        )
    return expected


YOLO_SETS = {
    "yolo_semantic": semantic,
    "yolo": yolo,
    "roboflow_yolo": roboflow_yolo,
    "labelstudio_yolo": labelstudio_yolo,
}
