"""Pictures that are made once and kept: decoded, and resized where they are to be as large as those that a network knows.

A training comes back to each picture again and again. To decode one of 96x128 with its labels takes half a millisecond, eight of them a tenth
of the step that they are for; a large photograph takes longer to decode and resize than a whole step.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from minifcn.data.dataset import Dataset, labels_and_others

KEPT_BYTES = 256 << 20  # of resized pictures and labels
DECODED_BYTES = 64 << 20  # of those that only were decoded, which is faster done again


class Kept:
    """`dataset` with its pictures and labels kept in memory, the first `most` bytes of them; the others are read each time."""

    def __init__(self, dataset: Dataset, most: int | None = None) -> None:
        self.dataset, self.most = dataset, DECODED_BYTES if most is None else most
        self._kept: dict[tuple[str, int], np.ndarray] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self.dataset)

    def picture(self, i: int) -> np.ndarray:
        """Picture `i`, uint8 (H, W, 3)."""
        return self._once("picture", i, self.dataset.picture)

    def labels(self, i: int) -> np.ndarray:
        """The labels of picture `i`, uint8 (H, W)."""
        return self._once("labels", i, self.dataset.labels)

    def labels_and_others(self, i: int) -> tuple[np.ndarray, bool]:
        """As of the dataset; see `Dataset`."""
        labels, others = labels_and_others(self.dataset, i)
        return self._once("labels", i, lambda i: self._made(labels)), others

    def _made(self, labels: np.ndarray) -> np.ndarray:
        """Labels as they are kept."""
        return labels

    def _once(self, kind: str, i: int, make: Callable[[int], np.ndarray]) -> np.ndarray:
        kept = self._kept.get((kind, i))
        if kept is not None:
            return kept
        array = make(i)
        if self._bytes + array.nbytes <= self.most:  # threads may both add theirs, which is the same
            array = array.view()
            array.flags.writeable = False  # whoever wrote to it would write to the picture of every later step
            self._kept[kind, i] = array
            self._bytes += array.nbytes
        return array


class Resized(Kept):
    """`dataset` with every picture's longer side at `longer_side` pixels: pictures bilinearly, labels by nearest. Few are kept in memory."""

    def __init__(self, dataset: Dataset, longer_side: int) -> None:
        super().__init__(dataset, KEPT_BYTES)
        self.longer_side = longer_side

    def picture(self, i: int) -> np.ndarray:
        return self._once("picture", i, lambda i: self._resized(self.dataset.picture(i), Image.Resampling.BILINEAR))

    def labels(self, i: int) -> np.ndarray:
        return self._once("labels", i, lambda i: self._made(self.dataset.labels(i)))

    def _made(self, labels: np.ndarray) -> np.ndarray:
        return self._resized(labels, Image.Resampling.NEAREST)

    def _resized(self, array: np.ndarray, filter_: Any) -> np.ndarray:
        return np.asarray(Image.fromarray(array).resize(self._size(array.shape), filter_))

    def _size(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Width and height, as Pillow wants them."""
        factor = self.longer_side / max(shape[:2])
        return max(1, round(shape[1] * factor)), max(1, round(shape[0] * factor))
