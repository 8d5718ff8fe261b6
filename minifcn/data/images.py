"""Picture files in, arrays out. Every way a file can be broken ends in one sentence that names the file."""

import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from minifcn.data.errors import DataError

PNG = b"\x89PNG\r\n\x1a\n"  # how each of them begins


def open_image(path: str | os.PathLike[str], what: str) -> Image.Image:
    """The image in the file `path`, decoded whole. `what` ("picture", "labels") starts the message of a DataError."""
    path = Path(path)
    if not path.is_file():
        problem = "this is a folder; give a file" if path.is_dir() else "there is no such file"
        raise DataError(f"{what} {path}: {problem}")
    try:
        # given an open file Pillow maps none into memory: its mapped TIFFs come out scrambled where EXIF turns them
        with path.open("rb") as file, Image.open(file) as image:
            check_png(file)
            # Pillow only warns between its limit and twice that; a warning is no way to meet a 20 GB array
            if Image.MAX_IMAGE_PIXELS and image.width * image.height > Image.MAX_IMAGE_PIXELS:
                raise Image.DecompressionBombError
            image.load()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        limit = f"{Image.MAX_IMAGE_PIXELS:,} pixels"
        raise DataError(f"{what} {path}: larger than Pillow's limit of {limit}; make it smaller") from error
    except Exception as error:  # Pillow raises whatever its parsers hit: OSError, SyntaxError, struct.error, ...
        reason = str(error).strip() or type(error).__name__
        if isinstance(error, Image.UnidentifiedImageError):
            reason = "not an image file that Pillow knows"
        raise DataError(f"{what} {path}: cannot be read ({reason}); replace the file") from error
    return image


def check_png(file: BinaryIO) -> None:
    """Raise ValueError where a PNG is not as it was written: each chunk ends with a checksum, and the pixels are as many as it says.

    Pillow looks at the checksums of the first chunks alone; behind a flipped bit in the others lie other labels, and nobody is told. Pixels that
    are missing it takes for 0, which is a class: and 99 bytes may say that they are 50 million. `file` stays where it was.
    """
    before = file.tell()
    file.seek(0)
    if file.read(len(PNG)) == PNG:
        kind, wanted, found, pixels = b"", 0, 0, zlib.decompressobj()
        while kind != b"IEND":
            head = file.read(8)
            length, kind = (int.from_bytes(head[:4], "big"), head[4:])
            content, checksum = file.read(length), file.read(4)
            if len(checksum) < 4:
                raise ValueError("the file is cut short")
            if zlib.crc32(kind + content) != int.from_bytes(checksum, "big"):
                raise ValueError(f"damaged: the checksum of its part {kind.decode('ascii', 'replace')!r} is wrong")
            if kind == b"IHDR" and length == 13:
                wanted = bytes_of_pixels(content)
            while kind == b"IDAT" and content and found < wanted:
                found += len(pixels.decompress(content, PIECE))
                content = pixels.unconsumed_tail
        if found < wanted:
            raise ValueError(f"damaged: it holds {found:,} of the {wanted:,} bytes that its pixels take")
    file.seek(before)


PIECE = 1 << 18  # bytes that are unpacked at once
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of each colour type of a PNG
# first row, first column, step of rows, step of columns of each pass of an interlaced PNG
PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def bytes_of_pixels(header: bytes) -> int:
    """How many bytes the pixels of a PNG take once unpacked: a byte a row, for its filter, and the row's own."""
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    depth, colours, interlaced = header[8], header[9], header[12]
    total = 0
    for top, left, down, right in PASSES if interlaced else ((0, 0, 1, 1),):
        rows, columns = max(0, -(-(height - top) // down)), max(0, -(-(width - left) // right))
        total += rows * (1 + -(-columns * depth * CHANNELS.get(colours, 0) // 8)) if columns else 0
    return total


def read_picture(path: str | os.PathLike[str]) -> np.ndarray:
    """A picture file as uint8 (H, W, 3), RGB, turned upright as its EXIF orientation says.

    Any mode that Pillow reads is brought to RGB: grey is repeated, 16 bit grey keeps its upper 8 bits, CMYK is
    converted, and what is transparent is laid over white. Raises DataError, with the file's name, where the file is
    missing, broken, larger than Pillow's limit, or of floating point (which has no fixed range).
    """
    image = open_image(path, "picture")
    with suppress(Exception):  # broken EXIF says nothing about the pixels: keep them as they are stored
        image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        raise DataError(f"picture {path}: floating point has no fixed range of brightness; save it with 8 bits")
    try:
        return np.array(_to_rgb(image))
    except Exception as error:
        raise DataError(
            f"picture {path}: mode {image.mode} cannot be turned into RGB ({error}); save it as RGB"
        ) from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bit grey; convert("RGB") would cut every value above 255 to white
        upper = np.clip(np.asarray(image).astype(np.int64), 0, 65535) >> 8
        image = Image.fromarray(upper.astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        # the colour under a transparent pixel is arbitrary, often black; viewers show white paper
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")
