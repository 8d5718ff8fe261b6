"""Protocol Buffers' wire format, as far as weights need it: a message is fields, each a number, a kind and a value; what a number means
stands in a schema that the reader of a format knows. https://protobuf.dev/programming-guides/encoding
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minifcn.weights.formats.contents import DamagedError

VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5  # the kinds
MOST_FIELDS = 4_000_000  # of one message: each is a step of Python


class Field(NamedTuple):
    """`value`: an int (VARINT), bytes (BYTES), or the bytes of one number or a run of them under one tag (FOUR, EIGHT)."""

    number: int
    kind: int
    value: Any

    def bytes(self) -> memoryview:
        if self.kind != BYTES:
            raise DamagedError(f"field {self.number} is a number where text or a message belongs")
        return self.value  # type: ignore[no-any-return]

    def text(self) -> str:
        return str(self.bytes(), "utf-8", "replace")

    def whole(self) -> int:
        if self.kind != VARINT:
            raise DamagedError(f"field {self.number} is no whole number")
        return self.value  # type: ignore[no-any-return]

    def signed(self) -> int:
        value = self.whole()
        return value - (1 << 64) if value >= 1 << 63 else value


def fields(message: memoryview) -> Iterator[Field]:
    """The fields of a message, one after the other. Raises DamagedError."""
    place = 0
    for _ in range(MOST_FIELDS):
        if place >= len(message):
            return
        start = place
        tag, place = varint(message, place)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise DamagedError("a message with a field 0: damaged, or no message")
        if kind == VARINT:
            value, place = varint(message, place)
            yield Field(number, kind, value)
        elif kind == BYTES:
            length, place = varint(message, place)
            if length > len(message) - place:
                raise DamagedError(
                    f"cut off: field {number} needs {length:,} bytes and {len(message) - place:,} are left"
                )
            yield Field(number, kind, message[place : place + length])
            place += length
        elif kind in (FOUR, EIGHT):
            found, place = run(message, start, place, 4 if kind == FOUR else 8)
            yield Field(number, kind, found)
        else:
            raise DamagedError(f"field {number} of the kind {kind}, which is no longer in use: damaged, or no message")
    raise DamagedError(f"a message of more than {MOST_FIELDS:,} fields")


def varint(message: memoryview, place: int) -> tuple[int, int]:
    """A whole number, seven bits a byte, lowest first; the highest bit says that more follow. Also where it ends."""
    value = shift = 0
    while shift < 70:
        if place >= len(message):
            raise DamagedError("cut off within a number")
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (1 << 64) - 1, place
        shift += 7
    raise DamagedError("a number of more than ten bytes: damaged, or no message")


def run(message: memoryview, start: int, place: int, width: int) -> tuple[memoryview, int]:
    """The numbers behind the tag at `start`, and behind that same tag as often as it comes at once: how repeated numbers were written
    before they were packed. 138 million of them are no loop of Python's."""
    tag, wide = message[start:place], place - start + width
    count, chunk = 0, 1
    data = np.frombuffer(message, np.uint8)
    while True:
        there = min(chunk, (len(message) - start) // wide - count)
        rows = data[start + count * wide : start + (count + there) * wide].reshape(there, wide)
        same = (rows[:, : len(tag)] == np.frombuffer(tag, np.uint8)).all(1)
        count += there if same.all() else int(same.argmin())
        if there < chunk or not same.all():
            break
        chunk *= 2
    if count == 0:
        raise DamagedError("cut off within a number")
    rows = data[start : start + count * wide].reshape(count, wide)
    return memoryview(np.ascontiguousarray(rows[:, len(tag) :]).reshape(-1).data), start + count * wide


def numbers(found: list[Field], dtype: str) -> np.ndarray:
    """A repeated field of fixed-width numbers, packed or not."""
    kind = FOUR if np.dtype(dtype).itemsize == 4 else EIGHT
    parts = []
    for field in found:
        if field.kind not in (BYTES, kind):
            raise DamagedError(f"field {field.number} holds no numbers of {np.dtype(dtype).itemsize} bytes")
        if len(field.value) % np.dtype(dtype).itemsize:
            raise DamagedError(f"field {field.number} is cut off within a number")
        parts.append(np.frombuffer(field.value, dtype))
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, dtype), *parts])


def whole_numbers(found: list[Field]) -> list[int]:
    """A repeated field of whole numbers, packed or not."""
    result: list[int] = []
    for field in found:
        if field.kind == VARINT:
            result.append(field.signed())
            continue
        message, place = field.bytes(), 0
        while place < len(message):
            value, place = varint(message, place)
            result.append(value - (1 << 64) if value >= 1 << 63 else value)
    return result


def grouped(message: memoryview, wanted: frozenset[int]) -> dict[int, list[Field]]:
    """The fields of a message by number; only `wanted` ones are kept."""
    found: dict[int, list[Field]] = {number: [] for number in wanted}
    for field in fields(message):
        if field.number in wanted:
            found[field.number].append(field)
    return found
