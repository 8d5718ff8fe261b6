"""A TIFF in the strips or tiles that it is stored in: each is made a small TIFF of its own, which Pillow decodes."""

import io
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

from PIL import Image, ImageFile

from minifcn.data.pixels.opening import Header

# tags that say how a piece is to be decoded: bits, compression, photometric, fill order, samples, predictor, colours, extra samples, kind of
# number, tables of JPEG, subsampling
KEPT = (258, 259, 262, 266, 277, 317, 320, 338, 339, 347, 530)
WIDTH, LENGTH, COMPRESSION, PHOTOMETRIC, PLANAR = 256, 257, 259, 262, 284
STRIP_OFFSETS, STRIP_ROWS, STRIP_BYTES, TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_BYTES = (
    273,
    278,
    279,
    322,
    323,
    324,
    325,
)
SHORT, LONG, UNDEFINED, PLAIN, JPEG, OLD_JPEG, YCBCR = 3, 4, 7, 1, 7, 6, 6
ROWS_OF_PIXELS = 1 << 20  # of a strip that is not packed: as many rows at once


class Grid(NamedTuple):
    """Pieces of `width` x `height` pixels, `across` in a row of them; where each lies in the file, and how many bytes it has."""

    width: int
    height: int
    across: int
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    tags: dict[int, Any]
    order: str  # "<" or ">"
    strips: bool  # of strips the last one has only the rows that are left; tiles are always whole


def grid_of(image: ImageFile.ImageFile, header: Header, most: int) -> Grid | None:
    """How a TIFF is divided; None for another format, or where its pieces cannot be read alone: channels apart, turned by a tag, or larger than `most` pixels."""
    if image.format != "TIFF" or header.orientation != 1:
        return None
    tags: Mapping[int, Any] = image.tag_v2  # type: ignore[attr-defined]
    width, length = image.size
    if TILE_OFFSETS in tags:
        across, high = tags.get(TILE_WIDTH), tags.get(TILE_LENGTH)
        offsets, sizes = tags[TILE_OFFSETS], tags.get(TILE_BYTES)
    else:
        across, high = width, min(tags.get(STRIP_ROWS, length), length)
        offsets, sizes = tags.get(STRIP_OFFSETS), tags.get(STRIP_BYTES)
    if (
        tags.get(COMPRESSION, 1) == PLAIN
        and TILE_OFFSETS not in tags
        and offsets
        and sizes
        and len(offsets) == len(sizes) == 1
    ):
        high, offsets, sizes = in_rows(width, length, offsets[0], sizes[0])
    if not (across and high and offsets and sizes) or tags.get(PLANAR, 1) != 1 or across * high > most:
        return None
    if tags.get(COMPRESSION) == OLD_JPEG or (tags.get(PHOTOMETRIC) == YCBCR and tags.get(COMPRESSION) != JPEG):
        return None
    columns = -(-width // across)
    if len(offsets) != len(sizes) or len(offsets) != columns * -(-length // high):
        return None
    kept = {tag: tags[tag] for tag in KEPT if tag in tags}
    order = ">" if image.tag_v2.prefix == b"MM" else "<"  # type: ignore[attr-defined]
    return Grid(across, high, columns, tuple(offsets), tuple(sizes), kept, order, TILE_OFFSETS not in tags)


def in_rows(width: int, length: int, offset: int, size: int) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """One strip that is not packed, as many programs write it, cut into several: their rows, and where each lies, and its bytes."""
    row_bytes, rest = divmod(size, length)
    if rest:
        return length, (offset,), (size,)
    rows = max(1, ROWS_OF_PIXELS // width)
    starts = range(0, length, rows)
    offsets = tuple(offset + row_bytes * start for start in starts)
    return rows, offsets, tuple(row_bytes * min(rows, length - start) for start in starts)


def piece_file(file: BinaryIO, grid: Grid, number: int, length: int) -> io.BytesIO:
    """Piece `number` of a picture `length` rows high, as a TIFF of one strip."""
    rows = min(grid.height, length - number // grid.across * grid.height) if grid.strips else grid.height
    file.seek(grid.offsets[number])
    content = file.read(grid.sizes[number])
    tags = {WIDTH: grid.width, LENGTH: rows, STRIP_ROWS: rows, STRIP_OFFSETS: 0, STRIP_BYTES: len(content)}
    return io.BytesIO(small_tiff(grid.tags | tags, content, grid.order))


def small_tiff(tags: Mapping[int, Any], content: bytes, order: str) -> bytes:
    """A TIFF of one strip, `content`."""
    entries, beside = [], b""
    start = 8 + 2 + 12 * len(tags) + 4  # a header, the number of tags, the tags, no next page
    packed = {tag: pack(value, order) for tag, value in tags.items()}
    place = start + sum(len(data) + len(data) % 2 for _, _, data in packed.values() if len(data) > 4)
    packed[STRIP_OFFSETS] = LONG, 1, struct.pack(order + "L", place)
    for tag, (kind, count, data) in sorted(packed.items()):
        value = data.ljust(4, b"\0")
        if len(data) > 4:
            value = struct.pack(order + "L", start + len(beside))
            beside += data + b"\0" * (len(data) % 2)
        entries.append(struct.pack(order + "HHL", tag, kind, count) + value)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HLH", 42, 8, len(entries))
    return head + b"".join(entries) + bytes(4) + beside + content


def pack(value: Any, order: str) -> tuple[int, int, bytes]:
    """Type, count and bytes of a tag's value: bytes, or one or several whole numbers."""
    if isinstance(value, bytes):
        return UNDEFINED, len(value), value
    numbers = value if isinstance(value, tuple) else (value,)
    kind, letter = (SHORT, "H") if max(numbers) < 1 << 16 else (LONG, "L")
    return kind, len(numbers), struct.pack(f"{order}{len(numbers)}{letter}", *numbers)


def blank(mode: str, grid: Grid) -> Image.Image:
    """A piece that was left out of the file, as some programs do with empty ones."""
    return Image.new(mode, (grid.width, grid.height))
