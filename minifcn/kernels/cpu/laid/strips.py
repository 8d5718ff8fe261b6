"""The layers of a plan: what each needs to see, its weights laid out once, and its NumPy calls for a strip of rows.

A layer reads and writes arrays (1, rows, W, C). Where a strip begins inside a map, the rows above are there to be seen; where it begins with
the map, a window sees padding. So a strip is to a kernel a small picture with a padding of its own: the kernels of `kernels/cpu` do the work.
"""

from math import prod
from typing import Any

import numpy as np

from minifcn.kernels.cpu import large_kernels, pointwise, pools, window_tiles, winograd
from minifcn.kernels.cpu.calls import NOW, Calls
from minifcn.kernels.windows import Window
from minifcn.kernels.winograd_matrices import PLACES, STEP

Array = Any
Size = tuple[int, int, int]  # (H, W, C) of a map


class Layer:
    """One line of a plan: the map `output`, of `size`, from the maps `inputs`.

    `work`: multiplications. `rows_a_step`: strips are best cut at multiples of this.
    """

    kind, rows_a_step, work = "", 1, 0

    def __init__(self, output: str, inputs: tuple[str, ...], size: Size) -> None:
        self.output, self.inputs, self.size = output, inputs, size

    def needs(self, rows: slice) -> slice:
        """The rows of each input that these rows of the output come from."""
        return rows

    def first(self, rows: slice) -> int:
        """The row of the input, or of the padding above it, that the first of them begins at."""
        return rows.start

    def prepare(self) -> None:
        """Lay the weights out: at first, and when they have changed."""

    def begin(self, other: Any) -> None:
        """Lay the weights out, or take them over from the same layer of another plan, where they lie alike."""

    def record(self, do: Calls, sources: list[Array], out: Array, top: int) -> None:
        """`out`, some rows, from the rows of the inputs that it `needs`; the first window begins `top` rows above them."""

    @property
    def weights(self) -> int:
        """Bytes of the weights as they were laid out here."""
        return 0


class Finish:
    """Bias and ReLU, done to numbers in place while they are in the cache."""

    def __init__(self, biases: list[Any], relu: bool, some: slice = slice(None)) -> None:
        self.biases, self.relu, self.some = biases, relu, some
        self.row = self.laid() if biases else None

    def laid(self) -> Array:
        return pointwise.bias_row(np.concatenate([bias.data for bias in self.biases])[self.some])

    def prepare(self) -> None:
        if self.row is not None:
            np.copyto(self.row, self.laid())

    def __call__(self, do: Calls, numbers: Array) -> None:
        if self.row is not None:
            self.apply(do, "add", self.row, numbers)
        if self.relu:
            self.apply(do, "maximum", pointwise.zeros(numbers.dtype), numbers)

    def apply(self, do: Calls, function: str, row: Array, numbers: Array) -> None:
        if numbers.flags.c_contiguous:
            pointwise.along(do, function, numbers, row, numbers)
        else:
            getattr(do, function)(numbers, row[: numbers.shape[-1]], out=numbers)


class Windowed(Layer):
    """A layer that slides a window."""

    def __init__(self, output: str, inputs: tuple[str, ...], size: Size, window: Window, height: int) -> None:
        super().__init__(output, inputs, size)
        self.window, self.height = window, height

    def needs(self, rows: slice) -> slice:
        first = self.first(rows)
        last = self.first(slice(rows.stop - 1, rows.stop)) + self.window.span[0]
        start = min(max(first, 0), self.height)
        return slice(start, min(max(last, start), self.height))

    def first(self, rows: slice) -> int:
        return rows.start * self.window.stride[0] - self.window.padding[0][0]

    def local(self, top: int) -> Window:
        """The window as it slides over a strip."""
        return self.window._replace(padding=((top, 0), self.window.padding[1]))


