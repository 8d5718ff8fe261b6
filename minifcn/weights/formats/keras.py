"""Keras's .weights.h5 and older .h5 files, with h5py (extra `keras`): arrays by their path in the file."""

import numpy as np

from minifcn.weights.formats.contents import Contents, DamagedError, Entry
from minifcn.weights.formats.mapped import ViewFile
from minifcn.weights.state import WeightsError

MOST_NUMBERS = 1 << 31  # of one array, which can be packed or not be there at all


def read_keras(content: memoryview) -> Contents:
    """Every dataset of numbers. Raises DamagedError; WeightsError where h5py is not installed."""
    try:
        import h5py
    except ImportError as error:
        raise WeightsError(
            'an HDF5 file, as Keras writes; reading it needs h5py: pip install "minifcn[keras]"'
        ) from error
    contents = Contents("Keras HDF5")

    def visit(name: str, thing: object) -> None:
        if isinstance(thing, h5py.Dataset):
            contents.add(name, entry(thing, name))

    try:
        with h5py.File(ViewFile(content), "r") as file:
            file.visititems(visit)
    except WeightsError:
        raise
    except Exception as error:  # of a damaged file h5py says almost anything
        raise DamagedError(f"an HDF5 file that cannot be read ({type(error).__name__})") from error
    return contents


def entry(dataset: object, name: str) -> Entry:
    shape, dtype = dataset.shape, dataset.dtype  # type: ignore[attr-defined]
    if dtype.kind not in "fiub" or shape is None:
        raise DamagedError(f"{name} holds {dtype}, and only numbers are read")
    if dataset.external or dataset.is_virtual:  # type: ignore[attr-defined]
        raise DamagedError(f"{name} lies in another file, which is not opened")
    if dataset.size > MOST_NUMBERS:  # type: ignore[attr-defined]
        raise DamagedError(f"{name} has {dataset.size:,} numbers, more than any network's")  # type: ignore[attr-defined]
    return Entry(np.asarray(dataset), dtype.name)  # type: ignore[call-overload]
