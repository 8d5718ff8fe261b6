"""Dropout's masks: drawn when they are asked for, or, in a captured step, before each of its launches."""

from typing import Any

import numpy as np

from minifcn import backend
from minifcn.kernels import dispatch

Array = Any


def mask(generator: "np.random.Generator", shape: tuple[int, ...], p: float, device: str) -> Array:
    """Which elements of a batch of `shape` dropout keeps: bool, each with probability 1 - p."""
    captured = backend.captured_masks()
    return dispatch.kept(generator, shape, p, device) if captured is None else captured.new(shape, p)


class Masks:
    """The masks that a captured step reads: arrays on the GPU that stay where they are, filled before each launch with the numbers of its step."""

    def __init__(self) -> None:
        self.arrays: list[tuple[Array, float]] = []

    def new(self, shape: tuple[int, ...], p: float) -> Array:
        array = backend.import_cupy().empty(shape, bool)  # zeros would be noted, and cleared at every launch
        self.arrays.append((array, p))
        return array

    def fill(self, generator: "np.random.Generator") -> None:
        for array, p in self.arrays:
            array[...] = dispatch.kept(generator, array.shape, p, "gpu")
