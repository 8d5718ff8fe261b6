"""Weights, pictures and labels that every program gets alike, made quickly: VGG16 alone has 134 million weights."""

import zlib
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

NOISE = np.random.default_rng(0).standard_normal(
    1_000_003, dtype=np.float32
)  # a prime: no layer's size repeats it in step


def fill(array: Any, name: str) -> None:
    """Write into `array` (contiguous, in place) the values that belong to `name`: He-normal weights, small biases."""
    scale = np.sqrt(2 / prod(array.shape[1:])) if array.ndim > 1 else 0.1
    flat, start = array.reshape(-1), zlib.crc32(name.encode()) % len(NOISE)
    done = 0
    while done < flat.size:
        part = NOISE[start : start + flat.size - done]
        np.multiply(part, np.float32(scale), out=flat[done : done + len(part)])
        done, start = done + len(part), 0


def noise(shape: tuple[int, ...], name: str) -> Any:
    """Standard normal values, a fresh float32 array."""
    array = np.empty(shape, np.float32)
    fill(array, name)
    array /= np.float32(np.sqrt(2 / prod(shape[1:])))
    return array


@lru_cache(maxsize=2)
def labels(shape: tuple[int, int, int, int]) -> Any:
    """One class a pixel for scores of `shape` (N, C, H, W): (N, H, W) int64, one in ten void (255). The same array each time."""
    rng = np.random.default_rng(1)
    drawn = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    drawn[rng.random(drawn.shape) < 0.1] = 255
    return drawn
