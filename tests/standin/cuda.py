"""cupy.cuda of the stand-in: streams that do nothing, events, a memory pool with a limit, and kernels that run on the CPU."""

import time
import types

import numpy as np

from standin import compiling
from standin.array import LAUNCHES, SYNCHRONISATIONS, ndarray


class Place:
    """What work goes to: a stream or a device. Everything is done at once here, so waiting for it only counts."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def use(self):
        return self

    def synchronize(self):
        SYNCHRONISATIONS[0] += 1


class Stream(Place):
    null = None

    def __init__(self, null=False, non_blocking=False, ptds=False, priority=None):
        self.ptr = 0 if null else 1

    def wait_event(self, event):
        assert isinstance(event, Event)

    def record(self, event=None):
        event = event or Event()
        event.record(self)
        return event

    def is_capturing(self):
        return False


Stream.null = Stream(null=True)


class Event:
    def __init__(self, block=False, disable_timing=False, interprocess=False):
        self.timing = not disable_timing
        self.time = None

    def record(self, stream=None):
        self.time = time.perf_counter()

    def synchronize(self):
        SYNCHRONISATIONS[0] += 1

    @property
    def done(self):
        return self.time is not None


def get_elapsed_time(start, end):
    """Milliseconds."""
    assert start.timing and end.timing
    return 1000 * (end.time - start.time)


class Memory:
    """Bytes of the device."""

    def __init__(self, size):
        self.size = size


class MemoryPointer:
    """A place in memory."""

    def __init__(self, mem, offset):
        self.mem, self.offset = mem, offset


class MemoryPool:
    def __init__(self, allocator=None):
        self.limit, self.allocator = 0, allocator

    def set_limit(self, size=None, fraction=None):
        self.limit = size if size is not None else int(fraction * (16 << 30))

    def get_limit(self):
        return self.limit

    def used_bytes(self):
        return 0

    def total_bytes(self):
        return 0

    def free_all_blocks(self, stream=None):
        return None


POOL, PINNED = MemoryPool(), MemoryPool()


class OutOfMemoryError(MemoryError):
    """As cupy.cuda.memory.OutOfMemoryError."""


class RawKernel:
    """One function of a CUDA source, run on the CPU: kernel(grid, block, arguments, shared_mem=0)."""

    def __init__(self, code, name, options=(), **named):
        self.compiled, self.name = compiling.compile_source(code, tuple(options)), name

    def __call__(self, grid, block, args, *, shared_mem=0, stream=None):
        LAUNCHES[0] += 1
        plain = []
        for value in args:
            if isinstance(value, ndarray):
                plain.append(value._a)
            elif isinstance(value, np.ndarray):
                raise TypeError(f"Unsupported type {type(value)}")
            else:
                plain.append(value)
        self.compiled.run(self.name, tuple(grid), tuple(block), plain)


class RawModule:
    def __init__(self, *, code=None, path=None, options=(), backend="nvrtc", translate_cucomplex=False, **named):
        self.code, self.options = code, tuple(options)

    def get_function(self, name):
        return RawKernel(self.code, name, self.options)


class Linalg:
    """cupy._core._routines_linalg: in which type cuBLAS multiplies."""

    COMPUTE_TYPE_FP32, COMPUTE_TYPE_TF32 = 4, 7

    def __init__(self):
        self.types = {}

    def set_compute_type(self, dtype, compute_type):
        self.types[dtype] = compute_type


class Device(Place):
    def __init__(self, device=None):
        self.id = 0 if device is None else int(device)
        self.compute_capability = "90"
        self.mem_info = (8 << 30, 16 << 30)
        self.attributes = {"MultiProcessorCount": 4, "L2CacheSize": 1 << 20}


class PinnedMemoryPointer:
    """Host memory; NumPy reads it through the buffer protocol, as numpy.frombuffer(alloc_pinned_memory(n), …)."""


def alloc_pinned_memory(size):
    return bytearray(size)


def build():
    module = types.ModuleType("cupy.cuda")
    runtime = types.SimpleNamespace(
        getDeviceCount=lambda: 1,
        getDeviceProperties=lambda number: {"name": b"a stand-in for a GPU", "l2CacheSize": 1 << 20, "multiProcessorCount": 4},
        runtimeGetVersion=lambda: 12090, driverGetVersion=lambda: 12090, deviceSynchronize=lambda: Device().synchronize(),
    )  # fmt: skip
    memory = types.SimpleNamespace(OutOfMemoryError=OutOfMemoryError, MemoryPool=MemoryPool)
    module.__dict__.update(
        Stream=Stream, Event=Event, get_elapsed_time=get_elapsed_time, Device=Device, runtime=runtime, memory=memory,
        MemoryPool=MemoryPool, Memory=Memory, MemoryPointer=MemoryPointer, alloc_pinned_memory=alloc_pinned_memory, get_current_stream=lambda: Stream.null,
        is_available=lambda: True,
    )  # fmt: skip
    return module
