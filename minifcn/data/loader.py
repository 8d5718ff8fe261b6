"""Training batches: crops of one size, mirrored at random, in an order that depends on the seed and the step alone."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.labels import VOID


class Dataset(Protocol):
    """What `Batches` needs: a length, and by index a picture, uint8 (H, W, 3), and its labels, uint8 (H, W)."""

    def __len__(self) -> int: ...

    def picture(self, i: int) -> np.ndarray: ...

    def labels(self, i: int) -> np.ndarray: ...


def random_crop(
    picture: np.ndarray, labels: np.ndarray, size: int, rng: np.random.Generator, fill: Sequence[int] = (0, 0, 0)
) -> tuple[np.ndarray, np.ndarray]:
    """A size x size piece at a random place: picture uint8 (size, size, 3), labels uint8 (size, size).

    Where the picture, uint8 (H, W, 3), is smaller than `size`, it is laid at a random place; around it stand `fill`
    (RGB, 0 to 255) in the picture and VOID in the labels. Raises DataError where sizes differ or make no sense.
    """
    _check_pair(picture, labels)
    if size < 1:
        raise DataError(f"random_crop: size is {size}; it must be at least 1")
    # how far the window's corner lies from the picture's: negative where the picture is smaller than the window
    room_y, room_x = labels.shape[0] - size, labels.shape[1] - size
    y = int(rng.integers(min(room_y, 0), max(room_y, 0) + 1))
    x = int(rng.integers(min(room_x, 0), max(room_x, 0) + 1))
    picture = picture[max(y, 0) : max(y, 0) + size, max(x, 0) : max(x, 0) + size]
    labels = labels[max(y, 0) : max(y, 0) + size, max(x, 0) : max(x, 0) + size]
    return _place(picture, labels, max(-y, 0), max(-x, 0), size, size, fill)


def random_mirror(picture: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Picture, (H, W, 3), and labels, (H, W), half the time both as they are, else left and right exchanged."""
    if rng.random() < 0.5:
        return picture, labels
    return picture[:, ::-1], labels[:, ::-1]


def _place(
    picture: np.ndarray, labels: np.ndarray, top: int, left: int, height: int, width: int, fill: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """The pair laid at (top, left) on a canvas of fill and VOID: (height, width, 3) and (height, width)."""
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = np.asarray(fill, np.uint8)
    ground = np.full((height, width), VOID, np.uint8)
    inside = slice(top, top + labels.shape[0]), slice(left, left + labels.shape[1])
    canvas[inside] = picture
    ground[inside] = labels
    return canvas, ground


def _check_pair(picture: np.ndarray, labels: np.ndarray) -> None:
    fit = picture.ndim == 3 and picture.shape[2] == 3 and picture.shape[:2] == labels.shape
    if not fit or picture.dtype != np.uint8 or labels.dtype != np.uint8:  # a canvas of bytes would cut 0.7 to 0
        raise DataError(
            f"crop: expected picture (H, W, 3) and labels (H, W), both uint8, got {picture.dtype} {picture.shape} and "
            f"{labels.dtype} {labels.shape}"
        )


class Batches:
    """Batches of a dataset, each a pure function of (seed, step): to resume, know the step's number, nothing else.

    Every epoch goes through the pictures once in a fresh order, and batches run across its end, so that every batch has
    exactly `batch` pictures, even more than the dataset has.

    `size`    side of the square crops; None keeps each picture whole, at the top left of the largest size in its batch
    `fill`    RGB, 0 to 255, for where a picture does not reach; the labels are VOID there
    `mirror`  exchange left and right half the time

    Raises DataError where batch, size, seed or fill make no sense or the dataset is empty.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch: int,
        size: int | None,
        seed: int,
        fill: Sequence[int] = (0, 0, 0),
        mirror: bool = True,
    ) -> None:
        if len(dataset) < 1:
            raise DataError("batches: the dataset is empty; give at least one picture")
        if batch < 1 or (size is not None and size < 1):
            raise DataError(f"batches: batch is {batch} and size {size}; both must be at least 1")
        if seed < 0:
            raise DataError(f"batches: seed is {seed}; it must not be negative")
        if len(fill) != 3 or not all(0 <= value <= 255 for value in fill):
            raise DataError(f"batches: fill is {tuple(fill)}; expected 3 numbers from 0 to 255: red, green, blue")
        self.dataset, self.batch, self.size, self.seed = dataset, batch, size, seed
        self.fill, self.mirror = tuple(fill), mirror

    @property
    def steps_per_epoch(self) -> int:
        """Steps after which every picture has been seen at least once."""
        return -(-len(self.dataset) // self.batch)

    def indices(self, step: int) -> list[int]:
        """Which pictures batch `step` (from 0) holds: `batch` indices into the dataset."""
        if step < 0:
            raise DataError(f"batches: step is {step}; steps count from 0")
        start, count = step * self.batch, len(self.dataset)
        epochs = range(start // count, (start + self.batch - 1) // count + 1)
        orders = [self._rng(0, epoch).permutation(count) for epoch in epochs]
        offset = start - epochs[0] * count
        return np.concatenate(orders)[offset : offset + self.batch].tolist()

    def at(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch `step` (from 0): pictures uint8 (B, S, S, 3), labels uint8 (B, S, S); without a size H, W for S, S."""
        pairs = [self._pair(index, self._rng(1, step, slot)) for slot, index in enumerate(self.indices(step))]
        if self.size is None:
            height, width = (max(labels.shape[axis] for _, labels in pairs) for axis in (0, 1))
            pairs = [_place(picture, labels, 0, 0, height, width, self.fill) for picture, labels in pairs]
        return np.stack([picture for picture, _ in pairs]), np.stack([labels for _, labels in pairs])

    def iterate(self, start: int, stop: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Batches `start` to `stop` - 1. The next one is decoded in a thread of its own while the caller uses this one.

        An error in that thread is raised here, when its batch is due. The thread ends when the loop ends or is left.
        """
        if start >= stop:
            return
        with ThreadPoolExecutor(max_workers=1) as pool:
            coming = pool.submit(self.at, start)
            for step in range(start, stop):
                current = coming.result()
                if step + 1 < stop:
                    coming = pool.submit(self.at, step + 1)
                yield current

    def _pair(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        picture, labels = self.dataset.picture(index), self.dataset.labels(index)
        _check_pair(picture, labels)
        if self.size is not None:
            picture, labels = random_crop(picture, labels, self.size, rng, self.fill)
        return random_mirror(picture, labels, rng) if self.mirror else (picture, labels)

    def _rng(self, purpose: int, *numbers: int) -> np.random.Generator:
        # purpose comes first: NumPy pads short seeds with zeros, so [a, b] and [a, b, 0] give the same numbers
        return np.random.default_rng([purpose, self.seed, *numbers])
