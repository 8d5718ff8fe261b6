"""CVAT's "CVAT for images 1.1", small: annotations.xml, with the pictures in images/."""

import numpy as np

from .coco_sets import HEIGHT, WIDTH, box, empty, ring_of
from .drawing import photo, save
from .outlines import coco_by_loops


def row_counts(mask):
    """Run lengths of a mask along its rows, outside first, as CVAT writes them: without a 0 at the end."""
    counts, now = [0], False
    for pixel in mask.ravel().tolist():
        if bool(pixel) != now:
            counts.append(0)
            now = not now
        counts[-1] += 1
    return counts


def brushed(label, top, left, height, width, counts, z=0):
    place = f'left="{left}" top="{top}" width="{width}" height="{height}"'
    return f'<mask label="{label}" source="manual" occluded="0" rle="{counts}" {place} z_order="{z}"></mask>'


def polygon_of(label, ring, z=0):
    points = ";".join(f"{x:.2f},{y:.2f}" for x, y in np.reshape(ring, (-1, 2)).tolist())
    return f'<polygon label="{label}" source="manual" occluded="0" points="{points}" z_order="{z}"></polygon>'


def box_of(label, top, left, height, width, more=""):
    return f'<box label="{label}" xtl="{left}.0" ytl="{top}.0" xbr="{left + width}.0" ybr="{top + height}.0" z_order="0" {more}></box>'


def frame(name, *shapes):
    return f'<image id="0" name="{name}" subset="default" width="{WIDTH}" height="{HEIGHT}">{"".join(shapes)}</image>'


def document(*images):
    labels = "".join(
        f"<label><name>{name}</name><color>#ff0000</color><type>any</type></label>" for name in ("tree", "car")
    )
    meta = f"<meta><job><id>7</id><labels>{labels}</labels></job><dumped>2026-11-29</dumped></meta>"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>{meta}{"".join(images)}</annotations>'


KITE = [24.5, 4.25, 33.1, 15.5, 25, 31.75, 12.2, 14.4]


def cvat_xml(root):
    """Names in sub-folders, a mask with a hole beneath a polygon that is listed before it, a frame that nobody drew in."""
    ring = np.ones((8, 10), bool)
    ring[3:5, 4:7] = False
    first = empty()
    first[6:14, 18:28][ring] = 2
    first[coco_by_loops(KITE, HEIGHT, WIDTH) > 0] = 1
    brush = brushed("car", 6, 18, 8, 10, ", ".join(map(str, row_counts(ring))))
    second = [
        box_of("car", 3, 5, 7, 9),
        box_of("tree", 3, 5, 7, 9, 'rotation="30.0"'),
        "<tag label='tree'/>",
        "<polyline label='tree'/>",
    ]
    images = [
        frame("day/a.jpg", polygon_of("tree", KITE, z=1), brush),
        frame("night/a.jpg", *second),
        frame("night/c.jpg", polygon_of("tree", ring_of(2, 3, 5, 6))),
        frame("empty.jpg"),
    ]
    root.mkdir(exist_ok=True)
    (root / "annotations.xml").write_text(document(*images), encoding="utf-8")
    for seed, name in enumerate(("day/a", "night/a", "night/c", "empty")):
        save(root / f"images/{name}.jpg", photo(seed))
    return {"day__a": first, "night__a": box(empty(), 3, 5, 7, 9, 2), "night__c": box(empty(), 2, 3, 5, 6, 1)}


CVAT_XML_SETS = {"cvat_xml": cvat_xml}
