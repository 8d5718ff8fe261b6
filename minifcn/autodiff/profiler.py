"""Where does the time go? `with mf.profile() as p:` watches every operation inside, forward and backward; `print(p)` is a table.

What an operation costs in additions and multiplications follows from the shapes of its inputs and of its result. The engine does not
know the operations, so `ops/flops.py` lists those that have a count.
"""

import itertools
import json
import os
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

from minifcn import backend
from minifcn.files import write_whole
from minifcn.scopes import Scope

Shape = tuple[int, ...]

# Function -> (input shapes, result shape) -> floating-point operations of its forward; filled by those who write the Functions
FLOPS: dict[type, Callable[[tuple[Shape, ...], Shape], int]] = {}

clock = time.perf_counter
_count = itertools.count()


class Event(NamedTuple):
    """One forward or backward of one operation. `bytes`: new arrays that it returned; `flops`: 0 where no count is known.

    `number` is that of the Function (`number_of`), by which a picture of the graph finds its times.
    """

    name: str
    direction: str
    start: float
    seconds: float
    bytes: int
    flops: int
    shapes: tuple[Shape, ...]
    thread: int
    number: int = -1


class Row(NamedTuple):
    """All events of one operation in one direction. `share`: of the time inside the `with`."""

    name: str
    direction: str
    calls: int
    seconds: float
    share: float
    bytes: int
    flops: int


BETWEEN = "between operations"  # what no operation took: Python, the optimiser, the data


class Profile:
    """What `mf.profile()` gives: `print` it, look at `rows()`, or `save` every call for a trace viewer."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.started = clock()
        self.ended: float | None = None

    @property
    def seconds(self) -> float:
        """From the beginning of the `with` to its end; to now, inside."""
        return (clock() if self.ended is None else self.ended) - self.started

    def rows(self) -> list[Row]:
        """A row an operation and direction, the longest first; the last one is what is left between them."""
        whole = self.seconds
        groups: dict[tuple[str, str], list[Event]] = {}
        for event in self.events:
            groups.setdefault((event.name, event.direction), []).append(event)
        rows = []
        for (name, direction), events in groups.items():
            seconds = sum(event.seconds for event in events)
            sizes = sum(event.bytes for event in events), sum(event.flops for event in events)
            rows.append(Row(name, direction, len(events), seconds, seconds / whole if whole else 0.0, *sizes))
        rows.sort(key=lambda row: -row.seconds)
        rest = max(0.0, whole - sum(row.seconds for row in rows))
        return [*rows, Row(BETWEEN, "", 0, rest, rest / whole if whole else 0.0, 0, 0)]

    def __str__(self) -> str:
        heading = f"{'operation':22}{'':10}{'calls':>7}{'ms':>11}{'share':>8}{'MiB':>10}{'GFLOP/s':>10}"
        lines = [heading, "-" * len(heading)]
        for row in self.rows():
            rate = f"{row.flops / row.seconds / 1e9:.1f}" if row.flops and row.seconds else ""
            memory = f"{row.bytes / 2**20:.1f}" if row.calls else ""
            lines.append(
                f"{row.name:22}{row.direction:10}{row.calls or '':>7}{row.seconds * 1e3:>11.2f}{row.share:>8.1%}"
                f"{memory:>10}{rate:>10}".rstrip()
            )
        lines.append(f"{'whole':39}{self.seconds * 1e3:>11.2f}")
        return "\n".join(lines)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Every call with its start and length as Chrome trace events (JSON): for chrome://tracing or ui.perfetto.dev."""
        events = [
            {
                "name": f"{event.name} {event.direction}",
                "cat": event.direction,
                "ph": "X",  # a complete event: a start and a length, both in microseconds
                "ts": (event.start - self.started) * 1e6,
                "dur": event.seconds * 1e6,
                "pid": os.getpid(),
                "tid": event.thread,
                "args": {"inputs": [list(shape) for shape in event.shapes], "bytes": event.bytes, "flops": event.flops},
            }
            for event in self.events
        ]
        write_whole(path, json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}).encode())


_open: ContextVar[tuple[Scope[Profile], ...]] = ContextVar("profiles", default=())


class Profiling(Scope[Profile]):
    """The clock runs from entering to leaving."""

    def __enter__(self) -> Profile:
        self.value.started = clock()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        self.value.ended = clock()
        super().__exit__(*error)

    def __call__(self, function: Any) -> Any:
        raise TypeError(
            f"profile: as a decorator it would lose what it found; in {function.__name__} write `with mf.profile() as p:`"
        )


def profile() -> Scope[Profile]:
    """Time every operation inside, forward and backward: `with mf.profile() as p: …`, then `print(p)` or `p.save("trace.json")`.

    Rows say calls, time, share of the whole, the memory of the results (views of an input cost none) and, for convolution,
    transposed convolution and matrix product, GFLOP/s (a multiply-add counts two).

    Only this thread or asyncio task is watched, and a thread started inside where it is given what holds here:
    `Thread(target=contextvars.copy_context().run, args=(function,))`. Inside a generator, what its caller does between two steps counts too.
    """
    return Profiling("profile", _open, Profile())


def watching() -> bool:
    """Whether this is inside `profile`."""
    return bool(_open.get())


def watched(method: Callable[..., Any]) -> Callable[..., Any]:
    """The engine's hook: a Function's `forward` or `backward` itself, unless somebody watches; then with a note of the call in every open profile."""
    profiles = _open.get()
    if not profiles:
        return method

    def call(*arrays: Any) -> Any:
        start = clock()
        result = method(*arrays)
        finish(arrays)
        function, direction = method.__self__, method.__name__  # type: ignore[attr-defined]  # a bound method
        event = described(function, direction, arrays, result, start, clock() - start)
        for scope in profiles:
            scope.value.events.append(event)
        return result

    return call


def number_of(function: Any) -> int:
    """A number for each application of a Function, given when first asked for and gone when the graph is dropped."""
    return vars(function).setdefault("_number", next(_count))


def described(
    function: Any, direction: str, arrays: tuple[Any, ...], result: Any, start: float, seconds: float
) -> Event:
    if direction == "forward":
        shapes, size, products = tuple(array.shape for array in arrays), getattr(result, "shape", ()), 1
    else:
        # the gradient of each factor of a product is a product of the same size: one for each that is wanted
        shapes, size = tuple(given.shape for given in function.inputs), arrays[0].shape
        products = sum(function.needs[:2])
    count = next((FLOPS[kind] for kind in type(function).__mro__ if kind in FLOPS), None)
    made = result if isinstance(result, tuple) else (result,)
    return Event(
        type(function).__name__,
        direction,
        start,
        seconds,
        sum(new_bytes(array, arrays) for array in made),
        count(shapes, size) * products if count else 0,
        shapes,
        threading.get_native_id(),
        number_of(function),
    )


def new_bytes(array: Any, sources: tuple[Any, ...]) -> int:
    """The memory of a result; none where it is one of the arrays that came in, or a view of one."""
    if not backend.is_array(array):
        return 0
    share, device = backend.array_module(array).may_share_memory, backend.device_of(array)
    near = (source for source in sources if backend.is_array(source) and backend.device_of(source) == device)
    return 0 if any(share(array, source) for source in near) else array.nbytes


def finish(arrays: tuple[Any, ...]) -> None:
    """Wait until a GPU has done what it was asked for; a CPU has when the call returns."""
    cuda = getattr(backend.array_module(arrays[0]), "cuda", None) if arrays else None
    if cuda is not None:
        cuda.get_current_stream().synchronize()
