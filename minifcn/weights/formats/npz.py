"""NumPy's .npz: a zip with an array a member. Arrays of Python objects, which are pickles, are refused."""

import numpy as np

from minifcn.weights.formats.contents import Contents, DamagedError, Entry, shaped
from minifcn.weights.formats.mapped import ViewFile
from minifcn.weights.formats.zipped import Zipped

FORMAT = np.lib.format


def read_npz(archive: Zipped) -> Contents:
    """The arrays by name. Raises DamagedError."""
    contents = Contents("NumPy .npz")
    for member in archive.members:
        name = member.removesuffix(".npy")
        if name == member:
            raise DamagedError(f"{member[:60]!r} in it is no .npy array")
        contents.add(name, array(archive.read(member), name))
    return contents


def array(content: memoryview, name: str) -> Entry:
    """One .npy file: a line that describes the numbers, and the numbers."""
    file = ViewFile(content)
    try:
        version = FORMAT.read_magic(file)
        read = {(1, 0): FORMAT.read_array_header_1_0, (2, 0): FORMAT.read_array_header_2_0}[version]
        shape, fortran, dtype = read(file)
    except (
        Exception
    ) as error:  # NumPy parses this line with Python's own parser, which has many words for a line that is none
        raise DamagedError(f"{name} in it has no header of an array ({type(error).__name__})") from error
    if dtype.hasobject or dtype.fields or dtype.subdtype or dtype.itemsize == 0:
        raise DamagedError(
            f"{name} in it holds {'Python objects' if dtype.hasobject else str(dtype)[:40]}, and only numbers are read"
        )
    data = content[file.tell() :]
    if len(data) % dtype.itemsize:
        raise DamagedError(f"{name} in it is cut off within a number")
    numbers = np.frombuffer(data, dtype)
    turned = shaped(numbers, shape[::-1], name).T if fortran else shaped(numbers, shape, name)
    return Entry(turned, dtype.newbyteorder("=").name)
