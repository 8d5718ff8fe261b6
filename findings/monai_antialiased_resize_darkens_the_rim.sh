#!/usr/bin/env bash
# MONAI: Resize with anti_aliasing=True pulls the picture's rim towards 0, at factor 2 by 8 % along the sides and 15 % in the corners.
#
# Guess, before it was run: what Resized makes of a picture differs from what its place says by half an output pixel at most, with and without
# anti_aliasing, for the filter only smooths.
# Seen: a picture of one value does not keep it. The Gaussian filter before the scaling takes what lies outside the picture for 0. The docs name
# skimage.transform.resize as the model, and its sigma is taken over; there the same picture stays as it is. On a scan in Hounsfield units, air
# (-1000) becomes -846 in a corner. The flag holds for every key unless it is given for each: labels are then blurred too, class 7 to 4.96.
# Why it matters: a frame round every training picture that pictures scaled by another program do not have. Mode "area" needs no filter.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet monai==1.6.1 torch==2.13.0 numpy==2.4.6 scikit-image==0.26.0
"$folder/venv/bin/python" - <<'PY'
import sys
import warnings

warnings.simplefilter("ignore")
import monai
import numpy as np
import skimage
import torch
from monai.transforms import Resize, Resized

print("Python", sys.version.split()[0], "monai", monai.__version__, "torch", torch.__version__, "skimage", skimage.__version__)
found = {}
for value in (100.0, -1000.0):
    picture = torch.full((1, 64, 64), value)
    plain = Resize((32, 32), mode="bilinear")(picture)[0]
    smooth = Resize((32, 32), mode="bilinear", anti_aliasing=True)(picture)[0]
    model = skimage.transform.resize(picture[0].numpy(), (32, 32), anti_aliasing=True, preserve_range=True)
    for name, result in (("MONAI", plain), ("MONAI, anti_aliasing", smooth), ("skimage, anti_aliasing", model)):
        corner, side, middle = (round(float(result[place]), 2) for place in ((0, 0), (0, 16), (16, 16)))
        found[name, value] = tuple(round(number / value, 2) for number in (corner, side, middle))
        print(f"{value:g} everywhere, {name}: corner {corner}, side {side}, middle {middle}")
labels = torch.full((1, 64, 64), 7, dtype=torch.uint8)
corner = float(Resized(["label"], (32, 32), mode="nearest", anti_aliasing=True)({"label": labels})["label"][0, 0, 0])
print("labels of class 7 by nearest, anti_aliasing: corner", corner)
rim = {"MONAI": (1, 1, 1), "MONAI, anti_aliasing": (0.85, 0.92, 1), "skimage, anti_aliasing": (1, 1, 1)}
sys.exit(not (found == {(name, value): rim[name] for name, value in found} and 4.9 < corner < 5))
PY
echo "as found: the rim fades to 0"
