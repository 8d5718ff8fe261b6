"""A set of each format, as its tool writes it: `BUILDERS[format](root)` returns the labels that it means, in minifcn's numbers.

Every set has six pictures in which the classes have other shapes in each. Nothing of minifcn is used.
"""

import base64
import io
import json

import numpy as np
from PIL import Image, ImageDraw

from .annotated_sets import ANNOTATED_SETS
from .other_fields import FIELDS
from .public_sets import PUBLIC_SETS
from .via_sets import VIA_SETS
from .yolo_sets import YOLO_SETS

H, W = 24, 32
STEMS = ["a", "b", "c", "d", "e", "f"]


def photo(seed=0, height=H, width=W):
    """A picture of slopes, another for each seed."""
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([(2 * x + 37 * seed) % 256, 2 * y % 256, (x + y) % 256], -1).astype(np.uint8))


def regions(seed=0, height=H, width=W):
    """Labels of background 0, a box of 1, and a band of 2 over it."""
    labels = np.zeros((height, width), np.uint8)
    labels[2 + seed : 12 + seed, 3 : 14 + seed] = 1
    labels[16 - seed : 20 - seed, 8:29] = 2
    return labels


def save(image, path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


def text(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def palette_image(labels, colours=((0, 0, 0), (128, 0, 0), (0, 128, 0))):
    """A palette image with room for all 256 numbers."""
    image = Image.fromarray(np.asarray(labels, np.uint8))
    image.putpalette(bytes(np.resize(np.array(colours, np.uint8), (256, 3))))
    return image


CVAT_COLOURS = {"background": (0, 0, 0), "Cat": (51, 221, 255), "Dog": (250, 50, 83)}


def coloured(labels, colours):
    return Image.fromarray(np.array(list(colours), np.uint8)[labels])


def build_cvat(root, pictures=True):
    """One task: colours of the user's own, names in sub-folders, a frame that nobody labelled, one list called default."""
    text(
        root / "labelmap.txt",
        "# label:color_rgb:parts:actions",
        *(
            f"{name}:{r},{g},{b}::"
            for name, (r, g, b) in sorted(CVAT_COLOURS.items(), key=lambda each: each[0] != "Dog")
        ),
    )  # Dog comes first: its number in minifcn is 1
    names = [*STEMS[:4], "night/e", "night/deep dir/f"]
    text(root / "ImageSets/Segmentation/default.txt", *names, "nothing drawn")
    expected = {}
    for seed, name in enumerate(names):
        labels = regions(seed)
        save(coloured(labels, CVAT_COLOURS.values()), root / f"SegmentationClass/{name}.png")
        save(coloured(labels, [(0, 0, 0), (128, 0, 0), (0, 128, 0)]), root / f"SegmentationObject/{name}.png")
        expected[name.replace("/", "__")] = np.array([0, 2, 1], np.uint8)[labels]
        if pictures:
            save(photo(seed), root / f"JPEGImages/{name}.jpg")
    if pictures:
        save(photo(9), root / "JPEGImages/nothing drawn.jpg")
    return expected


def png_bytes(image, kind="PNG"):
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def in_base64(content):
    return base64.b64encode(content).decode()


def labelme_json(shapes, picture, height=H, width=W, data=None, version="6.3.1"):
    """What labelme 6 writes."""
    return {
        "version": version,
        "flags": {},
        "shapes": shapes,
        "imagePath": picture,
        "imageData": data,
        "imageHeight": height,
        "imageWidth": width,
    }


def shape(label, kind, points, mask=None, group=None):
    return {
        "label": label,
        "points": points,
        "group_id": group,
        "description": "",
        "shape_type": kind,
        "flags": {},
        "mask": None if mask is None else in_base64(png_bytes(Image.fromarray(mask.astype(np.uint8)))),
    }


def labelme_shapes(seed=0):
    """Shapes with whole corners, so that their pixels can be written down, and those pixels: cat 1, dog 2, ignored 255."""
    labels = np.zeros((H, W), np.uint8)
    hollow = np.ones((5, 4), bool)
    hollow[1:4, 1:3] = False
    shapes = [
        shape("cat", "rectangle", [[14.0 + seed, 12.0], [3.0, 2.0 + seed]]),
        shape("dog", "polygon", [[6.0, 5.0], [25.0, 5.0], [25.0, 9.0], [6.0, 9.0]], group=1),
        shape("__ignore__", "mask", [[20.0, 14.0], [23.0, 18.0]], hollow),
        shape("cat", "polygon", [[0.0, 20.0], [0.0, 23.0], [5.0, 23.0], [5.0, 20.0]], group=1),
    ]
    labels[2 + seed : 13, 3 : 15 + seed] = 1
    labels[5:10, 6:26] = 2
    labels[14:19, 20:24][hollow] = 255
    labels[20:24, 0:6] = 1
    return shapes, labels


def build_labelme(root):
    """JSON files beside their pictures, one with the picture in it alone, one in a sub-folder; no labels.txt."""
    expected = {}
    for seed, name in enumerate([*STEMS[:4], "in json", "more/f"]):
        shapes, labels = labelme_shapes(seed)
        file = root / f"{name}.json"
        picture = photo(seed)
        data = in_base64(png_bytes(picture)) if name == "in json" else None
        if data is None:
            save(picture, root / f"{name}.jpg")
        last = name.rpartition("/")[2]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(labelme_json(shapes, f"{last}.jpg", data=data), indent=2), encoding="utf-8")
        expected[name.replace("/", "__")] = labels
    return expected


def build_labelme2voc(root, old=False):
    """What labelme2voc.py writes: PNGs with 255 for what is ignored; `old`: arrays where they are now, with -1."""
    (root / "SegmentationClassVisualization").mkdir(parents=True)
    (root / "class_names.txt").write_text("_background_\ncat\ndog", encoding="utf-8")  # no end of line, as it does
    expected = {}
    for seed, stem in enumerate(STEMS):
        labels = regions(seed)
        labels[-2:, -5:] = 255
        save(photo(seed), root / f"JPEGImages/{stem}.jpg")
        save(photo(seed + 50), root / f"SegmentationClassVisualization/{stem}.jpg")
        save(palette_image(labels), root / f"{'SegmentationClassPNG' if old else 'SegmentationClass'}/{stem}.png")
        arrays = root / ("SegmentationClass" if old else "SegmentationClassNpy")
        arrays.mkdir(exist_ok=True)
        np.save(arrays / f"{stem}.npy", labels.astype(np.int8).astype(np.int32))  # 255 is -1
        expected[stem] = labels
    return expected


def build_roboflow(root):
    """train, valid and test with a table each."""
    expected = {}
    for seed, (split, stem) in enumerate(zip(["train"] * 3 + ["valid"] * 2 + ["test"], STEMS, strict=True)):
        labels = regions(seed)
        name = f"{stem}_jpg.rf.51d3c1c9a0bd18dad0356a615ac5a7{seed}f"
        text(root / split / "_classes.csv", "Pixel Value, Class", "0, background", "1, leaf", "2, stem")
        save(photo(seed), root / split / f"{name}.jpg")
        save(Image.fromarray(labels), root / split / f"{name}_mask.png")
        expected[name] = labels
    text(root / "README.roboflow.txt", "an export")
    return expected


def build_matlab(root):
    """Label_1.png and so on, 0 where nobody said anything, 1 the first name of the list."""
    expected = {}
    for seed, stem in enumerate(STEMS):
        labels = regions(seed)
        save(photo(seed), root / f"images/{stem}.jpg")
        save(Image.fromarray(labels), root / f"PixelLabelData/Label_{seed + 1}.png")
        expected[stem] = np.array([255, 0, 1], np.uint8)[labels]
    text(root / "classes.txt", "road", "sky")
    (root / "gTruth.mat").write_bytes(b"MATLAB 5.0 MAT-file".ljust(128))
    return expected


def build_pairs(root):
    """images/train and masks/train, masks with a suffix, and a list of names."""
    expected = {}
    for seed, stem in enumerate(STEMS):
        labels = regions(seed)
        labels[-1, -6:] = 255
        split = "train" if seed < 4 else "val"
        save(photo(seed), root / f"images/{split}/{stem}.jpg")
        save(Image.fromarray(labels), root / f"masks/{split}/{stem}_mask.png")
        expected[stem] = labels
    text(root / "classes.txt", "background", "leaf", "stem")
    return expected


def build_darwin(root, kind="index"):
    """Semantic masks of darwin-py with the pictures beside them."""
    expected = {}
    values = {"index": ["0", "1", "2"], "grey": ["0", "127", "255"], "rgb": ["0 0 0", "255 51 51", "51 255 50"]}[kind]
    text(
        root / "class_mapping.csv",
        "class_name,class_color",
        *map(",".join, zip(["__background__", "cat", "dog"], values, strict=True)),
    )
    for seed, name in enumerate([*STEMS[:5], "night/f"]):
        labels = regions(seed)
        image = coloured(labels, [tuple(map(int, value.split())) for value in values]) if kind == "rgb" else None
        numbers = labels if image else np.array([int(value) for value in values], np.uint8)[labels]
        save(photo(seed), root / f"images/{name}.jpg")
        save(image or Image.fromarray(numbers), root / f"masks/{name}.png")
        expected[name.replace("/", "__")] = labels
    return expected


TOOLS = {
    "cvat": build_cvat,
    "labelme": build_labelme,
    "labelme2voc": build_labelme2voc,
    "roboflow": build_roboflow,
    "matlab": build_matlab,
    "darwin": build_darwin,
    "pairs": build_pairs,
}
BUILDERS = {**TOOLS, **ANNOTATED_SETS, **VIA_SETS, **YOLO_SETS, **PUBLIC_SETS, **FIELDS}


def sheet(expected):
    """All labels of a set below each other: the golden picture of a format."""
    return np.concatenate([expected[name] for name in sorted(expected)])


def drawn_polygon(points, height=H, width=W):
    """A polygon as Pillow draws it, rim and all."""
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).polygon(points, fill=1, outline=1)
    return np.asarray(image).astype(bool)
