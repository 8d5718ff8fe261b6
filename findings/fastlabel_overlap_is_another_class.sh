#!/usr/bin/env bash
# FastLabel: in its semantic masks, where areas of two classes overlap, the two numbers are joined bit by bit: cat (1) on dog (2) is 3, which is tree.
#
# Guess, before it was run: where two areas overlap, the later one, or the earlier one, gives the pixel its class.
# Seen: 1 and 2 give 3, a third class of the list that nobody drew; 2 and 3 give 3 whichever comes first, and classes 7 and 9 of a longer list give 15.
# Only areas of the kind "segmentation", the one of FastLabel's brush and of holes, do so: of polygons the later one wins. Instance masks are joined alike.
# Valid input: tasks as FastLabel's SDK gives them. Its README does not have the word overlap.
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


def square(left, kind, name):
    corners = [left, 10, left + 10, 10, left + 10, 20, left, 20]
    points = corners if kind == "polygon" else [[corners]]
    return {"type": kind, "value": name, "points": points, "color": "#ff0000", "title": name, "attributes": []}


def mask(annotations, classes):
    task = {"name": "a.png", "width": 40, "height": 30, "annotations": annotations}
    client.export_semantic_segmentation([task], output_dir="out", classes=classes)
    return np.asarray(Image.open(next(Path("out").rglob("*.png"))))


short = ["cat", "dog", "tree"]
long = ["a", "b", "c", "d", "e", "f", "cat", "h", "dog"]
found = {}
for kind in ("segmentation", "polygon"):
    for classes, name, other in ((short, "cat", "dog"), (short, "dog", "cat"), (short, "dog", "tree"), (short, "tree", "dog"), (long, "cat", "dog")):
        out = mask([square(10, kind, name), square(15, kind, other)], classes)
        numbers = classes.index(name) + 1, classes.index(other) + 1
        found[kind, numbers] = int(out[15, 17])
        print(f"{kind}: {name} ({numbers[0]}), then {other} ({numbers[1]}); left {out[15, 12]}, overlap {out[15, 17]}, right {out[15, 22]}")
areas = {pair: number for (kind, pair), number in found.items() if kind == "segmentation"}
polygons = {pair: number for (kind, pair), number in found.items() if kind == "polygon"}
raise SystemExit(areas != {(1, 2): 3, (2, 1): 3, (2, 3): 3, (3, 2): 3, (7, 9): 15} or polygons != {pair: pair[1] for pair in polygons})
END
venv/bin/python run.py
echo "as found: the class of an overlap is one class's number OR the other's"
