"""Arrays for the stages: random ones, maps whose channels lie last, large ones made on the device by arithmetic alone; and times by the
device's own events."""

import time

import numpy as np

from minifcn import backend

RANDOM = np.random.default_rng(0)


def normal(*shape):
    return RANDOM.standard_normal(shape, dtype=np.float32)


def up(array, last=False):
    """On the device; `last`: the channels of a map lie last in memory."""
    cupy = backend.import_cupy()
    there = cupy.asarray(array)
    return cupy.ascontiguousarray(there.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2) if last else there


def many(*shape):
    """Numbers from -1 to 1 on the device, so many that to draw and send them would take longer than the check."""
    cupy = backend.import_cupy()
    words = cupy.arange(int(np.prod(shape)), dtype=np.uint32)
    words *= np.uint32(2654435761)
    words >>= np.uint32(8)
    numbers = words.astype(np.float32)
    del words
    numbers *= np.float32(2.0**-23)
    numbers -= np.float32(1)
    return numbers.reshape(shape)


def free_gib():
    cuda = backend.import_cupy().cuda
    return cuda.Device().mem_info[0] / 2**30


def wait():
    backend.import_cupy().cuda.Device().synchronize()


def milliseconds(function, repeat=10, warm=3):
    """(a call by the device's events, a call for which the host was busy), in ms."""
    cuda = backend.import_cupy().cuda
    for _ in range(warm):
        function()
    wait()
    first, last = cuda.Event(), cuda.Event()
    first.record()
    start = time.perf_counter()
    for _ in range(repeat):
        function()
    host = time.perf_counter() - start
    last.record()
    last.synchronize()
    return {"ms": round(cuda.get_elapsed_time(first, last) / repeat, 4), "host_ms": round(1000 * host / repeat, 4)}
