#!/usr/bin/env bash
# tifffile writes a mask of True and False with white as zero, so Pillow (and what reads by it) gives the opposite mask.
#
# Guess, before it was run: tifffile writes a bool array with 1 bit a pixel, and Pillow reads the same True and False.
# Seen: 1 bit a pixel, but photometric MINISWHITE, which nobody asked for; an array of 0 and 1 in bytes gets MINISBLACK. Pillow turns white as
# zero round on reading: True comes back as False everywhere, without a word. tifffile itself, imageio and scikit-image give what was written.
# Why it matters: masks are bool arrays until somebody saves them, and two programs then disagree about what is the object. Write
# photometric="minisblack", or uint8; a reader of labels takes the numbers as they are stored.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "tifffile==2026.3.3" "pillow==13.0.0" "numpy==2.4.6"
"$folder/venv/bin/python" - "$folder" <<'PY'
import sys
import numpy as np
import PIL
import tifffile
from PIL import Image

print("Python", sys.version.split()[0], "tifffile", tifffile.__version__, "Pillow", PIL.__version__, "numpy", np.__version__)
mask = np.array([[False, True, True], [True, False, True]])
found = {}
for name, array, options in (
    ("bool", mask, {}), ("bool, minisblack", mask, {"photometric": "minisblack"}), ("uint8 of 0 and 1", mask.astype(np.uint8), {}),
):
    file = f"{sys.argv[1]}/{len(found)}.tif"
    tifffile.imwrite(file, array, **options)
    with tifffile.TiffFile(file) as tiff:
        photometric = tiff.pages[0].photometric.name
    by_pillow, by_tifffile = np.array(Image.open(file)).astype(int).tolist(), tifffile.imread(file).astype(int).tolist()
    found[name] = photometric, by_pillow, by_tifffile
    print(f"{name}: {photometric}, by Pillow {by_pillow}, by tifffile {by_tifffile}")
written = mask.astype(int).tolist()
opposite = (~mask).astype(int).tolist()
sys.exit(
    not (
        found["bool"] == ("MINISWHITE", opposite, written)
        and found["bool, minisblack"] == ("MINISBLACK", written, written)
        and found["uint8 of 0 and 1"] == ("MINISBLACK", written, written)
    )
)
PY
