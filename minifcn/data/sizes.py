"""What the pictures of a training set are like: how large, and how many of their pixels count."""

import numpy as np

from minifcn.data.dataset import Dataset
from minifcn.data.errors import DataError
from minifcn.data.labels import VOID

NEAR = 0.1  # sizes within a tenth are one size
LARGEST_CROP = 256
GRAIN = 16
MOST_VOID = 1 / 3  # of a crop, on average: what computes nothing costs as much as what does


def usual_size(dataset: Dataset, most: int = 100) -> int | None:
    """The longer side, in pixels, that nine of ten pictures have to within a tenth, judged by at most so many.

    None where they differ more, or where one cannot be read: what is wrong with it the check of all files says.
    """
    try:
        sides = some_shapes(dataset, most).max(1)
    except DataError:
        return None
    usual = int(np.median(sides))
    return usual if np.mean(np.abs(sides - usual) <= NEAR * usual) >= 0.9 else None


def valid_pixels(dataset: Dataset, most: int = 100) -> float:
    """The mean number of pixels that are not void, over at most so many pictures spread over the set."""
    return float(np.mean([(dataset.labels(number) != VOID).sum() for number in spread(dataset, most)])) or 1.0


def default_crop(dataset: Dataset, most: int = 100) -> int:
    """The side of square crops that the pictures warrant: the largest multiple of 16, at most 256, of which a third at most is void.

    A crop reaches beyond a picture that is shorter or narrower; the mean is over at most `most` pictures spread over the set.
    """
    shapes = some_shapes(dataset, most)
    for side in range(LARGEST_CROP, GRAIN, -GRAIN):
        covered = np.minimum(shapes, side).prod(1).mean() / side**2
        if covered >= 1 - MOST_VOID:
            return side
    return GRAIN


def whole_crop(
    dataset: Dataset, longer_side: int | None = None, largest: int = LARGEST_CROP, most: int = 100
) -> tuple[int, int]:
    """Height and width of crops that show most pictures whole: the median of each, at most `largest`, to a multiple of 4.

    `longer_side`: that of every picture, once it was resized to it.
    """
    height, width = np.median(resized_shapes(dataset, longer_side, most), 0)
    return tuple(int(min(largest, max(GRAIN, 4 * round(side / 4)))) for side in (height, width))  # type: ignore[return-value]


def classes_a_picture(dataset: Dataset, most: int = 100) -> float:
    """How many classes a picture shows, in the mean over at most so many; void is none."""

    def shown(number: int) -> int:
        return int(np.count_nonzero(np.bincount(dataset.labels(number).ravel(), minlength=VOID + 1)[:VOID]))

    return float(np.mean([shown(number) for number in spread(dataset, most)]))


def resized_shapes(dataset: Dataset, longer_side: int | None = None, most: int = 100) -> np.ndarray:
    """As `some_shapes`, once each picture was resized to `longer_side`, where there is one: float (N, 2)."""
    shapes = some_shapes(dataset, most).astype(float)
    return shapes * (longer_side / shapes.max(1, keepdims=True)) if longer_side else shapes


def some_shapes(dataset: Dataset, most: int) -> np.ndarray:
    """Height and width of at most so many pictures, spread over the set: (N, 2)."""
    return np.array([dataset.picture(number).shape[:2] for number in spread(dataset, most)])


def spread(dataset: Dataset, most: int) -> list[int]:
    """The numbers of at most so many pictures, spread evenly over the set."""
    return np.linspace(0, len(dataset) - 1, min(most, len(dataset))).round().astype(int).tolist()
