"""Which layers are made together, a strip of rows at a time, and where their maps lie."""

from typing import Any

from minifcn.plans.layers import Layer
from minifcn.plans.network import Network
from minifcn.plans.whole import Whole

# All in multiplications: what a strip should have at least, since to hand it to a thread costs as much as
LEAST = 3_000_000
MEETING = 3_000_000  # what it costs when all threads wait for each other
NEAR = 1 << 20  # bytes of a strip's maps: about a core's L2 cache
PIECES = 4  # strips, where there is work for so many; a fixed number, so that threads change no result


class Segment:
    """Layers that a job runs one after the other: on a strip of rows, all but the last map in the thread's own memory; or one whole layer."""

    def __init__(self, network: Network, layers: list[Layer]) -> None:
        self.network, self.layers, self.last = network, layers, layers[-1]
        self.parts: list[Any] = self.last.parts() if isinstance(self.last, Whole) else self.strips()

    @property
    def reads(self) -> list[str]:
        return [name for layer in self.layers for name in layer.inputs]

    def strips(self) -> list[slice]:
        """The rows of the last map, cut: the same for any number of threads."""
        height = self.last.size[0]
        near = sum(layer.size[0] * layer.size[1] * layer.size[2] for layer in self.layers) * 4 // NEAR
        work = sum(layer.work for layer in self.layers)
        count = max(min(PIECES, work // LEAST) // 2 * 2, near, 1)
        step = -(-height // count)
        unit = max(layer.rows_a_step for layer in self.layers)
        if step > unit:
            step = -(-step // unit) * unit
        return [slice(start, min(start + step, height)) for start in range(0, height, step)]

    def rows(self, part: slice) -> dict[str, slice]:
        """The rows of every map here that this strip of the last one needs."""
        wanted = {self.last.output: part}
        for layer in reversed(self.layers):
            seen = layer.needs(wanted[layer.output])
            for each in layer.inputs:
                name, some = self.network.base(each, seen)
                before = wanted.get(name, some)
                wanted[name] = slice(min(before.start, some.start), max(before.stop, some.stop))
        return wanted

    def twice(self) -> float:
        """Multiplications for rows that more than one strip makes."""
        total = 0.0
        for part in self.parts:
            wanted = self.rows(part)
            total += sum(
                layer.work * (wanted[layer.output].stop - wanted[layer.output].start) / layer.size[0]
                for layer in self.layers
            )
        return total - sum(layer.work for layer in self.layers)


def segments(network: Network) -> list[Segment]:
    """Each as long as may be: until a map that is needed later too, or until what is made twice costs more than to meet once more."""
    layers, result, start = network.layers, [], 0
    last_read = {network.base(name)[0]: number for number, layer in enumerate(layers) for name in layer.inputs}
    while start < len(layers):
        best = None
        for stop in range(start + 1, len(layers) + 1):
            some = layers[start:stop]
            if len(some) > 1 and any(isinstance(layer, Whole) for layer in some):
                break
            if (
                any(last_read.get(layer.output, stop) >= stop for layer in some[:-1])
                or some[-1].output in network.places
            ):
                continue
            longer = Segment(network, some)
            if best and longer.twice() > best.twice() + MEETING:
                break
            best = longer
        if best is None:
            raise ValueError(f"plan: what begins with {layers[start].output} cannot be cut into strips")
        result.append(best)
        start += len(best.layers)
    return result
