"""Where the boxes of a graph stand: in layers, each box above all that it goes into, no layer wider than the page.

Four steps, after Sugiyama, Tagawa & Toda 1981: choose the layers; where an arrow passes a layer, keep a place free for it; order each layer so that
few arrows cross; move the boxes to where their neighbours are.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

Key = Any  # a box as the caller calls it, or a place kept free for an arrow
Point = tuple[float, float]

GAP = 14.0  # pixels between boxes of a layer
LANE = 14.0  # for an arrow that passes
BETWEEN = 30.0  # between layers
SWEEPS = 12


class Place(NamedTuple):
    """A box: its middle x, its top y."""

    x: float
    y: float


class Plan(NamedTuple):
    """Where every box stands; for each arrow, in the order given, the points that it goes through; width and height of it all.

    Between an even point and the odd one after it an arrow runs straight down, from there to the next even one it may bend.
    """

    places: dict[Key, Place]
    routes: list[list[Point]]
    width: float
    height: float


def plan(
    sizes: Mapping[Key, tuple[float, float]],
    arrows: Sequence[tuple[Key, Key]],
    width: float,
    ways: Sequence[Key] | None = None,
) -> Plan:
    """Lay out boxes of `sizes` (width, height) with `arrows` from box to box, downwards. No arrow may lead back to where it came from.

    `ways`: for each arrow what goes along it; what is the same shares its way past other boxes. Without: all that leaves a box is the same.
    """
    ways = [source for source, _ in arrows] if ways is None else ways
    layer_of = layered(sizes, arrows, width, ways)
    count = 1 + max(layer_of.values(), default=-1)
    layers: list[list[Key]] = [[] for _ in range(count)]
    for key in sizes:
        layers[layer_of[key]].append(key)
    widths = {key: w + GAP for key, (w, _) in sizes.items()}
    chains = []
    for (source, target), way in zip(arrows, ways, strict=True):
        lanes = [("lane", source, layer, way) for layer in range(layer_of[source] + 1, layer_of[target])]
        for lane in lanes:
            if lane not in widths:
                layers[lane[2]].append(lane)
                widths[lane] = LANE
        chains.append([source, *lanes, target])
    links = list(dict.fromkeys(pair for chain in chains for pair in pairwise(chain)))
    above, below = defaultdict(list), defaultdict(list)
    for source, target in links:
        below[source].append(target)
        above[target].append(source)
    layers = ordered(layers, above, below, links)
    middles, total = columns(layers, above, below, widths, width)
    return finished(layers, chains, sizes, middles, total)


def layered(
    sizes: Mapping[Key, tuple[float, float]], arrows: Sequence[tuple[Key, Key]], width: float, ways: Sequence[Key]
) -> dict[Key, int]:
    """The layer of every box, 0 on top. Filled from the bottom: a box is placed when all that it goes into stands below.

    What is made from nothing (a parameter) comes first, close to where it is used; then whatever has the longest way behind it.
    """
    targets, sources, incoming = defaultdict(list), defaultdict(list), defaultdict(list)
    for (source, target), way in zip(arrows, ways, strict=True):
        targets[source].append(target)
        sources[target].append(source)
        incoming[target].append((source, way))
    depth = depths(sizes, sources, targets)
    waiting = {key: len(targets[key]) for key in sizes}
    ready = [key for key in sizes if not waiting[key]]
    rows: list[list[Key]] = []
    passing: dict[Key, set[Key]] = defaultdict(set)  # of boxes that are not placed yet: the ways that lead further down
    while ready:
        ready.sort(key=lambda key: (depth[key] > 0, -depth[key]))
        row: list[Key] = []
        used = LANE * sum(map(len, passing.values()))
        for key in ready:
            more = sizes[key][0] + GAP - LANE * len(passing.get(key, ()))  # its own lanes end here
            if not row or used + more <= width:
                row.append(key)
                used += more
        placed = set(row)
        ready = [key for key in ready if key not in placed]
        for key in row:
            passing.pop(key, None)
        for key in row:
            for source, way in incoming[key]:
                passing[source].add(way)
            for source in sources[key]:
                waiting[source] -= 1
                if not waiting[source]:
                    ready.append(source)
        rows.append(row)
    return {key: len(rows) - 1 - number for number, row in enumerate(rows) for key in row}


def depths(
    sizes: Mapping[Key, object], sources: Mapping[Key, list[Key]], targets: Mapping[Key, list[Key]]
) -> dict[Key, int]:
    """How many arrows lie on the longest way to each box."""
    missing = {key: len(sources[key]) for key in sizes}
    ready = [key for key in sizes if not missing[key]]
    depth = dict.fromkeys(ready, 0)
    while ready:
        key = ready.pop()
        for target in targets[key]:
            depth[target] = max(depth.get(target, 0), depth[key] + 1)
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    if any(missing.values()):
        raise ValueError("layers: the arrows lead round in a circle; a computation cannot")
    return depth


def ordered(
    layers: list[list[Key]], above: Mapping[Key, list[Key]], below: Mapping[Key, list[Key]], links: Sequence[tuple[Key, Key]]
) -> list[list[Key]]:  # fmt: skip
    """The layers in an order with few crossings: down and up again, each box to the mean of its neighbours; the best is kept."""
    best, fewest = layers, crossings(layers, links)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        layers = [list(layer) for layer in layers]
        down = sweep % 2 == 0
        near, order = (above, range(1, len(layers))) if down else (below, range(len(layers) - 2, -1, -1))
        for number in order:
            fixed = {key: place for place, key in enumerate(layers[number - 1 if down else number + 1])}
            place = {key: float(at) for at, key in enumerate(layers[number])}
            wish = {
                key: sum(fixed[other] for other in near[key]) / len(near[key]) if near[key] else place[key]
                for key in layers[number]
            }
            layers[number].sort(key=wish.__getitem__)
        count = crossings(layers, links)
        if count < fewest:
            best, fewest = layers, count
    return best


def crossings(layers: Sequence[Sequence[Key]], links: Sequence[tuple[Key, Key]]) -> int:
    """How many pairs of arrows cross between neighbouring layers."""
    place = {key: (number, at) for number, layer in enumerate(layers) for at, key in enumerate(layer)}
    gaps = defaultdict(list)
    for source, target in links:
        number, at = place[source]
        gaps[number].append((at, place[target][1]))
    count = 0
    for pairs in gaps.values():
        pairs.sort()
        count += sum(a[1] > b[1] and a[0] < b[0] for i, a in enumerate(pairs) for b in pairs[i + 1 :])
    return count


def columns(
    layers: Sequence[Sequence[Key]], above: Mapping[Key, list[Key]], below: Mapping[Key, list[Key]], widths: Mapping[Key, float], most: float
) -> tuple[dict[Key, float], float]:  # fmt: skip
    """The middle x of every box and lane, and the width of it all: `most`, or more where a layer alone needs it."""
    needed = max((sum(widths[key] for key in layer) for layer in layers), default=0.0)
    total = max(most, needed)
    middles: dict[Key, float] = {}
    for layer in layers:
        spaced(layer, dict.fromkeys(layer, total / 2), widths, total, middles)
    for sweep in range(2 * SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            wish = {}
            for key in layer:
                near = above[key] if down else below[key]
                near = near or [*above[key], *below[key]]
                wish[key] = sum(middles[other] for other in near) / len(near) if near else middles[key]
            spaced(layer, wish, widths, total, middles)
    left = min((x - widths[key] / 2 for key, x in middles.items()), default=0.0)
    right = max((x + widths[key] / 2 for key, x in middles.items()), default=0.0)
    return {key: x - left for key, x in middles.items()}, right - left


def spaced(
    layer: Sequence[Key], wish: Mapping[Key, float], widths: Mapping[Key, float], total: float, middles: dict[Key, float]
) -> None:  # fmt: skip
    """Set `middles` of a layer as near to `wish` as order and widths allow: the least sum of squares (pool adjacent violators)."""
    offsets, end = [], 0.0
    for key in layer:
        offsets.append(end + widths[key] / 2)
        end += widths[key]
    blocks: list[list[float]] = []  # sum of the wishes, count: each block stands as one
    for key, offset in zip(layer, offsets, strict=True):
        blocks.append([wish[key] - offset, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            last = blocks.pop()
            blocks[-1] = [blocks[-1][0] + last[0], blocks[-1][1] + last[1]]
    shifts = [value / count for value, count in blocks for _ in range(int(count))]
    for key, offset, shift in zip(layer, offsets, shifts, strict=True):
        middles[key] = offset + min(max(shift, 0.0), total - end)


def finished(
    layers: Sequence[Sequence[Key]], chains: Sequence[Sequence[Key]], sizes: Mapping[Key, tuple[float, float]],
    middles: Mapping[Key, float], width: float,
) -> Plan:  # fmt: skip
    """Rows below one another, boxes in the middle of their row; arrows leave and enter a box side by side."""
    places, band, y = {}, {}, 0.0
    for layer in layers:
        height = max((sizes[key][1] for key in layer if key in sizes), default=0.0)
        for key in layer:
            band[key] = (y, y + height)
            if key in sizes:
                places[key] = Place(middles[key], y + (height - sizes[key][1]) / 2)
        y += height + BETWEEN
    leaving = ports(chains, sizes, middles, 0)
    entering = ports(chains, sizes, middles, -1)
    routes = []
    for number, chain in enumerate(chains):
        source, *lanes, target = chain
        out, into = leaving[number], entering[number]
        points = [(out, places[source].y + sizes[source][1]), (out, band[source][1])]
        for lane in lanes:
            points += [(middles[lane], band[lane][0]), (middles[lane], band[lane][1])]
        routes.append([*points, (into, band[target][0]), (into, places[target].y)])
    return Plan(places, routes, width, max(0.0, y - BETWEEN))


def ports(
    chains: Sequence[Sequence[Key]], sizes: Mapping[Key, tuple[float, float]], middles: Mapping[Key, float], end: int
) -> dict[int, float]:
    """x at which each arrow touches the box at its `end` (0 where it leaves, -1 where it enters), in the order of where they come from.

    Arrows that leave into one lane leave together.
    """
    at: dict[Key, dict[Key, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, chain in enumerate(chains):
        near = chain[1] if end == 0 else chain[-2]
        together = end == 0 and near not in sizes
        at[chain[end]][(near, 0 if together else number)].append(number)
    found = {}
    for key, groups in at.items():
        step = min(24.0, (sizes[key][0] - 20) / len(groups))
        for place, group in enumerate(sorted(groups, key=lambda group: middles[group[0]])):
            for number in groups[group]:
                found[number] = middles[key] + step * (place - (len(groups) - 1) / 2)
    return found
