"""How the bytes of a valid file are changed: as disks, copies, editors and other programs do it, and as somebody would who means harm."""

import json
import re
import zlib

import numpy as np

from minifcn.data.pixels.png import PNG

Rng = np.random.Generator
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
WORDS = (
    "null", "true", "[]", "{}", "-1", "0", "1e999", "-1e999", "NaN", "Infinity", '""', '"\\ud800"', '"\\u001b[31m"', "[" * 3000, "9" * 5000,
    "1e-320", '{"a": 1}', "[1, [2, [3]]]", '"../../x"', "2.5", "18446744073709551616",
)  # fmt: skip
LINES = (
    "",
    ",,,",
    "nan,nan",
    "a\tb",
    "\x00",
    "\ufeff",
    "-1",
    "1e999",
    "x" * 5000,
    "é",
    "\x1b]0;x\x07",
    "../../etc/x",
    '"',
    "\u2028",
)


def place(rng: Rng, content: bytes) -> int:
    """Half of them near the beginning, where the header is."""
    near = min(len(content), 64) if rng.random() < 0.5 else len(content)
    return int(rng.integers(0, max(1, near)))


def flip(rng: Rng, content: bytes) -> bytes:
    at, changed = place(rng, content), bytearray(content)
    if changed:
        changed[at] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def scatter(rng: Rng, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 30))):
        if changed:
            changed[place(rng, content)] = int(rng.integers(256))
    return bytes(changed)


def extreme(rng: Rng, content: bytes) -> bytes:
    """A number where sizes and offsets may stand."""
    at, width = place(rng, content), int(rng.choice([1, 2, 4, 8]))
    value = int(EXTREMES[rng.integers(len(EXTREMES))]) % 256**width
    return content[:at] + value.to_bytes(width, ("little", "big")[int(rng.integers(2))]) + content[at + width :]


def cut(rng: Rng, content: bytes) -> bytes:
    return content[: place(rng, content)]


def span(rng: Rng, content: bytes) -> tuple[int, int]:
    at = place(rng, content)
    return at, at + int(rng.integers(1, 1 + min(512, max(1, len(content) - at))))


def drop(rng: Rng, content: bytes) -> bytes:
    start, end = span(rng, content)
    return content[:start] + content[end:]


def double(rng: Rng, content: bytes) -> bytes:
    start, end = span(rng, content)
    return content[:end] + content[start:]


def blank(rng: Rng, content: bytes) -> bytes:
    """A block that the disk never got."""
    start, end = span(rng, content)
    return content[:start] + bytes(len(content[start:end])) + content[end:]


def insert(rng: Rng, content: bytes) -> bytes:
    at = place(rng, content)
    return content[:at] + rng.bytes(int(rng.integers(1, 40))) + content[at:]


def end_with_more(rng: Rng, content: bytes) -> bytes:
    return content + rng.bytes(int(rng.integers(1, 2000)))


def splice(rng: Rng, content: bytes, other: bytes) -> bytes:
    """The beginning of one file, the end of another."""
    return content[: place(rng, content)] + other[place(rng, other) :]


def as_text(rng: Rng, content: bytes) -> bytes:
    """Other line ends, another encoding, a byte order mark."""
    text = content.decode("utf-8", "replace")
    ways = [
        lambda: text.replace("\n", "\r\n").encode(), lambda: text.replace("\n", "\r").encode(), lambda: text.encode("utf-16"),
        lambda: b"\xef\xbb\xbf" + content, lambda: content.rstrip(), lambda: content.upper(), lambda: b"", lambda: content * 2,
    ]  # fmt: skip
    return ways[int(rng.integers(len(ways)))]()


def other_line(rng: Rng, content: bytes) -> bytes:
    lines = content.decode("utf-8", "replace").split("\n")
    at = int(rng.integers(len(lines)))
    what = int(rng.integers(4))
    if what == 0:
        lines[at] = LINES[int(rng.integers(len(LINES)))]
    elif what == 1:
        fields = lines[at].split(",")
        fields[int(rng.integers(len(fields)))] = LINES[int(rng.integers(len(LINES)))]
        lines[at] = ",".join(fields)
    elif what == 2:
        lines.insert(at, lines[int(rng.integers(len(lines)))])
    else:
        del lines[at]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


VALUE = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:e-?\d+)?|true|false|null')


def other_value(rng: Rng, content: bytes) -> bytes:
    """JSON in which one value, or name, is another one."""
    found = list(VALUE.finditer(content))
    if not found:
        return flip(rng, content)
    chosen = found[int(rng.integers(len(found)))]
    word = WORDS[int(rng.integers(len(WORDS)))].encode()
    if rng.random() < 0.3:
        word = found[int(rng.integers(len(found)))][0]
    return content[: chosen.start()] + word + content[chosen.end() :]


def other_header(rng: Rng, content: bytes) -> bytes:
    """A safetensors file whose header says something else, and whose length of it is right."""
    length = int.from_bytes(content[:8], "little")
    header, arrays = content[8 : 8 + length], content[8 + length :]
    try:
        outer = json.loads(header)
        inner = outer["__metadata__"]["minifcn"]
    except (ValueError, KeyError):
        outer = inner = None
    if inner is not None and rng.random() < 0.7:
        outer["__metadata__"]["minifcn"] = other_value(rng, inner.encode()).decode("utf-8", "replace")
        header = json.dumps(outer).encode()
    else:
        header = other_value(rng, header)
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + arrays


def other_chunk(rng: Rng, content: bytes) -> bytes:
    """A PNG with something else in one of its parts, or a part twice, or none, and right checksums."""
    chunks, at = [], len(PNG)
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    number, what = int(rng.integers(len(chunks))), int(rng.integers(5))
    kind, inside = chunks[number]
    if what == 0:
        del chunks[number]
    elif what == 1:
        chunks.insert(int(rng.integers(len(chunks))), (kind, inside))
    else:
        chunks[number] = (kind, (extreme, flip, cut)[what - 2](rng, inside))
    parts = [len(b).to_bytes(4, "big") + k + b + zlib.crc32(k + b).to_bytes(4, "big") for k, b in chunks]
    return PNG + b"".join(parts)


BYTES = (flip, flip, flip, scatter, extreme, extreme, cut, drop, double, blank, insert, end_with_more)
TEXT = (as_text, other_line, other_line, other_value)


def mutant(rng: Rng, content: bytes, other: bytes, ending: str) -> tuple[bytes, bool]:
    """The changed bytes, and whether that is a damage that checksums and digests see: not where these were made anew."""
    forge = {".safetensors": other_header, ".png": other_chunk}.get(ending)
    if forge and rng.random() < 0.2:
        return forge(rng, content), forge is other_header  # a header is under the digest
    if ending in (".json", ".csv", ".txt", ".lock") and rng.random() < 0.7:
        return TEXT[int(rng.integers(len(TEXT)))](rng, content), False
    if rng.random() < 0.1:
        return splice(rng, content, other), True
    return BYTES[int(rng.integers(len(BYTES)))](rng, content), True
