"""Pictures too large to be read as others are: whole but in their own mode, or the pieces that are asked for."""

import io
import os
from collections import OrderedDict
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from minifcn.data.errors import DataError
from minifcn.data.images import Opened, Picture, file_opened, is_deep_colour, read_whole, to_rgb
from minifcn.data.pixels.depth import lift_limit, lower_bytes
from minifcn.data.pixels.opening import Header, header_of, identified
from minifcn.data.pixels.tiff_pieces import Grid, blank, grid_of, piece_file
from minifcn.data.pixels.turned import upright

MOST_PIXELS = 1 << 30  # 32768 x 32768; its labels alone are a GiB
LARGEST_PIECE = 1 << 26  # pixels of a strip or tile that is decoded at once
KEPT_BYTES = 256 << 20  # of decoded pieces: rows of tiles overlap, and no piece should be decoded twice


class LargePicture:
    """A picture that gives parts of itself: `picture[rows, columns]`, two slices, is uint8 (h, w, 3), RGB, upright.

    TIFFs are read piece by piece, strips or tiles, as they are asked for; other formats are decoded whole and kept in their own mode, which
    for grey is a third of RGB. Up to `MOST_PIXELS`: the limit that Pillow has for the whole program is not asked and stays as it is.
    `bits` as for `read_picture`. `.top` is the largest number met so far, where they have more than 8 bits. Raises DataError. To be closed, or used in a `with`.
    """

    dtype = np.dtype(np.uint8)
    ndim = 3

    def __init__(self, path: str | os.PathLike[str], bits: int | None = None) -> None:
        self.path, self.bits = Path(path), bits
        self.top: int | None = None
        self._kept: OrderedDict[int, Opened] = OrderedDict()
        self._bytes = 0
        self._whole: Opened | None = None
        with ExitStack() as stack:
            image, self.header, self._file = stack.enter_context(file_opened(path, "picture", MOST_PIXELS))
            self._mode = image.mode
            self.grid: Grid | None = grid_of(image, self.header, LARGEST_PIECE)
            if self.grid is None:
                lift_limit(image)
                image.load()
                self._whole = whole(image, self.header, self._file, bits)
                width, height = self._whole.image.size
            else:
                width, height = image.size
            self.shape = (height, width, 3)
            self._closing = stack.pop_all()

    def __enter__(self) -> "LargePicture":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._closing.close()

    @property
    def held(self) -> int:
        """Bytes that the decoded picture takes, where it is decoded whole."""
        return cost(self._whole) if self._whole else 0

    @property
    def size(self) -> int:
        return self.shape[0] * self.shape[1] * 3

    def __getitem__(self, place: tuple[slice, slice]) -> np.ndarray:
        (top, bottom, _), (left, right, _) = (
            part.indices(length) for part, length in zip(place, self.shape[:2], strict=True)
        )
        if self.grid is None:
            assert self._whole is not None
            return self._part(self._whole, (left, top, right, bottom))
        result = np.empty((bottom - top, right - left, 3), np.uint8)
        wide, high = self.grid.width, self.grid.height
        for row in range(top // high, -(-bottom // high)):
            for column in range(left // wide, -(-right // wide)):
                y, x = row * high, column * wide  # of the piece; then what of it is wanted
                rows, columns = slice(max(top, y), min(bottom, y + high)), slice(max(left, x), min(right, x + wide))
                piece = self._piece(row * self.grid.across + column, self.grid)
                part = self._part(piece, (columns.start - x, rows.start - y, columns.stop - x, rows.stop - y))
                result[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = part
        return result

    def _part(self, found: Opened, box: tuple[int, int, int, int]) -> np.ndarray:
        """What is in the box (left, top, right, bottom) of a decoded image."""
        left, top, right, bottom = box
        lower = None if found.lower is None else found.lower[top:bottom, left:right]
        part = found.image._new(found.image.im.crop(box))  # Image.crop asks Pillow's limit of pixels of every part
        pixels, largest = to_rgb(part, self.bits, lower)
        if largest is not None:
            self.top = max(largest, self.top or 0)
        return pixels

    def _piece(self, number: int, grid: Grid) -> Opened:
        """A strip or tile, decoded; the last ones that were wanted are kept."""
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        if grid.sizes[number] == 0:
            found = Opened(blank(self._mode, grid), self.header)
        else:
            found = self._decoded(piece_file(self._file, grid, number, self.shape[0]), number)
        self._kept[number] = found
        self._bytes += cost(found)
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            self._bytes -= cost(self._kept.popitem(last=False)[1])
        return found

    def _decoded(self, file: io.BytesIO, number: int) -> Opened:
        try:
            image = identified(file)
            header = header_of(image, file)
            lift_limit(image)
            image.load()
            return Opened(image, header, lower_bytes(file, header) if is_deep_colour(header) else None)
        except Exception as error:  # whatever Pillow's parsers hit
            raise DataError(
                f"picture {self.path}: its part {number} cannot be read ({error}); replace the file"
            ) from error


def whole(image: Image.Image, header: Header, file: BinaryIO, bits: int | None) -> Opened:
    """A decoded image, upright. Lower bytes, which take as much memory again, only where they count."""
    lower = lower_bytes(file, header) if bits and is_deep_colour(header) else None
    if lower is not None and header.kind != "TIFF":
        lower = upright(lower, header.orientation)
    if header.orientation > 1 and header.kind != "TIFF":
        image = ImageOps.exif_transpose(image)
    return Opened(image, header, lower)


def cost(found: Opened) -> int:
    """Bytes that a decoded image takes: Pillow keeps colours in four a pixel."""
    width, height = found.image.size
    lower = 0 if found.lower is None else found.lower.nbytes
    return lower + width * height * {"L": 1, "P": 1, "1": 1, "I;16": 2, "I;16B": 2}.get(found.image.mode, 4)


def reduced(picture: "np.ndarray | LargePicture", labels: np.ndarray, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Every so many pixels of a picture and its labels, so that the longer side has at most `longest`."""
    step = -(-max(labels.shape) // longest)
    rows = [picture[row : row + 1, :][:, ::step] for row in range(0, labels.shape[0], step)]
    return np.concatenate(rows), np.ascontiguousarray(labels[::step, ::step])


def pixels_in(path: str | os.PathLike[str]) -> int:
    """How many pixels a picture has, by its header. Raises DataError where it cannot be opened."""
    try:
        with Path(path).open("rb") as file:
            width, height = identified(file).size  # without a look at every checksum, which comes when it is read
    except Exception:  # a large profile, or what is wrong with it
        with file_opened(path, "picture", MOST_PIXELS) as (image, _, _):
            width, height = image.size
    return int(width * height)


def is_large(path: str | os.PathLike[str]) -> bool:
    """Whether a picture has more pixels than Pillow's limit. Raises DataError where it cannot be opened."""
    return bool(Image.MAX_IMAGE_PIXELS and pixels_in(path) > Image.MAX_IMAGE_PIXELS)


def read_any(path: str | os.PathLike[str], bits: int | None, pieces: bool) -> "Picture | LargePicture":
    """The picture, read whole; where `pieces` will do, one beyond Pillow's limit comes as a `LargePicture`."""
    return LargePicture(path, bits) if pieces and is_large(path) else read_whole(path, bits)
