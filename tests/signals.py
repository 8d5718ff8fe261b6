"""Signals for programs that tests start. Where a script starts pytest in the background, or nohup does, some are ignored, and children inherit that."""

import signal
from contextlib import contextmanager


@contextmanager
def heard(*names):
    """Within, this process and the programs that it starts hear these signals, whoever ignored them before."""
    numbers = [getattr(signal, name) for name in names]
    usual = {signal.SIGINT: signal.default_int_handler}
    before = {number: signal.signal(number, usual.get(number, lambda *_: None)) for number in numbers}
    try:
        yield  # what has a handler here has none of its own in a new program
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ignored(*names):
    """Within, this process and the programs that it starts are deaf to these signals."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (getattr(signal, name) for name in names)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
