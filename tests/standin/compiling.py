"""CUDA sources compiled by the C++ compiler behind shim.h: the same index arithmetic, run on the CPU."""

import ctypes
import functools
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import needs
import numpy as np
import pytest

COMPILER = shutil.which("g++") or shutil.which("clang++")
SHIM = Path(__file__).with_name("shim.h")


class Launch(ctypes.Structure):
    _fields_ = [("grid", ctypes.c_int * 3), ("block", ctypes.c_int * 3)]


class Compiled:
    """A shared library with the kernels of one source."""

    def __init__(self, library, names):
        self.library, self.names = library, names

    def run(self, name, grid, block, arguments):
        """Run kernel `name` for each thread of each block. `arguments`: NumPy arrays, as addresses, and NumPy scalars or Python numbers."""
        if name not in self.names:
            raise AttributeError(f"no kernel {name}; there are {', '.join(self.names)}")
        values = [as_c(value) for value in arguments]
        launch = Launch((ctypes.c_int * 3)(*three(grid)), (ctypes.c_int * 3)(*three(block)))
        pointers = (ctypes.c_void_p * len(values))(*(ctypes.cast(ctypes.byref(v), ctypes.c_void_p) for v in values))
        code = getattr(self.library, f"run_{name}")(ctypes.byref(launch), pointers, len(values))
        if code:
            raise RuntimeError(
                f"{name}: {'takes another number of arguments' if code == 1 else 'threads do not meet at a barrier'}"
            )


def three(size):
    return tuple(int(each) for each in size) + (1,) * (3 - len(size))


def as_c(value):
    """An argument as RawKernel passes it: an array by its address, a Python int as 64 bits, a NumPy scalar by its dtype."""
    if isinstance(value, np.ndarray):
        return ctypes.c_void_p(value.__array_interface__["data"][0])
    if isinstance(value, (bool, np.bool_)):
        return ctypes.c_bool(bool(value))
    if isinstance(value, int):
        return ctypes.c_longlong(value)
    if isinstance(value, float):
        return ctypes.c_double(value)
    kinds = {"int32": ctypes.c_int32, "int64": ctypes.c_int64, "uint32": ctypes.c_uint32, "float32": ctypes.c_float,
             "float64": ctypes.c_double, "uint8": ctypes.c_uint8, "uint64": ctypes.c_uint64}  # fmt: skip
    return kinds[value.dtype.name](value.item())


@functools.cache
def compile_source(code, options=()):
    """Compile CUDA `code` with the -D options among `options`. Raises RuntimeError with the compiler's words."""
    from standin.kernels_of import kernels, wrappers

    if COMPILER is None:
        pytest.skip(needs.COMPILER)
    macros = [option for option in options if option.startswith("-D")]
    found = kernels(code)
    barriers = "-DUSES_BARRIERS=" + ("true" if "__syncthreads" in code else "false")
    macros = [*macros, barriers]
    source = f'#include "{SHIM}"\n{code}\n{wrappers(found)}'
    key = hashlib.sha256(repr((source, macros, SHIM.read_text())).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / "minifcn-standin"
    folder.mkdir(exist_ok=True)
    library = folder / f"{key}.so"
    if not library.exists():
        build(source, macros, library)
    return Compiled(ctypes.CDLL(str(library)), [name for name, _ in found])


def build(source, macros, library):
    """Compile `source` to the file `library`. Test processes share the folder: each builds under a name of its own."""
    with tempfile.TemporaryDirectory(dir=library.parent) as own:
        file, built = Path(own, "kernels.cpp"), Path(own, "kernels.so")
        file.write_text(source)
        done = subprocess.run(
            [COMPILER, "-O2", "-std=c++17", "-shared", "-fPIC", "-w", *macros, str(file), "-o", str(built)],
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"the CUDA source does not compile on the CPU: {done.stderr[:2000]}")
        built.replace(library)
