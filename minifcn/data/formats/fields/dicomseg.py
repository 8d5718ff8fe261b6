"""DICOM SEG: segments drawn on the slices of a series, BINARY, FRACTIONAL or LABELMAP, in one folder with the slices.

Source: files of highdicom 0.28.2, read by pydicom 3.0.2. Frames come by segment and position, empty ones are missing: each says which slice it
lies on, by the slice's UID, else by its position. Segments begin at 1; 0 is background.
"""

import io
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

from minifcn.data.errors import DataError
from minifcn.data.extras import extra
from minifcn.data.formats.fields.bodies import split_note, split_of_bodies
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source, usual_name

SEG_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")  # segmentation, label map segmentation
ENDINGS = (".dcm", ".dicom", "")
HEAD, LOOK = 1024, 5000  # bytes that name what a file is; files that are looked at
NEAR = 0.1  # millimetres
STRAIGHT = 1e-3  # of a direction
DARK, BRIGHT = 0.5, 99.5  # percent, where a slice has no window of its own
reading = Lock()  # a SEG is decoded once, however many threads want its frames


@dataclass
class Slice:
    """A slice of a series, and on it the frames of segments: file, number of the frame, number of the class, number in a label map."""

    path: Path
    body: str
    space: str  # the frame of reference: positions of two patients have nothing to do with each other
    shape: tuple[int, int]
    position: tuple[float, ...]
    direction: tuple[float, ...]
    frames: list[tuple[Path, int, int, int | None]] = field(default_factory=list)


def recognise(source: Path) -> str | None:
    found = next((path for path in dicom_files(source) if is_seg(path)), None) if source.is_dir() else None
    return f"{found.name}, a DICOM SEG, is there" if found else None


def dicom_files(source: Path) -> list[Path]:
    """Files that may be DICOM by their ending, or by having none."""
    files = (path for depth in ("*", "*/*", "*/*/*") for path in source.glob(depth) if path.suffix.lower() in ENDINGS)
    return [path for path in sorted(files) if path.is_file() and not path.name.startswith(".")][:LOOK]


def head_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def is_dicom(path: Path) -> bool:
    return head_of(path)[128:132] == b"DICM"


def is_seg(path: Path) -> bool:
    head = head_of(path)
    return head[128:132] == b"DICM" and any(
        f"{uid}\0".encode() in head or f"{uid}".encode() in head for uid in SEG_CLASSES
    )


def read(source: Path, options: Options) -> Source:
    extra("pydicom", "pydicom", "DICOM files")
    files = [path for path in dicom_files(source) if is_dicom(path)] if source.is_dir() else []
    segmentations = [path for path in files if is_seg(path)]
    if not segmentations:
        raise DataError(f"{source}: no DICOM SEG is there, beside the slices that it was drawn on")
    slices = slices_in([path for path in files if path not in segmentations])
    if not slices:
        raise DataError(
            f"{source}: a DICOM SEG is there, but no slices; put the series that it was drawn on into the folder"
        )
    classes: dict[str, int] = {BACKGROUND: 0}
    lost = [f"{path.name}: frame {number}" for path in segmentations for number in place_frames(path, slices, classes)]
    shown = [each for each in slices.values() if each.frames]
    if not shown:
        raise DataError(f"{source}: no frame of {segmentations[0].name} lies on a slice that is there")
    splits = split_of_bodies(sorted({each.body for each in shown}))
    items = [
        Item(
            each.path.relative_to(source).with_suffix("").as_posix(), None, splits.get(each.body), partial(labels_of, each), partial(png, each.path)
        )
        for each in sorted(shown, key=lambda each: each.path)
    ]  # fmt: skip
    notes = [
        f"{len(slices) - len(shown):,} slices without a segment are left out; where segments overlap the later one counts",
        *split_note(splits, "patient"),
    ]
    left_out = {"frames of segments that lie on no slice": lost} if lost else {}
    return Source(items, {number: name for name, number in classes.items()}, left_out=left_out, notes=notes)


def opened(path: Path, pixels: bool = True) -> Any:
    """The file in pydicom. Raises DataError."""
    try:
        return extra("pydicom", "pydicom", "DICOM files").dcmread(path, stop_before_pixels=not pixels)
    except Exception as error:  # pydicom raises whatever its parser hits
        raise DataError(f"{path}: cannot be read as DICOM ({error}); replace the file") from error


def slices_in(files: list[Path]) -> dict[str, Slice]:
    """UID → slice, of all files that hold a picture. DataError for files of many frames, which have no UID for each of them."""
    found: dict[str, Slice] = {}
    for path in files:
        header = opened(path, pixels=False)
        if "Rows" not in header:
            continue  # a report, a plan, a directory
        if int(header.get("NumberOfFrames", 1)) > 1:
            raise DataError(
                f"{path}: {header.NumberOfFrames} frames in one file; slices in files of their own are expected"
            )
        body = str(header.get("PatientID") or header.get("StudyInstanceUID"))
        position, direction = header.get("ImagePositionPatient"), header.get("ImageOrientationPatient")
        found[str(header.SOPInstanceUID)] = Slice(
            path, body, str(header.get("FrameOfReferenceUID", "")), (int(header.Rows), int(header.Columns)), tuple(map(float, position or ())), tuple(map(float, direction or ()))
        )  # fmt: skip
    return found


