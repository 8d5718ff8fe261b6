"""Memory for large results and for scratch, used again and again.

The system hands out fresh memory page by page, at the first touch, and clears each page: writing a result of 8 MiB into fresh memory takes
two to three times as long as writing it into memory that was used before. A network asks for the same sizes in every step. So a large
result lies in a `Block`, which knows when the last array that looks at it is gone, and then lies idle for the next result of its size.
"""

import math
import threading
from collections import defaultdict, deque
from typing import Any

import numpy as np

Array = Any

SMALLEST = 1 << 16  # bytes; smaller results are left to NumPy
IDLE_BYTES = 1 << 30  # more than this does not lie idle for long
LINE = 64  # results start at a cache line

_idle: defaultdict[int, deque[np.ndarray]] = defaultdict(deque)  # by size; append and pop need no lock
_scratch = threading.local()


class Block:
    """Bytes on loan. Every view of an array holds what the array was made from, so `__del__` runs after the last of them."""

    def __init__(self, memory: np.ndarray) -> None:
        self.memory = memory
        self.__array_interface__ = memory.__array_interface__

    def __del__(self, idle: Any = _idle) -> None:  # bound here: at the end of the process the module may be gone first
        idle[self.memory.nbytes].append(self.memory)


def rounded(size: int) -> int:
    """`size` rounded up to three binary digits after the first: pictures of nearly the same size share memory."""
    unit = 1 << max(0, size.bit_length() - 4)
    return -(-size // unit) * unit


def empty(shape: tuple[int, ...], dtype: Any) -> Array:
    """As `np.empty`, where it is large in memory that an earlier result has left."""
    dtype = np.dtype(dtype)
    wanted = math.prod(shape) * dtype.itemsize
    if wanted < SMALLEST:
        return np.empty(shape, dtype)
    size = rounded(wanted + LINE)
    try:
        memory = _idle[size].pop()
    except IndexError:  # none is left: more is needed than ever before, or other sizes
        if sum(one * len(several) for one, several in list(_idle.items())) > IDLE_BYTES:
            _idle.clear()
        memory = np.empty(size, np.uint8)
    start = -memory.__array_interface__["data"][0] % LINE
    return np.asarray(Block(memory))[start : start + wanted].view(dtype).reshape(shape)


def scratch(name: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """An array for a short while: the next call with this name in this thread gives the same memory."""
    dtype = np.dtype(dtype)
    wanted = math.prod(shape) * dtype.itemsize
    memory = getattr(_scratch, name, None)
    if memory is None or memory.nbytes < wanted:
        memory = np.empty(wanted, np.uint8)
        setattr(_scratch, name, memory)
    return memory[:wanted].view(dtype).reshape(shape)
