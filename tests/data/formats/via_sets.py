"""VIA's projects and exports, small: each function writes a set and returns name → the labels that an import must give."""

import csv
import json
from math import cos, sin

import numpy as np

from .coco_sets import HEIGHT, STAR, WIDTH, box, empty, write_json
from .drawing import photo, save
from .outlines import coco_by_loops

KITE = [24, 4, 33, 15, 25, 31, 12, 14]


def ellipse_by_loops(x, y, across, down, turn=0.0):
    """Which pixels' middles lie in an ellipse, pixel after pixel: turned back, they lie in one whose axes are level."""
    found = empty()
    for row in range(HEIGHT):
        for column in range(WIDTH):
            right, below = column + 0.5 - x, row + 0.5 - y
            along, beside = right * cos(-turn) - below * sin(-turn), right * sin(-turn) + below * cos(-turn)
            found[row, column] = (along / across) ** 2 + (beside / down) ** 2 < 1
    return found


def polygon(ring):
    return {"name": "polygon", "all_points_x": list(ring[0::2]), "all_points_y": list(ring[1::2])}


def rect(top, left, height, width):
    return {"name": "rect", "x": left, "y": top, "width": width, "height": height}


def circle(x, y, radius):
    return {"name": "circle", "cx": x, "cy": y, "r": radius}


def ellipse(x, y, across, down, turn):
    return {"name": "ellipse", "cx": x, "cy": y, "rx": across, "ry": down, "theta": turn}


POINT = {"name": "point", "cx": 3, "cy": 4}
LINE = {"name": "polyline", "all_points_x": [1, 2, 3], "all_points_y": [1, 5, 9]}


def region(shape, **attributes):
    return {"shape_attributes": shape, "region_attributes": attributes}


def entry(name, *regions, size=1234):
    return {"filename": name, "size": size, "regions": list(regions), "file_attributes": {}}


def filled(labels, number, mask):
    labels[mask > 0] = number
    return labels


def regions_and_labels():
    """For each of four pictures its regions, and the labels that they mean: cat 1, dog 2."""
    ring = filled(empty(), 1, coco_by_loops(KITE, HEIGHT, WIDTH))
    both = box(filled(empty(), 2, ellipse_by_loops(20.5, 15, 11, 5.5, 0.6)), 3, 25, 9, 12, 1)
    round_ = filled(filled(empty(), 1, coco_by_loops(STAR, HEIGHT, WIDTH)), 2, ellipse_by_loops(24, 17, 6.25, 6.25))
    return {
        "a.jpg": ([(polygon(KITE), "cat"), (POINT, "cat"), (LINE, "dog")], ring),
        "b.jpg": ([(ellipse(20.5, 15, 11, 5.5, 0.6), "dog"), (rect(3, 25, 9, 12), "cat")], both),
        "c.jpg": ([(polygon(STAR), "cat"), (circle(24, 17, 6.25), "dog")], round_),
        "d.jpg": ([(rect(30, 40, 9, 30), "dog")], box(empty(), 30, 40, 9, 30, 2)),
    }


def pictures(root, *names):
    for seed, name in enumerate(names):
        save(root / name, photo(seed))


def via(root):
    """A project of version 2: a dropdown, whose choices have names, and a text that some regions have."""
    found, metadata = {}, {}
    for name, (shapes, labels) in regions_and_labels().items():
        regions = [
            region(shape, kind={"cat": "1", "dog": "2"}[which], **({"note": "?"} if place else {}))
            for place, (shape, which) in enumerate(shapes)
        ]
        metadata[f"{name}1234"] = entry(name, *regions)
        found[name.removesuffix(".jpg")] = labels
    metadata["empty.jpg77"] = entry("empty.jpg", size=77)
    choices = {"type": "dropdown", "description": "", "options": {"1": "cat", "2": "dog"}, "default_options": {}}
    write_json(root / "via_project_29Nov2026_10h.json", {
        "_via_settings": {"ui": {}, "core": {"buffer_size": 18, "filepath": {}, "default_filepath": ""}, "project": {"name": "p"}},
        "_via_img_metadata": metadata,
        "_via_attributes": {"region": {"kind": choices, "note": {"type": "text", "description": "", "default_value": ""}}, "file": {}},
        "_via_data_format_version": "2.0.10",
        "_via_image_id_list": list(metadata),
    })  # fmt: skip
    pictures(root, *regions_and_labels(), "empty.jpg")
    return found


