"""The classes that --classes chooses: their names, their numbers, or a file of them."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

from minifcn.data.classes import is_background, listed_classes
from minifcn.data.errors import DataError
from minifcn.data.meaning.texts import text_of, unquoted
from minifcn.names import did_you_mean


def chosen_classes(text: str, named: Mapping[int, str]) -> list[str]:
    """The names in `text`, which has commas between; `named`: label value → name.

    A name is taken whole where it holds commas itself, in quotes or without; a number is the class that has it; @FILE, or
    a file's name, is a file with one of these a line. Raises DataError for what is none of them.

    >>> chosen_classes("wall,building, edifice,3", {1: "wall", 2: "building, edifice", 3: "sky"})
    ['wall', 'building, edifice', 'sky']
    """
    text = unicodedata.normalize("NFC", text)
    file = Path(text.removeprefix("@"))
    if text.startswith("@") or (text not in named.values() and file.suffix and file.is_file()):
        lines = text_of(file, "--classes", "give a text file with one class a line").splitlines()
        parts = [unquoted(line.strip()) for line in lines if line.strip()]
    else:
        parts = list(whole_names(text, named.values()))
    return [one_class(part, named) for part in parts]


def whole_names(text: str, names: Iterable[str]) -> Iterable[str]:
    """`text` cut at its commas, but not at those inside of quotes or of a name."""
    longest_first = sorted((name for name in names if "," in name), key=len, reverse=True)
    known = "|".join(re.escape(name).replace(",\\ ", r",\s*") for name in longest_first)
    word = re.compile(rf"""\s*("[^"]*"|'[^']*'{"|" + known if known else ""}|[^,]*?)\s*(?:,|$)""")
    place = 0
    while place < len(text):
        match = word.match(text, place) or re.compile(r"\s*([^,]*)(?:,|$)").match(text, place)
        assert match is not None  # the second pattern fits everything
        if part := unquoted(match[1].strip()):
            yield part
        place = match.end()


def one_class(part: str, named: Mapping[int, str]) -> str:
    """The name that `part` means. Raises DataError where there is no such class, and says how one with commas is written."""
    if part in named.values():
        return part
    plain = {re.sub(r"\s+", "", name): name for name in named.values()}
    if re.sub(r"\s+", "", part) in plain:
        return plain[re.sub(r"\s+", "", part)]
    if part.isdecimal() and int(part) in named:
        return named[int(part)]
    if is_background(part) and any(map(is_background, named.values())):
        return next(filter(is_background, named.values()))
    question = did_you_mean(part, named.values())
    choose = f"{question} Choose one of" if question else "; choose one of"
    how = ""
    if comma := next((name for name in named.values() if "," in name), None):
        value = next(value for value, name in named.items() if name == comma)
        how = f". A name with a comma is given whole, by its number ({value}), or a line in a file: --classes @FILE"
    raise DataError(f"classes: there is no class {part!r}{choose} {listed_classes(named.values())}{how}")