def place_frames(path: Path, slices: dict[str, Slice], classes: dict[str, int]) -> list[int]:
    """Give each frame of a SEG to the slice that it lies on; the numbers, from 1, of those that lie on none. DataError for another grid."""
    seg = opened(path, pixels=False)
    labels = {int(each.SegmentNumber): usual_name(str(each.SegmentLabel).strip()) for each in seg.SegmentSequence}
    for number in sorted(labels):
        if number:
            classes.setdefault(labels[number], len(classes))
    shared = seg.SharedFunctionalGroupsSequence[0]
    lost = []
    for index, frame in enumerate(seg.PerFrameFunctionalGroupsSequence):
        position = first(frame, shared, "PlanePositionSequence", "ImagePositionPatient")
        direction = first(frame, shared, "PlaneOrientationSequence", "ImageOrientationPatient")
        on = slices.get(source_uid(frame)) or at_position(slices, position, str(seg.get("FrameOfReferenceUID", "")))
        if on is None:
            lost.append(index + 1)
            continue
        other_way = direction and on.direction and np.abs(np.subtract(direction, on.direction)).max() > STRAIGHT
        elsewhere = position and on.position and np.abs(np.subtract(position, on.position)).max() > NEAR
        if (int(seg.Rows), int(seg.Columns)) != on.shape or other_way or elsewhere:
            raise DataError(
                f"{path}: frame {index + 1} lies on another grid than its slice {on.path.name} (size, place or direction); resample it to the slices"
            )
        if "SegmentIdentificationSequence" in frame or "SegmentIdentificationSequence" in shared:
            number = int(first(frame, shared, "SegmentIdentificationSequence", "ReferencedSegmentNumber")[0])
            on.frames.append((path, index, classes[labels[number]], None))
        else:  # a label map: all segments in one frame
            on.frames += [(path, index, classes[labels[number]], number) for number in sorted(labels) if number]
    return lost


def first(frame: Any, shared: Any, sequence: str, name: str) -> list[float]:
    """An attribute of a frame or of all frames, as a list; empty where it is not said."""
    group = frame.get(sequence) or shared.get(sequence)
    value = group[0].get(name) if group else None
    return [] if value is None else [float(each) for each in (value if hasattr(value, "__iter__") else [value])]


def source_uid(frame: Any) -> str:
    """The UID of the slice that a frame was drawn on; empty where it is not said."""
    derived = frame.get("DerivationImageSequence")
    sources = derived[0].get("SourceImageSequence") if derived else None
    return str(sources[0].ReferencedSOPInstanceUID) if sources else ""


def at_position(slices: dict[str, Slice], position: list[float], space: str) -> Slice | None:
    """The slice at a place, where exactly one is."""
    there = [each for each in slices.values() if space and each.space == space and position and each.position]
    near = [each for each in there if np.abs(np.subtract(position, each.position)).max() <= NEAR]
    return near[0] if len(near) == 1 else None


def labels_of(on: Slice) -> np.ndarray:
    """The class of the last segment that covers a pixel, 0 for none, int32 (H, W)."""
    labels = np.zeros(on.shape, np.int32)
    for path, index, number, value in on.frames:
        with reading:
            frames, half = kept_frames(path, path.stat().st_mtime_ns)
        pixels = frames[index]
        labels[pixels >= half if value is None else pixels == value] = number
    return labels


@lru_cache(maxsize=2)  # its slices come one after another
def kept_frames(path: Path, _written: int) -> tuple[np.ndarray, float]:
    """All frames of a SEG, (frames, H, W), and from which number on a pixel is in its segment."""
    seg = opened(path)
    try:
        frames = np.asarray(seg.pixel_array).reshape(-1, int(seg.Rows), int(seg.Columns))
    except Exception as error:  # pydicom raises whatever its decoders hit
        raise DataError(f"{path}: its frames cannot be decoded ({error})") from error
    return frames, int(seg.MaximumFractionalValue) / 2 if seg.SegmentationType == "FRACTIONAL" else 1


def png(path: Path) -> bytes:
    """A slice as a PNG file: through its own window where it has one, else from nearly its darkest to nearly its brightest."""
    header = opened(path)
    try:
        pixels = np.asarray(header.pixel_array)
    except Exception as error:  # a codec that is missing
        raise DataError(f"{path}: the slice cannot be decoded ({error})") from error
    if pixels.ndim == 2:
        values = pixels * float(header.get("RescaleSlope", 1)) + float(header.get("RescaleIntercept", 0))
        centre, width = one(header.get("WindowCenter")), one(header.get("WindowWidth"))
        low, high = (
            np.percentile(values, (DARK, BRIGHT))
            if centre is None or not width
            else (centre - width / 2, centre + width / 2)
        )
        grey = np.clip((values - low) / max(high - low, 1e-9), 0, 1)
        pixels = ((1 - grey if header.PhotometricInterpretation == "MONOCHROME1" else grey) * 255 + 0.5).astype(
            np.uint8
        )
    encoded = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.astype(np.uint8))).save(encoded, "PNG")
    return encoded.getvalue()


def one(value: Any) -> float | None:
    """A number, of several the first."""
    several = value is not None and hasattr(value, "__iter__") and not isinstance(value, str)
    return None if value is None else float(value[0] if several else value)


FORMAT = Format("dicomseg", "DICOM SEG and the slices that it was drawn on", recognise, read)
