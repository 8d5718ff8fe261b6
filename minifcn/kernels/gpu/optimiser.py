"""An optimiser's step of one parameter on a GPU in one kernel: cuda/optimiser.cu. The twins are the formulas in nn/optim.py.

One launch a parameter, and not one for all: a table of all their addresses would have to go up anew for every step, and a step captured as a
graph launches for next to nothing.
"""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from minifcn.backend import array_module
from minifcn.kernels.gpu.launch import launch, on_gpu

Array = Any


def suits(*arrays: Array) -> bool:
    """Whether the kernels take these: a parameter, its gradient and what is kept of it, all in C order."""
    return on_gpu(*arrays) and all(array.flags.c_contiguous for array in arrays)


@functools.lru_cache(maxsize=1)
def always(xp: Any) -> Array:
    """True, on the device."""
    return xp.ones((), xp.bool_)


def step(
    kernel: str, data: Array, gradient: Array, kept: Sequence[Array], row: Array, numbers: Sequence[float], only_if: Any
) -> None:
    """Move `data` and `kept` in place. `kernel`: "sgd" or "adam"; `row`: as in `Optimiser.rates`; `numbers`: decay, then what the formula has."""
    xp, kind = array_module(data), data.dtype.type
    held = tuple(kept) or (np.uint64(0),)  # SGD without momentum has no velocity: a null pointer
    arrays = (data, gradient, *held, row, always(xp) if only_if is True else only_if)
    launch("optimiser", kernel, data.size, data.dtype, (*arrays, *(kind(number) for number in numbers)))
