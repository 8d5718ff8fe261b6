"""Ctrl-C while `minifcn COMMAND` is still being loaded: a line, as later on, in place of a traceback through NumPy's files.

Loading takes half a second, and no `try` can stand around it: the program that pip makes imports `minifcn` first. An exception would not do
either, for NumPy takes one that reaches it halfway for a broken installation and says so on twenty lines. As nothing is begun, nothing can be
lost: the process ends at once. A program that imports the library keeps its own way.
"""

import os
import signal
import sys
from itertools import pairwise
from types import FrameType

STOPPED = 130  # the exit status of a Ctrl-C


def is_the_command() -> bool:
    """Whether this process is `minifcn …` or `python -m minifcn …`, and not a program that imports the library."""
    options = sys.orig_argv[1:]
    by_name = any(first == "-m" and name.split(".")[0] == "minifcn" for first, name in pairwise(options))
    program = os.path.basename(sys.argv[0]) if sys.argv else ""
    return program.partition(".")[0].removesuffix("-script") == "minifcn" or (program == "-m" and by_name)


def leave(number: int, frame: FrameType | None) -> None:
    print("\nminifcn: stopped", file=sys.stderr, flush=True)
    os._exit(STOPPED)


def stop_at_once() -> None:
    """From now on Ctrl-C ends the process with a line, unless whoever started it had it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)


def all_is_loaded() -> None:
    """Ctrl-C is Python's KeyboardInterrupt again: what is begun may want to save something."""
    if signal.getsignal(signal.SIGINT) is leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
