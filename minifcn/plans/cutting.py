"""Which layers are made together, a strip of rows at a time, and where their maps lie."""

from functools import cached_property
from math import prod
from typing import Any

from minifcn.kernels.cpu.laid.whole import Whole
from minifcn.plans.network import Network

# in multiplications: what a strip should have at least, and what it costs when all threads wait for each other
LEAST, MEETING = 6_000_000, 3_000_000
PIXELS = 16  # of a strip: fewer read the weights for too little
NEAR = 1 << 20  # bytes of a strip's maps: about a core's L2 cache
PIECES = 4  # strips, where there is work for so many; a fixed number, so that threads change no result


class Segment:
    """Layers that a job runs one after the other, on a strip of rows; or one whole layer. `outputs`: the maps that later layers read; all others
    lie in the thread's own memory."""

    def __init__(self, network: Network, start: int, stop: int) -> None:
        self.network, self.start, self.layers = network, start, network.layers[start:stop]
        self.last = self.layers[-1]
        self.outputs = [layer for layer in self.layers if layer is self.last or network.last_read[layer.output] >= stop]
        self.parts: list[Any] = self.last.parts() if isinstance(self.last, Whole) else self.strips()

    def strips(self) -> list[slice]:
        """The rows of the last map, cut: the same for any number of threads."""
        height = self.last.size[0]
        unit = max(layer.rows_a_step for layer in self.layers)
        near = sum(prod(layer.size) for layer in self.layers) * 4 // NEAR
        work = sum(layer.work for layer in self.layers)
        units = -(-height // unit)
        enough = work > LEAST and prod(self.last.size[:2]) >= 2 * PIXELS
        # an even number, so that nobody waits for an odd one
        count = 2 * max(min(PIECES, work // LEAST, units // 2) // 2 if enough else 0, -(-near // 2), enough) or 1
        step = -(-units // count) * unit
        return [slice(start, min(start + step, height)) for start in range(0, height, step)]

    @cached_property
    def wanted(self) -> list[dict[str, slice]]:
        return [self.rows(part) for part in self.parts]

    def rows(self, part: slice) -> dict[str, slice]:
        """The rows of every map here that this strip of the last one needs."""
        wanted = {layer.output: part for layer in self.outputs}
        for layer in reversed(self.layers):
            seen = layer.needs(wanted[layer.output])
            for each in layer.inputs:
                name, some = self.network.base(each, seen)
                before = wanted.get(name, some)
                wanted[name] = slice(min(before.start, some.start), max(before.stop, some.stop))
        return wanted

    @cached_property
    def twice(self) -> float:
        """Multiplications for rows that more than one strip makes."""
        made = [[rows[layer.output] for rows in self.wanted] for layer in self.layers]
        return sum(
            layer.work * (sum(some.stop - some.start for some in strips) / layer.size[0] - 1)
            for layer, strips in zip(self.layers, made, strict=True)
        )

    def unfinished(self) -> bool:
        """Whether it ends before a joined map is whole."""
        return any(layer.output in self.network.places for layer in self.outputs)

    def possible(self) -> bool:
        """Whether each strip makes the same rows of all outputs, and no row of one is made twice."""
        strips = zip(self.parts, self.wanted, strict=True)
        alike = len({layer.size[0] for layer in self.outputs}) == 1
        return alike and all(rows[layer.output] == part for part, rows in strips for layer in self.outputs)


def segments(network: Network) -> list[Segment]:
    """Each as long as may be, as long as what is made twice costs less than to meet once more."""
    result: list[Segment] = []
    start = 0
    while start < len(network.layers):
        best = None
        for stop in range(start + 1, len(network.layers) + 1):
            longer = Segment(network, start, stop)
            if best and any(isinstance(layer, Whole) for layer in longer.layers):
                break
            if longer.unfinished():
                continue
            if best and not (longer.possible() and longer.twice <= best.twice + MEETING):
                break
            best = longer
        if best is None:
            raise ValueError(f"plan: what begins with {network.layers[start].output} cannot be cut into strips")
        result.append(best)
        start += len(best.layers)
    return result
