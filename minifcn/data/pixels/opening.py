"""A picture file's header, read by Pillow; and what the header says that Pillow's image no longer knows once it is decoded."""

import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from PIL import Image, ImageFile, UnidentifiedImageError

ORIENTATION = 0x0112  # the EXIF tag
LOSSY = ("JPEG", "MPO", "AVIF")  # formats that keep no exact numbers
PARTS = 1 | 4  # TIFF: a page that is a smaller copy of another one, or says what of it is transparent


@dataclass(frozen=True)
class Header:
    """What a file said before it was decoded.

    `mode`, `size`    Pillow's mode; width and height as the pixels are stored
    `kind`            Pillow's name of the format
    `orientation`     EXIF: 1 as stored, 2 to 8 turned or mirrored
    `bits`            of a number as stored, as far as Pillow changes it on reading: 1, 2, 4, 8, 16
    `top`             the number that is stored for white, and `full`, what Pillow makes of it
    `inverted`        stored with white as zero, and Pillow turns that round
    `lossy`           the format keeps no exact numbers
    `pages`           of the same kind in one file
    """

    mode: str
    size: tuple[int, int]
    kind: str
    orientation: int
    bits: int
    top: int
    full: int
    inverted: bool
    lossy: bool
    pages: int


def identified(file: BinaryIO) -> ImageFile.ImageFile:
    """The image in `file`, its header read: as `Image.open`, but neither refused nor warned of for its size, which is up to the caller.

    Image.open asks a limit that is one for the whole program, and tells of it by a warning of the program's.
    """
    missing: list[str] = []
    for name in known_formats():
        factory, accept = Image.OPEN[name]
        with suppress(SyntaxError, IndexError, TypeError, struct.error):  # it is another format after all
            file.seek(0)
            accepted = accept(file.read(16)) if accept else True
            if isinstance(accepted, str):  # this Pillow was built without it
                missing.append(accepted)
            elif accepted:
                file.seek(0)
                return factory(file, "")  # type: ignore[return-value]
    file.seek(0)
    if file.read(4)[:2] in (b"II", b"MM") and not missing:
        missing.append("a TIFF of a kind that Pillow does not read, such as 64 bits a number; save it with 8, or 16")
    raise UnidentifiedImageError("; ".join(missing))


def known_formats() -> Iterator[str]:
    """Pillow's names of all formats that it reads: the common ones first, the others loaded only where these do not fit."""
    Image.preinit()
    common = tuple(Image.ID)
    yield from common
    Image.init()
    yield from (name for name in tuple(Image.ID) if name not in common)


def header_of(image: ImageFile.ImageFile, file: BinaryIO) -> Header:
    """What `image`, not yet decoded, says of itself. `file` is where it was read from."""
    raw, maxval = raw_mode(image)
    bits, top, full, inverted = 8, 255, 255, False
    if image.mode == "1":
        bits, top, full = 1, 1, 1
        inverted = "I" in raw or image.format == "PPM"  # in a PBM 1 is black
    elif found := re.fullmatch(r"L;([24]?)(I?)R?", raw):
        bits, inverted = int(found[1] or 8), bool(found[2])
        top = 2**bits - 1
    elif maxval:
        bits, top, full = (8 if maxval < 256 else 16), maxval, 65535 if image.mode.startswith("I") else 255
    elif (";16" in raw and not raw.startswith("BGR")) or image.mode.startswith("I"):
        bits, top, full = 16, 65535, 65535
    orientation = 1
    size = tuple(getattr(image, "_tile_size", image.size))  # a TIFF that its tag turns has turned its size already
    with suppress(Exception):  # broken EXIF says nothing about the pixels
        found_tag = image.getexif().get(ORIENTATION)
        orientation = found_tag if isinstance(found_tag, int) and 1 < found_tag < 9 else 1
    pages = own_pages(image)
    return Header(
        image.mode, size, image.format or "", orientation, bits, top, full, inverted, is_lossy(image, file), pages
    )  # fmt: skip


def raw_mode(image: ImageFile.ImageFile) -> tuple[str, int]:
    """How the pixels lie in the file, in Pillow's words; and the number that is white, where the format names one and it is no full byte."""
    arguments: Any = image.tile[0][3] if image.tile else ""
    if isinstance(arguments, str):
        return arguments, 0
    values = list(arguments or ())
    raw = next((value for value in values if isinstance(value, str)), "")
    named = image.format == "PPM" and image.tile[0][0] in ("ppm", "ppm_plain") and len(values) > 1
    return raw, values[1] if named and isinstance(values[1], int) and image.mode != "1" else 0


def is_lossy(image: ImageFile.ImageFile, file: BinaryIO) -> bool:
    if image.format == "WEBP":
        return not is_lossless_webp(file)
    return image.format in LOSSY or image.info.get("compression") in ("jpeg", "tiff_jpeg")


def is_lossless_webp(file: BinaryIO) -> bool:
    """Whether the first picture in a WebP is one of its lossless kind."""
    before = file.tell()
    try:
        file.seek(12)  # "RIFF", a length, "WEBP"; then chunks
        while len(head := file.read(8)) == 8:
            kind, length = head[:4], int.from_bytes(head[4:], "little")
            if kind in (b"VP8L", b"VP8 "):
                return kind == b"VP8L"
            # a frame of an animation holds 16 bytes of its own, then chunks
            file.seek(16 if kind == b"ANMF" else length + length % 2, 1)
        return False
    finally:
        file.seek(before)


def own_pages(image: ImageFile.ImageFile) -> int:
    """How many pages or frames a file has, smaller copies of a page left out."""
    count = 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))  # cameras put a preview behind a picture
    if count == 1 or image.format != "TIFF":
        return count
    pages = 0
    for page in range(count):
        image.seek(page)
        pages += not int(image.tag_v2.get(254, 0)) & PARTS  # type: ignore[attr-defined]
    image.seek(0)
    return max(1, pages)
