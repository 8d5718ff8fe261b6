"""Pictures of 16 bits a number, of which cameras and microscopes often use 10 or 12, as bytes."""

import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageFile

from minifcn.data.pixels.opening import Header, identified

MOST_BITS = 16
BYTE = 256
FEW_BITS = 12  # a whole set that never uses more was written by a camera of so many, or fewer
USUAL_BITS = (8, 10, 12, 14, 16)


def squeezed(values: np.ndarray, bits: int) -> np.ndarray:
    """Integers that fill `bits` bits, 8 to 16, by their upper eight: uint8. What is beyond is white, what is below 0 black."""
    return (np.clip(values, 0, (1 << bits) - 1) >> (bits - 8)).astype(np.uint8)


def bits_for(top: int) -> int:
    """How many bits were meant, by the largest number seen: a usual depth that holds it.

    >>> bits_for(200), bits_for(900), bits_for(4012), bits_for(65535)
    (8, 10, 12, 16)
    """
    return next((bits for bits in USUAL_BITS if top < 1 << bits), MOST_BITS)


def too_dark(top: int | None, bits: int | None) -> str:
    """What to say of a picture of 16 bits whose largest number is `top`, and which is black once its upper 8 are kept; else nothing."""
    if bits is not None or not top or top >= BYTE:
        return ""
    return (
        f"it would come out black, for it has {MOST_BITS} bits a number and no number is above {top}, so the upper 8 bits are empty; "
        f"give --bits {bits_for(top)}, or save it with 8 bits"
    )


def dark_set(tops: Iterable[int], bits: int | None) -> str:
    """What to say of a set of pictures of 16 bits that none of them uses, by the largest number in each; else nothing."""
    tops = list(tops)
    top = max(tops, default=0)
    if bits is not None or not top or top >= 1 << FEW_BITS:
        return ""
    return (
        f"{len(tops)} of {MOST_BITS} bits a number, and no number is above {top}, as of a camera of {bits_for(top)} bits: they come out "
        f"{'black' if top < BYTE else 'nearly black'}; give --bits {bits_for(top)}, or --bits {MOST_BITS} where they are meant so"
    )


def not_meant(tops: Iterable[int], bits: int | None) -> str:
    """What to say where `bits` was asked for and does not belong to the pictures, by the largest number in each of 16 bits; else nothing."""
    tops = list(tops)
    if bits is None:
        return ""
    said = f"of {MOST_BITS} bits {bits} are said to hold something (--bits, or the model's file)"
    if not tops:
        return f"{said}, and no picture here has more than 8: that changes nothing"
    white = (1 << bits) - 1
    if max(tops) <= white:
        return ""
    return (
        f"{said}, and there are numbers up to {max(tops)}: all above {white} comes out white; give --bits {bits_for(max(tops))}, "
        "unless these are single pixels that the camera got wrong"
    )


def lower_bytes(file: BinaryIO, header: Header) -> np.ndarray | None:
    """The lower byte of each number of a colour picture of 16 bits a channel, of which Pillow reads the upper ones: uint8 (H, W, C).

    Pillow is told that the bytes lie the other way round. None where it has no such way to read them.
    """
    image = identified(file)
    tiles: Any = image.tile  # in newer Pillows named tuples, which some of its decoders want
    turned: Any = [getattr(type(tile), "_make", tuple)((*tile[:3], swapped(tile[3]))) for tile in tiles]
    image.tile = turned
    with suppress(ValueError, OSError):
        lift_limit(image)
        image.load()
        return np.array(image) if image.mode == header.mode else None
    return None


def swapped(arguments: object) -> object:
    """A tile's arguments with the byte order turned round: "RGB;16B" and "RGB;16L"; N, the machine's own, is one of them."""
    if isinstance(arguments, tuple):
        return tuple(swapped(value) if isinstance(value, str) else value for value in arguments)
    order = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
    return re.sub(r";16([BLN])$", lambda found: ";16" + order[found[1]], str(arguments))


def lift_limit(image: ImageFile.ImageFile) -> None:
    """Make room for the pixels of a TIFF here, so that Pillow does not ask its limit: whoever calls this has asked a limit already."""
    if image.format == "TIFF" and getattr(image, "_im", None) is None:
        image.im = Image.new(image.mode, getattr(image, "_tile_size", image.size)).im
