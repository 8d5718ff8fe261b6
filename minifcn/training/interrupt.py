"""Ctrl-C between two steps, and not in the middle of one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Request:
    """Whether somebody asked to stop."""

    asked = False


@contextmanager
def finish_the_step() -> Iterator[Request]:
    """Inside, Ctrl-C (and SIGTERM, which a batch system sends) only sets `.asked`; a second Ctrl-C interrupts at once."""
    request = Request()
    if threading.current_thread() is not threading.main_thread():
        yield request  # only the main thread may set handlers, and only it gets the signal
        return

    def ask(number: int, frame: Any) -> None:
        if request.asked:
            raise KeyboardInterrupt
        request.asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
