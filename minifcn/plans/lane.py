"""What a thread does of a plan: the calls of each part, taken down when it is first its turn."""

from typing import Any

import numpy as np

from minifcn.kernels.cpu.calls import Record
from minifcn.plans.cutting import Segment
from minifcn.plans.layers import Array
from minifcn.plans.maps import Maps
from minifcn.plans.network import Network
from minifcn.plans.whole import Whole

KEPT = 20_000  # calls of a lane; of a large picture more are taken down again each time, which costs little beside them


class Lane:
    """One thread at a time uses it: scratch memory of its own, and its records of parts, by the maps they are for."""

    def __init__(self, network: Network, segments: list[Segment], dtype: Any) -> None:
        self.network, self.segments, self.dtype = network, segments, dtype
        self.slots: dict[Any, np.ndarray] = {}
        self.records: dict[tuple[int, int, int], list[Any]] = {}
        self.kept = 0

    def replay(self, maps: list[Maps], which: int, segment: int, part: int) -> None:
        """Make the calls of a part, for the maps of that number."""
        calls = self.records.get((which, segment, part))
        if calls is None:
            calls = self.taken_down(maps[which], self.segments[segment], self.segments[segment].parts[part])
            self.kept += len(calls)
            if self.kept <= KEPT:
                self.records[which, segment, part] = calls
        for call in calls:
            call()

    def taken_down(self, maps: Maps, segment: Segment, part: Any) -> list[Any]:
        do, last, network = Record(self.slots), segment.last, self.network
        if isinstance(last, Whole):
            sources = [maps.array(name) for name in last.inputs]
            last.record_part(do, sources, maps.target(last.output), part)
            return do.calls
        rows = segment.rows(part)
        made = {layer.output: maps.array(layer.output)[:, part] for layer in segment.outputs}
        for number, layer in enumerate(segment.layers):
            if layer.output not in made:
                made[layer.output] = self.room(do, made, rows, layer.output, number)
            seen = layer.needs(rows[layer.output])
            sources = []
            for name in layer.inputs:
                base, some = network.base(name, seen)
                there = made[base] if base in made else maps.array(base)
                first = rows[base].start if base in made else 0
                sources.append(part_of(there[:, some.start - first : some.stop - first], network, name))
            layer.record(do, sources, made[layer.output], seen.start - layer.first(rows[layer.output]))
        return do.calls

    def room(self, do: Record, made: dict[str, Array], rows: dict[str, slice], name: str, number: int) -> Array:
        """Memory for some rows of a map of this lane's own, or its place in the joined map."""
        if name in self.network.places:
            join, channels = self.network.places[name]
            if join not in made:
                made[join] = self.room(do, made, rows, join, number)
            return made[join][..., channels]
        _, w, c = self.network.sizes[name]
        return do.scratch(("map", number), (1, rows[name].stop - rows[name].start, w, c), self.dtype)

    @property
    def bytes(self) -> int:
        return sum(memory.nbytes for memory in self.slots.values())


def part_of(array: Array, network: Network, name: str) -> Array:
    """The columns, and of a whole map the rows, that a view of it has."""
    return array[:, :, network.views[name].columns] if name in network.views else array
