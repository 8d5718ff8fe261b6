#!/usr/bin/env bash
# labelme2coco: a rectangle drawn in labelme becomes a box without a segmentation, so its pixels are in no mask; circles and polygons keep theirs, and nobody is told.
#
# Guess, before it was run: rectangle, circle and polygon all become outlines in "segmentation", as labelme's own export fills all three.
# Seen: of four shapes the two rectangles have "segmentation": [] beside their box and area. labelme paints 99 pixels of the one of 8x10 in its own mask.
# A set drawn with rectangles and polygons, as buildings are, loses the first kind where the COCO file is used for segmentation.
# Valid input: the JSON of labelme 5 and 6. labelme2coco's page speaks of no shape that is left out.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet labelme2coco==0.2.6 sahi==0.12.8 opencv-python-headless==4.12.0.88 numpy==2.2.6 pillow==12.3.0 shapely==2.1.2
python3 -m venv other
other/bin/pip install --quiet labelme==6.3.1 numpy==2.2.6

cat > write.py <<'END'
import json
from pathlib import Path


def shape(label, points, kind):
    return {"label": label, "points": points, "group_id": None, "description": "", "shape_type": kind, "flags": {}, "mask": None}


shapes = [
    shape("house", [[2, 2], [10, 12]], "rectangle"),
    shape("pond", [[20, 15], [25, 15]], "circle"),
    shape("roof", [[30, 2], [38, 2], [38, 12]], "polygon"),
    shape("garage", [[38, 28], [30, 20]], "rectangle"),
]
Path("set").mkdir()
content = {"version": "6.3.1", "flags": {}, "shapes": shapes, "imagePath": "a.png", "imageData": None, "imageHeight": 30, "imageWidth": 40}
Path("set/a.json").write_text(json.dumps(content))
END
cat > run.py <<'END'
from importlib.metadata import version

import labelme2coco
from PIL import Image

print("labelme2coco", version("labelme2coco"), "sahi", version("sahi"))
Image.new("RGB", (40, 30)).save("set/a.png")
coco = labelme2coco.get_coco_from_labelme_folder("set").json
names = {each["id"]: each["name"] for each in coco["categories"]}
corners = {}
for each in coco["annotations"]:
    corners[names[each["category_id"]]] = sum(len(part) // 2 for part in each["segmentation"])
    print(names[each["category_id"]], "box", each["bbox"], "area", each["area"], "corners of its outline:", corners[names[each["category_id"]]])
raise SystemExit(corners["house"] != 0 or corners["garage"] != 0 or corners["roof"] != 3 or corners["pond"] < 12)
END
cat > own.py <<'END'
import json
from importlib.metadata import version

from labelme.utils import shape_to_mask

shapes = json.load(open("set/a.json"))["shapes"]
painted = {each["label"]: int(shape_to_mask((30, 40), each["points"], each["shape_type"]).sum()) for each in shapes}
print("labelme", version("labelme"), "paints", painted)
raise SystemExit(painted["house"] == 0 or painted["garage"] == 0)
END
venv/bin/python write.py
venv/bin/python run.py 2> said.txt || { tail -5 said.txt; exit 1; }
other/bin/python own.py 2> said.txt || { tail -5 said.txt; exit 1; }
echo "as found: rectangles are boxes alone"
