"""Whose colours those in label files are: VOC's palette, or a table of one's own."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minifcn.data.check.palettes import Colour, Table
from minifcn.data.classes import ClassMap
from minifcn.data.errors import DataError
from minifcn.data.labels import VOC_CLASSES, VOID
from minifcn.names import instead

UNSAID = ("void", "unlabelled", "unlabeled", "ignore", "__ignore__")  # what tables call void


def read_colours(path: Path, classes: ClassMap) -> dict[Colour, int]:
    """A table of colours: lines of red, green, blue and a name, or of a name and them, with blanks, commas or CVAT's colons between.

    The names are those of `classes`, in any case of letters, or void. Raises DataError with the line where one is neither.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise DataError(
            f"colours {path}: cannot be read ({reason}); give a text file with a colour and a name a line"
        ) from error
    numbers = {name.lower(): value for name, value in zip(classes.names, classes.values, strict=True)}
    found: dict[Colour, int] = {}
    for line, text in enumerate(lines, 1):
        if not text.strip() or text.lstrip().startswith("#") or (line == 1 and not re.search(r"\d", text)):
            continue
        colour, name = colour_and_name(text.strip())
        if colour is None or max(colour) > 255:
            raise DataError(
                f"colours {path}, line {line}: {text.strip()!r} is no colour and name; write such as 128 128 128 Sky"
            )
        number = numbers.get(name.lower(), VOID if name.lower() in UNSAID else None)
        if number is None:
            raise DataError(
                f"colours {path}, line {line}: there is no class {name!r} in the class list{instead(name, classes.names)}; write void for "
                "a colour of no class"
            )
        if found.setdefault(colour, number) != number:
            raise DataError(f"colours {path}, line {line}: {colour} stands above for another class; give each its own")
    if not found:
        raise DataError(f"colours {path}: no colours in it; write such as 128 128 128 Sky, one a line")
    return found


def colour_and_name(text: str) -> tuple[Colour | None, str]:
    r"""The two in a line; None for no colour.

    >>> colour_and_name("64 128 64\tAnimal"), colour_and_name("cat:1,2,3::"), colour_and_name("traffic light, 1, 2, 3")
    (((64, 128, 64), 'Animal'), ((1, 2, 3), 'cat'), ((1, 2, 3), 'traffic light'))
    """
    three = r"(\d+)[,\s]+(\d+)[,\s]+(\d+)"
    if match := re.fullmatch(three + r"[,:\s]+(.*\S)", text):
        return (int(match[1]), int(match[2]), int(match[3])), match[4]
    if match := re.fullmatch(r"(.*?)\s*[,:\s]\s*" + three + r"(?::.*)?", text):
        return (int(match[2]), int(match[3]), int(match[4])), match[1]
    return None, text


def by_table(pixels: np.ndarray, table: Table) -> tuple[np.ndarray, dict[Colour, int]]:
    """As `numbers_of_colours`, by a table of one's own: class numbers, uint8 (H, W), and the colours that it has not, with their pixels."""
    channels = pixels.shape[-1]
    # one number a colour: a hundred times faster than to sort rows
    packed = (pixels.astype(np.uint32) << np.arange(0, 8 * channels, 8, dtype=np.uint32)).sum(-1, dtype=np.uint32)
    found, places, counts = np.unique(packed, return_inverse=True, return_counts=True)
    numbers, others = [], {}
    for value, count in zip(found.tolist(), counts.tolist(), strict=True):
        colour = tuple(value >> place & 255 for place in range(0, 8 * channels, 8))
        opaque = colour[:3] if colour[3:] in ((), (255,)) else colour
        numbers.append(table.get(opaque, VOID))
        if opaque not in table:
            others[colour] = count
    return np.array(numbers, np.uint8)[places].reshape(pixels.shape[:2]), others


def not_in_table(others: Mapping[Colour, int]) -> str:
    """A clause about colours that the table has not, the most frequent first."""
    first = sorted(others, key=lambda colour: -others[colour])[:3]
    named = ", ".join(f"{colour} in {others[colour]} pixels" for colour in first)
    more = f" and {len(others) - len(first)} more" if len(others) > len(first) else ""
    return f"{named}{more}: not in the table of colours"


class ColourSource(NamedTuple):
    """What colours are taken for: those of `table`, else of VOC's palette. `sure`: whether somebody said so, or no other list is there."""

    table: Table | None = None
    sure: bool = True

    def clause(self) -> str:
        """About a file in which every colour is known."""
        if not self.sure:
            return (
                "every colour is one of VOC's palette; but the folder has a class list of its own, and whether its classes have these colours "
                "in that order is not said: minifcn check-data --fix --colours FILE converts by a table, --fix --voc-colours by the palette"
            )
        whose = "that of a class in the table of colours" if self.table else "exactly that of a class or of void"
        return f"every colour is {whose}; minifcn check-data --fix converts the file and keeps the original"

    def option(self) -> str:
        """What --fix wants to be told beside, with a blank before it."""
        return "" if self.sure else " with --colours FILE (a table) or --voc-colours (VOC's palette), and"

    def or_a_table(self) -> str:
        return "" if self.sure else ", or give check-data --fix --colours FILE, a table of the colours of your classes"


BY_PALETTE = ColourSource()


def source_of(classes: ClassMap, table: Table | None = None, palette: bool = False) -> ColourSource:
    """`palette`: whether a person said that the colours are those of VOC's palette."""
    return ColourSource(table, table is not None or palette or tuple(classes.names) == VOC_CLASSES)
