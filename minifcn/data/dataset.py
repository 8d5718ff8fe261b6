"""What training and scoring want of a set of pictures."""

from typing import Protocol

import numpy as np


class Dataset(Protocol):
    """What `Batches` needs: a length, and by index a picture, uint8 (H, W, 3), and its labels, uint8 (H, W).

    Several threads ask at once, unless `Batches` is told to use one. A dataset in whose background other classes were merged may have a
    method `labels_and_others(i)` too: (its labels, whether some of them are such background), for `Batches(balance="classes")`.
    """

    def __len__(self) -> int: ...

    def picture(self, i: int) -> np.ndarray: ...

    def labels(self, i: int) -> np.ndarray: ...


def check_dataset(operation: str, dataset: object) -> None:
    """Raise TypeError for what is no Dataset, before anything is read of it."""
    missing = [name for name in ("__len__", "picture", "labels") if not callable(getattr(dataset, name, None))]
    if missing:
        raise TypeError(
            f"{operation}: the data is a {type(dataset).__name__}, without {', '.join(missing)}; expected a VOCFolder, or an object with a length, "
            "picture(i) uint8 (H, W, 3) and labels(i) uint8 (H, W)"
        )


def labels_and_others(dataset: Dataset, i: int) -> tuple[np.ndarray, bool]:
    """The labels of picture `i`, and whether other classes count as background in it: False of a dataset that does not say."""
    known = getattr(dataset, "labels_and_others", None)
    return known(i) if known else (dataset.labels(i), False)
