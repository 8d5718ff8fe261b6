"""Named arrays and a little JSON in one safetensors file, written whole or not at all."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minifcn.files import write_whole


class WeightsError(ValueError):
    """A weights file is missing, damaged or not what was expected."""


def save_arrays(
    path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray], header: Mapping[str, Any] | None = None
) -> None:
    """Write `arrays` and the JSON-able `header`. A killed process leaves the old file, or the new one, never half of one."""
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(array).reshape(np.shape(array)) for name, array in arrays.items()}
    content = save(contiguous, metadata={"minifcn": json.dumps(header or {}, sort_keys=True, default=plain)})
    write_whole(path, content, durable=True)


def plain(value: Any) -> Any:
    """A NumPy number as Python's, for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"save: the header holds {type(value).__name__}, which JSON cannot keep")


def load_arrays(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """(arrays, header) as `save_arrays` wrote them; header is {} for a safetensors file from elsewhere. Raises WeightsError."""
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if path.is_dir():
        raise WeightsError(f"{path}: a folder; give a file in it, such as {path / 'best.safetensors'}")
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")
    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {}).get("minifcn", "{}"))
            return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path}: not a readable safetensors file ({error})") from error
