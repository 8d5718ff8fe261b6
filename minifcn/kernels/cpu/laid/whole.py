"""Layers that are not cut into rows: those with more weights than pixels go by output channels, the upsampling plane by plane."""

from math import prod
from typing import Any

import numpy as np

from minifcn.kernels.cpu import large_kernels, upsampling, winograd
from minifcn.kernels.cpu.calls import NOW, Calls
from minifcn.kernels.cpu.laid.strips import Array, Finish, Layer, Size
from minifcn.kernels.windows import Pair
from minifcn.kernels.winograd_matrices import PLACES


class Whole(Layer):
    """A layer whose job is a part of its own kind, one of `parts`, with all rows of its inputs."""

    def parts(self) -> list[Any]:
        return [None]

    def record_part(self, do: Calls, sources: list[Array], out: Array, part: Any) -> None:
        raise NotImplementedError


class Tiles(Whole):
    """Winograd's tiles of a map, transformed: (tiles, 36, C)."""

    kind = "tiles"

    def __init__(self, output: str, inputs: tuple[str, ...], source: Size, layer: Any, size: Pair) -> None:
        (self.top, _), (self.left, _) = layer.window.padding
        tiles = winograd.number_of_tiles(1, size)
        super().__init__(output, inputs, (tiles, PLACES, source[2]))
        self.blocks = winograd.blocks(1, size, winograd.tiles_a_block(source[2], tiles))
        self.work = tiles * PLACES**2 * source[2]

    def parts(self) -> list[Any]:
        return self.blocks

    def record_part(self, do: Calls, sources: list[Array], out: Array, part: winograd.Block) -> None:
        winograd.transform_tiles(do, sources[0], part, (self.top, self.left), out[0, part.numbers])


class Columns(Whole):
    """Every window of a map as a row, in the order of a kernel."""

    kind = "windows"

    def __init__(self, output: str, inputs: tuple[str, ...], source: Size, layer: Any, size: Pair) -> None:
        self.window, (self.rows, self.columns) = large_kernels.seen(layer.window, source[:2], size)
        self.shape = (1, *size, source[2], *self.window.kernel)
        super().__init__(output, inputs, (*size, prod(self.shape[3:])))

    def parts(self) -> list[Any]:
        return large_kernels.parts(self.shape[3])

    def record_part(self, do: Calls, sources: list[Array], out: Array, part: slice) -> None:
        rows = out.reshape(self.shape)[:, :, :, part]
        large_kernels.copy_windows(do, sources[0][..., part].transpose(0, 3, 1, 2), self.window, rows)


class OfChannels(Whole):
    """Some output channels a job, for all pixels: the weights are read once, and as they lie."""

    def __init__(
        self, output: str, inputs: tuple[str, ...], size: Size, layer: Any, relu: bool, cuts: list[slice]
    ) -> None:
        super().__init__(output, inputs, size)
        self.layer = layer
        self.work = prod(size[:2]) * layer.weight.size
        biases = [layer.bias] if layer.bias is not None else []
        self.cuts = [(some, Finish(biases, relu, some)) for some in cuts]

    def parts(self) -> list[Any]:
        return self.cuts

    def prepare(self) -> None:
        for _, finish in self.cuts:
            finish.prepare()


class TileProducts(OfChannels):
    """Winograd's products and outputs; the kernels are transformed where they are used."""

    kind = "conv winograd"

    def record_part(self, do: Calls, sources: list[Array], out: Array, part: tuple[slice, Finish]) -> None:
        (transformed,), (some, finish) = sources[0], part
        count, (tiles, _, c) = some.stop - some.start, transformed.shape
        kernels = do.scratch(0, (PLACES, c, count), out.dtype)
        winograd.transform_kernels(do, self.layer.weight.data[some], kernels)
        products = do.scratch(1, (tiles, PLACES, count), out.dtype)
        winograd.multiply(do, transformed, kernels, products)
        every = winograd.blocks(1, self.size[:2], tiles)
        winograd.write_outputs(do, products, every, out[..., some], finish)


class Products(OfChannels):
    """Rows, or pixels, with the weights of some channels."""

    kind = "conv"

    def __init__(self, output: str, inputs: tuple[str, ...], size: Size, layer: Any, relu: bool, source: Size) -> None:
        super().__init__(output, inputs, size, layer, relu, large_kernels.parts(size[2]))
        _, self.taps = large_kernels.seen(layer.window, source[:2], size[:2])
        self.matrix = self.seen()

    def seen(self) -> Array:
        """The weights (O, C·KH·KW) without the taps that see padding alone: a view where that is possible."""
        return self.layer.weight.data[:, :, self.taps[0], self.taps[1]].reshape(self.size[2], -1)

    def prepare(self) -> None:
        super().prepare()
        if not np.may_share_memory(self.matrix, self.layer.weight.data):
            np.copyto(self.matrix, self.seen())

    def record_part(self, do: Calls, sources: list[Array], out: Array, part: tuple[slice, Finish]) -> None:
        (some, finish), rows = part, sources[0].reshape(-1, self.matrix.shape[1])
        to = out.reshape(len(rows), -1)[:, some]
        do.matmul(rows, self.matrix[some].T, out=to)
        finish(do, to)


class Upsampling(Whole):
    """A transposed convolution with a kernel a channel. Its map lies plane by plane in memory."""

    kind = "conv_transpose"

    def __init__(self, output: str, inputs: tuple[str, ...], source: Size, layer: Any, size: Size) -> None:
        super().__init__(output, inputs, size)
        self.layer = layer
        self.grid = upsampling.Grid(layer.window, source[:2], size[:2])
        self.taps = upsampling.tap_matrix(layer.weight.data, layer.window)
        self.work = prod(self.grid.blocks) * self.taps.size

    def prepare(self) -> None:
        np.copyto(self.taps, upsampling.tap_matrix(self.layer.weight.data, self.layer.window))

    def parts(self) -> list[Any]:
        return [channels for _, channels in self.grid.jobs(1, self.size[2])]

    @property
    def planes(self) -> Size:
        """What lies in memory (C, H, W): whole blocks, some of which may hang over."""
        (bh, bw), (sh, sw) = self.grid.blocks, self.layer.window.stride
        return (self.size[2], bh * sh, bw * sw)

    def record_part(self, do: Calls, sources: list[Array], out: Array, part: slice) -> None:
        """`out`: planes (C, H, W), or an array that holds them when the time comes."""
        pixels = upsampling.paint(do, self.grid, sources[0][..., part].transpose(0, 3, 1, 2), self.taps[part])
        if isinstance(out, Later):
            do.call(lambda: upsampling.copy_runs(NOW, self.grid.split(out.array[None, part]), pixels))
        else:
            upsampling.copy_runs(do, self.grid.split(out[None, part]), pixels)


class Later:
    """Stands for an array that will be another one at each replay: the result, which belongs to the caller."""

    array: Array = None
