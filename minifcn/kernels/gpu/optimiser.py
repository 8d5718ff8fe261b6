"""An optimiser's step on a GPU in one kernel: cuda/optimiser.cu. The twins are the formulas in nn/optim.py.

All parameters move in one launch, which finds them by a table of their addresses. The table goes up when an address is another than before; in a
training that goes on, gradients come to lie where those of the step before lay. A captured step notes a launch a parameter, each with its
addresses: nothing may go up then, and a graph launches for next to nothing.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minifcn import backend
from minifcn.backend import array_module
from minifcn.kernels.gpu.launch import launch, on_gpu

Array = Any

CHUNK = 4096  # numbers a block, as in cuda/optimiser.cu
ADDRESSES = ("data", "gradient", "first", "second")
ENTRY = np.dtype([*((name, "u8") for name in ADDRESSES), ("size", "i8"), ("block", "i8"), ("decay", "f8")])


class Parameter(NamedTuple):
    """A parameter that moves: its numbers, their gradient, what is kept of them from step to step, and its weight decay."""

    data: Array
    gradient: Array
    kept: Sequence[Array]
    decay: float


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


def possible(rates: Array) -> bool:
    """Whether `step_all` may be asked: on a GPU, and where a table may go up."""
    return on_gpu(rates) and not backend.is_capturing()


def step_all(
    kernel: str, parameters: Mapping[int, Parameter], rates: Array, numbers: Sequence[float], only_if: Any
) -> None:
    """`step` of each parameter, in one launch. `parameters`: by the number of their row in `rates` (P, K)."""
    table, kind = np.zeros(len(rates), ENTRY), rates.dtype.type
    block = 0
    for number, entry in enumerate(table):
        entry["block"] = block
        if number not in parameters:
            continue
        each = parameters[number]
        addresses = [array.data.ptr for array in (each.data, each.gradient, *each.kept)]
        entry["size"], entry["decay"] = each.data.size, each.decay
        for name, address in zip(ADDRESSES, addresses, strict=False):  # no momentum: null pointers
            entry[name] = address
        block += -(-each.data.size // CHUNK)
    if not block:
        return
    xp = array_module(rates)
    arrays = (uploaded(table.tobytes(), xp.cuda.Device().id), rates, always(xp) if only_if is True else only_if)
    arguments = (*arrays, *(kind(number) for number in numbers), block)
    launch("optimiser", f"{kernel}_all", len(table), rates.dtype, arguments, blocks=block)


@functools.lru_cache(maxsize=8)
def uploaded(table: bytes, device: int) -> Array:
    return backend.to_device(np.frombuffer(table, np.uint64), "gpu")
