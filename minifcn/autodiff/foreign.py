"""Arrays of other kinds that look like plain ones and are not. Taken as plain, they would lose their mask, their meaning or their gradient."""

from typing import Any, TypeGuard

import numpy as np

from minifcn import backend

# by the library that an object's class comes from: what it is, and what to give instead
OTHERS = {
    "torch": (
        "a PyTorch tensor",
        "tensor.numpy(), or tensor.detach().cpu().numpy() where it has a gradient or lies on a GPU",
    ),
    "tensorflow": ("a TensorFlow tensor", "tensor.numpy()"),
    "jax": ("a JAX array", "np.asarray(array)"),
    "jaxlib": ("a JAX array", "np.asarray(array)"),
}

NUMBERS = {bool, int, float}


def beyond_numbers(values: list[Any] | tuple[Any, ...]) -> list[Any]:
    """What is no plain number among them: a list may have a million, and to look at each of these one by one takes longer than all else."""
    return [] if NUMBERS.issuperset(map(type, values)) else [each for each in values if type(each) not in NUMBERS]


def refuse(operation: str, value: Any, name: str = "input") -> None:
    """Raise TypeError, with what to give instead, where `value` is an array whose meaning would be lost."""
    if type(value) is np.ndarray:
        return
    if isinstance(value, list | tuple):
        for each in beyond_numbers(value):
            refuse(operation, each, f"a part of {name}" if not name.startswith("a part") else name)
        return
    if isinstance(value, np.ma.MaskedArray):
        what, instead = "a masked array", "array.filled(number), for a mask would be lost here"
    elif isinstance(value, np.matrix):
        what, instead = "a numpy.matrix", "np.asarray(matrix), for its * is a matrix product and here it is not"
    else:
        library = type(value).__module__.partition(".")[0]
        if library not in OTHERS or not hasattr(value, "__array__"):
            return
        what, instead = OTHERS[library]
    raise TypeError(f"{operation}: {name} is {what}; give {instead}")


def refuse_within(operation: str, value: Any, name: str = "input") -> None:
    """Raise TypeError where `value` is a list of tensors: NumPy makes an array of it, and nobody hears that their gradients are gone."""
    if not isinstance(value, list | tuple):
        return
    for each in beyond_numbers(value):
        if getattr(each, "requires_grad", False):
            raise TypeError(
                f"{operation}: {name} is a {type(value).__name__} that holds a tensor, whose gradient would be lost; "
                "join tensors by mf.ops.concat, or give their arrays, tensor.data"
            )
        refuse_within(operation, each, name)


def is_plain(value: Any) -> TypeGuard[np.ndarray]:
    """Whether `plain` would give it back as it is: asked first where time counts, for its names need not be put together then."""
    return type(value) is np.ndarray and value.dtype.kind in "fiub"


def as_array(operation: str, value: Any, name: str = "input") -> Any:
    """`value` as an array, itself where it is one. TypeError or ValueError where it is none whose meaning an array would keep."""
    if type(value) is np.ndarray:
        return value
    refuse(operation, value, name)
    refuse_within(operation, value, name)
    if backend.is_array(value):
        return value
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{operation}: {name} is a {type(value).__name__} that makes no array; give lists of one length, nested as the axes are"
        ) from error


def plain(operation: str, value: Any, name: str = "input") -> Any:
    """As `as_array`, and of real numbers; else TypeError with what came."""
    value = as_array(operation, value, name)
    if value.dtype.kind not in "fiub":
        what = "" if name == "input" else f" for {name}"
        raise TypeError(f"{operation}: expected an array of numbers{what}, got {value.dtype}")
    return value
