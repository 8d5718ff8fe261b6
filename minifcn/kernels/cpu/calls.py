"""The calls that a kernel makes of NumPy: made at once, or taken down to be made again and again.

A kernel that gets `do` in place of NumPy does not know which of the two it is. So it decides by shapes and never by values, writes every result
into an array that is there already, and asks `do` for scratch memory. What it does besides, cutting arrays into views, happens once.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minifcn.kernels.cpu import memory

Array = Any


class Now:
    """Every call is made at once, in the scratch memory of the thread."""

    copyto = staticmethod(np.copyto)
    matmul, add, multiply, maximum = np.matmul, np.add, np.multiply, np.maximum
    scratch = staticmethod(memory.scratch)

    @staticmethod
    def call(function: Callable[..., Any], *arguments: Any, **named: Any) -> None:
        function(*arguments, **named)


class Record:
    """Every call is taken down, in `calls`. The scratch memory is somebody's own, so that the arrays that the calls name stay."""

    def __init__(self, scratch: memory.Scratch) -> None:
        self.calls: list[Callable[[], Any]] = []
        self.scratch = scratch

    def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> None:
        self.calls.append(partial(function, *arguments, **named))

    def copyto(self, to: Array, source: Any) -> None:
        if to.size:
            self.call(np.copyto, to, source)

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Any other of NumPy's functions."""
        return partial(self.call, getattr(np, name))


NOW = Now()
Calls = Now | Record
