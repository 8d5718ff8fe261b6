#!/usr/bin/env bash
# Datumaro: exported as VOC segmentation, objects that are polygons are not in the masks, a picture of polygons alone has none, and nobody is told.
#
# Guess, before it was run: a COCO square of 5 becomes 25 pixels of the class mask, filled by pycocotools, which Datumaro brings.
# Seen: 0 pixels; the run-length mask beside it is written. `data.transform("polygons_to_masks")` before the export gives the 25.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet datumaro==1.13.12 numpy==2.4.6 pillow==12.3.0

cat > run.py <<'END'
import json
import logging
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

import datumaro as dm

print("datumaro", version("datumaro"))
size = {"height": 12, "width": 16}
square = [[1, 2, 6, 2, 6, 7, 1, 7]]
lengths = {"counts": [12 * 10 + 2, 4, 8, 4, 12 * 16 - 138], "size": [12, 16]}  # 8 pixels
boxes = {"iscrowd": 0, "area": 1, "bbox": [0, 0, 5, 5]}
content = {
    "images": [{"id": 1, "file_name": "both.png", **size}, {"id": 2, "file_name": "polygon.png", **size}],
    "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "segmentation": square, **boxes},
        {"id": 2, "image_id": 1, "category_id": 2, "segmentation": lengths, **boxes},
        {"id": 3, "image_id": 2, "category_id": 1, "segmentation": square, **boxes},
    ],
}
for part in ("annotations", "images/train"):
    (Path("set") / part).mkdir(parents=True)
Path("set/annotations/instances_train.json").write_text(json.dumps(content))
for name in ("both", "polygon"):
    Image.new("RGB", (16, 12)).save(f"set/images/train/{name}.png")

said = []
handler = logging.Handler()
handler.emit = lambda record: said.append(record.getMessage())
logging.getLogger().addHandler(handler)


def masks(folder, change=None):
    """Picture → pixels that are not background, or None where no mask was written."""
    data = dm.Dataset.import_from("set", "coco_instances")
    if change:
        data.transform(change)
    data.export(folder, "voc_segmentation", label_map="source", save_media=True)
    found = {}
    for name in ("both", "polygon"):
        path = Path(folder) / f"SegmentationClass/{name}.png"
        found[name] = int(np.asarray(Image.open(path).convert("RGB")).any(-1).sum()) if path.is_file() else None
    return found


plain, changed = masks("plain"), masks("changed", "polygons_to_masks")
print("as it is:", plain, "| polygons_to_masks first:", changed, "| logged:", said)
raise SystemExit(plain != {"both": 8, "polygon": None} or changed != {"both": 33, "polygon": 25} or bool(said))
END
venv/bin/python run.py
echo "as found: the class mask lacks the polygons"
