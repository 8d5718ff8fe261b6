"""A program of its own: HDF5 comes in on stdin, its arrays go out on stdout. It is started by its path and imports nothing of minifcn.

Some damaged files keep the library behind h5py busy for ever, others make it take all memory, or die. Here it takes nobody with it.
"""

import contextlib
import io
import json
import sys
from typing import Any, BinaryIO

import numpy as np

MOST_NUMBERS = 1 << 29  # of one array: a packed one can claim any number
PACKED = 1100  # times smaller: more than gzip can do
MEMORY = 4 << 30  # bytes, and four times the file: the system ends what takes more


class Refused(Exception):
    """A sentence about the file."""


def datasets(file: Any) -> list[Any]:
    import h5py  # an extra

    found: list[Any] = []
    file.visititems(lambda name, thing: found.append(thing) if isinstance(thing, h5py.Dataset) else None)
    return found


def checked(dataset: Any) -> None:
    """Raise Refused for what is no array of numbers in this file."""
    name, shape, dtype = dataset.name, dataset.shape, dataset.dtype
    if shape is None or dtype.kind not in "fiub":
        raise Refused(f"{name} holds {dtype}, and only numbers are read")
    if dataset.external or dataset.is_virtual:
        raise Refused(f"{name} lies in another file, which is not opened")
    if dataset.size > MOST_NUMBERS:
        raise Refused(f"{name} has {dataset.size:,} numbers, more than any network's")
    stored = dataset.id.get_storage_size()
    if dataset.size * dtype.itemsize > PACKED * stored:
        raise Refused(f"{name} has {dataset.size:,} numbers, it says, and {stored:,} bytes of them are there")


def answer(content: bytes) -> bytes:
    """A line of JSON, then the numbers of all arrays one behind the other; or a line with the sentence why not."""
    import h5py

    try:
        arrays: list[dict[str, Any]] = []
        parts: list[bytes] = []
        with h5py.File(io.BytesIO(content), "r") as file:
            for dataset in datasets(file):
                checked(dataset)
                # the newer files of Keras number the variables of a layer, whose name stands beside them
                layer = dataset.parent.attrs.get("name")
                values = np.asarray(dataset)
                arrays.append(
                    {
                        "path": dataset.name.strip("/"),
                        "layer": layer if isinstance(layer, str) else None,
                        "shape": values.shape,
                        "dtype": values.dtype.str,
                    }
                )
                parts.append(values.tobytes())
        return b"\n".join((json.dumps({"arrays": arrays}).encode(), b"".join(parts)))
    except Refused as error:
        sentence = str(error)
    except Exception as error:  # of a damaged file h5py says almost anything
        sentence = f"an HDF5 file that cannot be read ({type(error).__name__})"
    return json.dumps({"error": sentence}).encode() + b"\n"


def limit_memory(more: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limit, macOS takes none
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = MEMORY + more
        resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))


def main(source: BinaryIO, target: BinaryIO) -> None:
    content = source.read()
    limit_memory(4 * len(content))
    target.write(answer(content))


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
