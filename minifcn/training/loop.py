"""The training loop itself: a batch, the loss, backward, a step. Everything random in it follows from (seed, step)."""

import math
import time
from collections.abc import Generator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from minifcn import backend
from minifcn.autodiff.anomaly import AnomalyError, detect_anomaly
from minifcn.autodiff.engine import Tensor
from minifcn.data import Batches
from minifcn.models import FCN
from minifcn.nn.optim import Optimiser
from minifcn.training.errors import TrainingError
from minifcn.training.objective import divisor, loss_of
from minifcn.training.recipes import MODERN, Recipe
from minifcn.training.sampling import sampled


class Step(NamedTuple):
    """What one step did; `step` counts from 1 within the stage. `seconds` is wall time, `waited` for pictures included."""

    step: int
    loss: float
    learning_rate: float
    seconds: float
    images_per_second: float
    waited: float = 0.0


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
) -> Generator[Step, None, None]:
    """Run steps `start` … `steps` - 1 and yield each once it is done.

    `recipe.accumulate` batches make a step; batch (`first_batch` + step)·accumulate is its first. Dropout and sampled cells are drawn
    from that number, so that a run continued at `start` is the run that was never stopped. Raises TrainingError, before the weights
    change, when the loss is not finite; the message names the first operation that made a NaN or infinity.
    """
    model.train()
    before = time.perf_counter()
    parts = recipe.accumulate
    supply = batches.iterate((first_batch + start) * parts, (first_batch + steps) * parts)
    for step in range(start, steps):
        number = first_batch + step
        waited = batches.waited
        gathered = list(islice(supply, parts))
        waited = batches.waited - waited
        rng = np.random.default_rng([3, seed, number])
        labels = [sampled(each, recipe.keep_cells, model.cell, rng, recipe.balance_cells) for _, each in gathered]
        over = divisor(labels, recipe)
        backend.manual_seed((2, seed, number))
        optimiser.lr = recipe.rate(step, steps)
        optimiser.zero_grad()
        value = 0.0
        for (pictures, _), truth in zip(gathered, labels, strict=True):
            loss = loss_of(model(as_input(model, pictures)), truth, recipe, over)
            value += loss.item()
            if not math.isfinite(value):
                raise TrainingError(not_finite(model, pictures, truth, recipe, step + 1, value, optimiser.lr))
            loss.backward()
        optimiser.step()
        now = time.perf_counter()
        images = sum(len(pictures) for pictures, _ in gathered)
        seconds = now - before
        yield Step(step + 1, value, optimiser.lr, seconds, images / max(seconds, 1e-9), waited)
        before = time.perf_counter()
    model.eval()


def as_input(model: FCN, pictures: Any) -> Tensor:
    """Pictures uint8 (N, H, W, 3) as the network wants them, on its device."""
    return Tensor(backend.to_device(model.preprocessing(pictures), next(model.parameters()).device))


def not_finite(
    model: FCN, pictures: Any, labels: np.ndarray, recipe: Recipe, step: int, value: float, rate: float
) -> str:
    """The sentence for a loss that is no number. The forward is run once more, watched, to find where it began."""
    where = "every operation was finite by itself when it was run again"
    try:
        with detect_anomaly(), np.errstate(all="ignore"):
            loss_of(model(as_input(model, pictures)), labels, recipe, 1.0)
    except AnomalyError as error:
        where = str(error).partition(". Called at")[0]
    spoilt = [name for name, p in model.named_parameters() if not backend.array_module(p.data).isfinite(p.data).all()]
    weights = (
        f"{len(spoilt)} parameters are no longer finite, {spoilt[0]} first; the last checkpoint is from before that"
        if spoilt
        else "the weights of the step before are kept"
    )
    return (
        f"step {step}: the loss is {value} at learning rate {rate:.3g}; {weights}. First bad operation: {where}. "
        "Try a rate ten times smaller"
    )
