"""What a Function remembers of each of its inputs: the edges of the graph."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minifcn import backend
from minifcn.autodiff.foreign import is_plain, plain

if TYPE_CHECKING:
    from minifcn.autodiff.engine import Array, Function, Tensor


class Input(NamedTuple):
    """An input of a Function as the way back sees it: `source`, where its gradient goes, and what the gradient must look like.

    `source` is a leaf, or the Function that made the input, or None where no gradient is wanted. The values are not here: they live as
    long as the caller or some Function keeps them, so that a map which no backward reads is gone when the next one is made.
    `constant` only points at the values of an input without a gradient (and holds a plain number), so that a picture of the graph can
    draw it once and name it.
    """

    source: Tensor | Function | None
    shape: tuple[int, ...]
    dtype: np.dtype
    device: str
    constant: Any = None

    @classmethod
    def of(cls, tensor: Tensor, need: bool, device: str) -> Input:
        source, data = (tensor.creator or tensor) if need else None, tensor._data
        constant = None if need else weakref.ref(data) if data.ndim else data
        return cls(source, data.shape, data.dtype, device, constant)

    def accepted(self, function: str, index: int, gradient: Any) -> Array:
        """The gradient that `function` gave for this input, its number `index`, as an array like the input."""
        if not is_plain(gradient):
            gradient = plain(f"{function}.backward", gradient, f"gradient {index}")
        gradient = backend.module_of(self.device).asarray(gradient, dtype=self.dtype)
        if gradient.shape != self.shape:
            raise ValueError(
                f"{function}.backward: gradient {index} has shape {gradient.shape}, its input {self.shape}"
            )
        return gradient

    def __reduce__(self) -> tuple[Any, ...]:
        return Input, tuple(self[:4])  # a pointer cannot be pickled
