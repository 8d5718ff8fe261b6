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
    "concatenate": "concat",
    "dot": "matmul",
}


# NumPy's functions whose results have no gradient anyway
FACTS = {
    "allclose", "isclose", "array_equal", "array_equiv", "argmax", "argmin", "argsort", "argwhere", "nonzero",
    "count_nonzero", "flatnonzero", "searchsorted", "digitize", "bincount", "histogram", "unique", "isin", "any",
    "all", "shape", "ndim", "size", "result_type", "can_cast", "iscomplexobj", "isrealobj", "shares_memory",
    "may_share_memory", "array_repr", "array_str", "array2string", "zeros_like", "ones_like", "empty_like",
    "full_like", "save", "savez", "savez_compressed", "savetxt",
}  # fmt: skip


def numpy_routines(operations: Container[str]) -> Callable[..., Any]:
    """`Tensor.__array_function__`. `np.argmax(tensor)` is NumPy's, of the values; `np.concatenate(tensors)` of such that learn says what to do."""

    def answer(self: Tensor, function: Callable[..., Any], types: Any, inputs: Any, options: Any) -> Any:
        tensors: list[Tensor] = []
        inputs, options = values_in(inputs, tensors), values_in(options, tensors)
        name = function.__name__
        if name not in FACTS and any(tensor.requires_grad for tensor in tensors):
            place = function.__module__.partition(".")[2]
            raise TypeError(lost(f"{place}.{name}" if place else name, NAMES.get(name, name), operations))
        return function(*inputs, **options)

    return answer


def values_in(inputs: Any, tensors: list[Tensor]) -> Any:
    """`inputs` with arrays in place of tensors, in lists and the like too; the tensors are added to `tensors`."""
    if isinstance(inputs, Tensor):
        tensors.append(inputs)
        return inputs.data
    if isinstance(inputs, dict):
        return {name: values_in(value, tensors) for name, value in inputs.items()}
    if type(inputs) in (list, tuple):
        return type(inputs)(values_in(value, tensors) for value in inputs)
    return inputs


def lost(name: str, ours: str, operations: Container[str]) -> str:
    """The sentence about a function of NumPy's; `ours`: what an operation that does the same would be called."""
    values = f"np.{name}(tensor.data) for the values alone"
    instead = f"mf.ops.{ours}, or {values}" if ours in operations else values
    return f"np.{name}: a tensor's gradient would be lost; take {instead}"


def answers_yes_or_no(ufunc: np.ufunc) -> bool:
    """Whether a function's result is a boolean, whatever it is given, as of `np.isnan` and `np.greater`: there is no gradient to be lost.

    >>> answers_yes_or_no(np.isnan), answers_yes_or_no(np.not_equal), answers_yes_or_no(np.sign)
    (True, True, False)
    """
    return all(kinds.endswith("->?") for kinds in ufunc.types if "O" not in kinds)


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
            if plain and answers_yes_or_no(ufunc):
                return ufunc(*values_in(inputs, []))
            raise TypeError(lost(name, NAMES.get(name, name), operations))

        self.answer = answer

    def __get__(self, instance: Tensor | None, owner: type) -> Any:
        return self.answer if instance is None else None
