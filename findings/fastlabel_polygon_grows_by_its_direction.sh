#!/usr/bin/env bash
# FastLabel: in its semantic masks a polygon drawn counter-clockwise is larger than the same one drawn clockwise: a square of 100 pixels has 132.
#
# Guess, before it was run: the corners of a square from 10 to 20 give the same pixels in either order, 100 or 121 of them.
# Seen: clockwise 100, columns 10 to 19; counter-clockwise 132, columns 9 to 20 and rows 10 to 20: one more column to the left, one to the right, one more row.
# So a class's rim, and the share of neighbours that it covers, depends on the hand that drew it. Areas of the kind "segmentation" are turned first, and are right.
# Valid input: a task as FastLabel's SDK gives it. Its README says "clockwise rotation" beside an example of segmentation alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet fastlabel==0.26.0 opencv-python-headless==4.12.0.88 numpy==2.2.6 pillow==12.3.0

cat > run.py <<'END'
import os
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

os.environ["FASTLABEL_ACCESS_TOKEN"] = "none: only the converter is used, and it asks no server"
import fastlabel

print("fastlabel", version("fastlabel"))
client = fastlabel.Client()
clockwise = [10, 10, 20, 10, 20, 20, 10, 20]
counter = [10, 10, 10, 20, 20, 20, 20, 10]
found = {}
for kind in ("polygon", "segmentation"):
    for name, corners in (("clockwise", clockwise), ("counter-clockwise", counter)):
        points = corners if kind == "polygon" else [[corners]]
        one = {"type": kind, "value": "cat", "points": points, "color": "#ff0000", "title": "cat", "attributes": []}
        task = {"name": "a.png", "width": 40, "height": 30, "annotations": [one]}
        client.export_semantic_segmentation([task], output_dir="out")
        y, x = np.nonzero(np.asarray(Image.open(next(Path("out").rglob("*.png")))))
        found[kind, name] = len(x)
        print(f"{kind}, {name}: {len(x)} pixels, rows {y.min()} to {y.max()}, columns {x.min()} to {x.max()}")
raise SystemExit(list(found.values()) != [100, 132, 100, 100])
END
venv/bin/python run.py
echo "as found: the direction of a polygon adds a rim"
