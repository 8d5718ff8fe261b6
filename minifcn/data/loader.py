"""Training batches: which pictures, varied how, in an order that depends on the seed and the step alone."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from minifcn import workers
from minifcn.data.augment import Augmentation, Size, place, sides
from minifcn.data.dataset import Dataset, check_dataset, labels_and_others
from minifcn.data.errors import DataError
from minifcn.data.labels import VOID

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

BALANCES = ("pictures", "classes")
ALL = slice(None)
IN_BACKGROUND = VOID + 1  # in the place of a class: all that the class map counts as background

Pair = tuple[np.ndarray, np.ndarray]
T = TypeVar("T")


@dataclass(frozen=True)
class Examples:
    """One training picture and what augmentation makes of it, for the report.

    `picture`     uint8 (H, W, 3), and `labels`, uint8 (H, W), as they are in the set
    `variations`  pairs like them, as they may stand in a batch; all of one size
    `sentence`    what is varied
    """

    picture: np.ndarray
    labels: np.ndarray
    variations: list[Pair]
    sentence: str


@contextmanager
def decoders(threads: int) -> Iterator["ThreadPoolExecutor | workers.Here"]:
    """Threads that end with the `with`. A loop that is left does not wait for them; they end once they have decoded what they are at.

    For a loop that was left and forgotten is ended by Python wherever it comes across it: in one of these threads, or in the middle of
    another's start, which holds the lock that to wait for a thread would take.
    """
    pool, left = workers.pool(threads, "decoders"), False
    try:
        yield pool
    except GeneratorExit:
        left = True
        raise
    finally:
        pool.shutdown(wait=not left, cancel_futures=True)


def ahead(load: Callable[[int], T], count: int) -> Generator[T, None, None]:
    """load(0) to load(count - 1), in order; the next one is loaded by a thread while the caller is at work on this one.

    An error in the thread is raised here, when its turn comes. The thread ends when the loop ends or is left.
    """
    if count < 1:
        return
    with decoders(1) as beside:
        coming = beside.submit(load, 0)
        for number in range(1, count + 1):
            current = coming.result()
            if number < count:
                coming = beside.submit(load, number)
            yield current


class Batches:
    """Batches of a dataset, each a pure function of (seed, step): to resume, know the step's number, nothing else.

    Every batch has exactly `batch` pictures, even more than the dataset has.

    `size`          side of the square crops, or (height, width) of the crops; None keeps each picture whole, at the top left of the largest in its batch
    `fill`          RGB, 0 to 255, for where a picture does not reach; the labels are VOID there
    `mirror`        exchange left and right half the time: short for `augmentation=Augmentation(mirror=…)`
    `augmentation`  what else is varied
    `balance`       "pictures": every epoch goes through the pictures once in a fresh order, and batches run across its
                    end. "classes": the classes that occur take turns, in a fresh order each round, and each goes through
                    the pictures that show it; so a rare class comes as often as any other, and pictures of void alone
                    never. Classes that the class map counts as background have a turn of their own, all together: a
                    network learns from them what it is not to find. Which picture shows what is read here, at once.
    `threads`       how many decode ahead in `iterate`, each a batch of its own, so that beyond the batch in use at most so
                    many are in memory; what is in them does not depend on it

    `waited` is how many seconds `iterate` has kept its callers waiting so far, all loops together.

    Raises DataError where an argument makes no sense or the dataset is empty.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch: int,
        size: Size | None,
        seed: int,
        fill: Sequence[int] = (0, 0, 0),
        mirror: bool = True,
        *,
        augmentation: Augmentation | None = None,
        balance: str = "pictures",
        threads: int = 2,
    ) -> None:
        check_dataset("batches", dataset)
        if len(dataset) < 1:
            raise DataError("batches: the dataset is empty; give at least one picture")
        lengths = () if size is None else sides(size)
        if not all(isinstance(each, int | np.integer) for each in (batch, *lengths)) or len(lengths) not in (0, 2):
            raise DataError(
                f"batches: batch is {batch!r} and size {size!r}; expected integers, a size of one or (height, width)"
            )
        if min((batch, *lengths)) < 1:
            raise DataError(f"batches: batch is {batch} and size {size}; both must be at least 1")
        if not isinstance(seed, int | np.integer):
            raise DataError(f"batches: seed is {seed!r}; expected an integer of at least 0")
        if seed < 0:
            raise DataError(f"batches: seed is {seed}; it must not be negative")
        three = tuple(fill) if isinstance(fill, list | tuple | np.ndarray) else ()
        if len(three) != 3 or not all(isinstance(each, Real) and 0 <= float(each) <= 255 for each in three):
            raise DataError(f"batches: fill is {fill!r}; expected 3 numbers from 0 to 255: red, green, blue")
        if balance not in BALANCES:
            raise DataError(f"batches: balance is {balance!r}; choose one of {', '.join(BALANCES)}")
        if not isinstance(threads, int | np.integer) or threads < 1:
            raise DataError(f"batches: threads is {threads!r}; at least 1 must decode")
        if augmentation is None:
            augmentation = Augmentation(mirror=mirror)
        elif not isinstance(augmentation, Augmentation):
            raise DataError(f"batches: augmentation is a {type(augmentation).__name__}; expected an Augmentation")
        elif not mirror:
            raise DataError("batches: got mirror=False and an augmentation; say it there, Augmentation(mirror=False)")
        self.dataset, self.batch, self.size, self.seed = dataset, batch, size, seed
        self.fill, self.augmentation = tuple(round(float(each)) for each in three), augmentation
        self.balance, self.threads = balance, threads
        self.waited = 0.0
        self._by_class = self._pictures_by_class() if balance == "classes" else []

    @property
    def steps_per_epoch(self) -> int:
        """Steps that use as many pictures as there are; without balanced classes, each of them at least once."""
        return -(-len(self.dataset) // self.batch)

    def indices(self, step: int) -> list[int]:
        """Which pictures batch `step` (from 0) holds: `batch` indices into the dataset."""
        if step < 0:
            raise DataError(f"batches: step is {step}; steps count from 0")
        first = step * self.batch
        if self.balance == "pictures":
            return self._turns(len(self.dataset), first, self.batch, 0)
        indices = []
        for number, shown in enumerate(self._turns(len(self._by_class), first, self.batch, 3), first):
            # a class has exactly one turn a round, so the round's number says how many it has had before
            pictures, turn = self._by_class[shown], number // len(self._by_class)
            indices.append(pictures[self._turns(len(pictures), turn, 1, 4, shown)[0]])
        return indices

    def at(self, step: int, rows: slice = ALL) -> Pair:
        """Batch `step` (from 0): pictures uint8 (B, S, S, 3), labels uint8 (B, S, S); without a size H, W for S, S.

        `rows`: of which of the B the pictures are wanted, for a process that shares the batch with others. The labels come for all: what
        the loss is divided by and which cells count depend on the whole batch.
        """
        wanted = range(self.batch)[rows]
        pairs = [self._pair(index, slot in wanted, 1, step, slot) for slot, index in enumerate(self.indices(step))]
        pictures, labels = self._together(pairs)
        return pictures[rows], labels

    def iterate(self, start: int, stop: int, rows: slice = ALL) -> Iterator[Pair]:
        """Batches `start` to `stop` - 1, each as from `at`. The next ones are decoded by threads while the caller uses this one.

        An error in a thread is raised here, when its batch is due. The threads end when the loop ends or is left.
        """
        if start >= stop:
            return
        with decoders(self.threads) as pool:
            # a batch a thread, whole: handing out single pictures made the caller wait for Python's lock more often
            asked = time.perf_counter()
            coming = deque(pool.submit(self.at, step, rows) for step in range(start, min(start + self.threads, stop)))
            for step in range(start, stop):
                current = coming.popleft().result()
                if step + self.threads < stop:
                    coming.append(pool.submit(self.at, step + self.threads, rows))
                self.waited += time.perf_counter() - asked
                yield current
                asked = time.perf_counter()

    def examples(self, index: int, count: int) -> Examples:
        """Picture `index` of the dataset and `count` variations of it, the same ones for the same seed."""
        if not 0 <= index < len(self.dataset) or count < 1:
            raise DataError(
                f"examples: index is {index} and count {count}; expected a picture from 0 to {len(self.dataset) - 1} "
                "and at least 1 variation"
            )
        pictures, labels = self._together([self._pair(index, True, 5, index, number) for number in range(count)])
        return Examples(
            self.dataset.picture(index),
            self.dataset.labels(index),
            list(zip(pictures, labels, strict=True)),
            self.augmentation.describe(self.size),
        )

    def _pair(self, index: int, seen: bool, purpose: int, *numbers: int) -> Pair:
        """A variation of picture `index`; where nobody looks at the picture, a blank one with the right labels: no file is decoded."""
        picture = self.dataset.picture(index) if seen else None
        labels = self.dataset.labels(index)
        if picture is None:
            picture = np.zeros((*labels.shape, 3), np.uint8)
        return self.augmentation.apply(picture, labels, self.size, self._rng(purpose, *numbers), self.fill)

    def _together(self, pairs: list[Pair]) -> Pair:
        if self.size is None:
            height, width = (max(labels.shape[axis] for _, labels in pairs) for axis in (0, 1))
            pairs = [place(picture, labels, 0, 0, height, width, self.fill) for picture, labels in pairs]
        return np.stack([picture for picture, _ in pairs]), np.stack([labels for _, labels in pairs])

    def _turns(self, count: int, first: int, number: int, purpose: int, *numbers: int) -> list[int]:
        """`number` turns, from turn `first` on, of 0 … count - 1, which go round in a fresh order each time."""
        rounds = range(first // count, (first + number - 1) // count + 1)
        orders = [self._rng(purpose, *numbers, this).permutation(count) for this in rounds]
        offset = first - rounds[0] * count
        return np.concatenate(orders)[offset : offset + number].tolist()

    def _pictures_by_class(self) -> list[list[int]]:
        """For each class that occurs, in their order, the indices of the pictures that show it; then of those with other classes in their background."""

        def shown(index: int) -> list[int]:
            picture_labels, others = labels_and_others(self.dataset, index)
            found = np.flatnonzero(np.bincount(picture_labels.ravel(), minlength=VOID + 1)[:VOID])
            return [*found.tolist(), IN_BACKGROUND] if others else found.tolist()

        found: dict[int, list[int]] = {}
        with workers.pool(self.threads) as pool:
            for index, classes in enumerate(pool.map(shown, range(len(self.dataset)))):
                for number in classes:
                    found.setdefault(number, []).append(index)
        if not found:
            raise DataError("batches: cannot balance classes, every pixel of every picture is void; check the classes")
        return [found[number] for number in sorted(found)]

    def _rng(self, purpose: int, *numbers: int) -> np.random.Generator:
        # purpose comes first: NumPy pads short seeds with zeros, so [a, b] and [a, b, 0] give the same numbers.
        # 0 order of pictures, 1 variations, 3 turns of classes, 4 pictures of a class, 5 examples; training draws from 2
        return np.random.default_rng([purpose, self.seed, *numbers])
