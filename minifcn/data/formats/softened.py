"""Edges drawn with a soft brush hold colours between those of two classes: they become the nearest, or void."""

from collections.abc import Sequence

import numpy as np

from minifcn.data.formats import pixels

BETWEEN = -1  # what a soft edge becomes that is to be void


def soften(labels: np.ndarray, colours: Sequence[int], how: str) -> np.ndarray:
    """Packed colours, int32 (H, W): those that are none of `colours` become the nearest of them ("nearest") or BETWEEN ("void")."""
    table = {value: value for value in pixels.count(labels)}
    strange = [value for value in table if value not in set(colours)]
    if strange:
        table |= (
            zip(strange, nearest(strange, colours), strict=True)
            if how == "nearest"
            else dict.fromkeys(strange, BETWEEN)
        )
    return pixels.renumber(labels, table, np.int32)


def nearest(values: Sequence[int], colours: Sequence[int]) -> list[int]:
    """For each value the colour at the smallest distance in red, green and blue."""
    there, wanted = unpack(colours), unpack(values)
    distances = ((wanted[:, None] - there[None]) ** 2).sum(-1)
    return [colours[place] for place in distances.argmin(1)]


def unpack(values: Sequence[int]) -> np.ndarray:
    array = np.asarray(values, np.int64)
    return np.stack([array >> 16, array >> 8 & 255, array & 255], -1)
