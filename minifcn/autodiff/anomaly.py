"""Where does a NaN come from? Inside `with mf.detect_anomaly():` the first operation that makes one says so, and who called it."""

import traceback
from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from minifcn import backend
from minifcn.scopes import Scope

_watching: ContextVar[tuple[Scope[None], ...]] = ContextVar("detect_anomaly", default=())

PACKAGE = str(Path(__file__).parent.parent)


class AnomalyError(FloatingPointError):
    """An operation made NaN or infinity; the message names it, the place, and the line of user code that called it."""


def detect_anomaly() -> Scope[None]:
    """Check every result and every gradient inside; raise AnomalyError at the first that is not finite.

    It also sees whether an array that an operation kept was written to before `backward`, by anybody: that is a RuntimeError.
    Both the forward and the `backward()` belong inside, for a gradient's message names the line of the forward. Every array is read
    once more, so use it to look for a fault and not all the time.

    It holds for this thread or asyncio task (PyTorch's for the whole process). A thread started inside is not watched, unless it is given what
    holds here: `Thread(target=contextvars.copy_context().run, args=(function,))`. A `with` in a generator holds for its caller too while it
    waits at a `yield`; decorated by `@detect_anomaly()` the generator keeps it to itself.
    """
    return Scope("detect_anomaly", _watching, None)


def watching() -> bool:
    """Whether this is inside `detect_anomaly`."""
    return bool(_watching.get())


def check_forward(function: Any, result: Any, inputs: Sequence[Any]) -> None:
    """The engine's hook after each forward: nothing, unless somebody watches."""
    if _watching.get():
        function._called_at = caller()
        sources = {f"input {number}": array for number, array in enumerate(inputs)}
        check(f"{type(function).__name__}.forward", result, sources, function._called_at)


def check_backward(function: Any, index: int, gradient: Any, incoming: Any) -> None:
    """The engine's hook for each gradient on the way back."""
    if _watching.get():
        called = getattr(function, "_called_at", "a line outside detect_anomaly(), so it is not known")
        sources = {"the incoming gradient": incoming}
        check(f"{type(function).__name__}.backward, gradient {index}", gradient, sources, called)


def caller() -> str:
    """The innermost line outside this package, as "file:line: code"."""
    for frame in reversed(traceback.extract_stack()):
        if not frame.filename.startswith(PACKAGE):
            return f"{frame.filename}:{frame.lineno}: {frame.line}"
    return "minifcn itself"


def check(what: str, array: Any, sources: dict[str, Any], called: str) -> None:
    """Raise AnomalyError if `array`, made by `what` out of `sources`, holds NaN or infinity."""
    xp = backend.array_module(array)
    bad = ~xp.isfinite(array)
    if not bad.any():
        return
    values = f"{'NaN' if xp.isnan(array).any() else 'infinity'} in {int(bad.sum())} of {array.size} values"
    first = tuple(int(axis[0]) for axis in xp.nonzero(bad)) if array.ndim else ()
    already = [name for name, source in sources.items() if not xp.isfinite(source).all()]
    blame = f"got it from {' and '.join(already)}: it was there before" if already else "made it from finite inputs"
    raise AnomalyError(f"{what}: {values}, the first at {first}; it {blame}. Called at {called}")
