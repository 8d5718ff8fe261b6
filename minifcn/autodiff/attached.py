"""What minifcn.ops attaches to Tensor when it is imported, here for editors and type checkers; and what Python and NumPy ask of its values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from minifcn import backend

if TYPE_CHECKING:
    from minifcn.autodiff.engine import Array, Axes, Key, Tensor, TensorLike


class Attached:
    """A Tensor's operators. `==` and its like compare elements, so a tensor is told from another by `is`, and hashed so."""

    __hash__ = object.__hash__

    if TYPE_CHECKING:

        def __add__(self, other: TensorLike) -> Tensor: ...
        def __radd__(self, other: TensorLike) -> Tensor: ...
        def __sub__(self, other: TensorLike) -> Tensor: ...
        def __rsub__(self, other: TensorLike) -> Tensor: ...
        def __mul__(self, other: TensorLike) -> Tensor: ...
        def __rmul__(self, other: TensorLike) -> Tensor: ...
        def __truediv__(self, other: TensorLike) -> Tensor: ...
        def __rtruediv__(self, other: TensorLike) -> Tensor: ...
        def __pow__(self, other: TensorLike) -> Tensor: ...
        def __rpow__(self, other: TensorLike) -> Tensor: ...
        def __matmul__(self, other: TensorLike) -> Tensor: ...
        def __rmatmul__(self, other: TensorLike) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __getitem__(self, key: Key) -> Tensor: ...
        def __iter__(self) -> Iterator[Tensor]: ...
        def __eq__(self, other: object) -> Array: ...  # type: ignore[override]  # elements, as in NumPy
        def __ne__(self, other: object) -> Array: ...  # type: ignore[override]
        def __lt__(self, other: TensorLike) -> Array: ...
        def __le__(self, other: TensorLike) -> Array: ...
        def __gt__(self, other: TensorLike) -> Array: ...
        def __ge__(self, other: TensorLike) -> Array: ...
        def sum(self, axis: Axes | None = None, keepdims: bool = False) -> Tensor: ...
        def mean(self, axis: Axes | None = None, keepdims: bool = False) -> Tensor: ...
        def reshape(self, *shape: Axes) -> Tensor: ...
        def transpose(self, axes: Axes | None = None, *more: int) -> Tensor: ...
        def abs(self) -> Tensor: ...
        def clip(self, min: float | None = None, max: float | None = None) -> Tensor: ...
        def exp(self) -> Tensor: ...
        def log(self) -> Tensor: ...
        def log_softmax(self, axis: int = -1) -> Tensor: ...
        def pow(self, b: TensorLike) -> Tensor: ...
        def sigmoid(self) -> Tensor: ...
        def softmax(self, axis: int = -1) -> Tensor: ...
        def sqrt(self) -> Tensor: ...
        def tanh(self) -> Tensor: ...


# names that PyTorch's and NumPy's users look for: what does the same here
INSTEAD = {
    "numpy": "tensor.data, its array",
    "tolist": "tensor.data.tolist()",
    "view": "tensor.reshape(…)",
    "flatten": "tensor.reshape(-1)",
    "squeeze": "tensor.reshape(…)",
    "unsqueeze": "tensor.reshape(…)",
    "permute": "tensor.transpose(…)",
    "T": "tensor.transpose()",
    "max": "tensor.data.max(), which has no gradient; mf.ops.maximum takes the larger of two tensors",
    "min": "tensor.data.min(), which has no gradient; mf.ops.minimum takes the smaller of two tensors",
    "argmax": "tensor.data.argmax(…)",
    "copy": "mf.Tensor(tensor.data.copy())",
    "clone": "mf.Tensor(tensor.data.copy())",
    "astype": "mf.Tensor(tensor.data.astype(…))",
    "float": "mf.Tensor(tensor.data.astype('float32'))",
    "double": "mf.Tensor(tensor.data.astype('float64'))",
    "cpu": "tensor.to('cpu')",
    "cuda": "tensor.to('gpu')",
    "requires_grad_": "tensor.requires_grad = True",
    "zero_grad": "tensor.grad = None",
    "grad_fn": "tensor.creator",
    "is_leaf": "tensor.creator is None",
}


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
        data = backend.to_device(self.data, "cpu")
        return np.asarray(data, dtype) if copy is None else np.array(data, dtype, copy=copy)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __format__(self, form: str) -> str:
        """`f"{loss:.3f}"`: that of the number. Without a form the tensor as `print` shows it."""
        return format(self.item(), form) if form else str(self)

    if not TYPE_CHECKING:  # a checker would take every name for one that there is

        def __getattr__(self, name: str) -> NoReturn:
            """Python asks here for what there is not."""
            advice = f"; take {INSTEAD[name]}" if name in INSTEAD else ""
            raise AttributeError(
                f"'{type(self).__name__}' object has no attribute '{name}'{advice}", name=name, obj=self
            )

    def __setitem__(self, key: object, value: object) -> NoReturn:
        raise TypeError(
            "Tensor: its elements cannot be assigned, for what was computed from them would not know; write to tensor.data[...] "
            "before the forward, or to the array before it becomes a tensor"
        )
