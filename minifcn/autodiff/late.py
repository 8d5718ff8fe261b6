"""Gradients that may come later. On the way back a map's gradient is wanted at once, by the Function that made the map; a weight's is wanted by
nobody until the walk is over. So a Function may hand the work on with `late(…)`, and the walk asks for what it gave when it needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np

from minifcn.autodiff import anomaly, changes, profiler
from minifcn.kernels import threads
from minifcn.kernels.later import Later

B = TypeVar("B", bound=Callable[..., Any])
_allowed: ContextVar[bool] = ContextVar("late", default=False)


@contextmanager
def allowed() -> Iterator[None]:
    """Inside, `late` hands work on; not while somebody watches each Function, for then its work must be done when its backward returns.

    BLAS is held for all of it, once: a Function's own product must not round one way or another as a helper happens to hold it or not.
    """
    watched = anomaly.watching() or changes.watching() or profiler.watching()
    token = _allowed.set(not watched)
    try:
        with threads.held():
            yield
    finally:
        _allowed.reset(token)


def hands_on(backward: B) -> B:
    """Decorator of a `backward` that gives `late` work. What stands in its place, a subclass's or one to try, may calculate with what this one gives."""
    backward.hands_on = True  # type: ignore[attr-defined]
    return backward


def may_hand_on(function: object) -> bool:
    """Whether the walk itself gets what this Function's backward gives."""
    return getattr(type(function).backward, "hands_on", False)  # type: ignore[attr-defined]


LARGE = 1 << 29  # multiplications: so large a piece the threads share well among them, and its scratch memory is large


def late(work: Callable[[], Any], grad: Any, multiplications: int, beside: bool = True) -> Any:
    """For a `backward`, which was given `grad`: `work()`, which another thread may do while the walk goes on; or what it gives, at once.

    At once on a GPU, which needs no second thread, where the piece is large, outside of a walk, and where there is nothing to do `beside` it.
    """
    waits = _allowed.get() and beside and multiplications < LARGE and isinstance(grad, np.ndarray)
    return threads.later(work) if waits else work()


def now(gradient: Any) -> Any:
    """A gradient itself, waited for where it is still on its way."""
    return gradient.result() if isinstance(gradient, Later) else gradient
