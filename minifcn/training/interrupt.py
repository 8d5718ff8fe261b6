"""Ctrl-C between two steps, and not in the middle of one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Ctrl-C; what a batch system sends; what a terminal sends that is closed (not on Windows), and Ctrl-Break (there alone)
ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))


class Request:
    """Whether somebody asked to stop."""

    asked = False


@contextmanager
def finish_the_step() -> Iterator[Request]:
    """Inside, Ctrl-C and the other signals of ENDING only set `.asked`; a second one interrupts at once.

    Not a second SIGHUP: a terminal that is closed sends it as often as it likes, and nobody is in a hurry.
    """
    request = Request()

    def ask(number: int, frame: Any) -> None:
        if request.asked and number != getattr(signal, "SIGHUP", None):
            raise KeyboardInterrupt
        request.asked = True

    with handled(ask):
        yield request


@contextmanager
def handled(handler: Any) -> Iterator[None]:
    """Inside, `handler` gets the signals of ENDING; outside of the main thread, which alone gets signals, nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # whoever has one ignored, as nohup and scripts for what they start in the background, wants the run to go on
    heard = [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
