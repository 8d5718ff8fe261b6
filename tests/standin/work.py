"""What the device is asked to do: done at once, or noted while the current stream is captured. And what it costs: launches, bytes, waits.

A capture takes note and does nothing: what is made inside holds NaN until the graph is launched. A launch does what was noted, on the same arrays.
What CuPy refuses during a capture is refused here, in its words; `rules.py` has the lines of its source.
"""

import threading
import weakref

import numpy as np

SYNCHRONISATIONS = [0]  # what makes the host wait for the device: get, item, float, int, bool, synchronize
LAUNCHES = [
    0
]  # kernels that CuPy would start: one a result, a copy or a kernel of ours; a reduction in two steps counts once
FILLS = [0]  # memory that is filled with one value
BYTES = [0]  # of all arrays that were made

UNIT = 512  # bytes: CuPy's pool hands out multiples of it
NO_TRANSFER = "the current stream is capturing, so {} transfers are disallowed"
NO_CUBLAS = "calling cuBLAS API during stream capture is currently unsupported"


class CUDARuntimeError(RuntimeError):
    """As cupy_backends.cuda.api.runtime.CUDARuntimeError."""


CUDARuntimeError.__module__ = "cupy_backends.cuda.api.runtime"


class OutOfMemoryError(MemoryError):
    """As cupy.cuda.memory.OutOfMemoryError."""

    def __init__(self, size, total, limit=0):
        also = f", limit set to: {limit:,} bytes" if limit else ""
        super().__init__(f"Out of memory allocating {size:,} bytes (allocated so far: {total:,} bytes{also}).")


OutOfMemoryError.__module__ = "cupy.cuda.memory"


class Note:
    """What a captured stream was asked for. `kept`: the arrays in it, which a graph's own memory would hold."""

    def __init__(self):
        self.jobs, self.kept, self.broken = [], [], False

    def run(self):
        for job in self.jobs:
            job()


class Thread(threading.local):
    """As in CuPy, each thread has its own current stream and allocator."""

    def __init__(self):
        self.streams, self.allocators = [], []


THREAD = Thread()
ALLOCATOR = [None]  # what cupy.cuda.set_allocator was given; None: the default pool


def noted():
    """The note of the current stream, or None where it is not captured."""
    return THREAD.streams[-1].note if THREAD.streams else None


def change(job):
    """Change arrays in place, now or in each launch."""
    note = noted()
    if note is None:
        job()
    else:
        note.jobs.append(quiet(job))


def quiet(job):
    """What is captured computes with NaN, of which NumPy would warn."""

    def run():
        with np.errstate(all="ignore"):
            return job()

    return run


def result(compute):
    """The new NumPy array, or arrays, of `compute`, in C order; in a capture it is NaN, or 0, until the launch.

    C order: rule "elementwise in C order". NumPy keeps the order of the inputs, and would hide that a network leaves channels last.
    """
    note = noted()
    if note is None:
        return laid(compute())
    compute = quiet(compute)
    found = laid(compute())
    for array in flat(found):
        spoil(array)

    def again():
        for place, array in zip(flat(found), flat(laid(compute())), strict=True):
            place[...] = array

    note.jobs.append(again)
    return found


def spoil(array):
    """Nothing is in it before the launch."""
    array.fill(np.nan if array.dtype.kind in "fc" else 0)


def laid(value):
    """In C order, each an array of its own; scalars as arrays without axes."""
    if isinstance(value, (tuple, list)):
        return type(value)(laid(each) for each in value)
    value = np.asarray(value)
    return np.array(value, order="C") if value.base is not None or not value.flags.c_contiguous else value


def flat(values):
    for value in values if isinstance(values, (tuple, list)) else (values,):
        if isinstance(value, (tuple, list)):
            yield from flat(value)
        else:
            yield value


def waits(value=None):
    """The host waits for numbers to come down."""
    if noted() is not None:
        raise RuntimeError(NO_TRANSFER.format("D2H"))
    SYNCHRONISATIONS[0] += 1
    return value


def goes_up():
    if noted() is not None:
        raise RuntimeError(NO_TRANSFER.format("H2D"))


def asks_cublas(*arrays):
    """A product of floats goes to cuBLAS, which CuPy does not ask in a capture. A product with one number as its result is a sum, and goes elsewhere."""
    if noted() is None or all(array.dtype.kind in "biu" for array in arrays):
        return
    a, b = arrays
    if a.ndim <= 2 and b.ndim <= 2 and (a.ndim == 1 or len(a) == 1) and (b.ndim == 1 or b.shape[1] == 1):
        return
    raise NotImplementedError(NO_CUBLAS)


def synchronise():
    """CUDA itself refuses it in a capture, and the capture comes to nothing."""
    note = noted()
    if note is not None:
        note.broken = True
        raise CUDARuntimeError("cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing")
    SYNCHRONISATIONS[0] += 1


class Memory:
    """Bytes of the device."""

    def __init__(self, size):
        self.size = size


class MemoryPointer:
    """A place in memory, and how to give it back to the pool that it comes from."""

    def __init__(self, mem, offset, give_back=lambda: None):
        self.mem, self.offset, self.give_back = mem, offset, give_back


class MemoryPool:
    """Counts bytes. `total`: reserved; idle bytes of any size are used again, where CuPy needs blocks that fit."""

    def __init__(self, allocator=None):
        self.limit, self.allocator, self.used, self.total = 0, allocator, 0, 0

    def malloc(self, size):
        size = -(-size // UNIT) * UNIT
        if self.limit and size > self.limit:
            raise OutOfMemoryError(size, self.total, self.limit)
        if self.limit and max(self.total, self.used + size) > self.limit:
            self.free_all_blocks()
            if self.used + size > self.limit:
                raise OutOfMemoryError(size, self.total, self.limit)
        if (more := self.used + size - self.total) > 0:
            block = self.allocator(more) if self.allocator else None
            self.total += more
        else:
            block = None
        self.used += size
        return MemoryPointer(block and block.mem, 0, lambda: self.free(size))

    def free(self, size):
        self.used -= size

    def set_limit(self, size=None, fraction=None):
        if size is not None and fraction is not None:
            raise ValueError("size and fraction cannot be specified at one time")
        if fraction is not None and not 0 <= fraction <= 1:
            raise ValueError(f"memory limit fraction out of range: {fraction}")
        self.limit = size if size is not None else int((fraction or 0) * (16 << 30))

    def get_limit(self):
        return self.limit

    def used_bytes(self):
        return self.used

    def total_bytes(self):
        return self.total

    def free_all_blocks(self, stream=None):
        self.total = self.used


POOL, PINNED = MemoryPool(), MemoryPool()
ROOTS = weakref.WeakValueDictionary()  # arrays whose memory is counted


def take(array):
    """Count the memory of a NumPy array that is new on the device, until it is gone. Raises MemoryError as the pool does."""
    root = array
    while isinstance(root.base, np.ndarray):
        root = root.base
    if (note := noted()) is not None:
        note.kept.append(root)
    if ROOTS.get(id(root)) is root or root.nbytes == 0:
        return
    allocate = THREAD.allocators[-1] if THREAD.allocators else ALLOCATOR[0] or POOL.malloc
    place = allocate(root.nbytes)
    ROOTS[id(root)] = root
    if note is not None:
        spoil(root)
    BYTES[0] += root.nbytes
    weakref.finalize(root, place.give_back)
