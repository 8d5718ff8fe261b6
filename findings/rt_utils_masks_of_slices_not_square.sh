#!/usr/bin/env bash
# rt-utils: of DICOM slices that are not square the masks come back with rows and columns exchanged in their shape, and all that lies beyond the shorter side is cut off.
#
# Guess, before it was run: a mask added to an RTSTRUCT and read again is the same mask, whatever the size of the slices.
# Seen: on slices of 16 rows and 40 columns get_roi_mask_by_name gives 40 rows and 16 columns, and of two squares the one to the right is gone, without a word.
# The file itself is right: dcmrtstruct2nii gives both squares of it. On square slices, as CT has, rt-utils gives back what it got; MR and ultrasound are often not square.
# No report of it was found in its issues.
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


def squares(rows, columns):
    """A square in the corner above left, one in the corner below right."""
    mask = np.zeros((rows, columns, 4), bool)
    mask[2:6, 2:6, 1] = True
    mask[rows - 8:rows - 2, columns - 8:columns - 2, 1] = True
    return mask


found = {}
for name, rows, columns in (("square", 40, 40), ("wide", 16, 40), ("tall", 40, 16)):
    write_series(name, rows, columns, 4)
    mask = squares(rows, columns)
    file = RTStructBuilder.create_new(dicom_series_path=name)
    file.add_roi(mask=mask, name="two")
    file.save(f"{name}-structures.dcm")
    back = RTStructBuilder.create_from(dicom_series_path=name, rt_struct_path=f"{name}-structures.dcm").get_roi_mask_by_name("two")
    dcmrtstruct2nii(f"{name}-structures.dcm", name, f"{name}-nii")
    other = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(f"{name}-nii/mask_two.nii.gz")) > 0
    right = np.array_equal(other, mask.transpose(2, 0, 1))
    found[name] = back.shape == mask.shape, int(back.sum()), right
    print(f"{name}: written {mask.shape}, {mask.sum()} pixels | rt-utils {back.shape}, {back.sum()} pixels | dcmrtstruct2nii {'the same' if right else 'another'} mask")
raise SystemExit(found != {"square": (True, 52, True), "wide": (False, 16, True), "tall": (False, 16, True)})
END
venv/bin/python run.py 2> said.txt | grep -v -e "Please cite" -e "Thomas Phil" -e "Writing file" -e '^$' || { tail -5 said.txt; exit 1; }
echo "as found: the shape is exchanged, and what lies beyond is lost"
