"""Starts and ends the processes that train one network together: each has the whole of it, and a share of every batch (`group.py`).

Process 0 started the others, and alone writes and prints. They hold nothing that it has not, so they may be ended at any moment.
"""

import multiprocessing
import os
import pickle
import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from typing import Any

from minifcn import backend, workers
from minifcn.kernels import threads
from minifcn.training.errors import TrainingError
from minifcn.training.interrupt import handled
from minifcn.training.processes.group import ALONE, GONE, Group, NcclGroup, Silent, nccl, partner, patience

AGAIN = (
    "Python runs the script again in each new process, up to the line that asks for more of them. Put what the script does under "
    "if __name__ == '__main__': and the classes of its data above that, in a file"
)


def check_processes(count: int, device: str, batch: int) -> None:
    """Raise TrainingError where a batch has fewer pictures than there are processes, or the machine fewer GPUs."""
    Group(0, count).share(batch)
    check_that_they_start(count)
    if device == "gpu" and count > (found := backend.import_cupy().cuda.runtime.getDeviceCount()):
        raise TrainingError(f"--processes {count}: each needs a GPU of its own, and this machine has {found}")


def check_that_they_start(count: int) -> None:
    if count > 1 and workers.IN_A_BROWSER:
        raise TrainingError(
            f"--processes {count}: a browser's Python starts no other process; leave --processes out, and this one does it alone"
        )


@contextmanager
def together(count: int, device: str, run: Callable[..., Iterable[Any]], job: dict[str, Any]) -> Iterator[Group]:
    """Start processes 1 … `count` - 1, each of which goes through `run(**job, group=…)`; the Group of process 0 comes back.

    They end with the `with`, whatever ends it. Raises TrainingError where the job cannot be sent.
    """
    if count == 1:
        yield ALONE
        return
    check_that_they_start(count)
    if getattr(
        multiprocessing.current_process(), "_inheriting", False
    ):  # Python's own question before it starts another
        raise TrainingError(f"--processes {count}: {AGAIN}")
    unique_id = nccl_id(device)
    content = packed(run, job, unique_id)
    context = multiprocessing.get_context("spawn")
    links, workers, before = [], [], threads.get_num_threads()
    each = max(1, before // count)
    try:
        threads.set_num_threads(each)
        with handled(signal.SIG_IGN):  # they go to the whole group, and process 0 decides what they mean
            for rank in range(1, count):
                mine, theirs = context.Pipe()
                workers.append(context.Process(target=work, args=(rank, count, theirs, device, each), daemon=True))
                workers[-1].start()
                theirs.close()
                links.append(mine)
        for rank, link in enumerate(links, 1):
            with partner(rank, count), patience(workers[rank - 1].kill):
                link.send_bytes(content)
        kills = [worker.kill for worker in workers]
        yield NcclGroup(0, count, links, unique_id) if unique_id else Group(0, count, links, kills)
    except Silent as error:
        worker = workers[error.rank - 1]
        worker.join(5)
        if worker.exitcode == 1:  # an error of Python's before `work` began, which would have told it: nobody killed it
            raise TrainingError(f"process {error.rank} of {count} could not start: {AGAIN}") from None
        raise
    finally:
        for worker in workers:
            if worker.pid is not None:  # else it was not even started
                worker.kill()  # it holds nothing that process 0 has not
                worker.join()
        threads.set_num_threads(before)


def packed(run: Callable[..., Iterable[Any]], job: dict[str, Any], unique_id: Any) -> bytes:
    """What another process needs to do the same."""
    try:
        return pickle.dumps((run, job, unique_id))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TrainingError(f"--processes: the training cannot be sent to another process: {error}") from error


def nccl_id(device: str) -> Any:
    """What the processes of one NCCL communicator have in common; None on a CPU, or where NCCL is not installed and process 0 adds up."""
    found = nccl() if device == "gpu" else None
    return found.get_unique_id() if found else None


def work(rank: int, count: int, link: Any, device: str, number_of_threads: int) -> None:
    """What process `rank` does from its first to its last moment."""
    threading.Thread(target=leave_with_parent, daemon=True).start()
    warnings.filterwarnings("ignore", category=RuntimeWarning)  # process 0 says what is wrong
    threads.set_num_threads(number_of_threads)
    try:
        if device == "gpu":
            backend.use_gpu(rank)
        run, job, unique_id = pickle.loads(link.recv_bytes())
        group = NcclGroup(rank, count, [link], unique_id) if unique_id else Group(rank, count, [link])
        for _ in run(**job, group=group):
            group.check()
        link.recv()  # stay until process 0 ends this one: its GPU may still be at the last sum
    except GONE:
        pass  # process 0 has left, and says why
    except BaseException as error:
        kind = MemoryError if backend.no_memory_left(error) else TrainingError
        with suppress(*GONE):
            link.send((kind, str(error) or type(error).__name__))


def leave_with_parent() -> None:
    """Process 0 may be killed while this one waits on its GPU."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
