"""Was a value changed between forward and backward? Then the gradient would be that of other numbers, and nobody would know.

Who writes into a tensor's array by way of the library (an optimiser, `load_state_dict`, `w.data *= 2`) raises the tensor's version. A Function
notes the versions of its inputs and of its result; on the way back those whose arrays it kept must be the same. NumPy's own writes, `array[...] = 5`, cannot be
counted; inside `detect_anomaly` and `watching_kept` they are found by a checksum of every array that was kept.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from minifcn import backend
from minifcn.scopes import Scope

if TYPE_CHECKING:
    from minifcn.autodiff.engine import Array, Function, Tensor

REMEDY = "call backward before that, or give the operation a copy of its own: Tensor(array.copy())"


_watching: ContextVar[tuple[Scope[None], ...]] = ContextVar("watching_kept", default=())


def watching_kept() -> Scope[None]:
    """Inside, each Function's kept arrays get a checksum after its forward, and `backward` refuses where one is another by then.

    `detect_anomaly` does so too; this looks for nothing else, and lets NaN pass. It asks where the forward runs; the comparison is made wherever
    `backward` is called: before the first gradient, and again before each Function's own, for another's backward may have written to what it kept.
    """
    return Scope("watching_kept", _watching, None)


def watching() -> bool:
    """Whether this is inside `watching_kept`."""
    return bool(_watching.get())


def note(function: Function, asked: bool) -> None:
    """The engine's hook after each forward that may go back: nothing, unless somebody watches, or `detect_anomaly` asks for it."""
    if asked or _watching.get():
        function._checksums = checksums(function)


class Version:
    """How often a tensor's array was written to, and of each array when last. Tensors that share memory, by `detach` or as views, share this too."""

    __slots__ = ("count", "last")

    def __init__(self) -> None:
        self.count = 0
        self.last: dict[int, int] = {}

    def raised(self, array: Any) -> None:
        """`array` was written to. An id is enough: while a Function keeps the array, no other can have its id."""
        self.count += 1
        self.last[id(owner(array))] = self.count


def owner(array: Any) -> Any:
    """The array or buffer whose memory a view looks at."""
    while (base := getattr(array, "base", None)) is not None and base is not array:
        array = base
    return array


def share_version(result: Tensor, inputs: tuple[Tensor, ...]) -> None:
    """A result that looks at the memory of an input, as `reshape` and `x[0]` give it, changes when the input does, and the other way round."""
    if result._data.base is None and all(result._data is not tensor._data for tensor in inputs):
        return  # most results own their memory
    memory = owner(result._data)
    for tensor in inputs:
        if owner(tensor._data) is memory:
            result.version = tensor.version
            return


def check(function: Function) -> None:
    """Raise RuntimeError where something that `function` kept was changed since its forward."""
    for number, (version, then) in enumerate(function._versions):
        if version.count != then and changed_since(function, version, then):
            what = f"input {number}" if number < len(function.needs) else "the result"
            raise RuntimeError(
                f"backward: {what} of {type(function).__name__} was changed after the forward that used it (by an optimiser's step, "
                f"by load_state_dict, by an assignment to .data, or as changed() said), so the gradient would be that of other numbers; {REMEDY}"
            )
    check_kept(function)


def check_kept(function: Function) -> None:
    """Raise RuntimeError where an array that `function` kept is not what it was. Only those have a checksum that ran while somebody watched."""
    for name, (array, sum_then) in function._checksums.items():
        if checksum(array) != sum_then:
            raise RuntimeError(
                f"backward: {type(function).__name__} kept an array of shape {array.shape} as {name}, and it was written to after the forward that "
                f"used it{where(function)}, so the gradient would be that of other numbers; {REMEDY}"
            )


def check_place(tensor: Tensor, gradient: Array) -> None:
    """Raise where a gradient has no place in `tensor.grad`: what stands there, or the tensor itself, was given another shape meanwhile."""
    if gradient.shape != tensor.shape:
        raise ValueError(
            f"backward: a gradient has shape {gradient.shape} and its tensor {tensor.shape}: .data was given another shape after the forward; "
            "call backward before that"
        )
    there = tensor.grad
    if there is None:
        return
    if not backend.is_array(there):
        raise TypeError(
            f"backward: the .grad of a tensor is a {type(there).__name__}, to which nothing can be added; set it to an array, or to None"
        )
    if there.shape != tensor.shape:
        raise ValueError(
            f"backward: the .grad of a tensor has shape {there.shape} and the tensor {tensor.shape}; one of both was given another shape: "
            "set .grad to None before backward"
        )


def changed_since(function: Function, version: Version, then: int) -> bool:
    """Was it an array that `function` still holds, itself or as a view?"""
    return any(version.last.get(id(owner(array)), 0) > then for _, array in arrays_of(vars(function)))


def where(function: Function) -> str:
    called = getattr(function, "_called_at", None)
    return f" at {called}" if called else ""


def checksums(function: Function) -> dict[str, tuple[Any, int]]:
    """Every array that `function` holds, by the attribute's name, with its checksum."""
    return {name: (array, checksum(array)) for name, array in arrays_of(vars(function))}


def arrays_of(values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        parts = value if isinstance(value, list | tuple) else (value,)
        yield from ((name, part) for part in parts if backend.is_array(part) and not name.startswith("_"))


def checksum(array: Any) -> int:
    """Of the numbers in the order of the axes, whatever their order in memory."""
    return zlib.crc32(np.ascontiguousarray(backend.to_device(array, "cpu")).tobytes())
