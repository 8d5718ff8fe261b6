"""Where the maps of one picture lie."""

from math import prod
from typing import Any

from minifcn.kernels.cpu.laid.strips import Array
from minifcn.kernels.cpu.laid.whole import Later, Upsampling
from minifcn.kernels.cpu.memory import Scratch
from minifcn.models.steps import PICTURE
from minifcn.plans.cutting import Segment
from minifcn.plans.network import Network


class Maps:
    """The picture, and every map that one segment makes and another reads, in a few arenas: where one is not needed any more, the next lies.

    `later` stands for the last map, which is the caller's.
    """

    def __init__(self, network: Network, segments: list[Segment], dtype: Any, scratch: Scratch) -> None:
        self.sizes, self.later = network.sizes, Later()
        self.in_planes = {layer.output for layer in network.layers[:-1] if isinstance(layer, Upsampling)}
        self.shapes: dict[str, tuple[int, ...]] = {PICTURE: network.sizes[PICTURE]}
        self.places = {PICTURE: 0}
        arenas = [prod(self.shapes[PICTURE])]  # numbers in each
        for segment in segments[:-1]:
            for layer in segment.outputs:
                shape = layer.planes if isinstance(layer, Upsampling) else layer.size
                # where a map lies that this segment or a later one reads, or that it makes
                taken = {place for name, place in self.places.items() if network.last_read[name] >= segment.start}
                free = sorted(set(range(len(arenas))) - taken, key=lambda place: abs(arenas[place] - prod(shape)))
                place = free[0] if free else len(arenas)
                arenas += [0] * (place == len(arenas))
                arenas[place] = max(arenas[place], prod(shape))
                self.shapes[layer.output], self.places[layer.output] = shape, place
        self.arenas = [scratch(place, (size,), dtype) for place, size in enumerate(arenas)]

    def memory(self, name: str) -> Array:
        """As the map lies: (H, W, C), or (C, H, W) and whole blocks where it was upsampled."""
        shape = self.shapes[name]
        return self.arenas[self.places[name]][: prod(shape)].reshape(shape)

    def target(self, name: str) -> Any:
        """What a whole layer writes to."""
        if name not in self.shapes:
            return self.later
        return self.memory(name) if name in self.in_planes else self.memory(name)[None]

    def array(self, name: str) -> Array:
        """(1, H, W, C)"""
        if name not in self.in_planes:
            return self.memory(name)[None]
        h, w, _ = self.sizes[name]
        return self.memory(name)[:, :h, :w].transpose(1, 2, 0)[None]
