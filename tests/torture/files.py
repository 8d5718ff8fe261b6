"""100,000 damaged files, each read by who reads it in earnest: the documented error or the file's own values, in time and in bounded memory."""

import gc
import sys
import warnings
from pathlib import Path
from typing import Any

from . import kinds
from .harness import Attempt, Bench, Lost, Promise, some_of
from .mutants import mutant

BESIDE = 48 << 20  # bytes that a reader may take whatever the file: an FCN, Python's own, a library loaded late
A_BYTE = 24  # … and for each byte of the file
A_PIXEL = 24  # … and for each pixel that a picture says it has, which Pillow's limit bounds: an EXIF turn, a palette, float copies
SPACE = 6 << 30


def begin(bench: Bench) -> Attempt:
    warnings.simplefilter("error", ResourceWarning)
    readers = kinds.all_kinds(bench.fresh("valid"))
    work = bench.fresh("work")
    in_hand = keep_what_was_in_hand(bench)
    left_open: list[str] = []
    sys.unraisablehook = lambda found: left_open.append(str(found.exc_value))

    def attempt(number: int) -> str:
        rng = bench.rng(number)
        kind = readers[number % len(readers)]
        first, second = rng.choice(len(kind.files), 2)
        content, sealed = mutant(rng, kind.files[first].content, kind.files[second].content, kind.ending)
        path = kind.put(work, content)
        (in_hand / f"{number}{kind.ending}").write_bytes(content)
        left_open.clear()
        try:
            outcome = looked_at(kind, path, content, kind.files[first], sealed)
            if left_open:
                raise Lost(f"left open: {left_open[0]}")
            return outcome
        except Lost as lost:
            kept = bench.keep(number, kind.ending, content)
            raise Lost(f"{kind.name}: {lost}; kept: {kept}") from lost
        finally:
            (in_hand / f"{number}{kind.ending}").unlink()

    return attempt


def keep_what_was_in_hand(bench: Bench) -> Path:
    """The folder of the file that is being read. One that lies there still was the end of the process before: it is kept."""
    in_hand = bench.place / "in_hand"
    in_hand.mkdir(parents=True, exist_ok=True)
    for path in in_hand.iterdir():
        bench.keep(int(path.stem), path.suffix, path.read_bytes())
        path.unlink()
    return in_hand


def looked_at(kind: kinds.Kind, path: Path, content: bytes, original: kinds.File, sealed: bool) -> str:
    """What came of reading a changed file, or Lost."""
    before = start_of_peak()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter(
                "error", ResourceWarning
            )  # of a file that nobody closes; it comes to sys.unraisablehook
            value = kind.read(path)
    except kind.errors as error:
        check_memory(before, path, content, kind)
        check_sentence(error, path)
        return f"{type(error).__name__}"
    except Exception as error:
        raise Lost(f"{type(error).__name__}, which nobody documents: {error}") from error
    check_memory(before, path, content, kind)
    if content == original.content:
        return "unchanged"
    if value == original.value:
        return "the same values"
    if original.sealed and sealed and value not in {file.value for file in kind.files}:
        raise Lost("other values were read, and nobody was told")
    return "other values, of a file without proof"


def check_sentence(error: Exception, path: Path) -> None:
    """The error names the file, in one line that a terminal can show, and no memory ran out behind it."""
    text = str(error)
    if path.name not in text and str(path.parent) not in text and repr(path.stem) not in text:
        raise Lost(f"the error names no file: {text[:200]}")
    if isinstance(error.__cause__, MemoryError):
        raise Lost(f"memory ran out: {text[:200]}")


def start_of_peak() -> int:
    """The memory that this process has now; from here on its peak is noted anew."""
    if sys.platform != "linux":
        return 0
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    text = Path("/proc/self/status").read_bytes()
    return 1024 * int(text.split(b"VmHWM:")[1].split()[0])


def check_memory(before: int, path: Path, content: bytes, kind: Any) -> None:
    if not before:
        return
    grown = peak() - before
    allowed = BESIDE + A_BYTE * len(content)
    if grown > allowed and kind.pictures:
        allowed += A_PIXEL * kinds.claimed_pixels(path)
    if grown > allowed:
        gc.collect()
        raise Lost(f"{grown >> 20} MB for a file of {len(content)} bytes; {allowed >> 20} MB are allowed")


PROMISE = Promise(
    says="a damaged file is refused by name, or read as it was; in time, in memory that the file bounds",
    how="valid files of each kind, changed: bits, bytes, sizes, cuts, blocks, other values under a right length or checksum",
    numbers=some_of(100_000),
    begin=begin,
    limit=20.0,
    memory=SPACE,
)
