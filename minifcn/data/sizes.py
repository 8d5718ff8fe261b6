"""What the pictures of a training set are like: how large, and how many of their pixels count."""

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.labels import VOID
from minifcn.data.loader import Dataset

NEAR = 0.1  # sizes within a tenth are one size
LARGEST_CROP = 256


def usual_size(dataset: Dataset, most: int = 100) -> int | None:
    """The longer side, in pixels, that nine of ten pictures have to within a tenth, judged by at most so many.

    None where they differ more, or where one cannot be read: what is wrong with it the check of all files says.
    """
    chosen = np.linspace(0, len(dataset) - 1, min(most, len(dataset))).round().astype(int)
    try:
        sides = np.array([max(dataset.picture(int(number)).shape[:2]) for number in chosen])
    except DataError:
        return None
    usual = int(np.median(sides))
    return usual if np.mean(np.abs(sides - usual) <= NEAR * usual) >= 0.9 else None


def valid_pixels(dataset: Dataset, most: int = 100) -> float:
    """The mean number of pixels that are not void, over at most so many pictures spread over the set."""
    chosen = np.linspace(0, len(dataset) - 1, min(most, len(dataset))).round().astype(int)
    return float(np.mean([(dataset.labels(int(i)) != VOID).sum() for i in chosen])) or 1.0


def default_crop(dataset: Dataset) -> int:
    """The longest side of the first pictures, a multiple of 32, at most 256."""
    longest = max(max(dataset.picture(number).shape[:2]) for number in range(min(20, len(dataset))))
    return min(LARGEST_CROP, -(-longest // 32) * 32)
