"""In company: eight Python threads at once, processes that are forked or spawned after threads have run, files that many write. The bits are those of who is alone."""

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from training.helpers import arrays_of, random_model
from training.shared import Pictures

import minifcn as mf
from minifcn.files import is_draft, write_whole
from minifcn.models import build
from minifcn.training import fit, predict_maps
from minifcn.weights import save_arrays

from .harness import Attempt, Bench, Lost, Promise, some_of

THREADS = 8
LIMIT = 120.0  # seconds for a child, or for threads that wait for each other


def steps(seed: int) -> bytes:
    """Some steps of a network of one's own, forward, backward and SGD, and then its scores: the bits of all of it."""
    rng = np.random.default_rng([seed, 3])
    model = build(
        "fcn8s", backbone="tiny", width=2 + seed % 3, num_classes=3
    ).eval()  # dropout would draw from what all threads share
    for _, parameter in sorted(model.named_parameters()):
        parameter.data = rng.standard_normal(parameter.shape).astype(np.float32) / 4
    optimiser = mf.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    found = []
    for _ in range(3):
        x = mf.Tensor(rng.standard_normal((2, 3, 40, 56)).astype(np.float32), requires_grad=True)
        loss = mf.ops.softmax_cross_entropy(model(x), rng.integers(0, 3, (2, 40, 56)))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        found += [loss.data, x.grad]
    with mf.no_grad():
        found.append(model(mf.Tensor(x.data)).data)
    return b"".join(np.ascontiguousarray(array).tobytes() for array in found)


def trained(seed: int, processes: int) -> bytes:
    """A training as `fit` does it, weights at the end."""
    mf.manual_seed(seed)
    model = build("fcn32s", backbone="tiny", width=2, num_classes=3)
    fit(model, Pictures(), steps=3, batch=4, size=32, seed=seed, processes=processes, say=lambda line: None)
    return b"".join(np.ascontiguousarray(array).tobytes() for _, array in sorted(model.state_dict().items()))


def in_threads(work: Callable[[int], Any], count: int = THREADS) -> list[Any]:
    """The results of `count` threads that begin at the same moment."""
    together = threading.Barrier(count, timeout=LIMIT)

    def begin(number: int) -> Any:
        together.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def same(found: list[bytes], expected: list[bytes], what: str) -> None:
    wrong = [number for number, (one, other) in enumerate(zip(found, expected, strict=True)) if one != other]
    if wrong:
        raise Lost(f"{what}: {len(wrong)} of {len(found)} have other bits than alone")


def networks_in_threads(seed: int, place: Path) -> str:
    alone = [steps(seed + number) for number in range(THREADS)]
    same(in_threads(lambda number: steps(seed + number)), alone, "eight networks in eight threads")
    return "networks in threads"


def one_model_in_threads(seed: int, place: Path) -> str:
    """Many predict with one model; what a thread sets for itself, such as kernels or no_grad, is its own."""
    model = random_model()
    pictures = [
        np.random.default_rng([seed, number]).integers(0, 256, (24 + number, 40, 3)).astype(np.uint8)
        for number in range(THREADS)
    ]

    def predicted(number: int) -> bytes:
        found = predict_maps(model, pictures[number], confidence=True)
        return found.labels.tobytes() + found.confidence.tobytes()

    def with_settings(number: int) -> bytes:
        for _ in range(5):
            with mf.kernels.use(("simple", "fast")[number % 2]), mf.no_grad():
                time.sleep(0.001)
            made = mf.ops.relu(mf.Tensor(np.ones(3), requires_grad=True))
            if not made.requires_grad:
                return b"another thread's no_grad"
        return predicted(number)

    alone = [predicted(number) for number in range(THREADS)]
    same(in_threads(with_settings), alone, "one model in eight threads")
    return "one model in threads"


def in_child(way: str, work: Callable[..., bytes], *arguments: Any) -> bytes:
    """What `work` gives in another process. Lost where that one does not answer."""
    context = multiprocessing.get_context(way)
    ours, theirs = context.Pipe()
    child = context.Process(target=answer, args=(theirs, work, arguments))
    child.start()
    theirs.close()
    try:
        if not ours.poll(LIMIT):
            raise Lost(f"{way}: no answer after {LIMIT:g} s")
        return ours.recv_bytes()
    except EOFError as error:
        raise Lost(f"{way}: the process ended without an answer") from error
    finally:
        child.kill()
        child.join()


def answer(pipe: Any, work: Callable[..., bytes], arguments: tuple[Any, ...]) -> None:
    pipe.send_bytes(work(*arguments))


def forked(seed: int, place: Path) -> str:
    """The child of a process in which threads have run, and run still."""
    alone = steps(seed)
    in_threads(lambda number: steps(seed + number), 3)
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            mf.ops.conv2d(mf.Tensor(np.ones((1, 8, 32, 32))), mf.Tensor(np.ones((8, 8, 3, 3))))

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        same([in_child("fork", steps, seed) for _ in range(3)], [alone] * 3, "forked children")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return "forked"


def spawned(seed: int, place: Path) -> str:
    same([in_child("spawn", steps, seed)], [steps(seed)], "a spawned child")
    return "spawned"


def shared_batches(seed: int, place: Path) -> str:
    """Two processes share each batch; the weights are those of one, to the bit after every step or to rounding, as the page says."""
    in_threads(lambda number: steps(seed + number), 3)
    two, again = trained(seed, 2), trained(seed, 2)
    same([two], [again], "two processes that share batches, twice")
    one = np.frombuffer(trained(seed, 1), np.float32)
    if not np.allclose(np.frombuffer(two, np.float32), one, rtol=1e-3, atol=1e-4):
        raise Lost("two processes that share batches train other weights than one")
    return "two processes share batches"


def one_file_of_many(seed: int, place: Path) -> str:
    """Threads and children write one file while others read it: always a whole one, and no drafts in the end."""
    path = place / "file.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    contents = {number: np.full(20_000, number, np.float32) for number in range(THREADS)}
    save_arrays(path, {"x": contents[0]})
    until = time.monotonic() + 0.5

    def write_or_read(number: int) -> int:
        times = 0
        while time.monotonic() < until:
            if number % 2:
                save_arrays(path, {"x": contents[number]})
            else:
                found = arrays_of(path)["x"]
                if len(set(found.tolist())) != 1:
                    raise Lost("a file was read that is half of one writer and half of another")
            times += 1
        return times

    in_threads(write_or_read)
    write_whole(path, b"")
    if left := [file.name for file in path.parent.iterdir() if is_draft(file.name)]:
        raise Lost(f"drafts are left: {left}")
    return "one file of many"


WAYS = (networks_in_threads, one_model_in_threads, spawned, shared_batches, one_file_of_many)
if hasattr(os, "fork") and sys.platform == "linux":
    WAYS = (*WAYS, forked)


def begin(bench: Bench) -> Attempt:
    def attempt(number: int) -> str:
        rng = bench.rng(number)
        mf.set_num_threads(int(rng.integers(1, 5)))
        return WAYS[number % len(WAYS)](int(rng.integers(1000)), bench.fresh("company"))

    return attempt


PROMISE = Promise(
    says="in company the bits are those of who is alone, and nobody waits for ever",
    how="eight Python threads with networks of their own, or one model; children forked while threads run, spawned, sharing batches; one file, many writers",
    numbers=some_of(180),
    begin=begin,
    limit=400.0,
)
