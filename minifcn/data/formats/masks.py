"""Label files as they are stored: a number a pixel, or a colour a pixel as 0xRRGGBB."""

import os

import numpy as np
from PIL import Image

from minifcn.data.errors import DataError
from minifcn.data.images import open_image, opened
from minifcn.data.labels import file_numbers
from minifcn.data.pixels.soft_edges import pack

COLOURED = ("RGB", "RGBA", "P")
PHOTOMETRIC = 262  # a tag of TIFF


def read_numbers(path: str | os.PathLike[str]) -> np.ndarray:
    """The stored numbers of a label file, int32 (H, W): palette, grey of any depth, or equal channels. DataError for colours.

    A JPEG is read too: its greys lie near those that were drawn, and the table shows it.
    """
    if str(path).endswith(".npy"):
        return read_array(path)
    found = opened(path, "labels")
    if found.image.mode == "F":
        return whole(np.asarray(found.image), path)
    opaque(found.image, path)
    return file_numbers(found, path, blurred=True).astype(np.int32)


def white_is_zero(image: Image.Image) -> bool:
    """Whether an image, of which the head was read, is a TIFF that stores its greys with 0 for white."""
    return image.format == "TIFF" and image.mode in ("1", "L") and image.tag_v2.get(PHOTOMETRIC) == 0  # type: ignore[attr-defined]


def read_colours(path: str | os.PathLike[str]) -> np.ndarray:
    """The colours of a label file as 0xRRGGBB, int32 (H, W); of a palette file those of its palette. DataError for grey."""
    image = open_image(path, "labels")
    if image.mode not in COLOURED:
        raise DataError(f"labels {path}: mode {image.mode} holds no colours, and colours are expected")
    return pack(np.asarray(opaque(image, path).convert("RGB")))


def any_colours(path: str | os.PathLike[str]) -> np.ndarray:
    """As `read_colours`, and grey counts as the colour that it is."""
    image = opaque(open_image(path, "labels"), path)
    if image.mode.startswith(("I", "F")):
        raise DataError(f"labels {path}: mode {image.mode} holds numbers of 16 bits or more, and colours are expected")
    return pack(np.asarray(image.convert("RGB")))


def opaque(image: Image.Image, path: str | os.PathLike[str]) -> Image.Image:
    """The image without its alpha. DataError where there is something to be seen through: nobody knows which class lies there."""
    if image.mode not in ("RGBA", "LA", "PA"):
        return image
    if clear := int(np.count_nonzero(np.asarray(image.getchannel("A")) < 255)):
        raise DataError(
            f"labels {path}: {clear:,} pixels are transparent, so their class is unknown; lay the file over the colour that they mean"
        )
    return image.convert({"RGBA": "RGB", "LA": "L", "PA": "RGB"}[image.mode])


def read_array(path: str | os.PathLike[str]) -> np.ndarray:
    """The numbers of a NumPy file, int32 (H, W). DataError where it holds anything but one whole number a pixel."""
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"labels {path}: cannot be read as a NumPy array ({error})") from error
    return whole(array, path)


def whole(array: np.ndarray, path: str | os.PathLike[str]) -> np.ndarray:
    """An array of whole numbers, of whatever dtype, as int32 (H, W). DataError where it is none."""
    array = np.squeeze(array, -1) if array.ndim == 3 and array.shape[-1] == 1 else array
    if array.ndim != 2 or array.dtype.kind not in "iubf" or array.size == 0:
        raise DataError(f"labels {path}: {array.dtype} {array.shape}; one whole number a pixel (H, W) is expected")
    with np.errstate(invalid="ignore"):
        numbers = array.astype(np.int32)
    if (numbers != array).any():
        raise DataError(
            f"labels {path}: {array.dtype} numbers that are not whole, or too large; class numbers are expected"
        )
    return numbers


def grey(colours: np.ndarray) -> np.ndarray:
    """The brightness of packed colours, 0 to 255, with Pillow's weights."""
    return ((colours >> 16) * 299 + (colours >> 8 & 255) * 587 + (colours & 255) * 114 + 500) // 1000


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
