"""A promise, its cases, and the process that they are tried in: a case that hangs or ends its process is a result like any other."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import TESTS

STARTING = 300.0  # seconds that a worker may take to make what its cases need
NAMES = ("kills", "files", "operations", "predictions", "training", "disk", "company", "installs")  # cheap ones early


class Lost(Exception):
    """A promise was broken; the sentence says what was lost."""


class NotBegunError(Exception):
    """The valid files and the like could not be made: no case was tried."""


class Result(NamedTuple):
    """`outcome`: what came of the case, in a word or two, to be counted. `lost`: "" where the promise held."""

    case: int
    took: float
    outcome: str
    lost: str = ""


@dataclass(frozen=True)
class Bench:
    """Where the cases of one promise are tried: a folder of their own, and the seed that all of them follow from."""

    seed: int
    place: Path

    def rng(self, number: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, number, 1])  # NumPy drops zeros at the end of a seed

    def fresh(self, name: str) -> Path:
        """An empty folder."""
        folder = self.place / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def keep(self, number: int, ending: str, content: bytes) -> Path:
        """The file of a case that failed, where a person finds it."""
        path = self.place / "kept" / f"{number}{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


Attempt = Callable[[int], str]


def some_of(count: int | Callable[[Bench], int]) -> Callable[[Bench, float], list[int]]:
    """The cases of a share: those of a smaller one are among those of a larger one, and each share has some of every kind."""

    counted = cache(count) if callable(count) else lambda bench: count

    def numbers(bench: Bench, share: float) -> list[int]:
        full = counted(bench)
        order = np.random.default_rng([bench.seed, 2]).permutation(full)
        return [int(number) for number in order[: max(1, round(full * share))]]

    return numbers


@dataclass(frozen=True)
class Promise:
    """`numbers(bench, share)`: the cases. `begin(bench)`: makes ready, and returns what tries one case: an outcome, or Lost is raised.

    `limit`: seconds that a case may take. `memory`: bytes of address space that its process may have.
    """

    says: str
    how: str
    numbers: Callable[[Bench, float], list[int]]
    begin: Callable[[Bench], Attempt]
    limit: float | Callable[[int], float] = 20.0
    memory: int | None = None
    weighs: Callable[[int], int] = field(
        default=lambda number: 1
    )  # what a case counts for: a slope over 5000 predictions 5000

    def seconds_for(self, number: int) -> float:
        return self.limit(number) if callable(self.limit) else self.limit


def promise(name: str) -> Promise:
    return import_module(f".{name}", __package__).PROMISE


LIVING: set["Worker"] = set()


def stop_all() -> None:
    """After Ctrl-C: nobody waits for a case that takes half an hour."""
    for worker in list(LIVING):
        worker.stop()


class Worker:
    """A process that tries cases of one promise, one after the other. It is begun anew where a case was the end of it."""

    def __init__(self, name: str, bench: Bench) -> None:
        self.name, self.bench, self.promise = name, bench, promise(name)
        self.process: subprocess.Popen[bytes] | None = None
        self.rest = b""

    def attempt(self, number: int) -> Result:
        if self.process is None:
            self.start()
        process, began = self.process, time.monotonic()
        try:
            process.stdin.write(f"{number}\n".encode())
            process.stdin.flush()
            return Result(**json.loads(self.line(process, self.promise.seconds_for(number))))
        except TimeoutError as late:
            self.stop()
            return Result(number, time.monotonic() - began, "hung", f"no answer after {late} s")
        except (OSError, ValueError, EOFError):  # its pipe is closed
            said = ended(process.wait())
            self.stop()
            return Result(number, time.monotonic() - began, "ended", f"its process ended: {said}; see {self.log}")

    @property
    def log(self) -> Path:
        return self.bench.place / f"worker-{os.getpid()}-{id(self)}.log"

    def start(self) -> None:
        self.bench.place.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            f"{__package__}.worker",
            self.name,
            str(self.bench.seed),
            str(self.bench.place),
        ]
        paths = os.pathsep.join([str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")])
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=TESTS.parent,
                env={**os.environ, "PYTHONPATH": paths, "MPLBACKEND": "agg"}, start_new_session=True,
            )  # fmt: skip
        self.rest = b""
        LIVING.add(self)
        try:
            self.line(self.process, STARTING)
        except (EOFError, TimeoutError) as error:
            self.stop()
            raise NotBegunError(f"{self.name}: its cases could not be made ready; see {self.log}") from error

    def line(self, process: Any, seconds: float) -> bytes:
        """The next line of the worker. TimeoutError, or EOFError where it has ended."""
        until = time.monotonic() + seconds
        while b"\n" not in self.rest:
            ready, _, _ = select.select([process.stdout], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError(f"{seconds:g}")
            more = os.read(process.stdout.fileno(), 1 << 16)
            if not more:
                raise EOFError
            self.rest += more
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    def stop(self) -> None:
        LIVING.discard(self)
        process, self.process = self.process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # and what it has started
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                pipe.close()
        with suppress(OSError):
            if not self.log.stat().st_size:
                self.log.unlink()


def ended(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"


def tried(name: str, bench: Bench, numbers: Iterator[int]) -> Iterator[Result]:
    """The result of each case, each in the same process as the one before where that is still there."""
    worker = Worker(name, bench)
    try:
        for number in numbers:
            yield worker.attempt(number)
    finally:
        worker.stop()
