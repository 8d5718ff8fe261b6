"""Where pixels land in a whole network: receptive field, size and crop of every map by its name, without running it. Paper section 3.

`field_of` and `fields`: what a layer sees, its stride and where it lies; `seen`: which pixels can change one cell; `sizes`: how large the maps are;
`crops`, `crops_fit`: what is cut off, and whether it reaches; `least_padding`. Single layers are in field.py.
"""

from collections.abc import Sequence
from copy import copy
from typing import Any, NamedTuple

from minifcn.kernels.windows import Pair, Size, pair
from minifcn.models.geometry.field import Field, along, inputs_of, output_size
from minifcn.models.geometry.maps import PICTURE, Map, Net, ancestors, find, maps_of


def fields(model: Net) -> dict[str, Field]:
    """What one cell of each map sees, by the map's name. `model` as in `maps.maps_of`.

    Where maps are joined it is the wider of them: they lie on one another, or the network could not have been built.
    """
    found = {PICTURE: Field()}
    for each in maps_of(model):
        if each.layer is not None:
            found[each.name] = found[each.sources[0]].through([each.layer])
        else:
            cut = [found[s].cropped(offset) for s, offset in zip(each.sources, each.offsets, strict=True)]
            found[each.name] = max(cut, key=lambda one: one.size)
    del found[PICTURE]
    return found


def field_of(model: Net, name: str) -> Field:
    """Receptive field, stride and centre of the map `name`: "pool3", "score_fr", "upscore_16s", "fuse_pool4", "score" …"""
    maps = maps_of(model)
    wanted = ancestors(maps, find(maps, name).name)
    return fields([each for each in maps if each.name in wanted])[name]


def unchecked_sizes(maps: Sequence[Map], size: Pair) -> dict[str, Pair]:
    """As `sizes`, and for the picture itself; a number below 1 where nothing would be left."""
    found = {PICTURE: size}
    for each in maps:
        if each.layer is not None:
            found[each.name] = output_size(each.layer, found[each.sources[0]])
        else:
            cut = [[side - o for side in found[s]] for s, o in zip(each.sources, each.offsets, strict=True)]
            cut += [list(size)] if len(cut) == 1 else []
            found[each.name] = (min(h for h, _ in cut), min(w for _, w in cut))
    return found


def sizes(model: Net, size: Size) -> dict[str, Pair]:
    """Rows and columns (h, w) of every map for a picture of `size` (H, W), by name, without running it. `model` as in `maps.maps_of`.

    Raises ValueError where running it would fail too: a map without cells, or one too small to be cut to the picture.
    """
    maps = maps_of(model)
    h, w = pair(size, "geometry: size", 1)
    found = unchecked_sizes(maps, (h, w))
    for each in maps:
        rows, columns = found[each.name]
        if min(rows, columns) < 1 or (len(each.offsets) == 1 and (rows, columns) != (h, w)):
            raise ValueError(
                f"geometry: {each.name} would have {rows}x{columns} cells for a picture of {h}x{w}; "
                "give a larger picture or more padding"
            )
    del found[PICTURE]
    return found


def seen(model: Net, name: str, row: int, column: int, size: Size | None = None) -> tuple[range, range]:
    """The rows and the columns of the picture that can change cell (row, column) of the map `name`, as two ranges.

    With `size` (H, W) those inside such a picture, empty where the cell sees padding alone. Without, as if every map went on
    for ever: the first row may lie above the picture, at a negative number.
    """
    maps = maps_of(model)
    find(maps, name)
    limits = None if size is None else unchecked_sizes(maps, pair(size, "geometry: size", 1))
    if limits is not None and not (0 <= row < limits[name][0] and 0 <= column < limits[name][1]):
        h, w = limits[name]
        raise ValueError(
            f"geometry: {name} has {h}x{w} cells for a picture of {size}; there is no cell ({row}, {column})"
        )
    found = [seen_along(axis, maps, name, cell, limits) for axis, cell in enumerate((row, column))]
    return found[0], found[1]


def seen_along(axis: int, maps: Sequence[Map], name: str, cell: int, limits: dict[str, Pair] | None) -> range:
    """`seen` along one axis: the cells of each map that count, from `name` back to the picture."""
    cells = {name: range(cell, cell + 1)}
    for each in reversed(maps):
        if not cells.get(each.name):
            continue
        for source, offset in zip(each.sources, each.offsets or (0,), strict=True):
            mine = cells[each.name]
            first, last = offset + mine[0], offset + mine[-1]
            if each.layer is not None:
                first, last = inputs_of(each.layer, axis, first, last)
            if limits is not None:
                first, last = max(first, 0), min(last, limits[source][axis] - 1)
            before = cells.get(source, range(0))
            if first <= last:
                cells[source] = range(
                    min(first, before[0] if before else first), max(last, before[-1] if before else last) + 1
                )
    return cells.get(PICTURE, range(0))


def crops(model: Net) -> dict[str, int]:
    """Rows and columns cut off at each join and at the end: {"fuse_pool4": 5, "fuse_pool3": 9, "score": 31} for VGG16-FCN-8s."""
    return {each.name: each.offsets[-1] for each in maps_of(model) if each.offsets}


class Fit(NamedTuple):
    """Whether every crop works, and `slack`: rows to spare behind each. True or False itself, so that `if crops_fit(model, 500)` reads well."""

    fits: bool
    slack: dict[str, int]

    def __bool__(self) -> bool:
        return self.fits


def crops_fit(model: Net, height: int) -> Fit:
    """Whether the crops work for a picture of `height` rows: none is negative, no map is empty, the scores reach over the picture.

    The slack is what a map has left behind its offset, less what it is cut to. A join cuts the finer map to the coarse one; fewer
    than 0 there means that the coarse map is cut as well, which does no harm. The end cuts the upsampled scores to the picture.
    """
    maps = maps_of(model)
    found = unchecked_sizes(maps, (height, height))
    slack = {}
    for each in maps:
        if each.offsets:
            kept = found[each.sources[0] if len(each.sources) > 1 else PICTURE][0]
            slack[each.name] = found[each.sources[-1]][0] - each.offsets[-1] - kept
    reached = all(slack[each.name] >= 0 for each in maps if len(each.offsets) == 1)
    positive = all(offset >= 0 for each in maps for offset in each.offsets)
    return Fit(reached and positive and min(found.values())[0] >= 1, slack)


class LeastPadding(NamedTuple):
    """Least padding of the first layer: `one_pixel` so that a picture of 1x1 reaches the coarsest map, `crop` so that the last crop is not negative."""

    one_pixel: int
    crop: int


def least_padding(model: Net) -> LeastPadding:
    """How little padding round the picture would do for the FCN `model`: 97 and 81 for VGG16-FCN-32s, where the reference has 100.

    Each pixel of padding moves all maps by a pixel, so the crops between them stay, and the last one grows by one.
    """
    maps = maps_of(model)
    first, *others = [each for each in maps if each.name in ancestors(maps, "score_fr")]
    crop = along(first.layer.window, first.name)[2] - crops(maps)["score"]  # type: ignore[union-attr]
    padding = 0
    while min(unchecked_sizes([padded(first, padding), *others], (1, 1)).values())[0] < 1:
        padding += 1
    return LeastPadding(padding, max(crop, 0))


def padded(each: Map, padding: int) -> Map:
    """The same map after another padding. Only geometry may look at it: the layer itself would still run with its own."""
    layer: Any = copy(each.layer)
    layer.window = layer.window._replace(padding=((padding, padding), (padding, padding)))
    return each._replace(layer=layer)
