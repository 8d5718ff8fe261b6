"""Operations that move values and change none: reshape, transpose, concat, pad, crop, indexing. Each backward moves them back."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np

from minifcn import backend
from minifcn.autodiff.engine import Array, Axes, Function, Key, Tensor, TensorLike
from minifcn.kernels.order import lies_last
from minifcn.kernels.windows import Size, pair
from minifcn.ops import checks, samples
from minifcn.ops.registry import operation


class Reshape(Function):
    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Array:
        self.before = x.shape
        return x.reshape(self.shape)

    def backward(self, grad: Array) -> Array:
        return grad.reshape(self.before)


class Transpose(Function):
    def __init__(self, axes: tuple[int, ...]) -> None:
        self.axes = axes

    def forward(self, x: Array) -> Array:
        return x.transpose(self.axes)

    def backward(self, grad: Array) -> Array:
        back = sorted(range(len(self.axes)), key=self.axes.__getitem__)  # the inverse permutation
        return grad.transpose(back)


class Concat(Function):
    def __init__(self, axis: int) -> None:
        self.axis = axis

    def forward(self, *parts: Array) -> Array:
        self.ends, end = [], 0
        for part in parts:
            end += part.shape[self.axis]
            self.ends.append(end)
        join = backend.array_module(parts[0]).concatenate
        axis = (0, 3, 1, 2)[self.axis] if self.axis < 4 and lies_last(parts[0]) else self.axis
        if axis == self.axis or backend.device_of(parts[0]) == "cpu":  # NumPy keeps the order of memory by itself
            return join(parts, self.axis)
        return join([part.transpose(0, 2, 3, 1) for part in parts], axis).transpose(0, 3, 1, 2)

    def backward(self, grad: Array) -> tuple[Array, ...]:
        return tuple(backend.array_module(grad).split(grad, self.ends[:-1], self.axis))


class Pad(Function):
    """Rows and columns of a constant added (or, by a negative number, cut off) at the sides of some axes."""

    def __init__(self, widths: list[tuple[int, int]], value: float) -> None:
        self.value = value
        self.added = [(max(before, 0), max(after, 0)) for before, after in widths]
        self.widths = widths

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        result = backend.zeros(tuple(n + b + a for n, (b, a) in zip(x.shape, self.widths, strict=True)), like=x)
        result[...] = self.value
        result[self.inside(result.shape)] = x[self.kept()]
        return result

    def backward(self, grad: Array) -> Array:
        result = backend.zeros(self.shape, like=grad)
        result[self.kept()] = grad[self.inside(grad.shape)]
        return result

    def kept(self) -> tuple[slice, ...]:
        """What of x is left after negative padding cut its share."""
        return tuple(slice(max(-b, 0), n - max(-a, 0)) for n, (b, a) in zip(self.shape, self.widths, strict=True))

    def inside(self, shape: tuple[int, ...]) -> tuple[slice, ...]:
        """Where it lies in the result."""
        return tuple(slice(b, n - a) for n, (b, a) in zip(shape, self.added, strict=True))


class Index(Function):
    """x[index]."""

    def __init__(self, index: tuple[Any, ...]) -> None:
        self.index = index

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return x[self.index]

    def backward(self, grad: Array) -> Array:
        if grad.shape == self.shape and all(isinstance(part, slice) and part.step in (None, 1) for part in self.index):
            return grad  # all of x, as a crop that finds nothing to cut takes
        result = backend.zeros(self.shape, like=grad)
        if all(part is None or part is Ellipsis or isinstance(part, int | slice) for part in self.index):
            result[self.index] = grad
        else:  # an array of integers may name an element twice: add, do not assign
            backend.array_module(grad).add.at(result, self.index, grad)
        return result


@operation(samples.reshape)
def reshape(x: TensorLike, shape: Axes) -> Tensor:
    """The same values in C order in another shape; one -1 is worked out from the rest."""
    x = checks.as_tensor("reshape", x)
    wanted = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    try:
        np.empty(x.shape, bool).reshape(wanted)  # NumPy knows best; the memory is never touched
    except (ValueError, TypeError):
        raise ValueError(f"reshape: {x.size} elements {x.shape} cannot take the shape {wanted}") from None
    return Reshape(wanted)(x)


@operation(samples.transpose)
def transpose(x: TensorLike, axes: Axes | None = None, *more: int) -> Tensor:
    """Axes in another order: `transpose(x, (0, 2, 3, 1))` permutes, `transpose(x)` turns them round.

    `transpose(x, a, b)` swaps two axes, as in PyTorch (whose `permute` is the first form).
    """
    x = checks.as_tensor("transpose", x)
    if more:
        order = swapped(x, (axes, *more))
    else:
        order = (
            list(range(x.ndim))[::-1]
            if axes is None
            else list(cast(Sequence[int], axes))
            if hasattr(axes, "__len__")
            else [cast(int, axes)]
        )
    order = [axis % x.ndim if checks.whole(axis) and -x.ndim <= axis < x.ndim else -1 for axis in order]
    if sorted(order) != list(range(x.ndim)):
        raise ValueError(f"transpose: axes {axes!r} are not a permutation of the {x.ndim} axes of shape {x.shape}")
    return Transpose(tuple(order))(x)


def swapped(x: Tensor, both: tuple[Any, ...]) -> list[int]:
    """All axes of x in order, but two of them exchanged."""
    order = list(range(x.ndim))
    if len(both) != 2 or not all(checks.whole(a) and -x.ndim <= a < x.ndim for a in both):
        raise ValueError(f"transpose: axes {both} do not swap two axes of shape {x.shape}; to permute give a tuple")
    order[both[0]], order[both[1]] = order[both[1]], order[both[0]]
    return order


@operation(samples.concat)
def concat(tensors: Iterable[TensorLike], axis: int = 0) -> Tensor:
    """Tensors one after the other along `axis` (1 joins channels); all other axes must agree."""
    if isinstance(tensors, Tensor):
        raise TypeError("concat: got one Tensor; expected a list of them")
    parts = [checks.as_tensor("concat", tensor, f"tensor {number}") for number, tensor in enumerate(tensors)]
    if not parts:
        raise ValueError("concat: the list of tensors is empty")
    first = parts[0]
    if not (checks.whole(axis) and -first.ndim <= axis < first.ndim):
        raise ValueError(f"concat: axis {axis!r} does not exist in shape {first.shape}")
    axis %= first.ndim
    for number, part in enumerate(parts):
        if part.ndim != first.ndim or any(
            a != b for place, (a, b) in enumerate(zip(part.shape, first.shape, strict=True)) if place != axis
        ):
            raise ValueError(
                f"concat: tensor {number} is {part.shape}, tensor 0 {first.shape}; they may differ only in axis {axis}"
            )
        checks.same_device("concat", **{"tensor 0": first, f"tensor {number}": part})
        checks.same_dtype("concat", **{"tensor 0": first, f"tensor {number}": part})
    return Concat(axis)(*parts)


@operation(samples.pad)
def pad(x: TensorLike, padding: Axes, value: float = 0.0) -> Tensor:
    """A constant border: `padding` is (left, right), (left, right, top, bottom), … last axis first, as in PyTorch; negative crops."""
    x = checks.as_tensor("pad", x)
    border = tuple(padding) if isinstance(padding, tuple | list) else (padding,)
    if len(border) % 2 or len(border) > 2 * x.ndim or not all(map(checks.whole, border)):
        raise ValueError(
            f"pad: padding {border} for shape {x.shape}; expected two numbers an axis, the last axis first"
        )
    last_first = list(zip(border[::2], border[1::2], strict=True))
    widths = [(0, 0)] * (x.ndim - len(last_first)) + last_first[::-1]
    sizes = tuple(n + before + after for n, (before, after) in zip(x.shape, widths, strict=True))
    if any(
        size < 1 or max(-b, 0) + max(-a, 0) > n
        for n, size, (b, a) in zip(x.shape, sizes, widths, strict=True)
        if (b, a) != (0, 0)
    ):
        raise ValueError(f"pad: padding {border} leaves nothing of shape {x.shape}: the result would be {sizes}")
    checks.fits_memory("pad", sizes)
    return Pad(widths, checks.number("pad", "value", value))(x)


@operation(samples.crop_like)
def crop_like(x: TensorLike, reference: Tensor | Array, offset: Size = 0) -> Tensor:
    """x (N, C, H, W) cut to the height and width of `reference`, from row and column `offset` on (Caffe's Crop layer)."""
    x = checks.as_tensor("crop_like", x)
    checks.rank("crop_like", x, "N C H W")
    shape = getattr(reference, "shape", None)
    if shape is None:
        raise TypeError(
            f"crop_like: the reference is {reference!r}; expected a Tensor or an array (N, C, H, W), whose size is taken"
        )
    if len(shape) != 4:
        raise ValueError(f"crop_like: the reference has shape {tuple(shape)}; expected (N, C, H, W)")
    top, left = pair(offset, "crop_like: offset", 0)
    h, w = shape[2:]
    if top + h > x.shape[2] or left + w > x.shape[3]:
        raise ValueError(f"crop_like: input {x.shape} has no {h}x{w} pixels from offset {(top, left)} on")
    return x[:, :, top : top + h, left : left + w]


@operation(samples.index)
def index(x: TensorLike, key: Key) -> Tensor:
    """x[key]: integers, slices, None, ... and integer or boolean arrays, as in NumPy."""
    x = checks.as_tensor("index", x)
    parts = key if isinstance(key, tuple) else (key,)
    parts = tuple(part.data if isinstance(part, Tensor) else part for part in parts)
    # an array of indices goes up once, here, and not at every use
    parts = tuple(backend.to_device(np.asarray(p), x.device) if isinstance(p, list | np.ndarray) else p for p in parts)
    return Index(parts)(x)
