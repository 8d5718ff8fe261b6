"""Arrays of an HDF5 file, read by a process beside this one: where the library does not come back, that process is ended."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minifcn.weights.formats.contents import DamagedError, shaped
from minifcn.weights.formats.hdf5 import child
from minifcn.weights.state import WeightsError

CHILD = Path(child.__file__)
MARK = b'{"'  # what an answer begins with
PYTHONS_OWN = (1, 2)  # what Python ends with after an error of its own, such as a module that is not there
PATIENCE, A_SECOND = 30.0, 10e6  # seconds for any file, and bytes that take one second more


class Stored(NamedTuple):
    """`path`: of the dataset in the file. `layer`: what the group around it says it is called."""

    path: str
    layer: str | None
    array: np.ndarray


def arrays_of(content: memoryview) -> list[Stored]:
    """All datasets of numbers. Raises DamagedError; WeightsError where h5py is not installed."""
    if importlib.util.find_spec("h5py") is None:
        raise WeightsError('an HDF5 file, as Keras writes it; to read it: pip install "minifcn[keras]"')
    return understood(asked(content))


def asked(content: memoryview) -> memoryview:
    """What the child says of a file. Where there is no Python to start, in a program that was frozen, it is asked here."""
    if getattr(sys, "frozen", False) or not sys.executable:
        return memoryview(child.answer(bytes(content)))
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    patience = PATIENCE + len(content) / A_SECOND
    try:
        done = subprocess.run(
            [sys.executable, str(CHILD)],
            input=content,
            capture_output=True,
            timeout=patience,
            env={**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"},  # each thread reserves memory
        )
    except subprocess.TimeoutExpired as error:
        raise DamagedError(
            f"an HDF5 file that is damaged: after {patience:.0f} s its library had not come to an end"
        ) from error
    except OSError as error:
        raise WeightsError(f"an HDF5 file, for which another Python is started; that failed ({error})") from error
    if done.returncode not in (0, *PYTHONS_OWN):
        raise DamagedError(f"an HDF5 file that is damaged: its library broke down over it (status {done.returncode})")
    if done.returncode or not done.stdout.startswith(MARK):
        last = (done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
        raise WeightsError(
            f"an HDF5 file, for which another Python is started ({sys.executable}); that one ended with status "
            f"{done.returncode}, and without an answer ({last})"
        )
    return memoryview(done.stdout)


def understood(answer: memoryview) -> list[Stored]:
    """The child's answer as arrays, views of it. Raises DamagedError with the child's sentence."""
    end = bytes(answer[: 1 << 26]).index(b"\n") + 1
    said = json.loads(bytes(answer[:end]))
    if "error" in said:
        raise DamagedError(said["error"])
    found, place = [], end
    for each in said["arrays"]:
        dtype, count = np.dtype(each["dtype"]), int(np.prod(each["shape"], dtype=np.int64))
        values = np.frombuffer(answer, dtype, count, place) if count else np.empty(0, dtype)
        place += values.nbytes
        found.append(Stored(each["path"], each["layer"], shaped(values, tuple(each["shape"]), each["path"])))
    return found
