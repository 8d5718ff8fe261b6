"""Named arrays and a little JSON in one safetensors file, written whole or not at all, with a digest that shows damage."""

import hashlib
import json
import os
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from minifcn.files import BEGINNINGS, instead_of, not_there, write_whole
from minifcn.version import __version__

DIGEST, WRITER = (
    "sha256",
    "written_by",
)  # in the header: what is in the file, in 64 digits, and that a digest belongs there
# what safetensors calls the numbers that can be read
KINDS = ("F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL", "C64")


class WeightsError(ValueError):
    """A weights file is missing, damaged or not what was expected."""


class WeightsNote(UserWarning):
    """Something about a weights file that does not stop anybody."""


def save_arrays(
    path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray], header: Mapping[str, Any] | None = None
) -> None:
    """Write `arrays` and the JSON-able `header`. A killed process leaves the old file, or the new one, never half of one."""
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(array).reshape(np.shape(array)) for name, array in arrays.items()}
    head = header or {}
    if isinstance(head, dict):  # a list is kept too: whoever reads it says what is wrong with it
        head = {**head, WRITER: f"minifcn {__version__}"}
        head[DIGEST] = digest(contiguous, head)
    content = save(contiguous, metadata={"minifcn": json.dumps(head, sort_keys=True, default=plain)})
    write_whole(path, content, durable=True)


def digest(arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> str:
    """SHA-256 over the header and every array's name, kind, shape and bytes, in the order of the names: one flipped bit changes it."""
    found = hashlib.sha256(json.dumps(header, sort_keys=True, default=plain).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)  # as the file keeps it
        found.update(json.dumps([name, array.dtype.str, np.shape(arrays[name])]).encode())
        found.update(array.reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def plain(value: Any) -> Any:
    """A NumPy number as Python's, for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"save: the header holds {type(value).__name__}, which JSON cannot keep")


def load_arrays(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """(arrays, header) as `save_arrays` wrote them; header is {} for a safetensors file from elsewhere. Raises WeightsError.

    A file that was damaged since it was written is refused. One from before minifcn wrote digests is loaded, with a WeightsNote. BF16
    becomes float32, which holds every BF16 number exactly.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if path.is_dir():
        raise WeightsError(f"{path}: a folder; give a file in it, such as {path / 'best.safetensors'}")
    if not path.is_file():
        raise WeightsError(f"{path}: {not_there(path, 'no such file')}")
    try:
        with safe_open(path, framework="numpy") as file:
            texts = file.metadata() or {}
            header = json.loads(texts.get("minifcn", "{}"))
            kinds = {name: file.get_slice(name).get_dtype() for name in sorted(file.keys())}
            check_kinds(path, kinds)
            arrays = {name: file.get_tensor(name) for name in kinds if kinds[name] != "BF16"}
        arrays |= widened(path, {name for name in kinds if kinds[name] == "BF16"})
    except WeightsError:
        raise
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(f"{path}: {no_model(path, error)}") from error
    if "minifcn" not in texts and any(f'"{WRITER}": "minifcn' in text for text in texts.values()):
        raise WeightsError(f"{path}: damaged: its header begins with {sorted(texts)} and not with minifcn; {AGAIN}")
    if isinstance(header, dict):
        check_digest(path, arrays, header, rewritten="BF16" in kinds.values())
    return {name: arrays[name] for name in kinds}, header


AGAIN = "copy or download it again, or train again"


def no_model(path: Path, error: Exception) -> str:
    """The sentence about a file that the reader of safetensors refused for `error`."""
    with suppress(OSError), path.open("rb") as file:
        begins = file.read(BEGINNINGS)
        if other := instead_of(begins, "model"):
            return other
        if begins[8:9] != b"{":  # behind the length of the header
            return f"not a readable safetensors file ({error}); give a file that minifcn train wrote, or of other programs' weights minifcn weights import makes one"
    return f"not a readable safetensors file ({error}): cut off or damaged; {AGAIN}"


def check_digest(path: Path, arrays: dict[str, np.ndarray], header: dict[str, Any], rewritten: bool) -> None:
    """Raise WeightsError unless the file is as it was written. Takes what was added for this out of the `header`.

    `rewritten`: it holds BF16, which nothing here writes, and no damage makes of other numbers: a digest in it is that of another file.
    """
    expected = header.pop(DIGEST, None)
    if expected is None and WRITER in header:
        raise WeightsError(f"{path}: damaged: its header lost the digest; {AGAIN}")
    if header and (rewritten or expected is None):
        who = "made by another program" if rewritten else "from a minifcn that wrote no digest"
        warnings.warn(
            f"{path}: {who}: it is read, but damage would not be seen. To save it anew: mf.models.save(mf.models.load(file), file)",
            WeightsNote,
            stacklevel=3,
        )
    elif expected is not None and digest(arrays, header) != expected:
        raise WeightsError(f"{path}: damaged: what it holds is not what was written (its SHA-256 differs); {AGAIN}")
    header.pop(WRITER, None)


def check_kinds(path: Path, kinds: Mapping[str, str]) -> None:
    """Raise WeightsError for numbers that NumPy lacks. `kinds`: of each array, in the words of safetensors."""
    for name, kind in kinds.items():
        if kind not in KINDS:
            raise WeightsError(
                f"{path}: {name} holds {kind} numbers, which NumPy does not have; save it as F16, BF16 or F32, with PyTorch: tensor.float()"
            )


def widened(path: Path, names: set[str]) -> dict[str, np.ndarray]:
    """The BF16 arrays of a file as float32, whose upper half a BF16 number is."""
    from safetensors import deserialize

    entries = deserialize(path.read_bytes()) if names else []
    return {
        name: (np.frombuffer(entry["data"], "<u2").astype("<u4") << 16).view("<f4").reshape(entry["shape"])
        for name, entry in entries
        if name in names
    }
