"""Keras's .weights.h5 and its older .h5 files, with h5py (extra `keras`): arrays by layer, block1_conv1.kernel and block1_conv1.bias."""

import re
from typing import Any

import numpy as np

from minifcn.weights.formats.contents import Contents, DamagedError, Entry
from minifcn.weights.formats.mapped import ViewFile
from minifcn.weights.state import WeightsError

MOST_NUMBERS = 1 << 31  # of one array: a packed one can claim any number
# .../block1_conv1/kernel, and block1_conv1_W_1:0 of the oldest; in between kernel:0
OLDER = re.compile(r"(?:.*_)?(kernel|bias|W|b)(?:_\d+)?(?::\d+)?")
PARTS = {"kernel": "kernel", "W": "kernel", "bias": "bias", "b": "bias", "0": "kernel", "1": "bias"}


def read_keras(content: memoryview) -> Contents:
    """Every dataset of numbers. Raises DamagedError; WeightsError where h5py is not installed."""
    try:
        import h5py
    except ImportError as error:
        raise WeightsError('an HDF5 file, as Keras writes it; to read it: pip install "minifcn[keras]"') from error
    contents = Contents("Keras HDF5")
    try:
        with h5py.File(ViewFile(content), "r") as file:
            found: list[Any] = []
            file.visititems(lambda name, thing: found.append(thing) if isinstance(thing, h5py.Dataset) else None)
            for dataset in found:
                contents.add(called(dataset), entry(dataset))
    except WeightsError:
        raise
    except Exception as error:  # of a damaged file h5py says almost anything
        raise DamagedError(f"an HDF5 file that cannot be read ({type(error).__name__})") from error
    return contents


def called(dataset: Any) -> str:
    """The layer and the part of it. The newer files number the variables of a layer, whose name stands beside them."""
    path = dataset.name.strip("/")
    *before, last = path.split("/")
    if before and before[-1] == "vars" and last in PARTS:
        layer = dataset.parent.attrs.get("name")
        return f"{layer}.{PARTS[last]}" if isinstance(layer, str) else path
    older = OLDER.fullmatch(last)
    return f"{before[-1]}.{PARTS[older[1]]}" if before and older else path


def entry(dataset: Any) -> Entry:
    name, shape, dtype = dataset.name, dataset.shape, dataset.dtype
    if shape is None or dtype.kind not in "fiub":
        raise DamagedError(f"{name} holds {dtype}, and only numbers are read")
    if dataset.external or dataset.is_virtual:
        raise DamagedError(f"{name} lies in another file, which is not opened")
    if dataset.size > MOST_NUMBERS:
        raise DamagedError(f"{name} has {dataset.size:,} numbers, more than any network's")
    return Entry(np.asarray(dataset), dtype.name, channels_last=True)
