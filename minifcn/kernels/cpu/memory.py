"""Memory for large results and for scratch, used again and again.

The system hands out fresh memory page by page, at the first touch, and clears each page: writing a result of 8 MiB into fresh memory takes
two to three times as long as writing it into memory that was used before. A network asks for the same sizes in every step. So a large
result lies in a `Block`, which knows when the last array that looks at it is gone, and then lies idle for a later result of about its size.
Idle blocks and those in use are never more together than were once in use at the same time.
"""

import math
import os
import threading
from bisect import bisect_left, insort
from collections import deque
from typing import Any

import numpy as np

Array = Any

SMALLEST = 1 << 16  # bytes; smaller results are left to NumPy
IDLE_BYTES = 1 << 30  # more than this never lies idle
SPARE = 1.5  # in use and idle together are at most this much of what was once in use
WASTE = 2  # a block serves for a result this much smaller
LINE = 64  # results and scratch start at a cache line


class Store:
    """The blocks of this process. `live`: bytes in use, `most`: of them at once; `idle`: blocks that nobody uses, the smallest first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.returned: deque[np.ndarray] = (
            deque()
        )  # a block may come back at any moment, inside `take` too: append needs no lock
        self.idle: list[np.ndarray] = []
        self.live = self.most = self.idle_bytes = 0

    def take(self, size: int) -> np.ndarray:
        """Bytes, `size` of them or somewhat more."""
        with self.lock:
            while self.returned:
                memory = self.returned.pop()
                insort(self.idle, memory, key=bytes_of)
                self.live -= memory.nbytes
                self.idle_bytes += memory.nbytes
            place = bisect_left(self.idle, size, key=bytes_of)
            if place < len(self.idle) and self.idle[place].nbytes <= WASTE * size:
                memory = self.idle.pop(place)
                self.idle_bytes -= memory.nbytes
            else:
                memory = np.empty(size, np.uint8)
            self.live += memory.nbytes
            self.most = max(self.most, self.live)
            while self.idle and self.idle_bytes > min(SPARE * self.most - self.live, IDLE_BYTES):
                self.idle_bytes -= self.idle.pop().nbytes
            return memory


def bytes_of(memory: np.ndarray) -> int:
    return memory.nbytes


_store = Store()


def _new_store() -> None:
    global _store
    _store = Store()  # a child process must not wait for a lock that a thread of its parent holds


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_store)


class Block:
    """Bytes on loan. Every view of an array holds what the array was made from, so `__del__` runs after the last of them."""

    def __init__(self, store: Store, size: int) -> None:
        self.memory, self.store = store.take(size), store
        self.__array_interface__ = self.memory.__array_interface__

    def __del__(self) -> None:
        self.store.returned.append(self.memory)


def empty(shape: tuple[int, ...], dtype: Any) -> Array:
    """As `np.empty`, where it is large in memory that an earlier result has left."""
    dtype = np.dtype(dtype)
    wanted = math.prod(shape) * dtype.itemsize
    if wanted < SMALLEST:
        return np.empty(shape, dtype)
    block = Block(_store, wanted + LINE)
    return at_a_line(np.asarray(block))[:wanted].view(dtype).reshape(shape)


def at_a_line(memory: Array) -> Array:
    """Its bytes from the first cache line on."""
    return memory[-memory.__array_interface__["data"][0] % LINE :]


class Scratch:
    """Arrays for a short while: who asks for a slot again gets the same memory, or more of it. `grown`: how often it was more."""

    def __init__(self) -> None:
        self.slots: dict[Any, np.ndarray] = {}
        self.grown = 0

    def __call__(self, slot: Any, shape: tuple[int, ...], dtype: Any) -> Array:
        dtype = np.dtype(dtype)
        wanted = math.prod(shape) * dtype.itemsize
        if slot not in self.slots or self.slots[slot].nbytes < wanted:
            self.slots[slot] = np.empty(0, np.uint8)  # the smaller one goes before the larger one comes
            self.slots[slot] = at_a_line(np.empty(wanted + LINE, np.uint8))[:wanted]
            self.grown += 1
        return self.slots[slot][:wanted].view(dtype).reshape(shape)

    @property
    def bytes(self) -> int:
        return sum(each.nbytes for each in list(self.slots.values()))


class Own(threading.local):
    """What belongs to one Python thread."""

    def __init__(self) -> None:
        self.scratch = Scratch()


_own = Own()


def scratch(slot: int, shape: tuple[int, ...], dtype: Any) -> Array:
    """An array for a short while: the next call with this slot in this thread gives the same memory.

    A kernel numbers its scratch arrays, and all kernels share the slots, since only one of them runs in a thread at a time.
    """
    return _own.scratch(slot, shape, dtype)
