"""What a process does in a step that it shares with others: it takes its rows of the batch, and after backward the gradients are added up.

The loss is a sum over pixels, divided by a number that all processes know, so the sum of their gradients is the gradient of the whole batch.
All get the same bits of that sum and take the same step, so that their weights stay the same to the bit; nobody has to send them. On GPUs
NCCL adds up; else everybody sends to process 0, which adds in a fixed order. Who starts the processes: `together.py`, or MPI, `mpi.py`.
"""

import importlib
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from multiprocessing.connection import wait
from typing import Any

from minifcn import backend
from minifcn.autodiff.engine import Array, Tensor
from minifcn.backend import Share
from minifcn.training.errors import TrainingError

GONE = (EOFError, BrokenPipeError, ConnectionResetError)
PATIENCE = 300.0  # seconds: who is silent for so long, and for so many times as long as process 0 itself needed, was stopped for good
TIMES = 20


class Group:
    """Process `rank` of `count`. `links`: of process 0 one to each other, in the order of their ranks; of the others one to process 0.

    `kills`: functions that end the other processes, in the same order, where process 0 can.
    """

    def __init__(
        self, rank: int = 0, count: int = 1, links: Sequence[Any] = (), kills: Sequence[Callable[[], Any]] = ()
    ) -> None:
        self.rank, self.count, self.links, self.kills = rank, count, links, kills
        self.since = time.monotonic()  # when this process began what it last added up

    def share(self, pictures: int) -> Share | None:
        """This process's rows of a batch of so many `pictures`; None for one that is alone. Raises TrainingError for too few."""
        if pictures < self.count:
            raise TrainingError(
                f"--processes {self.count}: a batch of {pictures} pictures cannot be shared by so many; use at most {pictures}, "
                "or a larger --batch"
            )
        first, end = (pictures * rank // self.count for rank in (self.rank, self.rank + 1))
        return Share(slice(first, end), pictures) if self.count > 1 else None

    def add_up(self, parameters: Iterable[Tensor], losses: list[Array]) -> list[Array]:
        """Give each parameter the sum of all processes' gradients; the sums of the `losses`, 0-d arrays, come back."""
        if self.count == 1:
            return losses
        found = [(parameter, parameter.grad) for parameter in parameters if parameter.grad is not None]
        numbers = [gradient.reshape(-1) for _, gradient in found] + [loss.reshape(1) for loss in losses]
        flat = backend.array_module(losses[0]).concatenate(numbers)
        self.total(flat)
        start = 0
        for parameter, gradient in found:
            parameter.grad = flat[start : start + gradient.size].reshape(gradient.shape)
            start += gradient.size
        return [flat[place] for place in range(start, len(flat))]

    def total(self, flat: Array) -> None:
        """Replace `flat` by the sum over all processes."""
        host = backend.to_device(flat, "cpu")
        if self.rank == 0:
            part, own = host.copy(), time.monotonic() - self.since
            for rank, link in enumerate(self.links, 1):
                with partner(rank, self.count), self.patient(rank, own):
                    hear(link)
                    link.recv_bytes_into(part)
                    host += part
            for rank, link in enumerate(self.links, 1):
                with partner(rank, self.count), self.patient(rank, own):
                    link.send_bytes(host)
            self.since = time.monotonic()
        else:
            self.links[0].send(None)  # no trouble
            self.links[0].send_bytes(host)
            self.links[0].recv_bytes_into(host)
        if host is not flat:
            flat[...] = backend.to_device(host, "gpu")

    def patient(self, rank: int, own: float) -> AbstractContextManager[None]:
        """Wait inside for process `rank`, though not for ever: for the same work this one needed `own` seconds."""
        return patience(self.kills[rank - 1], own) if self.kills else nullcontext()

    def check(self) -> None:
        """Raise TrainingError where another process has failed and nobody would notice."""


ALONE = Group()


def nccl() -> Any:
    """CuPy's module for NCCL, or None where that library is not installed. `cupy.cuda` does not import it by itself."""
    backend.import_cupy()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # six lines on a library that is not needed: process 0 adds up without it
            found = importlib.import_module("cupy.cuda.nccl")
    except ImportError:
        return None
    return found if found.available else None


class NcclGroup(Group):
    """GPUs of one machine or several, one a process; the links only start them and bring bad news."""

    def __init__(self, rank: int, count: int, links: Sequence[Any], unique_id: Any) -> None:
        super().__init__(rank, count, links)
        # to make the communicator waits for all of them, deaf to whatever one has to say: so each says first that it got this far
        if rank:
            for link in links:
                link.send(None)
        for number, link in enumerate(links if rank == 0 else (), 1):
            with partner(number, count):
                hear(link)
        self.nccl = nccl()
        self.communicator = self.nccl.NcclCommunicator(count, unique_id, rank)
        self.trouble: BaseException | None = None
        if rank == 0 and links:
            threading.Thread(target=self.watch, daemon=True).start()

    def total(self, flat: Array) -> None:
        """As in Group; the host does not wait."""
        self.check()
        kind = self.nccl.NCCL_FLOAT64 if flat.dtype.itemsize == 8 else self.nccl.NCCL_FLOAT32
        stream = backend.import_cupy().cuda.get_current_stream()
        place = flat.data.ptr  # type: ignore[attr-defined]  # an array of CuPy's has it
        self.communicator.allReduce(place, place, flat.size, kind, self.nccl.NCCL_SUM, stream.ptr)

    def watch(self) -> None:
        """A process that fails leaves the others waiting on their GPUs for ever: wait for its word, then break the communicator."""
        link = wait(list(self.links))[0]
        try:
            with partner(self.links.index(link) + 1, self.count):
                hear(link)
        except BaseException as error:
            self.trouble = error
        self.communicator.abort()

    def check(self) -> None:
        if self.trouble:
            raise self.trouble


def hear(link: Any) -> None:
    """Go on where the other side is well; raise what it says."""
    if trouble := link.recv():
        kind, text = trouble
        raise kind(text)


@contextmanager
def patience(kill: Callable[[], Any], own: float = 0.0) -> Iterator[None]:
    """What waits inside for another process, in either direction, waits no longer than that: then `kill` ends it. Raises TrainingError."""
    limit = max(PATIENCE, TIMES * own)
    done, ended = threading.Event(), threading.Event()

    def watch() -> None:
        waited = 0.0
        while waited < limit:
            before = time.monotonic()
            if done.wait(min(1.0, limit - waited)):
                return
            waited += min(
                time.monotonic() - before, 2.0
            )  # longer only where this process was stopped too: with Ctrl-Z both are
        ended.set()
        kill()

    threading.Thread(target=watch, name="minifcn patience", daemon=True).start()
    try:
        yield
    except GONE:
        if not ended.is_set():
            raise
        raise TrainingError(
            f"was silent for {limit:.0f} s and was ended; it was stopped perhaps, or the machine was asleep. Go on with --resume, which "
            "begins at the last checkpoint"
        ) from None
    finally:
        done.set()


class Silent(TrainingError):
    """A process ended and said nothing: its number."""

    def __init__(self, text: str, rank: int) -> None:
        super().__init__(text)
        self.rank = rank


@contextmanager
def partner(rank: int, count: int) -> Iterator[None]:
    """Errors inside are those of process `rank`: they get its name."""
    try:
        yield
    except GONE:
        raise Silent(
            f"process {rank} of {count} ended without a word, killed perhaps for want of memory; use fewer --processes or a smaller --batch",
            rank,
        ) from None
    except (TrainingError, MemoryError) as error:
        kind = MemoryError if isinstance(error, MemoryError) else TrainingError
        raise kind(f"process {rank} of {count}: {error}") from None
