"""void.txt: the numbers in label files that are nobody's class, beside 255."""

import re
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.labels import VOID
from minifcn.data.meaning.texts import text_of

VOID_FILE = "void.txt"


def read_void(path: Path) -> tuple[int, ...]:
    """The numbers in a void.txt: with commas, blanks or lines between; what follows a # is a comment. DataError names the line."""
    found: set[int] = set()
    text = text_of(path, "void numbers", "write the numbers that are void, one a line")
    for line, words in enumerate(text.splitlines(), 1):
        for word in re.split(r"[\s,;]+", words.partition("#")[0].strip()):
            if word and not (word.isdecimal() and int(word) <= VOID):
                raise DataError(
                    f"void numbers {path}, line {line}: {word!r}; expected numbers from 0 to {VOID}, such as 0, 11 "
                    "(a comment begins with #)"
                )
            if word:
                found.add(int(word))
    if not found:
        raise DataError(
            f"void numbers {path}: no number in it; write those that are void, or remove the file ({VOID} is void anyway)"
        )
    return tuple(sorted(found - {VOID}))
