"""The first reading of a network: shapes alone. It says which parameters there are, what each layer costs, and where its input comes from."""

from math import prod
from typing import Any, NamedTuple

from minifcn.kernels.windows import Window, same_padding
from minifcn.ops import flops

Shape = tuple[int, int, int, int]


class Map(NamedTuple):
    """A picture that is nothing but its shape; `needs`: it wants a gradient, so it is not the input of the network."""

    shape: Shape
    needs: bool


class Call(NamedTuple):
    """A layer as it was called, with the shape it was called on."""

    kind: str
    name: str
    x: Map
    arguments: tuple[Any, ...]
    flops: int


class Shapes:
    """Follows a network's calls. FLOPs are those of the products, a multiply-add counts two; the rest is small beside them."""

    def __init__(self) -> None:
        self.parameters: dict[str, tuple[int, ...]] = {}  # trained ones, by name
        self.upsampling: dict[str, tuple[int, int]] = {}  # fixed bilinear kernels: channels, size
        self.calls: list[Call] = []
        self.forward_flops = self.backward_flops = 0
        self.floats = 0  # numbers in all maps

    def conv(self, name: str, x: Map, channels: int, kernel: int, padding: int = 0, stride: int = 1) -> Map:
        weight = (channels, x.shape[1], kernel, kernel)
        self.parameters |= {f"{name}.weight": weight, f"{name}.bias": (channels,)}
        window = Window((kernel, kernel), (stride, stride), ((padding, padding), (padding, padding)))
        y = (x.shape[0], channels, *window.output_size(x.shape[2:]))
        # backward: the weight's gradient is one product of this size, the input's another
        count = flops.conv2d((x.shape, weight), y)
        return self.note("conv", name, x, (channels, kernel, padding, stride), y, count, 1 + x.needs)

    def upsample(self, name: str, x: Map, factor: int, padding: int) -> Map:
        n, c, h, w = x.shape
        weight = (c, 1, 2 * factor, 2 * factor)
        self.upsampling[f"{name}.weight"] = (c, 2 * factor)
        window = Window(weight[2:], (factor, factor), ((padding, padding), (padding, padding)))
        y = (n, c, *window.transposed_size((h, w)))
        return self.note("upsample", name, x, (factor, padding), y, flops.conv_transpose2d((x.shape, weight), y), 1)

    def max_pool(self, name: str, x: Map, kernel: int, stride: int) -> Map:
        window = Window((kernel, kernel), (stride, stride), same_padding((1, 1), (1, 1)))
        y = (*x.shape[:2], *window.ceil_output_size(x.shape[2:]))
        return self.note("max_pool", name, x, (kernel, stride), y, 0, 0)

    def loss(self, name: str, x: Map) -> Map:
        return self.note("loss", name, x, (), x.shape, 0, 0)

    def note(self, kind: str, name: str, x: Map, arguments: tuple[Any, ...], y: Shape, count: int, back: int) -> Map:
        """Write a call down; `back` products of the same size make its backward."""
        self.calls.append(Call(kind, name, x, arguments, count))
        self.forward_flops += count
        self.backward_flops += count * back
        self.floats += prod(y)
        return Map(y, True)

    def relu(self, x: Map) -> Map:
        self.floats += prod(x.shape)
        return x

    def add(self, a: Map, b: Map) -> Map:
        return a

    def concat(self, maps: list[Map]) -> Map:
        n, _, h, w = maps[0].shape
        return Map((n, sum(part.shape[1] for part in maps), h, w), True)

    def crop(self, x: Map, offset: int, size: tuple[int, int]) -> Map:
        return Map((*x.shape[:2], *size), x.needs)

    def size(self, x: Map) -> tuple[int, int]:
        return x.shape[2:]


def plan(network: Any, shape: Shape, needs: bool = False) -> Shapes:
    """What `network` does with an input of `shape`."""
    shapes = Shapes()
    network.run(shapes, Map(shape, needs))
    return shapes
