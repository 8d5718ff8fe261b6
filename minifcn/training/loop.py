"""The training loop itself: a batch, the loss, backward, a step. Everything random in it follows from (seed, step)."""

import math
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple

import numpy as np

from minifcn import backend
from minifcn.autodiff.anomaly import AnomalyError, detect_anomaly
from minifcn.autodiff.engine import Tensor
from minifcn.data import Batches
from minifcn.data.loader import ALL
from minifcn.models import FCN
from minifcn.nn.optim import Optimiser
from minifcn.training.errors import TrainingError
from minifcn.training.group import ALONE, Group
from minifcn.training.objective import summed_loss, weight_of
from minifcn.training.recipes import MODERN, Recipe
from minifcn.training.supply import Array, Batch, on_device, supply

READ_SECONDS = (
    0.5  # a GPU's losses are read about so often: to read one is to wait until all that was asked of it is done
)
MOST_UNREAD = 100


class Step(NamedTuple):
    """What one step did; `step` counts from 1 within the stage. `seconds` is wall time, `waited` for pictures included.

    `ahead`: by how many steps the weights are ahead of this one. On a CPU by none. A GPU's losses are read several at a time, once all
    of their steps are done; the last of them has 0.
    """

    step: int
    loss: float
    learning_rate: float
    seconds: float
    images_per_second: float
    waited: float = 0.0
    ahead: int = 0

    def row(self, stage: str) -> dict[str, Any]:
        """What a log keeps of it."""
        return {"stage": stage} | {name: value for name, value in self._asdict().items() if name != "ahead"}


class Unread(NamedTuple):
    """A step that was taken, or at least asked of a GPU, and whose losses, one a part, were not looked at yet."""

    step: int
    losses: list[Array]
    rate: float
    waited: float


def train(
    model: FCN,
    batches: Batches,
    optimiser: Optimiser,
    recipe: Recipe = MODERN,
    *,
    steps: int,
    seed: int,
    start: int = 0,
    first_batch: int = 0,
    group: Group = ALONE,
) -> Generator[Step, None, None]:
    """Run steps `start` … `steps` - 1 and yield each once it is done and its loss was read.

    `recipe.accumulate` batches make a step; batch (`first_batch` + step)·accumulate is its first. Dropout and sampled cells are drawn
    from that number, so that a run continued at `start` is the run that was never stopped. `group`: the processes that share each batch.
    Raises TrainingError when a loss is not finite; the message names the first operation that made a NaN or infinity. That step and
    those after it, which a GPU may have been asked for already, change no weights.
    """
    model.train()
    first = next(model.parameters())
    share = group.share(batches.batch)

    def batches_of(numbers: range) -> Iterator[Batch]:
        return supply(batches, recipe, seed, model.cell, numbers, share.rows if share else ALL)

    take_step = plain_steps(model, optimiser, recipe, seed, group, share)
    unread: list[Unread] = []
    every = 1
    before = time.perf_counter()
    coming = batches_of(range(first_batch + start, first_batch + steps))
    for batch in on_device(coming, first.device, len(model.class_names), first.dtype):
        step = batch.number - first_batch
        optimiser.lr = recipe.rate(step, steps)
        unread.append(Unread(step + 1, take_step(batch), optimiser.lr, batch.waited))
        if len(unread) < every and step + 1 < steps:
            continue
        values = read([each.losses for each in unread])
        group.check()
        seconds = (time.perf_counter() - before) / len(unread)
        speed = batches.batch * recipe.accumulate / max(seconds, 1e-9)
        for done, value in zip(unread, values, strict=True):
            if not math.isfinite(value):
                number = first_batch + done.step - 1
                bad = next(batches_of(range(number, number + 1)))
                raise TrainingError(not_finite(model, bad, recipe, seed, done, value))
            yield Step(done.step, value, done.rate, seconds, speed, done.waited, unread[-1].step - done.step)
        if first.device == "gpu":
            every = int(min(max(1, READ_SECONDS / max(seconds, 1e-9)), MOST_UNREAD))
        unread.clear()
        before = time.perf_counter()
    model.eval()


def plain_steps(
    model: FCN, optimiser: Optimiser, recipe: Recipe, seed: int, group: Group, share: backend.Share | None
) -> Callable[[Batch], list[Array]]:
    """A function that takes a step: what it is given moves the weights, and the loss of each part comes back, unread."""
    weight = weight_of(recipe, next(model.parameters()))
    good: Any = True  # whether all losses so far were finite, where the losses are: the host need not know to go on

    def take_step(batch: Batch) -> list[Array]:
        nonlocal good
        backend.manual_seed((2, seed, batch.number))
        optimiser.zero_grad()
        losses = []
        for pictures, labels in zip(batch.pictures, batch.labels, strict=True):
            with backend.sharing(share):
                loss = loss_of_part(model, pictures, labels, weight) * batch.factor
            loss.backward()
            losses.append(loss.data)
        losses = group.add_up(optimiser.parameters(), losses)
        for value in losses:
            good = good & backend.array_module(value).isfinite(value)
        optimiser.step(only_if=good)
        return losses

    return take_step


def loss_of_part(model: FCN, pictures: Any, labels: Any, weight: Any) -> Tensor:
    """The summed loss of pictures uint8 (N, H, W, 3) with labels uint8 (N, H, W), on the model's device."""
    values = model.preprocessing(pictures).astype(next(model.parameters()).dtype, copy=False)
    return summed_loss(model(Tensor(values)), labels, weight, check=backend.device_of(labels) == "cpu")


def read(losses: list[list[Array]]) -> list[float]:
    """The loss of each step from those of its parts, all on their way from the device at once."""
    parts = len(losses[0])
    xp = backend.array_module(losses[0][0])
    values = backend.to_device(xp.stack([part for step in losses for part in step]), "cpu").tolist()
    return [sum(values[i : i + parts]) for i in range(0, len(values), parts)]


def not_finite(model: FCN, batch: Batch, recipe: Recipe, seed: int, done: Unread, value: float) -> str:
    """The sentence for a loss that is no number. The forward is run once more, watched, to find where it began."""
    where = "every operation was finite by itself when it was run again"
    first = next(model.parameters())
    backend.manual_seed((2, seed, batch.number))
    try:
        with detect_anomaly(), np.errstate(all="ignore"):
            for part in zip(batch.pictures, batch.labels, strict=True):
                pictures, labels = (backend.to_device(array, first.device) for array in part)
                loss_of_part(model, pictures, labels, weight_of(recipe, first))
    except AnomalyError as error:
        where = str(error).partition(". Called at")[0]
    spoilt = [name for name, p in model.named_parameters() if not backend.array_module(p.data).isfinite(p.data).all()]
    weights = (
        f"{len(spoilt)} parameters are no longer finite, {spoilt[0]} first; the last checkpoint is from before that"
        if spoilt
        else "the weights of the step before are kept"
    )
    return (
        f"step {done.step}: the loss is {value} at learning rate {done.rate:.3g}; {weights}. First bad operation: {where}. "
        "Try a rate ten times smaller"
    )
