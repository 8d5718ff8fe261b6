#!/usr/bin/env bash
# rasterio: a colour table written after the pixels of a new GeoTIFF leaves a file that calls itself grey: rasterio sees a palette, Pillow and tifffile see shades of near black.
#
# Guess, before it was run: Pillow opens a class map of uint8 with a colour table as mode P, with unchanged numbers. Seen instead: only where the table was written before the pixels.
# Written after them the tag PhotometricInterpretation stays 1 (black is zero) though a ColorMap is there, so readers that go by the first show grey. The numbers are right both ways.
# Valid input: both orders are calls that rasterio's documentation shows, on a dataset that is open for writing; neither warns.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet rasterio==1.4.4 pillow==12.3.0 tifffile==2025.5.10 numpy==2.2.6

cat > run.py <<'END'
import warnings

import numpy as np
import PIL
import rasterio
import tifffile
from PIL import Image

warnings.simplefilter("ignore")  # a file without a place on Earth
print("rasterio", rasterio.__version__, "GDAL", rasterio.__gdal_version__, "Pillow", PIL.__version__, "tifffile", tifffile.__version__)
numbers = np.arange(48, dtype=np.uint8).reshape(6, 8) % 3
table = {0: (0, 0, 0, 255), 1: (255, 0, 0, 255), 2: (0, 255, 0, 255)}
found = {}
for order in ("before", "after"):
    with rasterio.open("map.tif", "w", driver="GTiff", height=6, width=8, count=1, dtype="uint8") as file:
        if order == "before":
            file.write_colormap(1, table)
        file.write(numbers, 1)
        if order == "after":
            file.write_colormap(1, table)
    with rasterio.open("map.tif") as file, tifffile.TiffFile("map.tif") as tags, Image.open("map.tif") as image:
        assert (np.asarray(image) == numbers).all() and (file.read(1) == numbers).all()
        tag = tags.pages[0].tags
        found[order] = (file.colorinterp[0].name, image.mode, tag["PhotometricInterpretation"].value.name, "ColorMap" in tag)
    print(f"table written {order} the pixels: rasterio {found[order][0]}, Pillow {found[order][1]}, tags {found[order][2:]}")
expected = {"before": ("palette", "P", "PALETTE", True), "after": ("palette", "L", "MINISBLACK", True)}
raise SystemExit(found != expected)
END
venv/bin/python run.py
echo "as found: the order of two calls decides whether other readers see the colours"
