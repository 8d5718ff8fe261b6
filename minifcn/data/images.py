"""Picture files in, arrays out. Every way a file can be broken ends in one sentence that names the file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageFile, ImageOps

from minifcn.data.errors import DataError
from minifcn.data.pixels.depth import MOST_BITS, lift_limit, lower_bytes, squeezed, too_dark
from minifcn.data.pixels.opening import ORIENTATION, Header, header_of, identified
from minifcn.data.pixels.png import readable
from minifcn.data.pixels.turned import upright
from minifcn.files import BEGINNINGS, instead_of, is_drawing, not_there

# what counts as a picture, and as labels; where two files share a name without ending, the ending that stands first wins
PICTURE_ENDINGS = (
    ".jpg", ".jpeg", ".png", ".jfif", ".jpe", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".avif", ".ppm", ".pgm", ".pbm", ".pnm",
    ".jp2", ".tga",
)  # fmt: skip
EXACT_ENDINGS = (".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".pgm", ".pbm", ".ppm", ".pnm", ".tga")
JPEG_ENDINGS = (".jpg", ".jpeg", ".jfif", ".jpe")
# those of JPEG are found, so that it can be said why they hold no labels
LABEL_ENDINGS = (*EXACT_ENDINGS, *JPEG_ENDINGS, ".avif")
AT_ONCE = 1 << 18  # pixels copied together


class Opened(NamedTuple):
    """An image, decoded, and what its header said; `lower` is what Pillow left out, the lower bytes of 16-bit colours: (H, W, C) as the image lies."""

    image: Image.Image
    header: Header
    lower: np.ndarray | None = None


class Picture(NamedTuple):
    """A picture, uint8 (H, W, 3), upright; what its header said; the largest number in it, where it has more than 8 bits."""

    pixels: np.ndarray
    header: Header
    top: int | None


@contextmanager
def file_opened(
    path: str | os.PathLike[str], what: str, most: int | None = None
) -> Iterator[tuple[ImageFile.ImageFile, Header, BinaryIO]]:
    """The image in the file `path`, not yet decoded, its header, and the file. `what` ("picture", "labels") starts the message of a DataError.

    Whatever goes wrong within the `with` is a DataError too. `most`: how many pixels it may have, where that is another
    number than Pillow's own limit.
    """
    path = Path(path)
    if not path.is_file():
        problem = "this is a folder; give a file" if path.is_dir() else not_there(path)
        raise DataError(f"{what} {path}: {problem}")
    limit = most or Image.MAX_IMAGE_PIXELS
    try:
        # given an open file Pillow maps none into memory: its mapped TIFFs come out scrambled where EXIF turns them
        with path.open("rb") as file, identified(source := readable(file)) as image:
            if limit and image.width * image.height > limit:
                raise DataError(too_large(what, path, limit, most is not None))
            header = header_of(image, source)
            yield image, header, source
    except DataError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:  # of a format that asks by itself
        raise DataError(
            f"{what} {path}: so large that Pillow refuses it in this format; save it as PNG or TIFF, or make it smaller"
        ) from error
    except Image.UnidentifiedImageError as error:
        raise DataError(f"{what} {path}: {no_picture(path, str(error), what)}") from error
    except Exception as error:  # Pillow raises whatever its parsers hit: OSError, SyntaxError, struct.error, ...
        reason = str(error).strip() or type(error).__name__
        raise DataError(f"{what} {path}: cannot be read ({reason}); replace the file") from error


HEIC = tuple(b"ftyp" + brand for brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1"))


def no_picture(path: Path, reason: str, what: str) -> str:
    """The sentence about a file that no reader of Pillow's takes. `reason`: what Pillow lacks, if it knows the format."""
    with suppress(OSError), path.open("rb") as file:
        begins = file.read(BEGINNINGS)
        if other := instead_of(begins, what):
            return f"{other}; save its pixels as PNG" if is_drawing(begins) else other
        if begins[4:12] in HEIC:
            return "HEIC, as telephones save photographs, which Pillow does not read; save it as JPEG or PNG"
        if begins.startswith(b"\x93NUMPY"):
            return "a NumPy array; save it as PNG (minifcn import reads masks in .npy files)"
    return f"cannot be read ({reason or 'not an image file that Pillow knows'}); replace the file"


def opened(path: str | os.PathLike[str], what: str) -> Opened:
    """The image in the file `path`, decoded whole. `what` as in `file_opened`; raises DataError."""
    with file_opened(path, what) as (image, header, source):
        lift_limit(image)
        image.load()
        lower = lower_bytes(source, header) if what == "picture" and is_deep_colour(header) else None
    return Opened(image, header, lower)


