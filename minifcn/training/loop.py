"""The training loop itself: a batch, the loss, backward, a step. Everything random in it follows from (seed, step)."""

import math
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple

import numpy as np

from minifcn import backend
from minifcn.autodiff.anomaly import AnomalyError, detect_anomaly
from minifcn.data import Batches
from minifcn.data.loader import ALL
from minifcn.models import FCN
from minifcn.nn.optim import SGD, Optimiser
from minifcn.training.cuda_graph import CapturedSteps
from minifcn.training.errors import TrainingError
from minifcn.training.objective import weight_of
from minifcn.training.processes.group import ALONE, Group
from minifcn.training.recipes import MODERN, Recipe
from minifcn.training.steps import Steps, loss_of_part, read
from minifcn.training.supply import Array, Batch, on_device, supply

# A GPU's losses are read about so often, in seconds and in steps: to read one is to wait until all that was asked of it is done
READ_SECONDS = 0.5
MOST_UNREAD = 100
THOUSANDFOLD = 1000.0  # of what guessing gives: no training comes back from there
WEAK = 1e-4  # of a weight, what decay usually takes away in a step at most
RAW = 20.0  # values of pictures that random weights, drawn for about 2, are not made for


class Step(NamedTuple):
    """What one step did; `step` counts from 1 within the stage. `seconds` is wall time, `waited` for pictures included.

    `pixels`: how many counted in the loss, and `weight`: the sum of their class weights, by which a summed loss becomes one a pixel. NaN
    where nobody counted.

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
    pixels: float = math.nan
    weight: float = math.nan

    def row(self, stage: str) -> dict[str, Any]:
        """What a log keeps of it."""
        return {"stage": stage} | {name: value for name, value in self._asdict().items() if name != "ahead"}


class Unread(NamedTuple):
    """A step that was taken, or at least asked of a GPU, and whose losses, one a part, were not looked at yet."""

    step: int
    losses: list[Array]
    rate: float
    waited: float
    pixels: int
    weight: float


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
    graph: bool = False,
    say: Callable[[str], Any] = print,
) -> Generator[Step, None, None]:
    """Run steps `start` … `steps` - 1 and yield each once it is done and its loss was read.

    `recipe.accumulate` batches make a step; batch (`first_batch` + step)·accumulate is its first. Dropout and sampled cells are drawn
    from that number, so that a run continued at `start` is the run that was never stopped. `group`: the processes that share each batch.
    `graph`: on one GPU and with crops of one size, capture the step and ask for all of it at once; where that fails, `say` is told so.
    Raises TrainingError when a loss is not finite; the message names the first operation that made a NaN or infinity. That step and
    those after it, which a GPU may have been asked for already, change no weights. Raises it too when the loss has grown a thousandfold,
    over the first one and over what guessing gives.
    """
    model.train()
    first = next(model.parameters())
    share = group.share(batches.batch)

    def batches_of(numbers: range) -> Iterator[Batch]:
        return supply(batches, recipe, seed, model.cell, numbers, share.rows if share else ALL)

    plain = Steps(model, optimiser, recipe, seed, group, share)
    captured = graph and first.device == "gpu" and group.count == 1 and batches.size is not None
    if graph and not captured:
        say("--graph is for one GPU and crops of one size; going on without")
    take_step: Callable[[Batch], list[Array]] = CapturedSteps(plain, say) if captured else plain
    unread: list[Unread] = []
    every, first_loss = 1, 0.0
    before = time.perf_counter()
    coming = batches_of(range(first_batch + start, first_batch + steps))
    for batch in on_device(coming, first.device, len(model.class_names), first.dtype):
        step = batch.number - first_batch
        optimiser.lr = recipe.rate(step, steps)
        unread.append(Unread(step + 1, take_step(batch), optimiser.lr, *batch[4:]))
        if len(unread) < every and step + 1 < steps:
            continue
        values = read([each.losses for each in unread])
        group.check()
        seconds = (time.perf_counter() - before) / len(unread)
        speed = batches.batch * recipe.accumulate / max(seconds, 1e-9)
        first_loss = first_loss or values[0]
        most = THOUSANDFOLD * max(first_loss, guessing(batch, recipe, len(model.class_names)))
        for done, value in zip(unread, values, strict=True):
            if not math.isfinite(value) or value > most:
                number = first_batch + done.step - 1
                bad = next(batches_of(range(number, number + 1)))
                if value > most and math.isfinite(value):
                    raise TrainingError(grown(model, bad, optimiser, done, value, most / THOUSANDFOLD))
                raise TrainingError(not_finite(model, bad, optimiser, recipe, seed, done, value))
            ahead = unread[-1].step - done.step
            yield Step(done.step, value, done.rate, seconds, speed, done.waited, ahead, done.pixels, done.weight)
        if first.device == "gpu":
            every = int(min(max(1, READ_SECONDS / max(seconds, 1e-9)), MOST_UNREAD))
        unread.clear()
        before = time.perf_counter()
    model.eval()


def guessing(batch: Batch, recipe: Recipe, classes: int) -> float:
    """The loss of a network that guesses, ln C, or the most that it can be: of a sum as if every pixel counted."""
    if recipe.loss == "mean":
        return math.log(classes)
    pixels = sum(math.prod(labels.shape) for labels in batch.labels)
    return math.log(classes) * pixels * max(recipe.class_weights or (1.0,))


def grown(model: FCN, batch: Batch, optimiser: Optimiser, done: Unread, value: float, usual: float) -> str:
    """The sentence for a loss that has grown a thousandfold: each step went so far that the next one had more to undo."""
    what = f"step {done.step}: the loss is {value:.3g}, a thousand times the {usual:.3g} of a network that guesses or began"
    if decay := by_decay(optimiser):
        return f"{what}. {decay}"
    pictures = model.preprocessing(backend.to_device(batch.pictures[0], "cpu"))
    largest = float(np.abs(pictures).max(initial=0))
    raw = (
        f" The network is given pictures with values up to {largest:.0f}, as the authors of its trunk trained it; random weights want "
        "about 2: load trained weights (--init, --trunk), or set model.preprocessing = Preprocessing()."
        if largest > RAW
        else ""
    )
    return f"{what}: the steps are too long for this network at learning rate {done.rate:.3g}.{raw} Try a rate ten times smaller (--lr {done.rate / 10:.2g})"


def by_decay(optimiser: Optimiser) -> str:
    """A sentence where weight decay alone makes the weights larger with every step; else nothing.

    Under v ← momentum·v + decay·w, w ← w - rate·v they grow without end from rate·decay = 2·(1 + momentum) on: each step goes so far beyond 0
    that it ends further away. Adam takes steps of one length, whatever the decay.
    """
    if not isinstance(optimiser, SGD):
        return ""
    pairs = zip(optimiser.learning_rates(), optimiser.decays(), strict=True)
    rate, decay = max(pairs, key=lambda pair: pair[0] * pair[1])
    limit = 2 * (1 + optimiser.momentum)
    if rate * decay < limit:
        return ""
    return (
        f"The weight decay alone does that: {decay:.3g} times the learning rate {rate:.3g} is {rate * decay:.3g}, and from {limit:.3g} on it makes "
        f"weights larger instead of smaller. Give a smaller --weight-decay, such as {WEAK / rate:.1g}"
    )


def not_finite(
    model: FCN, batch: Batch, optimiser: Optimiser, recipe: Recipe, seed: int, done: Unread, value: float
) -> str:
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
        else "the model still has the weights of the step before"
    )
    return (
        f"step {done.step}: the loss is {value} at learning rate {done.rate:.3g}; {weights}. First bad operation: {where}. "
        + (by_decay(optimiser) or "Try a rate ten times smaller")
    )
