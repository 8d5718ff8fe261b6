#!/usr/bin/env bash
# OpenCV (and imagecodecs' TIFF and JPEG 2000) take no notice of an array's byte order: class 1 of labels that astropy or SciPy read from FITS or netCDF becomes 256, without a word.
#
# Guess, before it was run: an array of dtype ">i2", which both readers give, is either refused or swapped first.
# Seen: cv2.resize(labels, interpolation=INTER_NEAREST) and cv2.imwrite give 256, 512, 768 for 1, 2, 3. A picture in ">f4" becomes 0 to six digits.
# imagecodecs' tiff_encode and jpeg2k_encode do as OpenCV does; its PNG and most others refuse. Pillow, imageio, tifffile, pypng, rasterio, h5py and zarr are right.
# So labels of 16 bits and more need astype("int16") after reading. No report of it was found in OpenCV's issues.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet opencv-python-headless==4.12.0.88 numpy==2.2.6 astropy==7.2.0 scipy==1.16.3 imagecodecs==2026.3.6 tifffile==2025.12.20

cat > run.py <<'END'
from importlib.metadata import version

import cv2
import imagecodecs
import numpy as np
import tifffile
from astropy.io import fits
from scipy.io import netcdf_file

print("opencv", cv2.__version__, *(f"{name} {version(name)}" for name in ("astropy", "scipy", "imagecodecs", "tifffile", "numpy")))
classes = np.array([[0, 1, 1, 2], [3, 3, 2, 2]], np.int16)
fits.writeto("labels.fits", classes)
with netcdf_file("labels.nc", "w") as file:
    file.createDimension("y", 2)
    file.createDimension("x", 4)
    file.createVariable("labels", "i2", ("y", "x"))[:] = classes
read = {"FITS by astropy": fits.getdata("labels.fits")}
with netcdf_file("labels.nc", mmap=False) as file:
    read["netCDF by SciPy"] = file.variables["labels"][:].copy()

found = {}
for name, labels in read.items():
    assert np.array_equal(labels, classes), "read rightly"
    larger = cv2.resize(labels, (8, 4), interpolation=cv2.INTER_NEAREST)
    cv2.imwrite("labels.png", labels.astype(">u2"))
    written = cv2.imread("labels.png", cv2.IMREAD_UNCHANGED)
    coded = imagecodecs.tiff_decode(imagecodecs.tiff_encode(labels.astype(">u2")))
    waves = imagecodecs.jpeg2k_decode(imagecodecs.jpeg2k_encode(labels.astype(">u2")))
    tifffile.imwrite("labels.tif", labels)
    right = tifffile.imread("labels.tif")
    swapped = cv2.resize(labels.astype(np.int16), (8, 4), interpolation=cv2.INTER_NEAREST)
    found[name] = [np.unique(each).tolist() for each in (larger, written, coded, waves, right, swapped)]
    print(name, labels.dtype, np.unique(labels), "| resize", *found[name][0], "| imwrite", *found[name][1])
    print("  imagecodecs TIFF", *found[name][2], "JPEG 2000", *found[name][3], "| tifffile", *found[name][4], "| resize after astype(int16)", *found[name][5])
picture = np.full((4, 4), 0.5, ">f4")
small = float(cv2.resize(picture, (2, 2)).max())
print("a picture of 0.5 in >f4, resized:", small)
wrong, right = [0, 256, 512, 768], [0, 1, 2, 3]
raise SystemExit(any(each != [wrong, wrong, wrong, wrong, right, right] for each in found.values()) or not small < 1e-30)
END
venv/bin/python run.py
echo "as found: the bytes are taken in the machine's order"
