"""What Python and NumPy ask of a tensor's values: its length, a truth value, an array, a number, a number as text."""

from typing import Any, NoReturn

import numpy as np

from minifcn import backend


class Values:
    """The part of a Tensor that only reads what stands in it."""

    data: Any

    def item(self) -> float:
        raise NotImplementedError

    def __len__(self) -> int:
        if not self.data.shape:
            raise TypeError("len: a tensor of shape () has no length; it is one number, tensor.item()")
        return len(self.data)

    def __bool__(self) -> bool:
        return bool(self.data)

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        return np.array(backend.to_device(self.data, "cpu"), dtype, copy=bool(copy) or dtype is not None)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __format__(self, form: str) -> str:
        """`f"{loss:.3f}"`: that of the number. Without a form the tensor as `print` shows it."""
        return format(self.item(), form) if form else str(self)

    def __setitem__(self, key: object, value: object) -> NoReturn:
        raise TypeError(
            "Tensor: its elements cannot be assigned, for what was computed from them would not know; write to tensor.data[...] "
            "before the forward, or to the array before it becomes a tensor"
        )
