"""Threads that work beside the caller, where there are any to be had.

A browser's Python (Pyodide, `sys.platform == "emscripten"`) has `threading` and `multiprocessing` like any other, and says yes to whoever asks; but
no thread starts, no process either, and a lock on a file locks nobody out. A system at its limit of threads starts none too. Whoever wants
threads asks here: what cannot be done beside the caller is done by the caller.
"""

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # it takes 16 ms to load
    from concurrent.futures import Future, ThreadPoolExecutor

IN_A_BROWSER = sys.platform == "emscripten"


def threads_to_be_had(wanted: int) -> int:
    """How many of `wanted` threads start, all at once: by trying. 0 in a browser, less than `wanted` at the system's limit."""
    if IN_A_BROWSER:
        return 0
    over, started = threading.Event(), list[threading.Thread]()
    try:
        for _ in range(wanted):
            thread = threading.Thread(target=over.wait, daemon=True)
            thread.start()
            started.append(thread)
    except RuntimeError:  # can't start new thread
        pass
    finally:
        over.set()
        for thread in started:
            thread.join()
    return len(started)


class Here:
    """What stands for a `ThreadPoolExecutor` where no thread starts: what is submitted is done at once, by the caller."""

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, *error: object) -> None:
        return

    def shutdown(self, wait: bool = True, cancel_futures: bool = False) -> None:
        return

    def submit(self, fn: Callable[..., Any], /, *arguments: Any, **named: Any) -> "Future[Any]":
        """The finished Future of fn(*arguments, **named). An error waits in it; Ctrl-C does not."""
        from concurrent.futures import Future

        done: Future[Any] = Future()
        try:
            done.set_result(fn(*arguments, **named))
        except Exception as error:
            done.set_exception(error)
        return done

    def map(self, fn: Callable[..., Any], *arguments: Any) -> Any:
        """The results in order, each worked out when it is asked for."""
        return map(fn, *arguments)


def pool(threads: int, name: str = "") -> "ThreadPoolExecutor | Here":
    """A `ThreadPoolExecutor` of at most `threads`, as many as can be had; `Here` where there is none."""
    from concurrent.futures import ThreadPoolExecutor

    found = threads_to_be_had(threads)
    return ThreadPoolExecutor(found, name) if found else Here()
