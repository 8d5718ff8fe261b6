"""PNG files, chunk by chunk: each is as it was written, and what is only beside the pixels does not keep them from being read."""

import io
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO

PNG = b"\x89PNG\r\n\x1a\n"  # how each of them begins
BESIDE = (b"iCCP", b"tEXt", b"zTXt", b"iTXt")  # a colour profile, texts: no pixel depends on them here
# bytes of others on which no pixel depends here
LENGTHS = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"pHYs": 9, b"tIME": 7}
LARGEST = 1 << 20  # bytes of one of these, unpacked; Pillow refuses the whole file beyond that
MOST = 32 << 20  # of all together; Pillow's own bound is 64 MiB


def readable(file: BinaryIO) -> BinaryIO:
    """`file`, or of a PNG with very large texts or a very large profile, or with such as are malformed, a view without them. It starts at 0.

    Raises ValueError where a PNG is not as it was written: each chunk ends with a checksum, and the pixels are as many as it says.
    Pillow looks at the checksums of the first chunks alone; behind a flipped bit in the others lie other labels, and nobody is told. Pixels
    that are missing it takes for 0, which is a class: and 99 bytes may say that they are 50 million.
    """
    file.seek(0)
    if file.read(len(PNG)) != PNG:
        file.seek(0)
        return file
    dropped: list[tuple[int, int]] = []
    total, wanted, found, pixels = 0, 0, 0, zlib.decompressobj()
    for start, kind, content in chunks(file):
        if kind == b"IHDR" and len(content) == 13:
            wanted = bytes_of_pixels(content)
        while kind == b"IDAT" and content and found < wanted:
            found += len(pixels.decompress(content, PIECE))
            content = pixels.unconsumed_tail
        if malformed(kind, content):
            dropped.append((start, start + 12 + len(content)))
        elif kind in BESIDE:
            size = unpacked(kind, content)
            if size > LARGEST or total + size > MOST:
                dropped.append((start, start + 12 + len(content)))
            else:
                total += size
    if found < wanted:
        raise ValueError(f"damaged: it holds {found:,} of the {wanted:,} bytes that its pixels take")
    file.seek(0)
    return io.BufferedReader(Without(file, dropped)) if dropped else file


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


def chunks(file: BinaryIO) -> Iterator[tuple[int, bytes, bytes]]:
    """Place, kind and content of every chunk, from behind the signature. Raises ValueError where one is cut short or damaged."""
    kind = b""
    while kind != b"IEND":
        start = file.tell()
        head = file.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        content, checksum = file.read(length), file.read(4)
        if len(checksum) < 4:
            raise ValueError("the file is cut short")
        if zlib.crc32(kind + content) != int.from_bytes(checksum, "big"):
            raise ValueError(f"damaged: the checksum of its part {kind.decode('ascii', 'replace')!r} is wrong")
        yield start, kind, content


def malformed(kind: bytes, content: bytes) -> bool:
    """Whether a part on which no pixel depends is not as the standard has it: other programs pass over it, Pillow refuses the whole file."""
    if kind in (b"iCCP", b"zTXt"):  # a name, 0, the method of packing, of which there is one
        return content.partition(b"\0")[2][:1] != b"\0"
    return kind in LENGTHS and len(content) != LENGTHS[kind]


def unpacked(kind: bytes, content: bytes) -> int:
    """Bytes of a profile or text, unpacked: at most one more than `LARGEST` is unpacked to know it."""
    packed = content.partition(b"\0")[2]
    if kind == b"iTXt":  # keyword 0 flag method language 0 translated 0 text; the flag says whether the text is packed
        flag, packed = packed[:1], packed[2:].partition(b"\0")[2].partition(b"\0")[2]
        if flag != b"\1":
            return len(content)
    elif kind == b"tEXt":
        return len(content)
    else:
        packed = packed[1:]  # the method, of which there is one
    try:
        return max(len(content), len(zlib.decompressobj().decompress(packed, LARGEST + 1)))
    except zlib.error:
        return len(content)


class Without(io.RawIOBase):
    """A file, to be read, as if some stretches of it were not there. `dropped`: from, to, in order, none over another."""

    def __init__(self, file: BinaryIO, dropped: Sequence[tuple[int, int]]) -> None:
        size = file.seek(0, io.SEEK_END)
        starts, stops = [0, *(stop for _, stop in dropped)], [*(start for start, _ in dropped), size]
        self.file, self.kept, self.place = file, list(zip(starts, stops, strict=True)), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        length = sum(stop - start for start, stop in self.kept)
        self.place = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: length}[whence])
        return self.place

    def tell(self) -> int:
        return self.place

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        before = 0
        for start, stop in self.kept:
            inside = self.place - before
            if inside < stop - start:
                self.file.seek(start + inside)
                content = self.file.read(min(len(buffer), stop - start - inside))
                buffer[: len(content)] = content
                self.place += len(content)
                return len(content)
            before += stop - start
        return 0
