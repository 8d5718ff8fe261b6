"""The calls of a plan, taken down where they are first made and then made again: memory for maps, a lane for each thread."""

import weakref
from collections import defaultdict, deque
from typing import Any

import numpy as np

from minifcn.kernels import stages, threads
from minifcn.kernels.cpu.calls import Record
from minifcn.kernels.cpu.laid.whole import Whole
from minifcn.kernels.cpu.memory import Scratch
from minifcn.models.steps import PICTURE
from minifcn.plans.cutting import Segment
from minifcn.plans.maps import Array, Maps
from minifcn.plans.network import Network

KEPT = 20_000  # calls of a lane; of a large picture more are taken down again each time, which costs little beside them


class Workspace:
    """What is written to, for one caller at a time; all plans of a model use it in turns.

    `scratch`: memory of each thread, ("lane", number), and for the maps of each picture that is made at once, ("maps", number); `replays`: what
    was taken down there, by plan.
    """

    def __init__(self) -> None:
        self.scratch: defaultdict[tuple[str, int], Scratch] = defaultdict(Scratch)
        self.replays: weakref.WeakKeyDictionary[Any, Replay] = weakref.WeakKeyDictionary()

    def run(self, plan: Any, pictures: Array, result: Array) -> None:
        replay, before = self.replays.get(plan), self.grown
        if replay is None or replay.network is not plan.network:
            replay = Replay(plan.network, plan.segments, plan.dtype)
        replay.run(self, pictures, result)
        if self.grown != before:
            self.replays.clear()  # they hold on to the smaller memory
        self.replays[plan] = replay

    @property
    def grown(self) -> int:
        return sum(each.grown for each in self.scratch.values())


class Lane:
    """What one thread at a time works with: scratch memory, and records of parts, by the number of the maps they are for."""

    def __init__(self, network: Network, segments: list[Segment], dtype: Any, scratch: Scratch) -> None:
        self.network, self.segments, self.dtype, self.scratch = network, segments, dtype, scratch
        self.forget()

    def forget(self) -> None:
        self.records: dict[tuple[int, int, int], list[Any]] = {}
        self.kept, self.grown = 0, self.scratch.grown

    def make(self, maps: Maps, part: tuple[int, int, int]) -> None:
        """Make the calls of a part: the number of its maps, of its segment, and its own there."""
        calls = self.records.get(part)
        if calls is None:
            segment = self.segments[part[1]]
            calls = self.taken_down(maps, segment, segment.parts[part[2]])
            if self.grown != self.scratch.grown:  # what was taken down before holds on to the smaller memory
                self.forget()
            self.kept += len(calls)
            if self.kept <= KEPT:
                self.records[part] = calls
        for call in calls:
            call()

    def taken_down(self, maps: Maps, segment: Segment, part: Any) -> list[Any]:
        do, last, network = Record(self.scratch), segment.last, self.network
        if isinstance(last, Whole):
            last.record_part(do, [maps.array(name) for name in last.inputs], maps.target(last.output), part)
            return do.calls
        rows = segment.rows(part)
        made = {layer.output: maps.array(layer.output)[:, part] for layer in segment.outputs}
        for number, layer in enumerate(segment.layers):
            if layer.output not in made:
                made[layer.output] = self.room(do, made, rows, layer.output, number)
            seen, sources = layer.needs(rows[layer.output]), []
            for name in layer.inputs:
                base, some = network.base(name, seen)
                there, first = (made[base], rows[base].start) if base in made else (maps.array(base), 0)
                columns = network.views[name].columns if name in network.views else slice(None)
                sources.append(there[:, some.start - first : some.stop - first, columns])
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


class Replay:
    """The calls of one plan in one workspace."""

    def __init__(self, network: Network, segments: list[Segment], dtype: Any) -> None:
        self.network, self.segments, self.dtype = network, segments, dtype
        self.maps: list[Maps] = []
        self.lanes: list[Lane] = []

    def run(self, workspace: Workspace, pictures: Array, result: Array) -> None:
        """As many pictures at once as there are threads, each by one; those that are left by all threads together, strip by strip."""
        count = threads.get_num_threads()
        apart = len(pictures) // count * count
        plan = self.network, self.segments, self.dtype
        self.maps += [Maps(*plan, workspace.scratch["maps", k]) for k in range(len(self.maps), count if apart else 1)]
        self.lanes += [Lane(*plan, workspace.scratch["lane", k]) for k in range(len(self.lanes), count)]
        waiting, parts = deque(range(apart)), [len(each.parts) for each in self.segments]

        def whole_pictures(lane: int) -> None:
            for number in stages.taken(waiting):
                self.begin(lane, pictures[number], result[number])
                for segment, some in enumerate(parts):
                    for part in range(some):
                        self.lanes[lane].make(self.maps[lane], (lane, segment, part))

        if waiting:
            threads.run(whole_pictures, range(count))
        for number in range(apart, len(pictures)):
            self.begin(0, pictures[number], result[number])
            stages.run(lambda lane, *part: self.lanes[lane].make(self.maps[0], (0, *part)), parts, count)
        for maps in self.maps:
            maps.later.array = None  # the result is the caller's alone

    def begin(self, which: int, picture: Array, result: Array) -> None:
        for channel, values in enumerate(picture):  # one by one takes a third of the time of all at once
            np.copyto(self.maps[which].memory(PICTURE)[..., channel], values)
        self.maps[which].later.array = result
