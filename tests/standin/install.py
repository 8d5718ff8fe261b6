"""Put the stand-in where `import cupy` finds it, and take it away again."""

import sys
import types
from contextlib import contextmanager
from importlib.machinery import ModuleSpec

from standin import cuda, methods, work
from standin.array import ndarray
from standin.functions import names
from standin.work import BYTES, FILLS, LAUNCHES, SYNCHRONISATIONS


def build():
    module = types.ModuleType("cupy")
    module.__spec__ = ModuleSpec("cupy", None)
    module.__dict__.update(names())
    module.__version__ = "14.2.0 (stand-in)"
    assert methods  # it completes the array
    module.cuda = cuda.build()
    module._core = types.SimpleNamespace(_routines_linalg=cuda.Linalg())
    module.RawModule, module.RawKernel = cuda.RawModule, cuda.RawKernel
    module.get_array_module = lambda *arrays: (
        module if any(isinstance(a, ndarray) for a in arrays) else sys.modules["numpy"]
    )
    module.get_default_memory_pool = lambda: work.POOL
    module.get_default_pinned_memory_pool = lambda: work.PINNED
    return module


def of_cupy():
    """Where CuPy itself was imported, all of it: cupyx is loaded when somebody looks at it, and would find the stand-in in place of its CuPy."""
    return [name for name in sys.modules if name.partition(".")[0] in ("cupy", "cupyx", "cupy_backends")]


@contextmanager
def installed():
    """Inside, `import cupy` gives the stand-in."""
    before = {name: sys.modules[name] for name in of_cupy()}
    module = build()
    for name in before:
        del sys.modules[name]
    sys.modules["cupy"] = module
    sys.modules["cupy.cuda"] = module.cuda
    limit, allocator = work.POOL.limit, work.ALLOCATOR[0]
    try:
        yield module
    finally:
        work.POOL.limit, work.ALLOCATOR[0] = limit, allocator
        for name in of_cupy():
            del sys.modules[name]
        sys.modules.update(before)


def difference(counter):
    """A context manager; inside, counts: the list's only number."""

    @contextmanager
    def counted():
        found, before = [0], counter[0]
        yield found
        found[0] = counter[0] - before

    return counted


synchronisations = difference(SYNCHRONISATIONS)  # how often the host waited for the device
launches = difference(LAUNCHES)  # kernels that CuPy would start
fills = difference(FILLS)  # memory filled with one value
made_bytes = difference(BYTES)  # of the arrays that were made
