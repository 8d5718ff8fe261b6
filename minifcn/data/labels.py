"""Label files: one byte a pixel, the class number; 255 is void (not scored). VOC keeps them as palette PNGs."""

import io
import os
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from minifcn.data.errors import DataError
from minifcn.data.images import Opened, opened
from minifcn.data.pixels.opening import Header
from minifcn.data.pixels.turned import as_stored
from minifcn.files import write_whole

VOID = 255
WHITE = 65535  # of 16 bits
NUMBERED = ("P", "L", "1")  # Pillow's modes of one number a pixel, palette, grey and black and white
EQUAL = ("RGB", "RGBA", "LA")  # those that hold numbers where all channels say the same
SAVE_NUMBERS = "save the class numbers, 0 to 255, as a palette PNG"
KINDS = {"WEBP": "WebP, but for its lossless kind,", "TIFF": "TIFF with JPEG in it", "MPO": "JPEG"}

VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip


def colour_map(count: int = 256) -> np.ndarray:
    """The first `count` colours of the VOC palette, uint8 (count, 3). Source: the VOC development kit, VOCcolormap.

    The bits of a class number are dealt out to red, green and blue in turn, the lowest bits to the highest places, so
    that neighbouring numbers get very different colours.

    >>> colour_map()[[0, 1, 15, 255]].tolist()
    [[0, 0, 0], [128, 0, 0], [192, 128, 128], [224, 224, 192]]
    """
    if not 1 <= count <= 256:
        raise DataError(f"colour_map: count {count} is not within 1 to 256, the numbers a byte can hold")
    index = np.arange(count)
    colours = np.zeros((count, 3), np.uint8)
    for place in range(8):
        for channel in range(3):
            bit = (index >> (3 * place + channel)) & 1
            colours[:, channel] |= (bit << (7 - place)).astype(np.uint8)
    return colours


# greys of the VOC palette: 0, 128, 64 and 192 are classes 0, 7, 56 and 63
GREY_CLASSES = {
    colour[0]: number for number, colour in enumerate(colour_map().tolist()) if colour[0] == colour[1] == colour[2]
}


def read_labels(path: str | os.PathLike[str], known: int | None = None) -> np.ndarray:
    """The numbers in a label file, uint8 (H, W), as they are stored: of palettes and greys, never by way of their colours.

    Numbers of 16 or 32 bits that fit a byte are numbers too (-1 is void), and so are three equal channels. `known`: the classes are 0 to
    known - 1 and 255; where that is said, greys that may be colours of the VOC palette are refused. A tag that would turn the
    file is not followed. Raises DataError, with the file's name, where the file is missing, broken, or holds no class numbers.
    """
    numbers, doubt = numbers_in(opened(path, "labels"), path, known)
    if doubt:
        raise DataError(f"labels {path}: {doubt}; see minifcn check-data")
    return numbers


def numbers_in(found: Opened, path: str | os.PathLike[str], known: int | None = None) -> tuple[np.ndarray, str]:
    """As `read_labels`, of an opened file; and what is to be asked about them, empty where nothing is."""
    numbers = file_numbers(found, path)
    doubt = doubtful_greys(numbers, known) if known is not None and found.image.mode in EQUAL else ""
    return in_a_byte(numbers, path), doubt


def file_numbers(found: Opened, path: str | os.PathLike[str], blurred: bool = False) -> np.ndarray:
    """One integer a pixel (H, W), of any size, as a label file holds it. Raises DataError where it holds no exact numbers.

    `blurred`: whether a format that keeps none will do, as for a mask of two greys that a threshold parts.
    """
    image, header, _ = found
    if header.lossy and not blurred:
        raise DataError(
            f"labels {path}: {KINDS.get(header.kind, header.kind)} keeps no exact numbers, it blurs them along every edge; "
            "save the labels again, from where they were drawn, as PNG (or masks of two greys: minifcn import --threshold 128)"
        )
    if header.pages > 1:
        raise DataError(f"labels {path}: {header.pages} pages in one file; save the one that holds the labels alone")
    numbers = stored_numbers(image, header)
    if numbers.ndim == 3:
        grey = equal_channels(numbers)
        if grey is None or header.bits == 16:
            what = "16 bits a channel, of which the lower 8 are lost" if grey is not None else "colours"
            raise DataError(
                f"labels {path}: mode {header.mode} holds {what}, not one class number (0 to 255) a pixel; "
                "save the class numbers as a palette PNG, for example with minifcn.data.write_labels, or see what minifcn check-data can make of it"
            )
        numbers = grey
    if numbers.dtype.kind not in "iu":
        raise DataError(f"labels {path}: mode {header.mode} holds floating point, not class numbers; {SAVE_NUMBERS}")
    return numbers


