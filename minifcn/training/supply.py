"""What each step of a training looks at, brought to its device before the step begins."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from minifcn import backend
from minifcn.data import VOID, Batches
from minifcn.data.loader import ALL
from minifcn.ops.loss import check_labels
from minifcn.training.objective import counted, divisor_of, total_weight
from minifcn.training.recipes import Recipe
from minifcn.training.sampling import sampled

Array = Any


class Batch(NamedTuple):
    """All that a step looks at, in `recipe.accumulate` parts.

    `number`    counts through all stages of a run; what is random in the step follows from it
    `pictures`  uint8 (N, H, W, 3), one a part
    `labels`    uint8 (N, H, W), one a part, void where a pixel does not count
    `factor`    what the summed loss is multiplied by: 1 / `divisor`. On a GPU an array like the others, so that a step that was captured
                once reads the number of today
    `waited`    seconds for which the pictures kept the training waiting
    `pixels`    how many pixels count, of all parts and all processes
    `weight`    the sum of their class weights: `pixels` again where there are none
    """

    number: int
    pictures: list[Array]
    labels: list[Array]
    factor: Any
    waited: float = 0.0
    pixels: int = 0
    weight: float = 0.0


def supply(
    batches: Batches, recipe: Recipe, seed: int, cell: int, numbers: range, rows: slice = ALL
) -> Iterator[Batch]:
    """The batches of the steps `numbers`, as NumPy arrays. `cell`: the network's; `rows`: this process's part of each batch."""
    parts = recipe.accumulate
    pairs = batches.iterate(numbers.start * parts, numbers.stop * parts, rows)
    for number in numbers:
        waited = batches.waited
        gathered = list(islice(pairs, parts))
        waited = batches.waited - waited
        rng = np.random.default_rng([3, seed, number])
        labels = [sampled(each, recipe.keep_cells, cell, rng, recipe.balance_cells) for _, each in gathered]
        mine = [each[rows] for each in labels]
        weight = total_weight(labels, recipe)
        pixels = counted(labels) if recipe.class_weights else int(weight)
        factor = 1 / divisor_of(weight, recipe)
        yield Batch(number, [pictures for pictures, _ in gathered], mine, factor, waited, pixels, weight)


def on_device(ready: Iterable[Batch], device: str, classes: int, dtype: Any) -> Iterator[Batch]:
    """The same batches on `device`. A GPU copies each one on a stream of its own, while it works at the batch before.

    CuPy copies a NumPy array by way of memory that the system has pinned, and does not wait for it. Labels are looked at before they go up:
    to ask the GPU whether they are right would be to wait for it. Raises ValueError for a label beyond `classes`.
    """
    if device == "cpu":
        yield from ready
        return
    cuda = backend.import_cupy().cuda
    # where no GPU can be used this says why; CuPy's Stream would leave a half-made object behind, whose destructor raises
    backend.to_device(np.zeros(()), device)
    stream = cuda.Stream(non_blocking=True)

    def send(batch: Batch) -> tuple[Batch, Any]:
        for labels in batch.labels:
            check_labels("training", labels, classes, VOID)
        # memory of batches before may be used again for this one: not before the steps asked for so far are done with it
        stream.wait_event(cuda.get_current_stream().record())
        with stream:
            pictures = [backend.to_device(part, device) for part in batch.pictures]
            labels = [backend.to_device(part, device) for part in batch.labels]
            factor = backend.to_device(np.asarray(batch.factor, dtype), device)
        return batch._replace(pictures=pictures, labels=labels, factor=factor), stream.record()

    sent: tuple[Batch, Any] | None = None
    for batch in ready:
        following = send(batch)
        if sent:
            yield arrived(*sent, cuda)
        sent = following
    if sent:
        yield arrived(*sent, cuda)


def arrived(batch: Batch, copied: Any, cuda: Any) -> Batch:
    """`batch`, once the stream that computes was told to wait for its copies; the host waits for nothing."""
    cuda.get_current_stream().wait_event(copied)
    return batch
