"""Arrays of other kinds that look like plain ones and are not. Taken as plain, they would lose their mask, their meaning or their gradient."""

from typing import Any

import numpy as np

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


def refuse(operation: str, value: Any, name: str = "input") -> None:
    """Raise TypeError, with what to give instead, where `value` is an array whose meaning would be lost."""
    if type(value) is np.ndarray:
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