def stored_numbers(image: Image.Image, header: Header) -> np.ndarray:
    """What stands in the file, integers (H, W) or (H, W, C): Pillow stretches few bits to 0..255, turns white as zero round, and turns TIFFs upright."""
    if image.mode == "PA":
        image = image.getchannel(0)
    numbers = np.array(image)
    if header.kind == "TIFF":
        numbers = as_stored(numbers, header.orientation)
    if image.mode == "1":
        numbers = numbers.astype(np.uint8)
    if header.top != header.full:  # here 3 means class 3
        numbers = ((2 * numbers.astype(np.int64) * header.top + header.full) // (2 * header.full)).astype(np.int32)
    return header.top - numbers if header.inverted else numbers


def equal_channels(pixels: np.ndarray) -> np.ndarray | None:
    """The one number of each pixel (H, W, C) whose colour channels are all equal and which is opaque throughout; else None."""
    colours = pixels[..., : 3 if pixels.shape[2] > 2 else 1]
    opaque = pixels.shape[2] in (1, 3) or bool((pixels[..., -1] == 255).all())
    same = all(np.array_equal(colours[..., 0], colours[..., channel]) for channel in range(1, colours.shape[2]))
    return np.ascontiguousarray(colours[..., 0]) if opaque and same and pixels.shape[2] < 5 else None


def in_a_byte(numbers: np.ndarray, path: str | os.PathLike[str]) -> np.ndarray:
    """Integers as uint8; -1, as some tools write it, is void. Raises DataError where one does not fit."""
    if numbers.dtype == np.uint8:
        return numbers
    low, high = int(numbers.min(initial=0)), int(numbers.max(initial=0))
    if high > VOID:
        below = int(numbers[numbers < high].max(initial=0))
        if high == WHITE and below == 0 and low == 0:
            raise DataError(
                f"labels {path}: a mask of 0 and {WHITE}, black and white in 16 bits, and no class numbers; write the number of the object's "
                f"class, 1 perhaps, for {WHITE} (minifcn import takes such masks as they are)"
            )
        if high == WHITE and below < VOID:
            raise DataError(
                f"labels {path}: the value {WHITE} in {np.count_nonzero(numbers == high)} pixels, void perhaps: all others fit a byte; "
                f"write {VOID} for it"
            )
        raise DataError(
            f"labels {path}: values up to {high}: more than a byte holds, instances perhaps; write for every pixel the number of its class, "
            f"0 to {VOID - 1}, and {VOID} for void (masks of instances: minifcn import)"
        )
    if low < -1:
        raise DataError(f"labels {path}: values from {low}: a class has no number below 0; write {VOID} for void")
    return np.where(numbers < 0, VOID, numbers).astype(np.uint8)


def doubtful_greys(numbers: np.ndarray, known: int) -> str:
    """What is to be asked where numbers that stood in three equal channels may be VOC's greys instead; else nothing."""
    values = np.flatnonzero(np.bincount(numbers.ravel(), minlength=VOID + 1)).tolist()
    meant = {value: GREY_CLASSES.get(value) for value in values}
    colours = all(number is not None and (number < known or number == VOID) for number in meant.values())
    if not colours or not any(values):
        return ""
    value = max(values)
    return (
        f"red, green and blue are equal everywhere: ({value}, {value}, {value}) may be a grey of masks of {len(values)} greys, and is "
        f"the VOC palette's colour of class {meant[value]} as well"
    )


def to_fit(labels: tuple[int, ...], picture: tuple[int, ...]) -> str:
    """What to do about labels of another size than their picture, both (H, W): a clause, by how the sizes differ.

    >>> to_fit((40, 32), (32, 40))
    'height and width are exchanged, as if one of the two had been turned: turn the labels as the picture is'
    >>> to_fit((16, 20), (32, 40))
    'they are 0.5 times as large: resize them by nearest neighbour, which makes no new numbers, or give the pictures that they were drawn on'
    """
    if labels == picture[::-1]:
        return "height and width are exchanged, as if one of the two had been turned: turn the labels as the picture is"
    share = labels[0] / picture[0]
    if abs(labels[1] - share * picture[1]) <= max(1, share):  # as near as whole pixels come
        return (
            f"they are {share:.3g} times as large: resize them by nearest neighbour, which makes no new numbers, "
            "or give the pictures that they were drawn on"
        )
    return "give the picture that they were drawn on, neither cut nor stretched"


def write_labels(path: str | os.PathLike[str], labels: np.ndarray) -> None:
    """Write `labels`, integers (H, W) from 0 to 255, as a palette PNG with the VOC colours.

    The file appears whole or not at all. Raises DataError where the array is no such thing, OSError where the folder
    cannot be written.
    """
    write_whole(path, labels_png(path, labels))


@lru_cache(maxsize=1)
def _palette() -> bytes:
    return colour_map().tobytes()


def labels_png(path: str | os.PathLike[str], labels: np.ndarray, quick: bool = False) -> bytes:
    """What `write_labels` writes to `path`; `quick`: in a third of the time and a tenth larger, of whole sets."""
    path, labels = Path(path), np.asarray(labels)
    if labels.ndim != 2 or labels.dtype.kind not in "iu" or labels.size == 0:
        raise DataError(f"write_labels {path}: expected integers (H, W), got {labels.dtype} {labels.shape}")
    if labels.min() < 0 or labels.max() > 255:
        raise DataError(f"write_labels {path}: labels must be 0 to 255, got {labels.min()} to {labels.max()}")
    image = Image.fromarray(np.ascontiguousarray(labels, np.uint8))
    image.putpalette(_palette())
    encoded = io.BytesIO()
    # labels are long runs, and zlib's strategy for runs looks for nothing else
    image.save(encoded, "PNG", **({"compress_type": zlib.Z_RLE} if quick else {}))
    return encoded.getvalue()
