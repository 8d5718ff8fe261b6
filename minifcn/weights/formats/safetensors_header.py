"""What a safetensors file of minifcn's own says of itself, without its arrays."""

import json
from typing import Any


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
