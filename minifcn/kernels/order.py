"""Elementwise results keep the order in which the numbers of a map lie. NumPy sees to that by itself; CuPy does not."""

from collections.abc import Callable
from typing import Any

from minifcn.backend import device_of


def in_order(function: Callable[..., Any], *arrays: Any) -> Any:
    """function(*arrays), elementwise, in the order in which the numbers lie.

    NumPy does that by itself. CuPy makes each result in the order of its axes: maps (N, C, H, W) whose channels lie last are turned to
    (N, H, W, C) for it, and the result back. Arrays beside the first have its number of axes, or none.
    """
    first = arrays[0]
    if device_of(first) == "cpu" or not lies_last(first) or any(each.ndim not in (0, 4) for each in arrays):
        return function(*arrays)
    turned = (each.transpose(0, 2, 3, 1) if each.ndim else each for each in arrays)
    return function(*turned).transpose(0, 3, 1, 2)


def lies_last(x: Any) -> bool:
    """Whether the channels of a map (N, C, H, W) are neighbours in memory."""
    return x.ndim == 4 and x.shape[1] > 1 and x.strides[1] == x.itemsize
