#!/usr/bin/env bash
# rasterio: merging class maps that name no nodata number takes 0 for it: where tiles overlap, class 0 of the first is overwritten by the second, though method="first" says that the first wins, and method="min" never gives 0.
#
# Guess, before it was run: without a nodata number every pixel is valid, so with method="first" the first map wins the whole overlap, class 0 too.
# Seen: 0 there becomes the class of the second map, by "first", "min" and "max"; with "last" and the order turned round it stays, and "count" counts it as valid. The file that results names no nodata number either. rioxarray's merge_arrays does the same.
# Its page says of nodata: if not set, that of the first input raster; there is none here. nodata=255 (a number that is no class) keeps class 0.
# Valid input: two GeoTIFFs of uint8 with one CRS, as tiles of a land cover map predicted with a margin.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet rasterio==1.4.4 rioxarray==0.19.0 numpy==2.2.6

cat > run.py <<'END'
import warnings
from importlib.metadata import version

import numpy as np
import rasterio
import rioxarray
from rasterio.merge import merge
from rasterio.transform import from_origin
from rioxarray.merge import merge_arrays

warnings.simplefilter("ignore")
print("rasterio", version("rasterio"), "rioxarray", version("rioxarray"), "GDAL", rasterio.__gdal_version__)


def write(name, classes, left):
    row = np.array(classes, np.uint8)
    kind = {"driver": "GTiff", "height": 4, "width": len(row), "count": 1, "dtype": "uint8", "crs": "EPSG:3857"}
    with rasterio.open(name, "w", transform=from_origin(left, 4, 1, 1), **kind) as file:
        file.write(np.tile(row, (1, 4, 1)))


write("one.tif", [1, 1, 1, 0, 0, 3], 0)
write("two.tif", [2, 2, 2, 2, 2, 2], 3)
names = ["one.tif", "two.tif"]
found = {method: merge(names, method=method)[0][0, 0].tolist() for method in ("first", "min", "max", "count")}
found["last, in the other order"] = merge(names[::-1], method="last")[0][0, 0].tolist()
found["rioxarray"] = merge_arrays([rioxarray.open_rasterio(name) for name in names]).values[0, 0].tolist()
found["first, nodata=255"] = merge(names, method="first", nodata=255)[0][0, 0].tolist()
found["min, nodata=255"] = merge(names, method="min", nodata=255)[0][0, 0].tolist()
merge(names, dst_path="both.tif")
with rasterio.open("both.tif") as file:
    said = file.nodata
print("one [1 1 1 0 0 3], two from its fourth column on [2 2 2 2 2 2]; nodata of the result:", said)
for method, row in found.items():
    print(f"{method:26}", row)
lost = [1, 1, 1, 2, 2, 3, 2, 2, 2]
wanted = {
    "first": lost, "min": [1, 1, 1, 2, 2, 2, 2, 2, 2], "max": lost, "count": [1, 1, 1, 2, 2, 2, 1, 1, 1],
    "last, in the other order": [1, 1, 1, 0, 0, 3, 2, 2, 2], "rioxarray": lost,
    "first, nodata=255": [1, 1, 1, 0, 0, 3, 2, 2, 2], "min, nodata=255": [1, 1, 1, 0, 0, 2, 2, 2, 2],
}
raise SystemExit(found != wanted or said is not None)
END
venv/bin/python run.py
echo "as found: class 0 is taken for no data"
