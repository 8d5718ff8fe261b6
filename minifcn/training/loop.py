"""The training loop itself: a batch, the loss, backward, a step. Everything random in it follows from (seed, step)."""

import math
import time
from collections.abc import Iterator
from typing import NamedTuple

from minifcn import backend, ops
from minifcn.autodiff.engine import Tensor
from minifcn.data import Batches
from minifcn.models import FCN
from minifcn.nn.optim import Optimiser


class TrainingError(ValueError):
    """Training cannot start or go on; the message says why and what to do."""


class Step(NamedTuple):
    """What one step did; `step` counts from 1 within the stage. `seconds` is wall time, the wait for the batch included."""

    step: int
    loss: float
    learning_rate: float
    seconds: float
    images_per_second: float


def polynomial_decay(lr: float, step: int, steps: int, power: float = 0.9) -> float:
    """lr·(1 - step / steps)^power: from lr at step 0 to almost 0 at the last."""
    return lr * (1 - step / steps) ** power


def train(
    model: FCN,
    batches: Batches,
    optimiser: Optimiser,
    *,
    lr: float,
    steps: int,
    seed: int,
    start: int = 0,
    first_batch: int = 0,
) -> Iterator[Step]:
    """Run steps `start` … `steps` - 1 and yield each once it is done. Mean loss over the pixels that are not void.

    Batch `first_batch` + step is used at each. Dropout is seeded by it, so that a run continued at `start` is the run that
    was never stopped. Raises TrainingError, before the weights change, when the loss is not finite.
    """
    device = next(model.parameters()).device
    model.train()
    before = time.perf_counter()
    for step, (pictures, labels) in enumerate(batches.iterate(first_batch + start, first_batch + steps), start):
        backend.manual_seed((2, seed, first_batch + step))
        optimiser.lr = polynomial_decay(lr, step, steps)
        optimiser.zero_grad()
        scores = model(Tensor(backend.to_device(model.preprocessing(pictures), device)))
        loss = ops.softmax_cross_entropy(scores, backend.to_device(labels, device))
        value = loss.item()
        if not math.isfinite(value):
            raise TrainingError(
                f"step {step + 1}: the loss is {value} at learning rate {optimiser.lr:.3g}; the weights of the step before are kept. "
                "Try a rate ten times smaller"
            )
        loss.backward()
        optimiser.step()
        now = time.perf_counter()
        yield Step(step + 1, value, optimiser.lr, now - before, len(pictures) / max(now - before, 1e-9))
        before = time.perf_counter()
    model.eval()
