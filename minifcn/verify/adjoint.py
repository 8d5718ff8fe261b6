"""Is one linear map the adjoint of another? A question that needs no step size, so rounding is the only error."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minifcn import backend
from minifcn.autodiff.engine import Tensor
from minifcn.backend import Array, ArrayLike
from minifcn.verify.report import GradcheckError


def adjoint_check(
    fn: Callable[[Array], Tensor | Array],
    adjoint: Callable[[Array], Tensor | Array],
    x: Tensor | ArrayLike,
    y: Tensor | ArrayLike,
    *,
    rtol: float = 1e-11,
) -> float:
    """Is `adjoint` the adjoint of the affine map `fn`? <f(x), y> = <f(0), y> + <x, adjoint(y)> needs no step size.

    `fn` and `adjoint` take and give arrays or Tensors; x has the shape of fn's input, y of its output, both float64. Returns the
    relative error, |difference| over the sum of the products' absolute values; raises GradcheckError above `rtol`.
    """

    def array(value: Any) -> Array:
        value = value.data if isinstance(value, Tensor) else value
        return backend.to_device(value, "cpu") if backend.is_array(value) else np.asarray(value)

    home = backend.device_of(x.data if isinstance(x, Tensor) else x)

    def mapped(function: Callable[[Array], Tensor | Array], value: Array) -> Array:
        return array(function(backend.to_device(value, home)))

    x, y = array(x), array(y)
    for name, value in (("x", x), ("y", y)):
        if value.dtype != np.float64:
            raise GradcheckError(
                f"adjoint_check: {name} has dtype {value.dtype}; rounding shows little below float64, use .astype('float64')"
            )
        if value.size and not value.any():
            raise GradcheckError(
                f"adjoint_check: {name} is all zeros, which every pair of maps passes; use random numbers"
            )
    if parallel(x, y):
        raise GradcheckError(
            "adjoint_check: x and y are the same numbers, or multiples of each other, from one seed perhaps; with them a map passes as "
            "its own adjoint whatever it is: draw y from another seed"
        )
    image, origin, back = mapped(fn, x), mapped(fn, np.zeros_like(x)), mapped(adjoint, y)
    if image.shape != y.shape or back.shape != x.shape:
        raise GradcheckError(
            f"adjoint_check: fn maps {x.shape} to {image.shape} and adjoint {y.shape} to {back.shape}; expected {x.shape} to {y.shape} and back"
        )
    left, right = (image * y).sum(), (origin * y).sum() + (x * back).sum()
    scale = np.abs(image * y).sum() + np.abs(origin * y).sum() + np.abs(x * back).sum()
    error = float(abs(left - right) / max(scale, 1e-300))
    if not error <= rtol:
        raise GradcheckError(
            f"adjoint_check: <f(x), y> is {left:.12g} but <f(0), y> + <x, adjoint(y)> is {right:.12g}: relative error {error:.2g}"
        )
    return error


def parallel(x: Array, y: Array) -> bool:
    """Of the same shape, and one a multiple of the other: <f(x), x> = <x, f(x)> holds for every f."""
    if x.shape != y.shape or x.size < 2:
        return False
    x, y = x / np.abs(x).max(), y / np.abs(y).max()
    return bool(np.all(np.abs(x - y) < 1e-12) or np.all(np.abs(x + y) < 1e-12))
