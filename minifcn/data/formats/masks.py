"""Label files as they are stored: a number a pixel, or a colour a pixel as 0xRRGGBB."""

import os

import numpy as np
from PIL import Image

from minifcn.data.errors import DataError
from minifcn.data.images import open_image
from minifcn.data.labels import NUMBERED, label_numbers

BITS, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0  # tags of a TIFF
COLOURED = ("RGB", "RGBA", "P")


def read_numbers(path: str | os.PathLike[str]) -> np.ndarray:
    """The numbers of a label file, int32 (H, W): palette, grey of any depth, or three equal channels. DataError for colours."""
    image = open_image(path, "labels")
    if image.mode in NUMBERED:
        return as_stored(label_numbers(image, path).astype(np.int32), image)
    if image.mode.startswith("I"):
        return np.asarray(image).astype(np.int32)
    if image.mode in COLOURED:
        pixels = np.asarray(image.convert("RGB"))
        if (pixels == pixels[..., :1]).all():
            return pixels[..., 0].astype(np.int32)
        raise DataError(f"labels {path}: mode {image.mode} holds colours where a class number a pixel is expected")
    raise DataError(f"labels {path}: mode {image.mode} holds no class numbers; save them as a palette or grey PNG")


def as_stored(numbers: np.ndarray, image: Image.Image) -> np.ndarray:
    """The numbers that a TIFF holds: Pillow turns them over where white is zero, as in masks of ImageJ, and stretches 2 and 4 bits to 255."""
    tags = getattr(image, "tag_v2", {})
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        numbers = (1 if image.mode == "1" else 255) - numbers
    bits = tags.get(BITS, (8,))[0] if image.mode == "L" else 8
    return numbers // {2: 85, 4: 17}.get(bits, 1)


def read_colours(path: str | os.PathLike[str]) -> np.ndarray:
    """The colours of a label file as 0xRRGGBB, int32 (H, W); of a palette file those of its palette. DataError for grey."""
    image = open_image(path, "labels")
    if image.mode not in COLOURED:
        raise DataError(f"labels {path}: mode {image.mode} holds no colours, and colours are expected")
    return pack(np.asarray(image.convert("RGB")))


def pack(pixels: np.ndarray) -> np.ndarray:
    """uint8 (..., 3) as 0xRRGGBB, int32 (...).

    >>> hex(pack(np.array([18, 52, 86], np.uint8)).item())
    '0x123456'
    """
    wide = pixels.astype(np.int32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def in_colours(path: str | os.PathLike[str]) -> bool:
    """Whether a label file holds colours: neither grey nor palette, and not one number in three channels."""
    if mode_of(path) not in COLOURED or mode_of(path) == "P":
        return False
    pixels = np.asarray(open_image(path, "labels").convert("RGB"))
    return bool((pixels != pixels[..., :1]).any())


def colour_text(value: int) -> str:
    """How a packed colour is written.

    >>> colour_text(0x33DDFF)
    '#33ddff (51, 221, 255)'
    """
    return f"#{value:06x} ({value >> 16}, {value >> 8 & 255}, {value & 255})"


def mode_of(path: str | os.PathLike[str]) -> str:
    """Pillow's mode of a file, from its head alone; empty where it is no image."""
    try:
        with Image.open(path) as image:
            return image.mode
    except Exception:
        return ""
