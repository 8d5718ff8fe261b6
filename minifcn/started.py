"""Ctrl-C while `minifcn COMMAND` is still being loaded: a line, as later on, in place of a traceback through NumPy's files.

Loading takes half a second, and no `try` can stand around it: the program that pip makes imports `minifcn` first. So what Python does about an error
that nobody caught is changed, for Ctrl-C alone and only where this process is the command. A program that imports the library keeps its own way.
"""

import os
import sys
from itertools import pairwise
from types import TracebackType


def is_the_command() -> bool:
    """Whether this process is `minifcn …` or `python -m minifcn …`, and not a program that imports the library."""
    options = sys.orig_argv[1:]
    by_name = any(first == "-m" and name.split(".")[0] == "minifcn" for first, name in pairwise(options))
    program = os.path.basename(sys.argv[0]) if sys.argv else ""
    return program.partition(".")[0].removesuffix("-script") == "minifcn" or (program == "-m" and by_name)


def stop_in_a_line() -> None:
    """What Python says of a Ctrl-C that nobody caught is a line from now on; the exit status stays that of a Ctrl-C."""
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            print("\nminifcn: stopped", file=sys.stderr)
        else:
            before(kind, error, traceback)

    sys.excepthook = hook
