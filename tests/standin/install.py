"""Put the stand-in where `import cupy` finds it, and take it away again."""

import sys
import types
from contextlib import contextmanager
from importlib.machinery import ModuleSpec

from standin import cuda
from standin.array import LAUNCHES, SYNCHRONISATIONS, ndarray
from standin.functions import names


def build():
    module = types.ModuleType("cupy")
    module.__spec__ = ModuleSpec("cupy", None)
    module.__dict__.update(names())
    module.__version__ = "14.0.0 (stand-in)"
    module.cuda = cuda.build()
    module._core = types.SimpleNamespace(_routines_linalg=cuda.Linalg())
    module.RawModule, module.RawKernel = cuda.RawModule, cuda.RawKernel
    module.get_array_module = lambda *arrays: (
        module if any(isinstance(a, ndarray) for a in arrays) else sys.modules["numpy"]
    )
    module.get_default_memory_pool = lambda: cuda.POOL
    module.get_default_pinned_memory_pool = lambda: cuda.PINNED
    return module


@contextmanager
def installed():
    """Inside, `import cupy` gives the stand-in."""
    before = {name: sys.modules[name] for name in list(sys.modules) if name.partition(".")[0] == "cupy"}
    module = build()
    for name in before:
        del sys.modules[name]
    sys.modules["cupy"] = module
    sys.modules["cupy.cuda"] = module.cuda
    try:
        yield module
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "cupy"]:
            del sys.modules[name]
        sys.modules.update(before)


@contextmanager
def synchronisations():
    """Inside, counts how often the host waited for the device: the list's only number."""
    found, before = [0], SYNCHRONISATIONS[0]
    yield found
    found[0] = SYNCHRONISATIONS[0] - before


@contextmanager
def launches():
    """Inside, counts the kernels that CuPy would start: the list's only number."""
    found, before = [0], LAUNCHES[0]
    yield found
    found[0] = LAUNCHES[0] - before
