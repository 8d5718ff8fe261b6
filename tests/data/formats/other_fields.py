"""Sets of other fields written small by the libraries that people use there: each returns name → the labels that an import must give."""

import importlib
import io
import warnings

import needs
import numpy as np
import pytest
from PIL import Image

from .drawing import HEIGHT, WIDTH, becomes, blocks, photo, save


def module(name):
    """A library that the extra `formats` brings; the test skips where it is absent."""
    try:
        return imported(name)
    except ImportError:
        pytest.skip(needs.FORMATS)


def tool(name):
    """A module of a tool that writes label files; the test skips where it is absent."""
    try:
        return imported(name)
    except ImportError:
        pytest.skip(needs.TOOLS)


def imported(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


def write_tiff(path, bands, **options):
    """(C, H, W) or (H, W) as GeoTIFF by rasterio, somewhere in Austria."""
    rasterio, affine = module("rasterio"), module("affine")
    bands = bands if bands.ndim == 3 else bands[None]
    path.parent.mkdir(parents=True, exist_ok=True)
    usual = {
        "driver": "GTiff", "count": len(bands), "height": bands.shape[1], "width": bands.shape[2], "dtype": bands.dtype,
        "crs": "EPSG:32633", "transform": affine.Affine(10, 0, 5e5, 0, -10, 5.3e6), "compress": "lzw",
    }  # fmt: skip
    with rasterio.open(path, "w", **usual | options) as file:
        file.write(bands)
    return path


def give_names(path, *names):
    """Category names as GDAL itself writes them: from a description of the file, copied to a GeoTIFF."""
    shutil = module("rasterio.shutil")
    with module("rasterio").open(path) as file:
        height, width = file.shape
    categories = "".join(f"<Category>{name}</Category>" for name in names)
    vrt = (
        f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}"><VRTRasterBand dataType="Byte" band="1"><CategoryNames>{categories}'
        f"</CategoryNames><SimpleSource><SourceFilename>{path}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    made = path.with_name("made.tif")
    shutil.copy(vrt, str(made), driver="GTiff")
    made.with_name("made.tif.aux.xml").rename(path.with_name(f"{path.name}.aux.xml"))
    made.unlink()


def geotiff(root):
    """Pictures of four bands of 16 bits, maps of 8 bits with nodata 255; GDAL's names beside the first map."""
    expected = {}
    for seed in range(3):
        name = f"tile_{seed}"
        bands = np.moveaxis(np.asarray(photo(seed)).astype(np.uint16) * 12, -1, 0)
        write_tiff(root / f"images/{name}.tif", np.concatenate([bands, bands[:1]]))
        labels = blocks((0, 1, 3, 255), seed).astype(np.uint8)
        write_tiff(root / f"labels/{name}.tif", labels, nodata=255)
        expected[name] = becomes(labels, {0: 0, 1: 1, 3: 2, 255: 255})
    give_names(root / "labels/tile_0.tif", "water", "wood, dense", "", "town")
    return expected


def imagej(root):
    """Pictures of 8 bits with a zip of ROIs each: a square and a rectangle of cells, an oval of one nucleus that lies over them."""
    roifile = module("roifile")
    expected = {}
    for seed in range(3):
        save(root / f"cell{seed}.tif", photo(seed).convert("L"))
        square = roifile.ImagejRoi.frompoints([[5, 5], [10, 5], [10, 10], [5, 10]], name="cell-1")
        kinds = roifile.ROI_TYPE
        box = roifile.ImagejRoi(roitype=kinds.RECT, left=20, top=3 + seed, right=40, bottom=30, name="cell-2")
        oval = roifile.ImagejRoi(roitype=kinds.OVAL, left=22, top=10, right=32, bottom=21, name="nucleus")
        roifile.roiwrite(root / f"cell{seed}_RoiSet.zip", [square, box, oval], mode="w")
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        labels[5:10, 5:10] = labels[3 + seed : 30, 20:40] = 1
        for y in range(10, 21):
            for x in range(22, 32):
                if ((x + 0.5 - 27) / 5) ** 2 + ((y + 0.5 - 15.5) / 5.5) ** 2 <= 1:
                    labels[y, x] = 2
        expected[f"cell{seed}"] = labels
    return expected


def cellpose(root):
    """What Cellpose leaves beside its pictures: 16 bits, a number a cell, more than 255 of them."""
    expected = {}
    for seed in range(3):
        cells = blocks([0, *range(250, 270)], seed)
        save(root / f"dish_{seed}.tif", photo(seed))
        ending = "png" if seed else "tif"
        save(root / f"dish_{seed}_cp_masks.{ending}", Image.fromarray(cells.astype(np.uint16)))
        save(root / f"dish_{seed}_cp_output.png", photo(seed))
        expected[f"dish_{seed}"] = (cells > 0).astype(np.uint8)
    return expected


def nifti(root):
    """Two bodies as the Decathlon has them; one lies in the file the other way round, and its numbers are stored with a scale."""
    nibabel = module("nibabel")
    for part in ("imagesTr", "labelsTr"):
        (root / part).mkdir(parents=True)
    (root / "dataset.json").write_text('{"labels": {"0": "background", "1": "liver", "2": "tumour"}}')
    expected = {}
    for seed, name in enumerate(("liver_0", "liver_1")):
        slices = [blocks((0, 1, 2), seed), np.zeros((HEIGHT, WIDTH), int), blocks((0, 2), seed)]
        grey = [np.asarray(photo(seed + z).convert("L")).astype(np.int16) * 8 - 1000 for z in range(3)]
        for part, planes in (("imagesTr", grey), ("labelsTr", slices)):
            # rows from the front to the back of the body; in the array y goes to the front
            array = np.stack([plane[::-1].T for plane in planes], -1).astype(np.int16)
            if seed:  # stored from right to left and from front to back
                array = array[::-1, ::-1]
            image = nibabel.Nifti1Image(array, np.diag([-1, -1, 3, 1] if seed else [1, 1, 3, 1]))
            if seed and part == "labelsTr":
                image = nibabel.Nifti1Image(array.astype(np.float64), image.affine)
                image.set_data_dtype(np.uint8)  # nibabel chooses a scale
            nibabel.save(image, root / part / f"{name}.nii.gz")
        for z in (0, 2):
            expected[f"{name}_z{z:03}"] = slices[z].astype(np.uint8)
    return expected


def ct_slice(place, body, z, values, **more):
    """A slice of a CT as a scanner writes it, saved under a name that says nothing about its place."""
    pydicom = module("pydicom")
    uid, dataset = pydicom.uid.generate_uid, pydicom.dataset
    meta = dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
    meta.MediaStorageSOPInstanceUID = uid()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    made = dataset.FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    for name, value in {
        "SOPClassUID": meta.MediaStorageSOPClassUID, "SOPInstanceUID": meta.MediaStorageSOPInstanceUID, "Modality": "CT",
        "StudyInstanceUID": body["study"], "SeriesInstanceUID": body["series"], "FrameOfReferenceUID": body["frame"],
        "PatientID": body["name"], "PatientName": "", "PatientBirthDate": "", "PatientSex": "", "StudyID": "1", "AccessionNumber": "",
        "ReferringPhysicianName": "", "StudyDate": "20200101", "StudyTime": "000000", "SeriesNumber": 1, "InstanceNumber": z,
        "Manufacturer": "", "ImagePositionPatient": [0, 0, z], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "PixelSpacing": [1, 1],
        "SliceThickness": 1, "PositionReferenceIndicator": "", "Laterality": "", "Rows": values.shape[0], "Columns": values.shape[1],
        "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15,
        "PixelRepresentation": 1, "RescaleSlope": 1, "RescaleIntercept": -1024, "PixelData": values.astype("<i2").tobytes(), **more,
    }.items():  # fmt: skip
        setattr(made, name, value)
    place.mkdir(parents=True, exist_ok=True)
    made.save_as(place / f"{body['name']}{9 - z}.dcm", enforce_file_format=True)
    return made


def body_of(name):
    uid = module("pydicom").uid.generate_uid
    return {"name": name, "study": uid(), "series": uid(), "frame": uid()}


def seg_of(slices, labels, kind="BINARY", names=("liver", "tumour")):
    """A SEG by highdicom of labels (slices, H, W), a number a name."""
    seg, codes, uid = tool("highdicom.seg"), tool("pydicom.sr.codedict").codes, module("pydicom").uid.generate_uid
    described = [
        seg.SegmentDescription(number, name, codes.SCT.Organ, codes.SCT.Liver, seg.SegmentAlgorithmTypeValues.MANUAL)
        for number, name in enumerate(names, 1)
    ]
    pixels = labels.astype(np.uint8)
    if kind == "FRACTIONAL":
        pixels = np.stack([(labels == number + 1) * 0.75 for number in range(len(names))], -1).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = seg.Segmentation(
            source_images=slices, pixel_array=pixels, segmentation_type=seg.SegmentationTypeValues[kind], segment_descriptions=described,
            series_instance_uid=uid(), series_number=2, sop_instance_uid=uid(), instance_number=1, manufacturer="m",
            manufacturer_model_name="n", software_versions="1", device_serial_number="1",
        )  # fmt: skip
        stream = io.BytesIO()
        made.save_as(stream)
        made._db_con.close()  # highdicom leaves a database open, of which Python 3.13 warns
    return module("pydicom").dcmread(io.BytesIO(stream.getvalue()))


def dicomseg(root):
    """Two patients of four slices; segments on two of them, frames in another order than the files."""
    expected = {}
    for seed, name in enumerate("ab"):
        body = body_of(name)
        slices = [
            ct_slice(root / "ct", body, z, np.asarray(photo(seed + z).convert("L")).astype(int) * 8) for z in range(4)
        ]
        labels = np.zeros((4, HEIGHT, WIDTH), int)
        labels[1], labels[3] = blocks((0, 1), seed), blocks((0, 1, 2), seed)
        seg_of(slices, labels).save_as(root / f"{name}_seg.dcm")
        expected |= {f"ct__{name}{9 - z}": labels[z].astype(np.uint8) for z in (1, 3)}
    return expected


FIELDS = {"dicomseg": dicomseg, "nifti": nifti, "geotiff": geotiff, "imagej": imagej, "cellpose": cellpose}
