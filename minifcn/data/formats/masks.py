"""Label files as they are stored: a number a pixel, or a colour a pixel as 0xRRGGBB."""

import os

import numpy as np
from PIL import Image

from minifcn.data.errors import DataError
from minifcn.data.images import open_image, opened
from minifcn.data.labels import file_numbers

COLOURED = ("RGB", "RGBA", "P")


def read_numbers(path: str | os.PathLike[str], blurred: bool = False) -> np.ndarray:
    """The stored numbers of a label file, int32 (H, W): palette, grey of any depth, or three equal channels. DataError for colours.

    `blurred`: take a JPEG too, whose numbers are near those that were drawn; a threshold decides about them.
    """
    return file_numbers(opened(path, "labels"), path, blurred=blurred).astype(np.int32)


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
