"""Where the maps of one picture lie."""

from math import prod
from typing import Any

import numpy as np

from minifcn.models.steps import PICTURE
from minifcn.plans.cutting import Segment
from minifcn.plans.layers import Array
from minifcn.plans.network import Network
from minifcn.plans.whole import Later, Upsampling


class Maps:
    """The picture, and every map that one segment makes and another reads, in a few arenas: where one is not needed any more, the next lies.

    `later` stands for the last map, which is the caller's.
    """

    def __init__(self, network: Network, segments: list[Segment], dtype: Any) -> None:
        self.sizes, self.later = network.sizes, Later()
        self.shapes: dict[str, tuple[int, ...]] = {PICTURE: network.sizes[PICTURE]}
        made = {layer.output: number for number, part in enumerate(segments[:-1]) for layer in part.outputs}
        self.in_planes = {layer.output for layer in network.layers[:-1] if isinstance(layer, Upsampling)}
        for layer in network.layers:
            if layer.output in made:
                self.shapes[layer.output] = layer.planes if isinstance(layer, Upsampling) else layer.size
        read = {network.base(each)[0]: number for number, part in enumerate(segments) for each in part.reads}
        arenas: list[int] = []  # numbers in each
        free: list[int] = []
        self.places: dict[str, int] = {}
        held: list[str] = []
        for name, shape in self.shapes.items():
            # what only segments before the one that makes this map read is done with
            done = [each for each in held if read.get(each, -1) < made.get(name, -1)]
            free += [self.places[each] for each in done]
            held = [each for each in held if each not in done] + [name]
            wanted = prod(shape)
            place = min(free, key=lambda each: abs(arenas[each] - wanted), default=len(arenas))
            if place == len(arenas):
                arenas.append(0)
            else:
                free.remove(place)
            arenas[place] = max(arenas[place], wanted)
            self.places[name] = place
        self.arenas = [np.empty(size, dtype) for size in arenas]

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

    @property
    def bytes(self) -> int:
        return sum(arena.nbytes for arena in self.arenas)
