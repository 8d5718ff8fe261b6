"""RGB pictures as PNG files, a strip of rows at a time: neither a whole picture nor a whole filtered one need lie in memory.

A PNG stores what each row *differs* by from its left or upper neighbours, for differences are small and small numbers pack well. Pillow tries
five such filters on each row and packs thoroughly. The two plainest filters and zlib's quickest level take a fifth of the time, and the file of a
photograph comes out 1 to 5 per cent larger, of a very smooth picture up to 25 (docs/speed.md).
"""

import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from minifcn.data.pixels.png import PNG

LEVEL = 1  # of zlib: 2 takes a tenth longer and saves half a per cent
SUB, UP = 1, 2  # what PNG calls a difference from the pixel to the left, and from that above
EVERY = 3  # of so many bytes one is looked at to choose between the two


def png_of(width: int, height: int, strips: Iterable[np.ndarray]) -> bytes:
    """A PNG of `strips`, each uint8 (some rows, width, 3), RGB, that together have `height` rows. Raises ValueError where they do not."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL + 1)
    packed = [packer.compress(rows.data) for rows in filtered(width, height, strips)]
    packed.append(packer.flush())
    header = (
        width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((8, 2, 0, 0, 0))
    )  # 8 bits, RGB, nothing special
    parts = [chunk(b"IHDR", header), *(chunk(b"IDAT", part) for part in packed if part), chunk(b"IEND", b"")]
    return PNG + b"".join(parts)


def filtered(width: int, height: int, strips: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The rows of each strip as PNG stores them: uint8 (rows, 1 + 3 · width), the filter's number first."""
    above = np.zeros((1, 3 * width), np.uint8)  # the row over the first one counts as black
    done = 0
    for strip in strips:
        if strip.dtype != np.uint8 or strip.ndim != 3 or strip.shape[1:] != (width, 3) or not strip.size:
            raise ValueError(f"png_of: got {strip.dtype} {strip.shape}; expected rows of uint8 (rows, {width}, 3)")
        rows = strip.reshape(len(strip), 3 * width)
        yield differences(rows, np.concatenate([above, rows[:-1]]))
        above, done = rows[-1:], done + len(rows)
    if done != height:
        raise ValueError(f"png_of: the strips have {done} rows; expected {height}")


def differences(rows: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Each of the rows, uint8 (N, B), less its left or its upper neighbours, whichever leaves less; before it the number of that filter."""
    left, up = rows.copy(), rows - above
    left[:, 3:] -= rows[:, :-3]
    take_up = size_of(up) < size_of(left)
    result = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    result[:, 0] = np.where(take_up, UP, SUB)
    result[:, 1:] = left
    result[take_up, 1:] = up[take_up]
    return result


def size_of(differences: np.ndarray) -> np.ndarray:
    """How large the differences of each row are, about: 255 is -1, which is small."""
    some = differences[:, ::EVERY]
    return np.minimum(some, -some).sum(1, dtype=np.uint32)


def chunk(kind: bytes, content: bytes) -> bytes:
    """A part of a PNG file: length, kind, content, checksum."""
    body = kind + content
    return len(content).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
