"""Labels are the same over long runs of pixels: to count and renumber the runs takes a tenth of the time."""

from collections.abc import Mapping

import numpy as np


def runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The value and the length of each run of equal values, in the order of memory.

    >>> [part.tolist() for part in runs(np.array([[7, 7], [7, 3]]))]
    [[7, 3], [3, 1]]
    """
    flat = values.ravel()
    starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]]) if flat.size else np.empty(0, np.intp)
    return flat[starts], np.diff(np.append(starts, flat.size))


def count(values: np.ndarray) -> dict[int, int]:
    """How many pixels have each value.

    >>> count(np.array([[7, 7], [7, 3]]))
    {3: 1, 7: 3}
    """
    found, lengths = runs(values)
    distinct, which = np.unique(found, return_inverse=True)
    pixels = np.bincount(which.ravel(), lengths, len(distinct)).astype(np.int64)
    return dict(zip(distinct.tolist(), pixels.tolist(), strict=True))


def renumber(values: np.ndarray, table: Mapping[int, int], kind: type = np.uint8) -> np.ndarray:
    """`values` by `table`, of the same shape and of dtype `kind`. KeyError for a value that is not in it.

    >>> renumber(np.array([[7, 7], [7, 3]]), {7: 1, 3: 255}).tolist()
    [[1, 1], [1, 255]]
    """
    found, lengths = runs(values)
    distinct, which = np.unique(found, return_inverse=True)
    numbers: np.ndarray = np.array([table[value] for value in distinct.tolist()], kind)
    return np.repeat(numbers[which.ravel()], lengths).reshape(values.shape)