class Convolution(Windowed):
    """A convolution, with bias and ReLU; `kernels`: the weights as they are multiplied, an array a group."""

    def __init__(self, output: str, inputs: tuple[str, ...], size: Size, layer: Any, source: Size, relu: bool) -> None:
        super().__init__(output, inputs, size, layer.window, source[0])
        self.layer, self.groups = layer, layer.options["groups"]
        self.finish = Finish([layer.bias] if layer.bias is not None else [], relu)
        self.work = prod(size[:2]) * layer.weight.size
        self.kernels: list[Array] = []
        self.dense = self.groups == 1  # whether the output's numbers lie together; choice.py knows more

    def begin(self, other: Any) -> None:
        alike = type(other) is type(self) and other.beside == self.beside
        self.kernels = other.kernels if alike else self.laid()

    def prepare(self) -> None:
        for kernels, new in zip(self.kernels, self.laid(), strict=True):
            np.copyto(kernels, new)
        self.finish.prepare()

    def laid(self) -> list[Array]:
        return [self.lay(some) for some in np.split(self.layer.weight.data, self.groups)]

    @property
    def beside(self) -> int:
        """Windows that make one row."""
        return 1

    def lay(self, weight: Array) -> Array:
        """(O, C, KH, KW), those of a group, as `multiply` wants them."""
        raise NotImplementedError

    def multiply(self, do: Calls, source: Array, window: Window, kernels: Array, out: Array, finish: Any) -> None:
        """One group: `out` from `source`; `finish` has a turn at every tile."""
        raise NotImplementedError

    def record(self, do: Calls, sources: list[Array], out: Array, top: int) -> None:
        (source,), window = sources, self.local(top)
        if self.groups == 1:
            self.multiply(do, source, window, self.kernels[0], out, self.finish)
            return
        inputs, outputs = (np.split(array, self.groups, 3) for array in (source, out))
        for each, kernels, to in zip(inputs, self.kernels, outputs, strict=True):
            self.multiply(do, each, window, kernels, to, winograd.leave)
        self.finish(do, out)

    @property
    def weights(self) -> int:
        return sum(kernels.nbytes for kernels in self.kernels)


class Pixels(Convolution):
    """1x1: a product of pixels with the kernels."""

    kind = "conv 1x1"

    def lay(self, weight: Array) -> Array:
        return np.ascontiguousarray(weight.reshape(weight.shape[:2]).T)

    def multiply(self, do: Calls, source: Array, window: Window, kernels: Array, out: Array, finish: Any) -> None:
        c, o = kernels.shape
        window_tiles.multiply(do, source.reshape(-1, c), kernels, out.reshape(-1, o))
        finish(do, out)


class Windows(Convolution):
    """Any window: tiles of windows, a product each."""

    kind = "conv"

    @property
    def beside(self) -> int:
        c, o = self.layer.weight.shape[1], self.size[2]
        return window_tiles.side_by_side(c, o, self.window, self.size[:2]) if self.dense else 1

    def lay(self, weight: Array) -> Array:
        return window_tiles.kernel_matrix(weight, self.window, self.beside)

    def multiply(self, do: Calls, source: Array, window: Window, kernels: Array, out: Array, finish: Any) -> None:
        beside, kh = self.beside, window.kernel[0]
        # rows of the kernel that see nothing but padding here are left out: of fc6's 7 in a small map
        _, (some, _) = large_kernels.seen(window, source.shape[1:3], out.shape[1:3])
        row = len(kernels) // kh
        kernels = kernels[some.start * row : some.stop * row]
        around = ((window.padding[0][0] - some.start, 0), window.padding[1])
        window = window._replace(kernel=(some.stop - some.start, window.kernel[1]), padding=around)
        windows = window_tiles.Windows(source.transpose(0, 3, 1, 2), window, out.shape[1:3], beside)
        for tile in windows.tiles(kernels.nbytes):
            to = out[tile]
            rows = to.reshape(-1, beside, to.shape[3]).reshape(-1, kernels.shape[1])
            window_tiles.multiply(do, windows.rows(do, tile), kernels, rows)
            finish(do, to)


