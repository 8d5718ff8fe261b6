"""A plan: the calls of a network's forward for one shape of pictures, taken down once, replayed as often as wanted."""

import time
from collections import deque
from math import prod
from typing import Any

import numpy as np

from minifcn.kernels import threads
from minifcn.kernels.cpu import memory
from minifcn.kernels.cpu.calls import Record
from minifcn.models.fcn import FCN
from minifcn.models.steps import PICTURE
from minifcn.plans.cutting import Segment, segments
from minifcn.plans.layers import Array
from minifcn.plans.network import Network
from minifcn.plans.whole import Later, Upsampling, Whole


class Maps:
    """The maps of one picture that more than one segment reads, in a few arenas: where a map is not needed any more, another one lies."""

    def __init__(self, network: Network, parts: list[Segment], dtype: Any) -> None:
        self.network, self.later = network, Later()
        read = {network.base(name)[0]: k for k, each in enumerate(parts) for layer in each.layers for name in layer.inputs}
        sizes: list[int] = []
        places: dict[str, int] = {}
        free: list[int] = []
        shapes = {PICTURE: network.sizes[PICTURE]}
        for number, segment in enumerate([None, *parts[:-1]]):
            name = segment.last.output if segment else PICTURE
            if segment:
                last = segment.last
                shapes[name] = last.planes if isinstance(last, Upsampling) else last.size
            wanted = prod(shapes[name])
            free.sort(key=lambda k: abs(sizes[k] - wanted))
            place = free.pop(0) if free else len(sizes)
            if place == len(sizes):
                sizes.append(0)
            sizes[place] = max(sizes[place], wanted)
            places[name] = place
            done = [each for each in places if read.get(each, -1) <= number - 1]
            for each in done:
                free.append(places.pop(each))
            shapes[name] = (*shapes[name], place)  # type: ignore[assignment]
        self.arenas = [np.empty(size, dtype) for size in sizes]
        self.memory = {
            name: self.arenas[place][: prod(shape)].reshape(shape) for name, (*shape, place) in shapes.items()
        }
        self.planes = {s.last.output for s in parts if isinstance(s.last, Upsampling)}
        self.last = parts[-1].last.output

    def target(self, name: str) -> Any:
        """What a whole layer writes to."""
        if name == self.last:
            return self.later
        return self.memory[name] if name in self.planes else self.memory[name][None]

    def array(self, name: str) -> Array:
        """(1, H, W, C)"""
        memory = self.memory[name]
        if name not in self.planes:
            return memory[None]
        h, w, _ = self.network.sizes[name]
        return memory[:, :h, :w].transpose(1, 2, 0)[None]


class Lane:
    """What belongs to one thread while it works: scratch memory, and its records."""

    def __init__(self) -> None:
        self.slots: dict[Any, np.ndarray] = {}
        self.records: dict[tuple[int, int], list[Any]] = {}


class Plan:
    def __init__(self, model: FCN, shape: tuple[int, ...]) -> None:
        self.shape = tuple(shape)
        self.dtype = next(model.parameters()).dtype
        self.network = Network(model, self.shape)
        self.segments = segments(self.network)
        self.lanes: list[Lane] = []
        self.maps: list[Maps] = []

    def __call__(self, pictures: Array) -> Array:
        n, (h, w, c) = len(pictures), self.network.sizes[self.network.layers[-1].output]
        last = self.network.layers[-1]
        result = memory.empty((n, *last.planes), self.dtype)
        view = self.network.scores
        number = min(threads.get_num_threads(), 8)
        while len(self.lanes) < number:
            self.lanes.append(Lane())
        together = n // number * number if number > 1 else n
        needed = number if together else 1
        while len(self.maps) < needed:
            self.maps.append(Maps(self.network, self.segments, self.dtype))

        if together:
            waiting = deque(range(together))

            def pictures_of(lane: int) -> None:
                maps = self.maps[lane]
                while waiting:
                    try:
                        k = waiting.popleft()
                    except IndexError:
                        return
                    np.copyto(maps.memory[PICTURE], pictures[k].transpose(1, 2, 0))
                    maps.later.array = result[k]
                    for i, segment in enumerate(self.segments):
                        for j in range(len(segment.parts)):
                            for call in self.calls(lane, lane, i, j):
                                call()

            threads.run(pictures_of, range(number))
        for k in range(together, n):
            self.one(pictures[k], result[k], number)
        return result[:, :, view.rows, view.columns]

    def one(self, picture: Array, result: Array, number: int) -> None:
        maps = self.maps[0]
        np.copyto(maps.memory[PICTURE], picture.transpose(1, 2, 0))
        maps.later.array = result
        waiting = [deque(range(len(segment.parts))) for segment in self.segments]
        done: list[list[int]] = [[] for _ in self.segments]
        failed: list[bool] = []

        def strips_of(lane: int) -> None:
            try:
                for i, segment in enumerate(self.segments):
                    while waiting[i]:
                        try:
                            j = waiting[i].popleft()
                        except IndexError:
                            break
                        for call in self.calls(lane, 0, i, j):
                            call()
                        done[i].append(j)
                    while len(done[i]) < len(segment.parts):
                        if failed:
                            return
                        time.sleep(0)
            except BaseException:
                failed.append(True)
                raise

        threads.run(strips_of, range(number))

    def calls(self, lane: int, maps: int, i: int, j: int) -> list[Any]:
        own = self.lanes[lane]
        key = (maps, i, j)
        if key not in own.records:
            own.records[key] = self.record(own, self.maps[maps], self.segments[i], self.segments[i].parts[j])
        return own.records[key]

    def record(self, lane: Lane, maps: Maps, segment: Segment, part: Any) -> list[Any]:
        do = Record(lane.slots)
        last = segment.last
        if isinstance(last, Whole):
            last.record_part(do, [maps.array(name) for name in last.inputs], maps.target(last.output), part)
            return do.calls
        network, wanted = self.network, segment.rows(part)
        made: dict[str, Array] = {}
        slot = 0

        def place(name: str) -> Array:
            nonlocal slot
            if name in made:
                return made[name]
            if name in network.places:
                join, some = network.places[name]
                made[name] = place(join)[..., some]
            elif name == last.output:
                made[name] = maps.array(name)[:, part]
            else:
                rows = wanted[name]
                _, w, c = network.sizes[name]
                made[name] = do.scratch(("map", slot), (1, rows.stop - rows.start, w, c), self.dtype)
                slot += 1
            return made[name]

        def source(name: str, rows: slice) -> Array:
            base, rows = network.base(name, rows)
            if base in made:
                first = wanted[base].start
                array = made[base][:, rows.start - first : rows.stop - first]
            else:
                array = maps.array(base)[:, rows]
            return array[:, :, network.views[name].columns] if name in network.views else array

        for layer in segment.layers:
            rows = wanted[layer.output]
            seen = layer.needs(rows)
            sources = [source(name, seen) for name in layer.inputs]
            top = seen.start - layer.first(rows) if hasattr(layer, "first") else 0
            layer.record(do, sources, place(layer.output), top)
        return do.calls
