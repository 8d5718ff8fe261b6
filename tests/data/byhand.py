"""Picture files written byte by byte, as other programs write them and Pillow does not."""

import struct
import zlib


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(rows, width, bits, colour_type, more=b""):
    """A PNG of packed rows; colour types: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA. `more`: chunks before the pixels."""
    head = struct.pack(">IIBBBBB", width, len(rows), bits, colour_type, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def tiff(content, width, height, bits, photometric, order="<", more=()):
    """A TIFF of one strip that is not packed. `bits`: one number, or a tuple, one a channel; `more`: further tags of one number each."""
    return tiff_head(order) + tiff_page(content, width, height, bits, photometric, order, more)


def tiff_head(order):
    return {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HL", 42, 8)


def tiff_page(content, width, height, bits, photometric, order="<", more=(), start=8, following=0):
    """One page, which begins at byte `start` of the file; `following`: where the next one does."""
    channels = bits if isinstance(bits, tuple) else (bits,)
    tags = {256: width, 257: height, 259: 1, 262: photometric, 277: len(channels), 278: height, 279: len(content)}
    tags |= dict(more)
    count = len(tags) + 2
    beside = start + 2 + 12 * count + 4
    shorts = struct.pack(f"{order}{len(channels)}H", *channels)
    many = shorts if len(channels) > 2 else b""
    entries = {
        tag: struct.pack(order + "HHL", tag, 4, 1) + struct.pack(order + "L", value) for tag, value in tags.items()
    }
    bits_place = struct.pack(order + "L", beside) if many else shorts.ljust(4, b"\0")
    entries[258] = struct.pack(order + "HHL", 258, 3, len(channels)) + bits_place
    entries[273] = struct.pack(order + "HHLL", 273, 4, 1, beside + len(many))
    table = struct.pack(order + "H", count) + b"".join(entries[tag] for tag in sorted(entries))
    return table + struct.pack(order + "L", following) + many + content
