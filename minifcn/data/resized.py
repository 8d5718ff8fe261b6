"""Pictures that are resized before anything else: a network knows things as large as those that it was trained on."""

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from minifcn.data.dataset import Dataset

KEPT_BYTES = 256 << 20  # of resized pictures and labels: decoding a large photograph takes longer than a step


class Resized:
    """`dataset` with every picture's longer side at `longer_side` pixels: pictures bilinearly, labels by nearest. Few are kept in memory."""

    def __init__(self, dataset: Dataset, longer_side: int) -> None:
        self.dataset, self.longer_side = dataset, longer_side
        self._kept: dict[tuple[str, int], np.ndarray] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self.dataset)

    def picture(self, i: int) -> np.ndarray:
        """Picture `i`, uint8 (H, W, 3)."""
        return self._resized("picture", i, self.dataset.picture, Image.Resampling.BILINEAR)

    def labels(self, i: int) -> np.ndarray:
        """The labels of picture `i`, uint8 (H, W)."""
        return self._resized("labels", i, self.dataset.labels, Image.Resampling.NEAREST)

    def _resized(self, kind: str, i: int, read: Callable[[int], np.ndarray], filter_: Any) -> np.ndarray:
        kept = self._kept.get((kind, i))
        if kept is not None:
            return kept
        array = read(i)
        array = np.asarray(Image.fromarray(array).resize(self._size(array.shape), filter_))
        if self._bytes + array.nbytes <= KEPT_BYTES:  # threads may both add theirs, which is the same
            self._kept[kind, i] = array
            self._bytes += array.nbytes
        return array

    def _size(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Width and height, as Pillow wants them."""
        factor = self.longer_side / max(shape[:2])
        return max(1, round(shape[1] * factor)), max(1, round(shape[0] * factor))