class Winograd(Convolution):
    """3x3 by Winograd's way, the kernels transformed beforehand."""

    kind, rows_a_step = "conv winograd", STEP

    def lay(self, weight: Array) -> Array:
        kernels = np.empty((PLACES, weight.shape[1], len(weight)), weight.dtype)
        for some in winograd.cut(len(weight), 64):
            winograd.transform_kernels(NOW, weight[some], kernels[:, :, some])
        return kernels

    def multiply(self, do: Calls, source: Array, window: Window, kernels: Array, out: Array, finish: Any) -> None:
        _, c, o = kernels.shape
        (top, _), (left, _) = window.padding
        most = max(winograd.LEAST_TILES, winograd.BLOCK // max(c, o))
        for block in winograd.blocks(1, out.shape[1:3], most):
            count = prod(block.shape)
            transformed = do.scratch(0, (count, PLACES, c), source.dtype)
            winograd.transform_tiles(do, source, block, (top, left), transformed)
            products = do.scratch(1, (count, PLACES, o), source.dtype)
            winograd.multiply(do, transformed, kernels, products)
            winograd.write_outputs(do, products, [block], out, finish)


class Pool(Windowed):
    """The largest of each window."""

    kind = "max_pool"

    def record(self, do: Calls, sources: list[Array], out: Array, top: int) -> None:
        pools.largest(do, sources[0], self.local(top), slice(0, out.shape[1]), out)


class Join(Layer):
    """Maps side by side, by channel. Convolutions write into their place of it, without bias and ReLU, which come here for all of them."""

    kind = "concat"

    def __init__(
        self, output: str, inputs: tuple[str, ...], size: Size, channels: list[int], finish: Finish | None
    ) -> None:
        super().__init__(output, inputs, size)
        ends = np.cumsum(channels).tolist()
        self.places = [slice(end - count, end) for end, count in zip(ends, channels, strict=True)]
        self.finish = finish  # None: nothing is there yet, all of it is copied

    def prepare(self) -> None:
        if self.finish:
            self.finish.prepare()

    def record(self, do: Calls, sources: list[Array], out: Array, top: int) -> None:
        if self.finish:
            self.finish(do, out)
            return
        for place, source in zip(self.places, sources, strict=True):
            do.copyto(out[..., place], source)


class Pointwise(Layer):
    """Number by number: "relu", "times" a number, "add" or "max" of two maps."""

    def __init__(self, kind: str, output: str, inputs: tuple[str, ...], size: Size, number: float = 0) -> None:
        super().__init__(output, inputs, size)
        self.kind, self.number = kind, number

    def record(self, do: Calls, sources: list[Array], out: Array, top: int) -> None:
        first = sources[0]
        if self.kind == "relu":
            pointwise.along(do, "maximum", first, pointwise.zeros(first.dtype), out)
        elif self.kind == "times":
            do.multiply(first, first.dtype.type(self.number), out=out)
        else:
            (do.add if self.kind == "add" else do.maximum)(first, sources[1], out=out)


class Norm(Layer):
    """Local response normalisation, as `ops.local_response_norm`."""

    kind = "lrn"

    def __init__(self, output: str, inputs: tuple[str, ...], size: Size, layer: Any) -> None:
        super().__init__(output, inputs, size)
        self.options = layer.options

    def record(self, do: Calls, sources: list[Array], out: Array, top: int) -> None:
        (x,), count, number = sources, self.options["size"], sources[0].dtype.type
        squares = do.scratch(0, x.shape, x.dtype)
        do.multiply(x, x, out=squares)
        do.copyto(out, squares)
        for shift in range(1, min(count // 2, x.shape[3] - 1) + 1):
            do.add(out[..., shift:], squares[..., :-shift], out=out[..., shift:])
        for shift in range(1, min((count - 1) // 2, x.shape[3] - 1) + 1):
            do.add(out[..., :-shift], squares[..., shift:], out=out[..., :-shift])
        do.multiply(out, number(self.options["alpha"] / count), out=out)
        do.add(out, number(self.options["k"]), out=out)
        do.call(np.power, out, number(-self.options["beta"]), out=out)
        do.multiply(x, out, out=out)
