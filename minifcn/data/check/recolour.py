"""Labels that were saved as colours, back into class numbers: only where every colour is one of the VOC palette's."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from minifcn.data.check.replacing import replaced
from minifcn.data.errors import DataError
from minifcn.data.images import open_image
from minifcn.data.labels import NUMBERED, VOID, colour_map

BACKUP = "SegmentationClass_colours"  # beside SegmentationClass and not in it: no reader takes the originals for labels


def numbers_of_colours(image: Image.Image | np.ndarray, known: int) -> tuple[np.ndarray, dict[tuple[int, ...], int]]:
    """The class number of each pixel, uint8 (H, W), and the colours that are none, with how many pixels have them.

    `image` is RGB or RGBA, or the array of its pixels. A class is known by its exact colour in the VOC palette, classes 0 to `known` - 1 and void;
    a pixel that lets anything shine through counts as another colour. Pixels of other colours come out as void.
    """
    pixels = np.array(image)
    # each channel's upper bits are bits of the number: three small tables are much faster than looking colours up
    numbers = _NUMBER_BITS[0][pixels[..., 0]] | _NUMBER_BITS[1][pixels[..., 1]] | _NUMBER_BITS[2][pixels[..., 2]]
    exact = (colour_map()[numbers] == pixels[..., :3]).all(-1) & ((numbers < known) | (numbers == VOID))
    if pixels.shape[2] == 4:
        exact &= pixels[..., 3] == 255
    others, counts = np.unique(pixels[~exact], axis=0, return_counts=True)
    numbers[~exact] = VOID
    return numbers, dict(zip(map(tuple, others.tolist()), counts.tolist(), strict=True))


def _bits_of_numbers() -> np.ndarray:
    """The bits of the class number that a colour's red, green and blue hold, `colour_map` backwards: uint8 (3, 256)."""
    value, bits = np.arange(256), np.zeros((3, 256), np.uint8)
    for bit in range(8):
        bits[bit % 3] |= (((value >> (7 - bit // 3)) & 1) << bit).astype(np.uint8)
    return bits


_NUMBER_BITS = _bits_of_numbers()


def convert_colours(path: str | os.PathLike[str], known: int) -> Path:
    """Turn the label file `path` from colours into a palette PNG of class numbers; returns where the original lies now.

    That is the folder SegmentationClass_colours beside the file's own, with the same name; it is safe on disk before
    the label file is replaced, in one step. Nothing is changed, and DataError raised, where the file holds no colours,
    or colours of no class, or where another file lies in the place of the original. OSError where nothing can be written.
    """
    path = Path(path)
    content = path.read_bytes()
    image = open_image(path, "labels")
    if image.mode not in ("RGB", "RGBA"):
        is_numbers = " is of class numbers already" if image.mode in NUMBERED else " holds no colours"
        raise DataError(f"labels {path}: mode {image.mode}{is_numbers}; there is nothing to convert")
    labels, others = numbers_of_colours(image, known)
    if others:
        raise DataError(f"labels {path}: not converted, for {strange_colours(others)}")
    return replaced(path, content, labels, BACKUP, "converted")


def strange_colours(others: dict[tuple[int, ...], int]) -> str:
    """A clause about colours that are no class's, the most frequent first."""
    first = sorted(others, key=lambda colour: -others[colour])[:3]
    named = ", ".join(f"{colour} in {others[colour]} pixels" for colour in first)
    more = f" and {len(others) - len(first)} more" if len(others) > len(first) else ""
    return f"{named}{more}: no class of the VOC palette has this colour"
