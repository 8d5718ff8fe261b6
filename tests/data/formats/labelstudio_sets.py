"""Label Studio's exports, small: each function writes a set and returns name → the labels that an import must give."""

import numpy as np

from .coco_sets import HEIGHT, WIDTH, annotation, box, empty, picture, ring_of, write_json
from .drawing import photo, save
from .outlines import four_channels, stream_of

UPLOADED = {1: ("61148fa2", "a tree"), 2: ("72259fb3", "b"), 3: ("8336a0c4", "c")}


def disc(top, left, radius):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return (y - top) ** 2 + (x - left) ** 2 < radius**2


def brushes():
    """Task → brushes in their order: a label and a mask. The second task's car lies on its tree."""
    return {
        1: [("tree", disc(9, 9, 6)), ("tree", disc(25, 40, 5)), ("car", disc(20, 20, 8))],
        2: [("tree", disc(15, 20, 10)), ("car", disc(15, 27, 9))],
        3: [],
    }


def expected_of(numbers, name=lambda task: f"{UPLOADED[task][0]}-{UPLOADED[task][1].replace(' ', '_')}"):
    expected = {}
    for task, regions in brushes().items():
        labels = empty()
        for label, mask in regions:
            labels[mask] = numbers[label]
        expected[name(task)] = labels
    return expected


def result(label, mask, key="brushlabels"):
    return {
        "id": f"r{int(mask.sum())}", "type": "brushlabels", "from_name": "tag", "to_name": "image", "origin": "manual",
        "original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0,
        "value": {"format": "rle", "rle": stream_of(four_channels(mask)), key: [label]},
    }  # fmt: skip


def tasks(results):
    """The long JSON: what was skipped and an older annotation are in it too; task 9 nobody has annotated."""
    wrong = [result("car", np.ones((HEIGHT, WIDTH), bool))]
    listed = []
    for task, regions in results.items():
        prefix, name = UPLOADED[task]
        upload = f"{prefix}-{name.replace(' ', '_')}.jpg"
        annotations = [
            {"id": 10 * task + 2, "completed_by": 1, "was_cancelled": True, "result": wrong, "created_at": "2026-11-03T10:00:00Z"},
            {"id": 10 * task, "completed_by": 1, "result": wrong, "created_at": "2026-11-01T10:00:00Z"},
            {"id": 10 * task + 1, "completed_by": 1, "was_cancelled": False, "ground_truth": False, "result": regions,
             "created_at": "2026-11-02T10:00:00Z"},
        ]  # fmt: skip
        data = {"image": f"/data/upload/4/{upload}"}
        listed.append(
            {
                "id": task,
                "annotations": annotations,
                "file_upload": upload,
                "predictions": [],
                "data": data,
                "project": 4,
            }
        )
    listed.append({"id": 9, "annotations": [], "file_upload": "none.jpg", "data": {"image": "/data/upload/4/none.jpg"}})
    return listed


def labelstudio(root):
    """The JSON export, the pictures as Label Studio keeps them: with the prefix of an upload."""
    results = {task: [result(*region) for region in regions] for task, regions in brushes().items()}
    write_json(root / "project-4-at-2026-11-29-10-00-0a1b2c3d.json", tasks(results))
    for task, (prefix, name) in UPLOADED.items():
        save(root / f"upload/4/{prefix}-{name.replace(' ', '_')}.jpg", photo(task))
    return expected_of({"car": 1, "tree": 2})


def labelstudio_png(root):
    """The brush PNG export, and a JSON that links it, its run lengths cut out; the pictures as they were before the upload."""
    write_json(root / "tasks.json", tasks({task: [] for task in UPLOADED}))
    for task, regions in brushes().items():
        counts = {}
        for label, mask in sorted(
            regions, key=lambda region: region[0] == "tree"
        ):  # car, then tree: what a list of files gives
            count = counts[label] = counts.get(label, -1) + 1
            name = f"task-{task}-annotation-{10 * task + 1}-by-1-tag-{label}-{count}"
            save(root / f"{name}.png", np.where(mask, 255, 0))
        save(root / f"pictures/{UPLOADED[task][1].replace(' ', '_')}.jpg", photo(task))
    expected = expected_of({"car": 1, "tree": 2}, lambda task: UPLOADED[task][1].replace(" ", "_"))
    expected["b"][disc(15, 20, 10)] = 2  # here the tree lies on the car, as its name is the later
    return expected


