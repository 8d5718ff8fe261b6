"""Text files that people and programs write: their letters, their quotes."""

import unicodedata
from pathlib import Path

from minifcn.data.errors import DataError


def text_of(path: Path, what: str, advice: str) -> str:
    """A text file, UTF-8 or with the mark of UTF-16, its letters composed. DataError begins with `what` and ends with `advice`."""
    try:
        content = path.read_bytes()
        marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        text = unicodedata.normalize("NFC", content.decode("utf-16" if marked else "utf-8-sig"))
        if "\0" not in text and (not marked or any(map(str.isascii, text))):  # two marks alone make no text
            return text
        reason = "not UTF-8 text"
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or type(error).__name__) if isinstance(error, OSError) else "not UTF-8 text"
    raise DataError(f"{what} {path}: cannot be read ({reason}); {advice}")


def unquoted(text: str) -> str:
    """Without a pair of quotes around it.

    >>> unquoted('"building, edifice"'), unquoted("'a' and 'b'")
    ('building, edifice', "'a' and 'b'")
    """
    whole = len(text) > 2 and text[0] == text[-1] and text[0] in "\"'" and text[0] not in text[1:-1]
    return text[1:-1].strip() if whole else text
