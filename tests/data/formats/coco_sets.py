"""COCO's JSON as tools write it, small: each function writes a set and returns name → the labels that an import must give."""

import json

import numpy as np

from .drawing import photo, save
from .outlines import coco_by_loops, counts_of, text_of

HEIGHT, WIDTH = 35, 49


def empty():
    return np.zeros((HEIGHT, WIDTH), np.uint8)


def ring_of(top, left, height, width):
    """A rectangle's corners on the pixels' edges: it covers height x width pixels."""
    return [left, top, left + width, top, left + width, top + height, left, top + height]


def box(labels, top, left, height, width, number=1):
    labels[top : top + height, left : left + width] = number
    return labels


def picture(number, name):
    return {"id": number, "file_name": name, "height": HEIGHT, "width": WIDTH}


def annotation(number, image, category, segmentation, **more):
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "segmentation": segmentation,
        "iscrowd": 0,
        **more,
    }


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


STAR = [
    24.5,
    2.25,
    29.1,
    14,
    44.75,
    15.5,
    31,
    20.2,
    35.9,
    33.3,
    24,
    24.6,
    8.2,
    31.75,
    17.3,
    19.9,
    5.5,
    11,
    19.6,
    12.4,
]  # slanted, fractions
CATEGORIES = [{"id": 90, "name": "brush"}, {"id": 1, "name": "person"}, {"id": 18, "name": "dog"}]


def coco(root):
    """The release: annotations/instances_SPLIT2017.json, SPLIT2017/NAME.jpg, ids with gaps, polygons, run lengths, a crowd, a hole."""
    hole = box(box(empty(), 3, 30, 12, 12), 6, 33, 5, 4, 0)
    expected = {
        "000000000009": box(box(empty(), 2, 3, 5, 5, 1), 4, 5, 6, 7, 2),  # the later is on top
        "000000000025": 3 * hole,
        "000000000030": box(box(empty(), 20, 10, 4, 9, 1), 5, 40, 8, 9, 1),  # two parts; one sticks out on the right
        "000000000034": empty(),
    }
    shapes = {
        9: [(1, [ring_of(2, 3, 5, 5)], 0), (18, [ring_of(4, 5, 6, 7)], 0)],
        25: [(90, {"counts": text_of(counts_of(hole)), "size": [HEIGHT, WIDTH]}, 0)],
        30: [
            (1, {"counts": counts_of(box(empty(), 20, 10, 4, 9)), "size": [HEIGHT, WIDTH]}, 1),
            (1, [ring_of(5, 40, 8, 20)], 0),
        ],
        34: [],
    }
    split = {9: "train", 25: "train", 30: "train", 34: "val"}
    for name in ("train", "val"):
        numbers = [number for number in shapes if split[number] == name]
        content = {
            "info": {"description": "COCO 2017 Dataset"},
            "images": [picture(number, f"{number:012}.jpg") for number in numbers],
            "annotations": [
                annotation(100 * number + place, number, category, code, iscrowd=crowd, area=1.5)
                for number in numbers
                for place, (category, code, crowd) in enumerate(shapes[number])
            ],
            "categories": CATEGORIES,
        }
        if name == "val":  # one without annotations would say nothing
            content["images"].append(picture(42, "000000000042.jpg"))
            content["annotations"].append(annotation(4200, 42, 18, [STAR, ring_of(1, 1, 3, 4)]))
            star = coco_by_loops(STAR, HEIGHT, WIDTH)
            expected["000000000042"] = box(np.where(star, 2, 0).astype(np.uint8), 1, 1, 3, 4, 2)
        for image in content["images"]:
            save(root / f"{name}2017/{image['file_name']}", photo(image["id"]))
        write_json(root / f"annotations/instances_{name}2017.json", content)
        captions = [{"id": 1, "image_id": numbers[0], "caption": "a cat"}]
        write_json(
            root / f"annotations/captions_{name}2017.json", {**content, "annotations": captions, "categories": []}
        )
    return expected


