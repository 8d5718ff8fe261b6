"""How a run is carried out on this machine: none of it decides what is computed, so a run may be continued with others."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """What `run` takes beside the configuration.

    `checkpoint_every`: seconds between checkpoints; None is 20. `val_every`: steps between the scores on the way (`Watch`); None: as often
    as a twentieth of the time allows, 0: never. `processes` share each batch: a number, or "mpi". `graph`: capture the step in a CUDA graph.
    """

    checkpoint_every: float | None = None
    val_every: int | None = None
    processes: int | str = 1
    graph: bool = False
