"""Edges drawn with a soft brush, or resized, hold colours between those of two classes: they become the nearer one, or void."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

HOW = ("nearest", "void")
BETWEEN = -1  # what a soft edge becomes that is to be void
NONE = -2  # no colour: the pixel is no soft edge
REACH = 12  # pixels: so near to an edge pixel both classes are found
TAIL = 6.0  # of 255: so near to a right colour a soft edge may end in an even patch
ASIDE = 12.0  # how far, of 255, a colour may lie from the straight line between two: rounding, and colours weighted by brightness
MOST = 0.5  # of all pixels: what is more is no edge
BEYOND = 0.25  # of that line: resizing with a sharp filter overshoots the two colours


def soften(labels: np.ndarray, colours: Sequence[int], how: str) -> np.ndarray:
    """Packed colours 0xRRGGBB, int32 (H, W), with those on soft edges made one of `colours` ("nearest") or BETWEEN ("void").

    A pixel lies on a soft edge where its colour is none of `colours` but lies on the straight line between those of two that stand
    within `REACH` pixels; where three meet, between them. The nearer one is sought among these alone: half way from black to
    pink another class's dark red may be nearer, which is not there at all. Where it is that red exactly, beside other strange pixels and
    nowhere as an area, it is a mixture too. All other pixels stay as they are.
    """
    if how not in HOW:
        raise ValueError(f"soften: how is {how!r}; choose one of {', '.join(HOW)}")
    result = np.array(labels, np.int32)
    known = np.isin(result, np.unique(np.asarray(colours, np.int32)))
    if known.all() or np.count_nonzero(~known) > MOST * result.size:
        return result
    areas = np.unique(result[known & even(result)])
    by_chance = known & ~np.isin(result, areas) & within(3, ~known)
    mixed = between(result, by_chance | ~known, areas)
    by_chance &= mixed != NONE
    found = between(result, by_chance | ~known, np.unique(result[known & ~by_chance]))
    found[by_chance] = mixed[by_chance]
    soft = found != NONE
    result[soft] = found[soft] if how == "nearest" else BETWEEN
    return result


def between(labels: np.ndarray, where: np.ndarray, present: np.ndarray) -> np.ndarray:
    """For each pixel of the mask `where` that lies on a soft edge the nearer of the colours `present`, all others NONE: int32 (H, W)."""
    result = np.full(labels.shape, NONE, np.int32)
    places = np.nonzero(where)
    if not len(places[0]) or len(present) < 2:
        return result
    near = np.stack([within(REACH, (labels == colour) & ~where)[places] for colour in present], 1)
    strange, there = unpack(labels[places]).astype(float), unpack(present).astype(float)
    near[solid(labels, places, strange, there)] = False
    chosen = nearer_of_two(strange, there, near)
    edge = np.zeros(labels.shape, bool)
    edge[places] = chosen >= 0
    corner = (chosen < 0) & within(1, edge)[places] & (near.sum(1) > 2)
    chosen[corner] = nearest_of_more(strange[corner], there, near[corner])
    result[places] = np.where(chosen >= 0, present[chosen], NONE)
    return result


def even(labels: np.ndarray) -> np.ndarray:
    """Where a pixel and its eight neighbours have one colour: bool (H, W)."""
    height, width = labels.shape
    found = np.zeros(labels.shape, bool)
    if min(height, width) > 2:
        around = [labels[y : y + height - 2, x : x + width - 2] for y in range(3) for x in range(3)]
        found[1:-1, 1:-1] = np.logical_and.reduce([part == around[4] for part in around])
    return found


def solid(labels: np.ndarray, places: tuple[np.ndarray, ...], strange: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Which of the pixels at `places` have a colour that fills an area somewhere: a class that nobody named, and no edge: bool (S,)."""
    filling = np.isin(labels[places], np.unique(labels[places][even(labels)[places]]))
    rows = np.flatnonzero(filling)
    if len(rows):
        colours, back = np.unique(strange[rows], axis=0, return_inverse=True)
        far = np.sqrt(np.square(colours[:, None] - there).sum(-1).min(1)) > TAIL
        filling[rows] = far[back.reshape(-1)]
    return filling


def nearer_of_two(strange: np.ndarray, there: np.ndarray, near: np.ndarray) -> np.ndarray:
    """For each colour (S, 3) which of `there` (K, 3) is the nearer of two that are `near` (S, K) and that it lies between; -1 for none: (S,)."""
    chosen, least = np.full(len(strange), -1), np.full(len(strange), ASIDE)
    for first, second in combinations(range(len(there)), 2):
        rows = np.flatnonzero(near[:, first] & near[:, second])
        line, offset = there[second] - there[first], strange[rows] - there[first]
        along = np.clip(offset @ line / (line @ line), -BEYOND, 1 + BEYOND)
        aside = np.sqrt(np.square(offset - along[:, None] * line).sum(1))
        better = aside < least[rows]
        chosen[rows[better]], least[rows[better]] = np.where(along[better] > 0.5, second, first), aside[better]
    return chosen


def nearest_of_more(strange: np.ndarray, there: np.ndarray, near: np.ndarray) -> np.ndarray:
    """As `nearer_of_two` where three or more meet: the nearest of them, if the colour lies within the range of theirs in each channel."""
    beside = near[..., None]
    low, high = (np.where(beside, there, end) for end in (255.0, 0.0))
    inside = ((strange >= low.min(1) - ASIDE) & (strange <= high.max(1) + ASIDE)).all(1)
    distances = np.where(near, np.square(strange[:, None] - there).sum(-1), np.inf)
    return np.where(inside, distances.argmin(1), -1)


def within(reach: int, mask: np.ndarray) -> np.ndarray:
    """Where a pixel of `mask` (H, W) stands at most `reach` rows and columns away: bool (H, W)."""
    for axis in (0, 1):
        padded = np.pad(mask.astype(np.int32), [(reach + 1, reach) if a == axis else (0, 0) for a in (0, 1)])
        sums = padded.cumsum(axis).swapaxes(0, axis)
        mask = (sums[2 * reach + 1 :] - sums[: -2 * reach - 1] > 0).swapaxes(0, axis)
    return mask


def pack(pixels: np.ndarray) -> np.ndarray:
    """Colours uint8 (..., 3) as 0xRRGGBB, int32 (...).

    >>> hex(pack(np.array([18, 52, 86], np.uint8)).item())
    '0x123456'
    """
    wide = pixels.astype(np.int32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def unpack(values: np.ndarray) -> np.ndarray:
    """`pack` undone: int64 (..., 3)."""
    wide = np.asarray(values, np.int64)
    return np.stack([wide >> 16, wide >> 8 & 255, wide & 255], -1)
