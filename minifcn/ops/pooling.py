"""Max and average pooling, and the unpooling that puts values back where a max-pool found them."""

from typing import Literal, overload

from minifcn import backend, kernels
from minifcn.autodiff.engine import Array, Axes, Function, Tensor, TensorLike
from minifcn.kernels.windows import Pair, Size, Window, pair
from minifcn.ops import checks, samples
from minifcn.ops.alone import or_alone
from minifcn.ops.registry import operation


class MaxPool2d(Function):
    """The largest value of each window; the gradient goes to the pixel that won, the first one where several tie."""

    fresh = True

    def __init__(self, window: Window, size: Pair, keep_places: bool = False) -> None:
        self.window, self.size, self.keep_places = window, size, keep_places

    def forward(self, x: Array) -> Array:
        if not (self.needs[0] or self.keep_places):  # nobody will ask where the maxima were
            return kernels.max_pool2d_values(x, self.window, self.size)
        self.shape = x.shape
        y, self.place = kernels.max_pool2d(x, self.window, self.size)
        return y

    def backward(self, grad: Array) -> Array:
        return kernels.max_pool2d_gradient(grad, self.place, self.window, self.shape)

    def indices(self) -> Array:
        """Where each maximum lies in its picture: row·W + column, int64 (N, C, OH, OW), as `max_unpool2d` takes it; -1 for nowhere."""
        xp = backend.array_module(self.place)
        i, j = xp.divmod(self.place.astype(xp.int64), self.window.kernel[1])
        (oh, ow), (sh, sw), (dh, dw) = self.size, self.window.stride, self.window.dilation
        (top, _), (left, _) = self.window.padding
        rows, columns = xp.arange(oh)[:, None] * sh - top + i * dh, xp.arange(ow) * sw - left + j * dw
        h, w = self.shape[2:]
        # a window that sees padding only names a tap that lies in it
        inside = (rows >= 0) & (rows < h) & (columns >= 0) & (columns < w)
        return xp.where(inside, rows * w + columns, -1)


class AvgPool2d(Function):
    """The mean of each window; every pixel of the window gets the same share of the gradient."""

    def __init__(self, window: Window, size: Pair, count_include_pad: bool) -> None:
        self.window, self.size, self.count_include_pad = window, size, count_include_pad

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return kernels.avg_pool2d(x, self.window, self.size, self.count_include_pad)

    def backward(self, grad: Array) -> Array:
        return kernels.avg_pool2d_gradient(grad, self.window, self.size, self.count_include_pad, self.shape)


class MaxUnpool2d(Function):
    """Values written to given places of a zero picture, those at -1 to none; the gradient is read back from them."""

    def __init__(self, indices: Array, size: Pair) -> None:
        self.indices, self.size = indices, size

    def forward(self, x: Array) -> Array:
        xp = backend.array_module(x)
        n, c, oh, ow = x.shape
        pixels = self.size[0] * self.size[1]
        # where two values meet the later one stays, and only it gets the gradient: owner says who it is. Its last column is for the places -1
        owner = xp.full((n * c, pixels + 1), -1, xp.int32)  # a GPU has no atomic maximum of int64
        xp.maximum.at(owner, (xp.arange(n * c)[:, None], self.places(pixels)), xp.arange(oh * ow, dtype=xp.int32))
        self.owner = owner = owner[:, :pixels]
        self.shape = x.shape
        values = xp.take_along_axis(x.reshape(n * c, oh * ow), xp.maximum(owner, 0), 1)
        return xp.where(owner >= 0, values, 0).reshape(n, c, *self.size)

    def backward(self, grad: Array) -> Array:
        xp = backend.array_module(grad)
        n, c, oh, ow = self.shape
        places = self.places(0)  # where there is none any will do, for nothing stayed
        read = xp.take_along_axis(grad.reshape(n * c, self.size[0] * self.size[1]), places, 1)
        stayed = xp.take_along_axis(self.owner, places, 1) == xp.arange(oh * ow)
        stayed &= self.indices.reshape(places.shape) >= 0
        return xp.where(stayed, read, 0).reshape(self.shape)

    def places(self, nowhere: int) -> Array:
        """The indices of each channel in a row, (N·C, OH·OW), with another number for -1."""
        n, c, oh, ow = self.indices.shape
        places = self.indices.reshape(n * c, oh * ow)
        return backend.array_module(places).where(places < 0, nowhere, places)