def via_balloon(root):
    """As the set of Mask R-CNN's first example: version 1, a mapping of regions, a file each split, and attributes of nothing."""
    found = {}
    for place, (name, (shapes, labels)) in enumerate(regions_and_labels().items()):
        split = "val" if place == 3 else "train"
        path = root / f"{split}/via_region_data.json"
        content = json.loads(path.read_text()) if path.is_file() else {}
        regions = {str(number): region(shape) for number, (shape, _) in enumerate(shapes)}
        content[f"{name}1234"] = {
            "fileref": "",
            "size": 1234,
            "filename": name,
            "base64_img_data": "",
            "file_attributes": {},
            "regions": regions,
        }
        write_json(path, content)
        save(root / split / name, photo(place))
        found[name.removesuffix(".jpg")] = (labels > 0).astype(np.uint8)
    return found


def via_csv(root):
    """The CSV export, boxes to tick for the class: a line a region, one for a picture without any."""
    found = {}
    root.mkdir(exist_ok=True)
    with (root / "via_export_csv.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        file.write(
            "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
        )
        for name, (shapes, labels) in regions_and_labels().items():
            for number, (shape, which) in enumerate(shapes):
                ticked = json.dumps({"kind": {which: True, "old": False}})
                lines.writerow([name, 1234, "{}", len(shapes), number, json.dumps(shape), ticked])
            found[name.removesuffix(".jpg")] = labels
        lines.writerow(["empty.jpg", 77, "{}", 0, 0, "{}", "{}"])
    pictures(root, *regions_and_labels(), "empty.jpg")
    return found


def via_3(root):
    """A project of version 3, in which an ellipse has no turn."""
    found, files, views, metadata = {}, {}, {}, {}
    for place, (name, (shapes, labels)) in enumerate(regions_and_labels().items(), 1):
        files[str(place)] = {"fid": place, "fname": name, "type": 2, "loc": 1, "src": ""}
        views[str(place)] = {"fid_list": [str(place)]}
        for number, (shape, which) in enumerate(shapes):
            kind = shape["name"]
            if kind in ("polygon", "polyline"):
                xy = [
                    7 if kind == "polygon" else 6,
                    *np.stack([shape["all_points_x"], shape["all_points_y"]], 1).ravel().tolist(),
                ]
            else:
                code = {"point": 1, "rect": 2, "circle": 3, "ellipse": 4}[kind]
                xy = [code, *(value for key, value in shape.items() if key not in ("name", "theta"))]
            metadata[f"{place}_x{number}"] = {
                "vid": str(place),
                "flg": 0,
                "z": [],
                "xy": xy,
                "av": {"1": {"cat": "0", "dog": "1"}[which]},
            }
        found[name.removesuffix(".jpg")] = labels
    found["b"] = box(filled(empty(), 2, ellipse_by_loops(20.5, 15, 11, 5.5)), 3, 25, 9, 12, 1)
    metadata["1_whole"] = {"vid": "1", "flg": 0, "z": [], "xy": [], "av": {"2": "a caption"}}
    kinds = {
        "aname": "kind",
        "anchor_id": "FILE1_Z0_XY1",
        "type": 4,
        "desc": "",
        "options": {"0": "cat", "1": "dog"},
        "default_option_id": "",
    }
    caption = {
        "aname": "caption",
        "anchor_id": "FILE1_Z0_XY0",
        "type": 1,
        "desc": "",
        "options": {},
        "default_option_id": "",
    }
    write_json(root / "project.json", {
        "project": {"pid": "__VIA_PROJECT_ID__", "rev": "__VIA_PROJECT_REV_ID__", "pname": "p", "data_format_version": "3.1.1", "vid_list": list(views)},
        "config": {}, "attribute": {"1": kinds, "2": caption}, "file": files, "metadata": metadata, "view": views,
    })  # fmt: skip
    pictures(root, *regions_and_labels())
    return found


VIA_SETS = {"via": via, "via_balloon": via_balloon, "via_csv": via_csv, "via_3": via_3}
