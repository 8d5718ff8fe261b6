"""First values for weights. Random ones come from the generator that `mf.manual_seed` restarts."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from minifcn import backend

__all__ = ["bilinear", "he_normal", "undrawn"]


def __dir__() -> list[str]:
    return sorted(__all__)


_drawing: ContextVar[bool] = ContextVar("drawing", default=True)


@contextmanager
def undrawn() -> Iterator[None]:
    """Inside, new layers get zeros for weights: no time, and no memory until written. To count a network, or to fill it from a file."""
    token = _drawing.set(False)
    try:
        yield
    finally:
        _drawing.reset(token)


def he_normal(shape: tuple[int, ...]) -> np.ndarray:
    """Normal, variance 2 / (inputs of one output): keeps the scale through ReLU layers. (O, C, KH, KW) float32. He et al. 2015.

    Zeros inside `undrawn`.
    """
    if not _drawing.get():
        return np.zeros(shape, np.float32)
    inputs = int(np.prod(shape[1:]))
    values = backend.random_generator().standard_normal(shape, dtype=np.float32)
    values *= np.float32(np.sqrt(2 / inputs))
    return values


def bilinear(channels: int, kernel: int) -> np.ndarray:
    """Bilinear interpolation as a transposed convolution: one kernel a channel, (C, 1, K, K) float32 for `groups=C`.

    A tent: (1 - |i - c| / f)·(1 - |j - c| / f), f = (K + 1) // 2, its top c in the middle of the kernel. Right for odd and even
    kernels; f - 1 is the middle of an odd one, f - 0.5 of an even one. Paper section 3.3.

    >>> bilinear(1, 4)[0, 0, 1] * 4 / 3
    array([0.25, 0.75, 0.75, 0.25], dtype=float32)
    """
    if kernel < 1 or channels < 1:
        raise ValueError(f"bilinear: {channels} channels and kernel {kernel}; both must be at least 1")
    factor = (kernel + 1) // 2
    tent = 1 - np.abs(np.arange(kernel) - (kernel - 1) / 2) / factor
    return np.tile(np.outer(tent, tent).astype(np.float32), (channels, 1, 1, 1))
