"""Label files: one byte a pixel, the class number; 255 is void (not scored). VOC keeps them as palette PNGs."""

import io
import os
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from minifcn.data.errors import DataError
from minifcn.data.images import open_image
from minifcn.files import write_whole

VOID = 255
NUMBERED = ("P", "L", "1")  # Pillow's modes of one number a pixel, palette, grey and black and white

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


def read_labels(path: str | os.PathLike[str]) -> np.ndarray:
    """The numbers in a label file, uint8 (H, W): palette and grey PNGs as they are, never by way of their colours.

    Raises DataError, with the file's name, where the file is missing, broken, or holds colours and no class numbers.
    """
    return label_numbers(open_image(path, "labels"), path)


def label_numbers(image: Image.Image, path: str | os.PathLike[str]) -> np.ndarray:
    """The numbers in an opened label file, as `read_labels` returns them."""
    if image.mode not in NUMBERED:
        raise DataError(
            f"labels {path}: mode {image.mode} holds colours, not one class number (0 to 255) a pixel; "
            "save the class numbers as a palette PNG, for example with minifcn.data.write_labels"
        )
    labels = np.array(image).astype(np.uint8)
    # Pillow stretches grey of 2 and 4 bits to 0..255; here 3 means class 3, so undo it
    return labels // {2: 85, 4: 17}.get(_grey_bits(path), 1)


def _grey_bits(path: str | os.PathLike[str]) -> int:
    """Bits a pixel of a grey PNG, 0 for any other file."""
    with open(path, "rb") as file:
        head = file.read(26)  # signature, IHDR, width, height, then one byte of bits and one of colour type (0 is grey)
    return head[24] if head.startswith(b"\x89PNG") and head[25] == 0 else 0


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
