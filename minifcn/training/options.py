"""What a training takes beside model, data and recipe: how it is carried out on this machine, and where it goes on."""

from collections.abc import Callable
from dataclasses import dataclass

from minifcn.models import FCN
from minifcn.nn.optim import Optimiser

Start = Callable[[], FCN] | None


@dataclass(frozen=True)
class Options:
    """How a run is carried out. None of it decides what is computed, so a run may be continued with others.

    `checkpoint_every`: seconds between checkpoints; None is 20. `val_every`: steps between the scores on the way (`Watch`); None: as often
    as a twentieth of the time allows, 0: never. `processes` share each batch: a number, or "mpi". `graph`: capture the step in a CUDA graph.
    `start` gives the model of --init, once, where it was read already: of another program's file that takes seconds.
    """

    checkpoint_every: float | None = None
    val_every: int | None = None
    processes: int | str = 1
    graph: bool = False
    start: Start = None


@dataclass(frozen=True)
class Begun:
    """Where a training goes on that was stopped: after `start` steps, with the optimiser as it was then. A fresh one has none of it.

    `stage` names the rows of its history. `first_batch`: the number of its first batch, counted through all stages of a run.
    """

    stage: str = "train"
    optimiser: Optimiser | None = None
    start: int = 0
    first_batch: int = 0
