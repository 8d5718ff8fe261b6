"""cupy.cuda of the stand-in: streams that capture, graphs, events, memory with a limit, and kernels that run on the CPU.

`cupy.cuda.nccl` is not here, as it is not in CuPy 14: rule "no nccl".
"""

import time
import types
from contextlib import contextmanager

import numpy as np

from standin import compiling, work
from standin.array import ndarray
from standin.work import LAUNCHES, CUDARuntimeError, MemoryPool, Note


class Device:
    """What work goes to. Everything is done at once here, so waiting for it only counts."""

    def __init__(self, device=None):
        self.id = 0 if device is None else int(device)
        self.compute_capability = "90"
        self.mem_info = (8 << 30, 16 << 30)
        self.attributes = {"MultiProcessorCount": 4, "L2CacheSize": 1 << 20}

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def use(self):
        return self

    def synchronize(self):
        work.synchronise()


class Stream:
    null = None
    made = 0

    def __init__(self, null=False, non_blocking=False, ptds=False, priority=None):
        Stream.made += not null
        self.ptr = 0 if null else 4096 * Stream.made
        self.note = None

    def __enter__(self):
        work.THREAD.streams.append(self)
        return self

    def __exit__(self, *error):
        work.THREAD.streams.pop()

    def use(self):
        work.THREAD.streams.append(self)
        return self

    def synchronize(self):
        if self.note is not None:
            with self:
                work.synchronise()
        else:
            work.SYNCHRONISATIONS[0] += 1

    def wait_event(self, event):
        assert isinstance(event, Event)

    def record(self, event=None):
        event = event or Event()
        event.record(self)
        return event

    def begin_capture(self, mode=None):
        if self.ptr < 2:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        if self.note is not None:
            raise CUDARuntimeError("cudaErrorIllegalState: the operation cannot be performed in the present state")
        self.note = Note()

    def end_capture(self):
        note, self.note = self.note, None
        if note is None:
            raise CUDARuntimeError("cudaErrorIllegalState: the operation cannot be performed in the present state")
        if note.broken:
            raise CUDARuntimeError(
                "cudaErrorStreamCaptureInvalidated: operation failed due to a previous error during capture"
            )
        return Graph(note)

    def is_capturing(self):
        return self.note is not None


Stream.null = Stream(null=True)


def get_current_stream():
    return work.THREAD.streams[-1] if work.THREAD.streams else Stream.null


class Graph:
    """What was captured; a launch does it."""

    def __init__(self, note):
        self.note = note

    def launch(self, stream=None):
        LAUNCHES[0] += 1
        work.change(self.note.run)


class Event:
    def __init__(self, block=False, disable_timing=False, interprocess=False):
        self.timing = not disable_timing
        self.time = None

    def record(self, stream=None):
        self.time = time.perf_counter()

    def synchronize(self):
        work.synchronise()

    @property
    def done(self):
        return self.time is not None


def get_elapsed_time(start, end):
    """Milliseconds."""
    assert start.timing and end.timing
    return 1000 * (end.time - start.time)


@contextmanager
def using_allocator(allocator=None):
    work.THREAD.allocators.append(allocator or work.POOL.malloc)
    try:
        yield
    finally:
        work.THREAD.allocators.pop()


def set_allocator(allocator=None):
    if work.THREAD.allocators:
        raise ValueError("Can't change the global allocator inside `using_allocator` context manager")
    work.ALLOCATOR[0] = allocator


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
        work.change(lambda: self.compiled.run(self.name, tuple(grid), tuple(block), plain))


class RawModule:
    def __init__(self, *, code=None, path=None, options=(), backend="nvrtc", translate_cucomplex=False, **named):
        if type(options) is not tuple:
            raise TypeError(f"Argument 'options' has incorrect type (expected tuple, got {type(options).__name__})")
        self.code, self.options = code, options

    def get_function(self, name):
        return RawKernel(self.code, name, self.options)


class Linalg:
    """cupy._core._routines_linalg: in which type cuBLAS multiplies."""

    COMPUTE_TYPE_FP32, COMPUTE_TYPE_TF32 = 4, 7

    def __init__(self):
        self.types = {}

    def set_compute_type(self, dtype, compute_type):
        self.types[dtype] = compute_type


def alloc_pinned_memory(size):
    """NumPy reads it through the buffer protocol, as numpy.frombuffer(alloc_pinned_memory(n), …)."""
    return bytearray(size)


def build():
    module = types.ModuleType("cupy.cuda")
    runtime = types.SimpleNamespace(
        getDeviceCount=lambda: 1,
        getDeviceProperties=lambda number: {
            "name": b"a stand-in for a GPU", "l2CacheSize": 1 << 20, "multiProcessorCount": 4, "major": 9, "minor": 0,
        },
        runtimeGetVersion=lambda: 12090, driverGetVersion=lambda: 12090, deviceSynchronize=work.synchronise,
        CUDARuntimeError=CUDARuntimeError,
    )  # fmt: skip
    memory = types.SimpleNamespace(OutOfMemoryError=work.OutOfMemoryError, MemoryPool=MemoryPool)
    module.__dict__.update(
        Stream=Stream, Event=Event, get_elapsed_time=get_elapsed_time, Device=Device, runtime=runtime, memory=memory,
        MemoryPool=MemoryPool, Memory=work.Memory, MemoryPointer=work.MemoryPointer, alloc_pinned_memory=alloc_pinned_memory,
        get_current_stream=get_current_stream, is_available=lambda: True, Graph=Graph, set_allocator=set_allocator,
        using_allocator=using_allocator,
    )  # fmt: skip
    return module
