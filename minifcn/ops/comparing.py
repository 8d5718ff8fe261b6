"""A tensor beside `==`, `<` and their like, and beside NumPy's functions. None of this has a gradient."""

import operator
from collections.abc import Callable, Container
from typing import Any

import numpy as np

from minifcn import backend
from minifcn.autodiff.engine import Array, Tensor
from minifcn.autodiff.foreign import refuse


def comparison(symbol: str, compare: Callable[[Array, Array], Array]) -> Callable[[Tensor, Any], Any]:
    """The method behind a comparing operator: element by element, broadcast; an array of booleans, not a tensor, on the tensor's device."""

    def method(self: Tensor, other: Any) -> Any:
        refuse(symbol, other, "the other side")
        if isinstance(other, Tensor):
            other = other.data
        elif not backend.is_array(other):
            if not isinstance(other, (int, float, list, tuple, np.generic)):
                return NotImplemented  # None, a string: Python says False to ==, and TypeError to <
            other = np.asarray(other)
        if backend.device_of(other) != self.device:
            if other.ndim:
                devices = f"one side is on {self.device}, the other on {backend.device_of(other)}"
                raise ValueError(f"{symbol}: {devices}; move one with .to('cpu') or .to('gpu')")
            other = backend.to_device(other, self.device)
        try:
            np.broadcast_shapes(self.shape, other.shape)
        except ValueError:
            raise ValueError(f"{symbol}: shapes {self.shape} and {other.shape} do not broadcast") from None
        return compare(self.data, other)

    return method


COMPARISONS = {
    f"__{name}__": comparison(symbol, getattr(operator, name))
    for name, symbol in {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}.items()
}

# NumPy's functions that stand behind an operator with an array on the left: the method of the tensor on the right
REFLECTED = {
    "add": "__radd__",
    "subtract": "__rsub__",
    "multiply": "__rmul__",
    "divide": "__rtruediv__",
    "true_divide": "__rtruediv__",
    "power": "__rpow__",
    "matmul": "__rmatmul__",
    "equal": "__eq__",
    "not_equal": "__ne__",
    "less": "__gt__",
    "less_equal": "__ge__",
    "greater": "__lt__",
    "greater_equal": "__le__",
}
NAMES = {  # operations that NumPy names otherwise
    "absolute": "abs",
    "negative": "neg",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "power": "pow",
}


class NumpyFunctions:
    """`Tensor.__array_ufunc__`. `array * tensor` becomes a tensor; `np.exp(tensor)` says what to do, for its result would have no gradient.

    NumPy asks the class and gets `answer`. CuPy asks the tensor and gets None: its arrays then leave operators to the tensor.
    """

    def __init__(self, operations: Container[str]) -> None:
        def answer(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
            name = ufunc.__name__
            plain = method == "__call__" and not options  # `array += tensor` has out=: an array cannot become a tensor
            if plain and name in REFLECTED and not isinstance(inputs[0], Tensor):
                return getattr(Tensor, REFLECTED[name])(inputs[1], inputs[0])
            ours = NAMES.get(name, name)
            values = f"np.{name}(tensor.data) for the values alone"
            instead = f"mf.ops.{ours}, or {values}" if ours in operations else values
            raise TypeError(f"np.{name}: a tensor's gradient would be lost; take {instead}")

        self.answer = answer

    def __get__(self, instance: Tensor | None, owner: type) -> Any:
        return self.answer if instance is None else None