@overload
def max_pool2d(
    x: TensorLike,
    kernel_size: Size,
    stride: Size | None = ...,
    padding: Size = ...,
    dilation: Size = ...,
    ceil_mode: bool = ...,
    return_indices: Literal[False] = ...,
) -> Tensor: ...
@overload
def max_pool2d(
    x: TensorLike,
    kernel_size: Size,
    stride: Size | None = ...,
    padding: Size = ...,
    dilation: Size = ...,
    ceil_mode: bool = ...,
    *,
    return_indices: Literal[True],
) -> tuple[Tensor, Array]: ...
@operation(samples.max_pool2d)
@or_alone
def max_pool2d(
    x: TensorLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Array]:
    """The largest value of each window: x (N, C, H, W) -> (N, C, OH, OW); with `return_indices` also where it lay (for max_unpool2d).

    `stride` is the kernel size unless given. Padding, at most kernel - 1, is -inf. `ceil_mode` rounds the output size up, as Caffe does:
    a last window may hang over the edge. The first maximum wins a tie, and gets the whole gradient, as in PyTorch, TensorFlow and JAX. A window
    of padding only, which dilation makes possible, gives -inf, no gradient and the place -1; PyTorch names a place beyond the picture,
    which its own unpooling refuses. One picture may come alone, (C, H, W) -> (C, OH, OW).

    >>> import numpy as np, minifcn as mf
    >>> mf.ops.max_pool2d(np.arange(9.0).reshape(1, 1, 3, 3), 2, ceil_mode=True).data
    array([[[[4., 5.],
             [7., 8.]]]])
    """
    x, window, size = pool_arguments("max_pool2d", x, kernel_size, stride, padding, dilation, ceil_mode)
    pool = MaxPool2d(window, size, return_indices)
    y = pool(x)
    return (y, pool.indices()) if return_indices else y


@operation(samples.avg_pool2d)
@or_alone
def avg_pool2d(
    x: TensorLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window: x (N, C, H, W) -> (N, C, OH, OW). Options as in `max_pool2d`.

    Padding is zeros; it counts in what the mean divides by unless `count_include_pad` is False. A window of padding only gives 0.
    One picture may come alone, (C, H, W) -> (C, OH, OW).
    """
    x, window, size = pool_arguments("avg_pool2d", x, kernel_size, stride, padding, 1, ceil_mode)
    return AvgPool2d(window, size, count_include_pad)(x)


@operation(samples.max_unpool2d)
@or_alone
def max_unpool2d(
    x: TensorLike,
    indices: Tensor | Array,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Axes | None = None,
) -> Tensor:
    """Each value of x (N, C, H, W) at the place that `indices` (same shape, row·OW + column) names, zeros elsewhere -> (N, C, OH, OW).

    The output size is `output_size`, (OH, OW) or the whole shape (N, C, OH, OW), as PyTorch's pages spell it (there N and C are not looked at);
    else it is stride·(H - 1) + kernel - 2·padding. A value at -1, where `max_pool2d` saw padding only, is left out and gets no gradient; PyTorch
    refuses it. Where an index repeats, the last value stays and has the gradient. One picture may come alone, x and indices (C, H, W).
    """
    name = "max_unpool2d"
    x = checks.as_tensor(name, x)
    checks.not_empty(name, x)
    window = pool_window(name, kernel_size, stride, padding, 1)
    size = (
        window.transposed_size(x.shape[2:])
        if output_size is None
        else checks.wanted_size(name, output_size, *x.shape[:2])
    )
    checks.output_size(name, size, window, x.shape[2:], checks.ENLARGE_TRANSPOSED)
    xp = backend.array_module(x.data)
    places = xp.asarray(indices.data if isinstance(indices, Tensor) else indices)
    if places.shape != x.shape or places.dtype.kind not in "iu":
        raise ValueError(
            f"{name}: indices are {places.dtype} {places.shape}; expected integers of the input's shape {x.shape}"
        )
    if places.size and not -1 <= int(places.min()) <= int(places.max()) < size[0] * size[1]:
        raise ValueError(
            f"{name}: indices reach from {int(places.min())} to {int(places.max())}; "
            f"a picture of {size} has places 0 to {size[0] * size[1] - 1}, and -1 for none"
        )
    return MaxUnpool2d(places.astype(xp.int64), size)(x)


def pool_window(operation: str, kernel_size: Size, stride: Size | None, padding: Size, dilation: Size) -> Window:
    kernel = pair(kernel_size, f"{operation}: kernel_size", 1)
    stride = kernel if stride is None else pair(stride, f"{operation}: stride", 1)
    dilation = pair(dilation, f"{operation}: dilation", 1)
    vertical, horizontal = pair(padding, f"{operation}: padding", 0)
    window = Window(kernel, stride, ((vertical, vertical), (horizontal, horizontal)), dilation)
    if vertical >= kernel[0] or horizontal >= kernel[1]:
        raise ValueError(f"{operation}: padding {(vertical, horizontal)} must be smaller than the kernel {kernel}")
    return window


def pool_arguments(
    operation: str,
    x: TensorLike,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    dilation: Size,
    ceil_mode: bool,
) -> tuple[Tensor, Window, Pair]:
    x = checks.as_tensor(operation, x)
    checks.not_empty(operation, x)
    window = pool_window(operation, kernel_size, stride, padding, dilation)
    size = window.ceil_output_size(x.shape[2:]) if ceil_mode else window.output_size(x.shape[2:])
    return x, window, checks.output_size(operation, size, window, x.shape[2:])
