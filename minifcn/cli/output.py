"""What a command prints, as any terminal can take it: no letter that its encoding lacks, no escape sequence out of a file's name."""

import codecs
import os
import sys
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any

ERRORS = "minifcn"  # how letters are written that the terminal's encoding lacks, cp1252 on many a Windows
PLAIN = {
    "×": "x",
    "→": "->",
    "…": "...",
    "–": "-",
    "—": "-",
    "✓": "ok",
    "✗": "x",
    "·": ".",
    "±": "+-",
    "−": "-",
    "²": "^2",
    "Σ": "sum ",
}
TURNING = (
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # letters that let a terminal show others in another order
)


def in_plain_letters(error: UnicodeError) -> tuple[str, int]:
    """For `codecs`: the letters that could not be encoded in others that can, or as their numbers."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(
        PLAIN.get(letter) or letter.encode("ascii", "backslashreplace").decode() for letter in text
    ), error.end


codecs.register_error(ERRORS, in_plain_letters)


def without_commands(text: str) -> str:
    r"""`text` with every letter that a terminal obeys written out; only ends of lines and tabs stay.

    >>> print(without_commands("photo\x1b[2J\rgone.jpg"))
    photo\x1b[2J\x0dgone.jpg
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter in "\n\t" or not (unicodedata.category(letter) == "Cc" or letter in TURNING)
        else letter.encode("ascii", "backslashreplace").decode() if ord(letter) > 0xFF else f"\\x{ord(letter):02x}"
        for letter in text
    )  # fmt: skip


class Cleaned:
    """A stream that lets no command to the terminal through; all else is that of the stream itself, `.raw`.

    `lost` is why it took no more, a full disk perhaps. That stops nobody's work: only the reader of a pipe who leaves does.
    """

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.lost: OSError | None = None

    def write(self, text: str) -> int:
        with self.noting():
            self.raw.write(without_commands(text))
        return len(text)

    def flush(self) -> None:
        with self.noting():
            self.raw.flush()

    @contextmanager
    def noting(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            self.lost = error

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __eq__(self, other: object) -> bool:  # tqdm asks whether a line goes where its bar stands
        return self.raw is raw(other)

    def __hash__(self) -> int:
        return hash(self.raw)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


def raw(stream: Any) -> Any:
    """The stream under a `Cleaned` one: progress bars go back to the start of their line."""
    return stream.raw if isinstance(stream, Cleaned) else stream


def said_to_the_end() -> bool:
    """Whether all that was printed went out. If not, a sentence on stderr says why, and Python does not try once more at its end."""
    out, err = sys.stdout, sys.stderr
    out.flush()
    err.flush()
    if isinstance(err, Cleaned) and err.lost:
        to_nowhere(err)  # there is nobody left to tell
    if not (isinstance(out, Cleaned) and out.lost):
        return True
    print(
        f"minifcn: standard output takes no more ({out.lost.strerror}), so lines are missing from what was printed; "
        "lead it to a place with room. The files that the command itself wrote are not touched by this",
        file=sys.stderr,
    )
    to_nowhere(out)
    return False


def to_nowhere(stream: Any) -> None:
    """What a stream still holds, and what comes, goes nowhere: Python flushes at its end, and would print an error that nobody can act on."""
    with suppress(OSError, ValueError):  # streams of a program's own have no number
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def readable_output(command: str) -> Iterator[None]:
    """Inside, what is printed is as said above, and a note about a file is a line and not Python's warning with its source."""
    from minifcn.weights import WeightsNote

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=ERRORS)
    shown = warnings.showwarning

    def show(message: Any, category: Any, *details: Any, **more: Any) -> None:
        if issubclass(category, WeightsNote):
            print(f"minifcn {command}: {message}", file=sys.stderr)
        else:
            shown(message, category, *details, **more)

    with ExitStack() as stack:
        # a stream that was closed (`>&-`), or that a program without a terminal never had, is None
        out, err = (
            stream or stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
            for stream in (sys.stdout, sys.stderr)
        )
        stack.enter_context(redirect_stdout(Cleaned(out)))  # type: ignore[type-var]
        stack.enter_context(redirect_stderr(Cleaned(err)))  # type: ignore[type-var]
        warnings.showwarning = show
        try:
            yield
        finally:
            warnings.showwarning = shown
