"""What a safetensors file of minifcn's own says of itself, without its arrays."""

import json
import os
from contextlib import suppress
from typing import Any

LONGEST = 100_000_000  # bytes: a longer head is none that safetensors takes


def header_of(content: memoryview) -> dict[str, Any]:
    """The header that `save_arrays` wrote; {} for any other file."""
    length = int.from_bytes(content[:8], "little")
    if bytes(content[8:9]) != b"{" or length > len(content) - 8:
        return {}
    try:
        header = json.loads(json.loads(bytes(content[8 : 8 + length]))["__metadata__"]["minifcn"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return header if is_own(header) else {}


def is_own(header: Any) -> bool:
    """Whether this is the header of a model, a classifier or a checkpoint: arrays alone are nobody's."""
    return isinstance(header, dict) and ("format" in header or "place" in header)


def is_own_file(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a model, a classifier or a checkpoint of minifcn's, by its head alone."""
    with suppress(OSError), open(path, "rb") as file:
        length = file.read(8)
        size = int.from_bytes(length, "little")
        return size <= LONGEST and bool(header_of(memoryview(length + file.read(size))))
    return False
