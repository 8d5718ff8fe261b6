"""What training and scoring want of a set of pictures."""

from typing import Protocol

import numpy as np


class Dataset(Protocol):
    """What `Batches` needs: a length, and by index a picture, uint8 (H, W, 3), and its labels, uint8 (H, W).

    Several threads ask at once, unless `Batches` is told to use one.
    """

    def __len__(self) -> int: ...

    def picture(self, i: int) -> np.ndarray: ...

    def labels(self, i: int) -> np.ndarray: ...