def roboflow_coco(root):
    """Roboflow: train|valid|test/_annotations.coco.json beside the pictures, category 0 holds the others together, no annotation has it."""
    categories = [
        {"id": 0, "name": "fruits", "supercategory": "none"},
        {"id": 1, "name": "apple", "supercategory": "fruits"},
        {"id": 2, "name": "pear", "supercategory": "fruits"},
    ]
    expected = {}
    for place, split in enumerate(("train", "valid", "test")):
        images, annotations = [], []
        for number in range(2):
            name = f"IMG_{place}{number}_jpg.rf.0a1b{place}{number}"
            images.append({"license": 1, "date_captured": "2026-01-01", **picture(number, f"{name}.jpg")})
            annotations.append(
                annotation(number, number, 1 + number, [ring_of(3 + place, 4, 6, 9)], bbox=[4, 3, 9, 6], area=54)
            )
            expected[name] = box(empty(), 3 + place, 4, 6, 9, 1 + number)
            save(root / f"{split}/{name}.jpg", photo(number + 2 * place))
        content = {"info": {"year": "2026"}, "images": images, "annotations": annotations, "categories": categories}
        write_json(root / f"{split}/_annotations.coco.json", content)
    (root / "README.roboflow.txt").write_text("fruits - v1\n", encoding="utf-8")
    return expected


def supervision_coco(root):
    """supervision 0.31: outlines traced along the pixels, a mask with a hole as run lengths and crowd, areas are counted pixels."""
    hole = box(box(empty(), 3, 30, 12, 12, 2), 6, 33, 5, 4, 0)
    annotations = [
        annotation(1, 1, 1, [[3, 2, 3, 6, 7, 6, 7, 2]], area=25.0, bbox=[3, 2, 4, 4]),
        annotation(
            2, 1, 2, {"counts": counts_of(hole), "size": [HEIGHT, WIDTH]}, area=124.0, iscrowd=1, bbox=[30, 3, 11, 11]
        ),
        annotation(3, 2, 2, [[10, 20, 10, 29, 30, 29, 30, 20]], area=210.0, bbox=[10, 20, 20, 9]),
    ]
    content = {
        "info": {},
        "licenses": [{"id": 1, "name": "CC BY 4.0"}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "images": [picture(1, "a.png"), picture(2, "b.png")],
        "annotations": annotations,
    }
    write_json(root / "annotations.json", content)
    for seed, name in enumerate("ab"):
        save(root / f"images/{name}.png", photo(seed))
    return {"a": box(hole, 2, 3, 5, 5, 1), "b": box(empty(), 20, 10, 10, 21, 2)}


def coco_panoptic(root):
    """annotations/panoptic_SPLIT2017.json and its folder of PNGs: numbers of segments in three bytes, 0 is nobody's; two dogs."""
    categories = [
        {"id": 18, "name": "dog", "isthing": 1},
        {"id": 200, "name": "water-other", "isthing": 0},
        {"id": 1, "name": "person", "isthing": 1},
    ]
    expected = {}
    for seed, split in enumerate(("train", "val")):
        images, annotations = [], []
        for image in range(2):
            name = f"{seed}{image:011}"
            segments = {7: 18, 65536 * 9 + 256 * 3 + 255: 18, 256 * 200: 200, 300 + image: 1}
            numbers = box(np.zeros((HEIGHT, WIDTH), int), 0, 0, 12, WIDTH, 256 * 200)
            numbers = box(
                box(box(numbers, 5, 6, 9, 9, 7), 20, 20, 6, 9, 65536 * 9 + 256 * 3 + 255), 9, 30, 9, 9, 300 + image
            )
            expected[name] = np.vectorize(
                {0: 255, 7: 1, 65536 * 9 + 256 * 3 + 255: 1, 256 * 200: 2, 300 + image: 0}.get, otypes=[np.uint8]
            )(numbers)
            save(
                root / f"annotations/panoptic_{split}2017/{name}.png",
                np.stack([numbers % 256, numbers // 256 % 256, numbers // 65536], -1),
            )
            save(root / f"{split}2017/{name}.jpg", photo(2 * seed + image))
            info = [
                {"id": number, "category_id": category, "iscrowd": 0, "area": 1}
                for number, category in segments.items()
            ]
            annotations.append({"image_id": image, "file_name": f"{name}.png", "segments_info": info})
            images.append(picture(image, f"{name}.jpg"))
        content = {"info": {}, "images": images, "annotations": annotations, "categories": categories}
        write_json(root / f"annotations/panoptic_{split}2017.json", content)
    return expected


COCO_SETS = {
    "coco": coco,
    "roboflow_coco": roboflow_coco,
    "supervision_coco": supervision_coco,
    "coco_panoptic": coco_panoptic,
}
