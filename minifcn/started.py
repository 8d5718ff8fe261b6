"""Ctrl-C while `minifcn COMMAND` is still being loaded: a line, as later on, in place of a traceback through NumPy's files.

Loading takes half a second, and no `try` can stand around it: the program that pip makes imports `minifcn` first. An exception would not do
either, for NumPy takes one that reaches it halfway for a broken installation and says so on twenty lines. As nothing is begun, nothing can be
lost: the process ends at once. A program that imports the library keeps its own way.
"""

import os
import signal
import sys
from itertools import pairwise
from types import FrameType, TracebackType

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


def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What is wrong with an environment variable is found while loading: a sentence, as for a wrong option."""
    if kind is ValueError and "environment variable" in str(error):
        print(f"minifcn: {error}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def stop_at_once() -> None:
    """From now on Ctrl-C ends the process with a line, unless whoever started it had it ignored; and a wrong environment is said in one."""
    sys.excepthook = tell
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)


def all_is_loaded() -> None:
    """Ctrl-C is Python's KeyboardInterrupt again: what is begun may want to save something. Errors are the command's to tell."""
    if sys.excepthook is tell:
        sys.excepthook = sys.__excepthook__
    if signal.getsignal(signal.SIGINT) is leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
