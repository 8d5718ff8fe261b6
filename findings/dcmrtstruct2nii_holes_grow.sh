#!/usr/bin/env bash
# dcmrtstruct2nii reading rt-utils' RTSTRUCT: holes in an organ grow by a pixel all round, a hole of one pixel is a cross of five, and a line one pixel thick keeps its ends alone.
#
# Guess, before it was run: the masks that rt-utils wrote come back, since both say that contours go through the middles of pixels.
# Seen: without holes they come back to the pixel. A ring of 57 pixels has 47, a box with a hole of one pixel 58 instead of 62, a line of 5 pixels 2. rt-utils itself gives all of them back.
# The outline of a hole goes through the pixels around it, which are the organ's; dcmrtstruct2nii takes what an inner outline touches out of the mask. Nobody is told.
# Valid input: a DICOM series made by pydicom, and ROIs added by rt-utils. Vessels with a lumen, bladders and rings of tissue lose their inner rim.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet rt-utils==1.2.7 dcmrtstruct2nii==5 pydicom==2.4.5 numpy==1.26.4 opencv-python-headless==4.11.0.86 SimpleITK==2.5.7

cat > run.py <<'END'
from importlib.metadata import version
from pathlib import Path

import numpy as np
import SimpleITK
from dcmrtstruct2nii import dcmrtstruct2nii
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from rt_utils import RTStructBuilder

print("rt-utils", version("rt-utils"), "dcmrtstruct2nii", version("dcmrtstruct2nii"), "pydicom", version("pydicom"))


def write_series(folder, rows, columns, count):
    Path(folder).mkdir()
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for place in range(count):
        head = FileMetaDataset()
        head.MediaStorageSOPClassUID, head.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
        head.TransferSyntaxUID = ExplicitVRLittleEndian
        one = FileDataset(f"{folder}/{place}.dcm", {}, file_meta=head, preamble=b"\0" * 128)
        one.is_little_endian, one.is_implicit_VR = True, False
        one.SOPClassUID, one.SOPInstanceUID = CTImageStorage, head.MediaStorageSOPInstanceUID
        one.StudyInstanceUID, one.SeriesInstanceUID, one.FrameOfReferenceUID = study, series, frame
        one.Modality, one.PatientName, one.PatientID, one.PatientSex, one.PatientAge = "CT", "none", "1", "", ""
        one.PatientBirthDate, one.StudyDate, one.StudyTime, one.AccessionNumber = "", "20260101", "000000", ""
        one.ReferringPhysicianName, one.StudyID, one.StudyDescription, one.SeriesDescription = "", "1", "", ""
        one.SeriesNumber, one.InstanceNumber, one.SliceThickness = 1, place + 1, 1
        one.ImagePositionPatient, one.ImageOrientationPatient = [0, 0, float(place)], [1, 0, 0, 0, 1, 0]
        one.PixelSpacing, one.Rows, one.Columns = [1, 1], rows, columns
        one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 16, 15, 1
        one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
        one.RescaleIntercept, one.RescaleSlope = 0, 1
        one.PixelData = np.zeros((rows, columns), np.int16).tobytes()
        one.save_as(f"{folder}/{place}.dcm", write_like_original=False)


shapes = {name: np.zeros((24, 24, 4), bool) for name in ("box", "ring", "pinhole", "line")}
for name in ("box", "ring", "pinhole"):
    shapes[name][5:12, 6:15, 1] = True
shapes["ring"][8:10, 9:12, 1] = False
shapes["pinhole"][8, 9, 1] = False
shapes["line"][3, 4:9, 1] = True

write_series("series", 24, 24, 4)
file = RTStructBuilder.create_new(dicom_series_path="series")
for name, mask in shapes.items():
    file.add_roi(mask=mask, name=name)
file.save("structures.dcm")
back = RTStructBuilder.create_from(dicom_series_path="series", rt_struct_path="structures.dcm")
dcmrtstruct2nii("structures.dcm", "series", "nii")
found = {}
for name, mask in shapes.items():
    ours = back.get_roi_mask_by_name(name)
    other = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(f"nii/mask_{name}.nii.gz")) > 0
    found[name] = int(mask.sum()), np.array_equal(ours, mask), int(other.sum())
    print(f"{name}: {mask.sum()} pixels | rt-utils {ours.sum()} | dcmrtstruct2nii {other.sum()}")
    if name == "pinhole":
        print(np.array2string(other[1][5:12, 6:15].astype(int)))
wanted = {"box": (63, True, 63), "ring": (57, True, 47), "pinhole": (62, True, 58), "line": (5, True, 2)}
raise SystemExit(found != wanted)
END
venv/bin/python run.py 2> said.txt | grep -v -e "Please cite" -e "Thomas Phil" -e "Writing file" -e '^$' || { tail -5 said.txt; exit 1; }
echo "as found: holes grow, lines go"
