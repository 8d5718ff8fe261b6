"""What every operation asks of its arguments, and how it says no: operation, what came, what was expected, what to do."""

import numbers
from math import prod
from typing import Any

import numpy as np

from minifcn import backend
from minifcn.autodiff.engine import Array, Axes, Tensor, TensorLike
from minifcn.autodiff.foreign import as_array
from minifcn.kernels import Window, pair
from minifcn.kernels.whole import whole as whole  # `checks.whole`, beside the other checks
from minifcn.kernels.windows import Pair


def as_tensor(operation: str, value: Any, name: str = "input", like: Tensor | None = None) -> Tensor:
    """`value` as a tensor of floats. A number or plain array beside a tensor `like` takes on its dtype: it is a constant."""
    if not isinstance(value, Tensor):
        came, is_array = type(value).__name__, backend.is_array(value)
        value = as_array(operation, value, name)
        if not is_array and value.dtype.kind not in "fiub":
            raise TypeError(f"{operation}: {name} is {came}; expected a Tensor, an array or a number")
        if like is not None and value.dtype.kind in "fiub":
            value = backend.to_device(value, like.device) if value.ndim == 0 else value
            value = value.astype(like.dtype, copy=False)
        value = Tensor(value)
    if value.dtype not in (np.float32, np.float64):
        raise TypeError(
            f"{operation}: {name} has dtype {value.dtype}; expected float32 or float64, for example {name}.astype('float32')"
        )
    return value


def same_dtype(operation: str, **tensors: Tensor | None) -> None:
    """Refuse to mix float32 with float64: one forgotten array would silently double the cost of all that follows."""
    found = {name: tensor.dtype for name, tensor in tensors.items() if tensor is not None}
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{name} {dtype}" for name, dtype in found.items())
        raise TypeError(f"{operation}: mixed dtypes ({listed}); convert one, for example array.astype('float32')")


def same_device(operation: str, **tensors: Tensor | None) -> None:
    found = {name: tensor.device for name, tensor in tensors.items() if tensor is not None}
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{name} on {device}" for name, device in found.items())
        raise ValueError(f"{operation}: mixed devices ({listed}); move one with .to('cpu') or .to('gpu')")


def rank(operation: str, tensor: Tensor, expected: str, name: str = "input") -> None:
    """`expected` lists the axes, such as "N C H W"."""
    axes = expected.split()
    if tensor.ndim != len(axes):
        raise ValueError(
            f"{operation}: {name} has {tensor.ndim} axes {tensor.shape}; expected {len(axes)} ({', '.join(axes)})"
        )


def not_empty(operation: str, tensor: Tensor) -> None:
    """A batch may be empty; a picture may not."""
    if 0 in tensor.shape[1:]:
        raise ValueError(
            f"{operation}: input {tensor.shape} has an empty channel, row or column axis; only the batch may be empty"
        )


def number(operation: str, name: str, value: Any) -> float:
    """An option that is one number, Python's or NumPy's."""
    if isinstance(value, numbers.Real) or (
        backend.is_array(value) and value.shape == () and value.dtype.kind in "fiub"
    ):
        return float(value)
    raise TypeError(f"{operation}: {name} is {value!r}; expected a number")


def numbers_of(operation: str, **values: Any) -> tuple[float, ...]:
    return tuple(number(operation, name, value) for name, value in values.items())


def generator(operation: str, rng: Any) -> Any:
    """The generator that a seed, or None, stands for."""
    try:
        return backend.random_generator() if rng is None else np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{operation}: rng is {rng!r}; expected a NumPy generator, or a seed: an integer of at least 0"
        ) from error


def flag(operation: str, name: str, value: Any) -> bool:
    """An option that is True or False; 1 and 0 are as good."""
    if isinstance(value, bool | np.bool_) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise TypeError(f"{operation}: {name} is {value!r}; expected True or False")


MOST_ELEMENTS = 1 << 44  # 64 TB of float32


def fits_memory(operation: str, shape: tuple[int, ...]) -> None:
    """Say at once that a result is larger than any memory: to try takes minutes."""
    if prod(shape) > MOST_ELEMENTS:
        raise ValueError(
            f"{operation}: the result {tuple(shape)} would have {prod(shape):.1e} elements, which no memory holds"
        )


def as_sizes(value: Any) -> tuple[Any, ...]:
    """A size with several numbers as a tuple, and () for one number, for none, and for what is no size at all."""
    return tuple(value) if hasattr(value, "__len__") and not isinstance(value, str) else ()


def wanted_size(operation: str, output_size: Axes, batch: int, channels: int) -> Pair:
    """(OH, OW) of an `output_size`: an integer, (OH, OW), or the whole shape (N, C, OH, OW), as PyTorch's pages spell it."""
    sizes = as_sizes(output_size)
    if len(sizes) == 4:
        if sizes[:2] != (batch, channels):
            raise ValueError(
                f"{operation}: output_size is {sizes}, but the result has {batch} pictures of {channels} channels; "
                f"give ({batch}, {channels}, H, W), or (H, W) alone"
            )
        output_size = sizes[2:]
    elif sizes and len(sizes) != 2:
        raise ValueError(
            f"{operation}: output_size is {sizes}; expected an integer, (H, W), or the whole shape of the result, such as (N, C, H, W)"
        )
    return pair(output_size, f"{operation}: output_size", 1)  # type: ignore[arg-type]  # pair looks at what it gets


ENLARGE = "enlarge the input or the padding, or use a smaller kernel"
ENLARGE_TRANSPOSED = "enlarge the input or the kernel, or use a smaller padding"


def output_size(
    operation: str, size: tuple[int, int], window: Window, picture: tuple[int, ...], advice: str = ENLARGE
) -> tuple[int, int]:
    """`size` if a window fits at all, else ValueError with every number that matters."""
    if min(size) < 1:
        raise ValueError(
            f"{operation}: output size {size} is below 1: input (H, W) {tuple(picture)}, kernel {window.kernel}, stride {window.stride}, "
            f"padding {window.padding}, dilation {window.dilation}; {advice}"
        )
    for each in (size, [n + before + after for n, (before, after) in zip(picture, window.padding, strict=True)]):
        fits_memory(operation, tuple(each))
    return size


def class_weights(name: str, weight: TensorLike, scores: Tensor) -> Array:
    """A weight a class, (C,), where scores (N, C, ...) are and of their dtype; it can have no gradient."""
    values: Any = weight.data if isinstance(weight, Tensor) else as_array(name, weight, "weight")
    # a GPU is not asked: that would wait for it
    on_cpu = isinstance(values, np.ndarray) and values.dtype.kind in "fiu"
    if on_cpu and not np.isfinite(values).all():
        raise ValueError(f"{name}: weight is {values}; expected a finite number for each class")
    if isinstance(weight, np.ndarray):
        weight = backend.to_device(weight, scores.device)
    given = as_tensor(name, weight, "weight", like=scores)
    same_device(name, scores=scores, weight=given)
    same_dtype(name, scores=scores, weight=given)
    if given.requires_grad:
        raise ValueError(
            f"{name}: weight requires a gradient, but the loss has none for class weights; use weight.detach()"
        )
    if given.shape != (scores.shape[1],):
        raise ValueError(f"{name}: weight has shape {given.shape}; expected ({scores.shape[1]},), one a class")
    return given.data
