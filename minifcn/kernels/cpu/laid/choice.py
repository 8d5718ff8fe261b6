"""Which of these kernels makes a convolution: by shapes, as `kernels/choice.py`, but for weights that are laid out already."""

from math import prod
from typing import Any

from minifcn.kernels.cpu import winograd
from minifcn.kernels.cpu.laid.strips import Finish, Layer, Pixels, Size, Windows, Winograd
from minifcn.kernels.cpu.laid.whole import Columns, Products, TileProducts, Tiles
from minifcn.kernels.windows import Pair, Window
from minifcn.kernels.winograd_matrices import PLACES, STEP

# bytes of Winograd's kernels, four times the weights: a layer with more is made by output channels, as long as its tiles are not too many
KEPT, TILES = 1 << 22, 1 << 26
LARGE = 1 << 22  # weights of a layer that has fewer pixels than channels: they are read as they lie, by output channels


def convolution(
    output: str, inputs: tuple[str, ...], source: Size, size: Pair, layer: Any, relu: bool, finished: bool = True
) -> list[Layer]:
    """The layers that make one nn.Conv2d, with its ReLU: one or two. Not `finished`: without bias and ReLU, in strips."""
    weight, window, groups = layer.weight, layer.window, layer.options["groups"]
    made, (c, o) = (*size, len(weight)), (weight.shape[1], len(weight) // groups)
    tiles, one = winograd.number_of_tiles(1, size), window == Window((1, 1))
    by_channels = groups == 1 and finished
    if by_channels and prod(size) <= o and weight.size > LARGE:
        between = inputs[0] if one else f"{output} windows"
        first: list[Layer] = [] if one else [Columns(between, inputs, source, layer, size)]
        return [*first, Products(output, (between,), made, layer, relu, source)]
    if (window.kernel, window.stride, window.dilation) == ((3, 3), (1, 1), (1, 1)) and pays(c, o, tiles, size):
        place = PLACES * weight.data.itemsize
        if by_channels and place * c * o > KEPT and place * c * tiles <= TILES:
            between = f"{output} tiles"
            transformed = Tiles(between, inputs, source, layer, size)
            return [transformed, TileProducts(output, (between,), made, layer, relu, winograd.cut(o, 32))]
        kind: Any = Winograd
    else:
        kind = Pixels if one else Windows
    result = kind(output, inputs, made, layer, source, relu)
    if not finished:
        result.finish, result.dense = Finish([], False), False
    return [result]


def pays(c: int, o: int, tiles: int, size: Pair) -> bool:
    """Whether Winograd's way has so many fewer multiplications that it wins, its kernels being transformed already."""
    transforms = tiles * PLACES * (PLACES * c + STEP**2 * o)
    return 1.3 * (transforms + tiles * PLACES * c * o) < prod(size) * 9 * c * o