def labelstudio_min(root):
    """The short JSON: the regions lie flat under the control's name."""
    listed = []
    for task, regions in brushes().items():
        flat = [{**result(*region)["value"], "original_width": WIDTH, "original_height": HEIGHT} for region in regions]
        image = f"/data/local-files/?d=shots/{task}.jpg"
        listed.append({"image": image, "id": task, "tag": flat, "annotator": 1, "annotation_id": 10 * task + 1})
        save(root / f"shots/{task}.jpg", photo(task))
    write_json(root / "project-4-min.json", listed)
    return expected_of({"car": 1, "tree": 2}, str)


def labelstudio_coco(root):
    """The COCO export: ids from 0 by the alphabet, `images/` in the names, polygons with fractions; brushes are not in it."""
    content = {
        "images": [picture(0, "images\\61148fa2-a.jpg"), picture(1, "images\\72259fb3-b.jpg")],
        "categories": [{"id": 0, "name": "car"}, {"id": 1, "name": "tree"}],
        "annotations": [
            annotation(0, 0, 1, [[float(each) for each in ring_of(2, 3, 9, 8)]], ignore=0, area=72.0),
            annotation(1, 1, 0, [[each + 0.25 for each in ring_of(20, 30, 10, 9)]], ignore=0, area=90.0),
        ],
        "info": {
            "year": 2026,
            "version": "1.0",
            "description": "",
            "contributor": "Label Studio",
            "url": "",
            "date_created": "",
        },
    }
    write_json(root / "result.json", content)
    save(root / "images/61148fa2-a.jpg", photo(0))
    save(root / "images/72259fb3-b.jpg", photo(1))
    return {"61148fa2-a": box(empty(), 2, 3, 9, 8, 2), "72259fb3-b": box(empty(), 20, 30, 10, 9, 1)}


def labelstudio_brush_coco(root):
    """The brush to COCO export: ids from 1 in the order met, outlines traced along the pixels, the area that they enclose."""
    content = {
        "images": [
            {"path": f"/data/upload/4/{name}.jpg", **picture(place, f"{name}.jpg")}
            for place, name in enumerate(("u-a", "u-b"))
        ],
        "annotations": [
            annotation(0, 0, 1, [[3, 2, 3, 6, 7, 6, 7, 2]], area=16, annotator="unknown"),
            annotation(1, 0, 2, [[20, 10, 15, 15, 20, 20, 25, 15]], area=50, annotator="unknown"),
            annotation(2, 1, 2, [[30, 20, 30, 22, 33, 22, 33, 20]], area=6, annotator="unknown"),
        ],
        "categories": [
            {"id": 1, "name": "tree", "supercategory": "", "color": "#aa0011", "metadata": {}},
            {"id": 2, "name": "car", "supercategory": "", "color": "#00bb11", "metadata": {}},
        ],
        "info": {
            "year": 2026,
            "version": "1.0",
            "description": "Converted from Label Studio",
            "contributor": "Label Studio Converter",
        },
    }
    write_json(root / "result_coco.json", content)
    for seed, name in enumerate(("u-a", "u-b")):
        save(root / f"{name}.jpg", photo(seed))
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    first = box(empty(), 2, 3, 5, 5, 1)
    first[abs(y - 15) + abs(x - 20) <= 5] = 2
    return {"u-a": first, "u-b": box(empty(), 20, 30, 3, 4, 2)}


LABELSTUDIO_SETS = {
    "labelstudio": labelstudio,
    "labelstudio_png": labelstudio_png,
    "labelstudio_min": labelstudio_min,
    "labelstudio_coco": labelstudio_coco,
    "labelstudio_brush_coco": labelstudio_brush_coco,
}