def open_image(path: str | os.PathLike[str], what: str) -> Image.Image:
    """As `opened`, the image alone."""
    return opened(path, what).image


def too_large(what: str, path: Path, limit: int, own_limit: bool) -> str:
    """The sentence about an image of more than `limit` pixels."""
    whose = "the limit" if own_limit else "Pillow's limit"
    way = "make it smaller"
    if what == "picture":
        way += ", or cut it into several" if own_limit else "; minifcn predict --tile 512 reads larger ones"
    return f"{what} {path}: larger than {whose} of {limit:,} pixels; {way}"


def is_deep_colour(header: Header) -> bool:
    """Whether colours have 16 bits a channel, of which Pillow reads the upper 8."""
    return header.bits == MOST_BITS and header.mode in ("RGB", "RGBA")


def read_picture(path: str | os.PathLike[str], bits: int | None = None) -> np.ndarray:
    """A picture file as uint8 (H, W, 3), RGB, turned upright as its EXIF orientation says.

    Any mode that Pillow reads is brought to RGB: grey is repeated, of 16 bits the upper 8 are kept, CMYK is converted, and
    what is transparent is laid over white. `bits`: how many of 16 bits hold something, such as 12, where a camera left the
    upper ones empty. Raises DataError, with the file's name, where the file is missing, broken, larger than Pillow's limit,
    of floating point (which has no fixed range), or where it has 16 bits, comes out black and nobody said how many count.
    """
    return read_whole(path, bits).pixels


def read_whole(path: str | os.PathLike[str], bits: int | None = None) -> Picture:
    """As `read_picture`, with what else there is to know of the file."""
    picture = look_at(path, bits)
    if dark := too_dark(picture.top, bits):
        raise DataError(f"picture {path}: {dark}")
    return picture


def look_at(path: str | os.PathLike[str], bits: int | None = None) -> Picture:
    """As `read_whole`, but what comes out black is not refused."""
    if bits is not None and not 8 <= bits <= MOST_BITS:
        raise DataError(
            f"picture {path}: bits is {bits}; expected 8 to {MOST_BITS}, how many of {MOST_BITS} bits hold something"
        )
    image, header, lower = opened(path, "picture")
    with suppress(Exception):  # broken EXIF says nothing about the pixels: keep them as they are stored
        if image.getexif().get(ORIENTATION, 1) != 1:  # else it would be copied
            image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        raise DataError(f"picture {path}: floating point has no fixed range of brightness; save it with 8 bits")
    try:
        if lower is not None:
            lower = lower if header.kind == "TIFF" else upright(lower, header.orientation)  # Pillow turns a TIFF itself
        pixels, top = to_rgb(image, bits, lower)
    except Exception as error:
        raise DataError(
            f"picture {path}: mode {image.mode} cannot be turned into RGB ({error}); save it as RGB"
        ) from error
    return Picture(pixels, header, top)


def to_rgb(
    image: Image.Image, bits: int | None = None, lower: np.ndarray | None = None
) -> tuple[np.ndarray, int | None]:
    """An image as RGB, uint8 (H, W, 3), and its largest number where it has more than 8 bits. `bits` as in `read_picture`."""
    top = None
    if image.mode.startswith("I"):  # 16 bit grey; convert("RGB") would cut every value above 255 to white
        values = np.asarray(image).astype(np.int64)
        top = int(values.max(initial=0))
        image = Image.fromarray(squeezed(values, bits or MOST_BITS))
    elif lower is not None:
        values = np.asarray(image).astype(np.uint16) << 8 | lower
        top = int(values[..., :3].max(initial=0))
        colours = squeezed(values, bits or MOST_BITS)
        colours[..., 3:] = values[..., 3:] >> 8  # how transparent: that is no brightness
        image = Image.fromarray(colours)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        # the colour under a transparent pixel is arbitrary, often black; viewers show white paper
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return pixels_of(image if image.mode == "RGB" else image.convert("RGB")), top


def pixels_of(image: Image.Image) -> np.ndarray:
    """The pixels of an RGB image, uint8 (H, W, 3), some rows at a time: asked for all at once, Pillow holds them twice more meanwhile."""
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    step = max(1, AT_ONCE // max(1, width))
    for top in range(0, height, step):
        part = image.im.crop((0, top, width, min(top + step, height)))  # Image.crop asks Pillow's limit of each
        pixels[top : top + step] = np.asarray(image._new(part))
    return pixels
