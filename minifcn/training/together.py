"""Several processes train one network: each has the whole of it and a share of every batch, and after backward the gradients are added up.

The loss is a sum over pixels, divided by a number that all processes know, so the sum of their gradients is the gradient of the whole batch.
All get the same bits of that sum and take the same step, so that their weights stay the same to the bit; nobody has to send them. Process 0
started the others, and alone writes and prints. On GPUs NCCL adds up; else everybody sends to process 0, which adds in a fixed order.
"""

import multiprocessing
import os
import pickle
import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any

from minifcn import backend
from minifcn.autodiff.engine import Array, Tensor
from minifcn.backend import Share
from minifcn.kernels import threads
from minifcn.training.errors import TrainingError

GONE = (EOFError, BrokenPipeError, ConnectionResetError)


class Group:
    """Process `rank` of `count`. `links`: of process 0 one to each other, in the order of their ranks; of the others one to process 0."""

    def __init__(self, rank: int = 0, count: int = 1, links: Sequence[Any] = ()) -> None:
        self.rank, self.count, self.links = rank, count, links

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
            part = host.copy()
            for rank, link in enumerate(self.links, 1):
                with partner(rank, self.count):
                    hear(link)
                    link.recv_bytes_into(part)
                    host += part
            for rank, link in enumerate(self.links, 1):
                with partner(rank, self.count):
                    link.send_bytes(host)
        else:
            self.links[0].send(None)  # no trouble
            self.links[0].send_bytes(host)
            self.links[0].recv_bytes_into(host)
        if host is not flat:
            flat[...] = backend.to_device(host, "gpu")

    def check(self) -> None:
        """Raise TrainingError where another process has failed and nobody would notice."""


ALONE = Group()


class NcclGroup(Group):
    """GPUs of one machine or several, one a process; the links only start them and bring bad news."""

    def __init__(self, rank: int, count: int, links: Sequence[Any], unique_id: Any) -> None:
        super().__init__(rank, count, links)
        self.nccl = backend.import_cupy().cuda.nccl
        self.communicator = self.nccl.NcclCommunicator(count, unique_id, rank)
        self.trouble: BaseException | None = None
        if rank == 0:
            threading.Thread(target=self.watch, daemon=True).start()

    def total(self, flat: Array) -> None:
        """As in Group; the host does not wait."""
        self.check()
        kind = self.nccl.NCCL_FLOAT64 if flat.dtype.itemsize == 8 else self.nccl.NCCL_FLOAT32
        stream = backend.import_cupy().cuda.get_current_stream()
        self.communicator.allReduce(flat.data.ptr, flat.data.ptr, flat.size, kind, self.nccl.NCCL_SUM, stream.ptr)

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
def partner(rank: int, count: int) -> Iterator[None]:
    """Errors inside are those of process `rank`: they get its name."""
    try:
        yield
    except GONE:
        raise TrainingError(
            f"process {rank} of {count} ended without a word, killed perhaps for want of memory; use fewer --processes or a smaller --batch"
        ) from None
    except (TrainingError, MemoryError) as error:
        raise type(error)(f"process {rank} of {count}: {error}") from None


@contextmanager
def together(count: int, device: str, run: Callable[..., Iterable[Any]], job: dict[str, Any]) -> Iterator[Group]:
    """Start processes 1 … `count` - 1, each of which goes through `run(**job, group=…)`; the Group of process 0 comes back.

    They end with the `with`, whatever ends it. Raises TrainingError where the job cannot be sent or a machine has fewer GPUs.
    """
    if count == 1:
        yield ALONE
        return
    nccl = needed_nccl(count) if device == "gpu" else None
    try:
        content = pickle.dumps((run, job, nccl.get_unique_id() if nccl else None))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TrainingError(f"--processes {count}: the training cannot be sent to another process: {error}") from error
    context = multiprocessing.get_context("spawn")
    links, workers, before = [], [], threads.get_num_threads()
    each = max(1, before // count)
    try:
        threads.set_num_threads(each)
        with deaf():
            for rank in range(1, count):
                mine, theirs = context.Pipe()
                workers.append(context.Process(target=work, args=(rank, count, theirs, device, each), daemon=True))
                workers[-1].start()
                theirs.close()
                links.append(mine)
        for rank, link in enumerate(links, 1):
            with partner(rank, count):
                link.send_bytes(content)
        yield NcclGroup(0, count, links, pickle.loads(content)[2]) if nccl else Group(0, count, links)
    finally:
        for worker in workers:
            worker.kill()  # it holds nothing that process 0 has not
            worker.join()
        threads.set_num_threads(before)


def needed_nccl(count: int) -> Any:
    """CuPy's NCCL, or None where it is not installed and process 0 has to add up. Raises TrainingError for too few GPUs."""
    cuda = backend.import_cupy().cuda
    if count > (found := cuda.runtime.getDeviceCount()):
        raise TrainingError(f"--processes {count}: each needs a GPU of its own, and this machine has {found}")
    return cuda.nccl if cuda.nccl.available else None


@contextmanager
def deaf() -> Iterator[None]:
    """Processes started inside do not hear Ctrl-C and SIGTERM, which go to the whole group: process 0 decides what they mean."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def work(rank: int, count: int, link: Any, device: str, number_of_threads: int) -> None:
    """What process `rank` does from its first to its last moment."""
    threading.Thread(target=leave_with_parent, daemon=True).start()
    warnings.filterwarnings("ignore", category=RuntimeWarning)  # process 0 says what is wrong
    threads.set_num_threads(number_of_threads)
    try:
        if device == "gpu":
            backend.import_cupy().cuda.Device(rank).use()
        run, job, unique_id = pickle.loads(link.recv_bytes())
        group = NcclGroup(rank, count, [link], unique_id) if unique_id else Group(rank, count, [link])
        for _ in run(**job, group=group):
            group.check()
        link.recv()  # stay until process 0 ends this one: its GPU may still be at the last sum
    except GONE:
        pass  # process 0 has left, and says why
    except BaseException as error:
        kind = MemoryError if isinstance(error, MemoryError) else TrainingError
        link.send((kind, str(error) or type(error).__name__))


def leave_with_parent() -> None:
    """Process 0 may be killed while this one waits on its GPU."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
