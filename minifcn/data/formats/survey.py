"""Every number or colour that a source holds and the class that it becomes: seen before anything is written."""

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.formats import pixels
from minifcn.data.formats.masks import colour_text, grey
from minifcn.data.formats.source import BACKGROUND, NO_DATA, VOID_NAME, Item, Options, Source, tidy
from minifcn.data.formats.turning import how_labels_lie, to_be_turned
from minifcn.data.formats.unnamed import numbers_alone
from minifcn.data.labels import VOID
from minifcn.data.pixels.soft_edges import BETWEEN, soften
from minifcn.data.voc import in_threads

ROOM = 1 << 29  # bytes of labels that are kept as runs, so that they need not be decoded again: 40,000 pictures of VOC


SHOWN = 20  # rows of the table for what has no class: soft edges have thousands of colours


@dataclass(frozen=True)
class Row:
    """One number or colour: how it is written, the class it becomes (None: void), pixels, and pictures that show it."""

    value: int
    key: str
    becomes: str | None
    pixels: int
    pictures: int


@dataclass
class Survey:
    """What is in a source.

    `names`    the classes, class 0 first
    `table`    the source's number → class number, 255 for void
    `rows`     the table that is printed; numbers of the list that never occur are not in it
    `unknown`  numbers that nobody gave a meaning, which stop the import
    `turned`   of each item whether its labels lie as the picture is stored and have to be turned with it
    `unsure`   of how many nobody can say that, as they lie the same or are turned by half
    `between`  the share of pixels that a threshold had to decide about
    `kept`     of each item the labels as runs; None where there was no room
    """

    names: list[str]
    table: dict[int, int]
    rows: list[Row]
    unknown: list[Row]
    turned: list[bool]
    unsure: int
    between: float
    kept: list[pixels.Runs | None]


@dataclass(frozen=True)
class Look:
    """What one label file holds: pixels of each value, how it lies beside its picture, pixels that a threshold decided about."""

    counts: dict[int, int]
    lies: str
    between: int
    kept: pixels.Runs | None


class Room:
    """Bytes that may still be kept."""

    def __init__(self, left: int) -> None:
        self.left = left

    def keep(self, runs: pixels.Runs) -> pixels.Runs | None:
        self.left -= runs.nbytes  # of two threads at once one may be forgotten: it need not be exact
        return runs if self.left >= 0 else None


def look_through(source: Source, options: Options, progress: Callable[[], object] | None = None) -> Survey:
    """Read all labels, in threads. Raises DataError for the first that cannot be read, or is of another size than its picture."""
    if options.by_colour and not source.colours:
        raise DataError("--colours says what colours mean, but the labels of this source are numbers: use --values")
    if options.soft_edges and not source.colours:
        raise DataError(
            "--soft-edges is about colours, but the labels of this source are numbers: for greys use --threshold"
        )
    looks: list[Look] = in_threads(partial(look_at, source, options, Room(ROOM)), source.items, progress)
    counts, shown = Counter[int](), Counter[int]()
    for look in looks:
        counts.update(look.counts)
        shown.update(look.counts.keys())
    if options.threshold is not None and len(counts) == 1:
        raise DataError(
            f"--threshold {options.threshold}: {'all' if 1 in counts else 'no'} pixels reach it, so nothing is told apart; look at the numbers without it"
        )
    meaning = meaning_of(source, options, counts, looks)
    names = class_names(meaning)
    table = {value: VOID if name is None else names.index(name) for value, name in meaning.items()}
    coloured = source.colours and options.threshold is None

    def row(value: int) -> Row:
        usual = colour_text(value) if coloured else str(value)
        words = {NO_DATA: "no data"} | ({BETWEEN: "soft edges"} if coloured else {})
        return Row(value, words.get(value, usual), meaning.get(value), counts[value], shown[value])

    rows = [row(value) for value in meaning if counts[value]]
    unknown = [row(value) for value in sorted(set(counts) - set(meaning), key=lambda value: (-counts[value], value))]
    turned, unsure = to_be_turned([look.lies for look in looks], options.as_stored)
    between = sum(look.between for look in looks) / max(1, sum(counts.values()))
    return Survey(names, table, rows, unknown, turned, unsure, between, [look.kept for look in looks])


def look_at(source: Source, options: Options, room: Room, item: Item) -> Look:
    labels = item.labels()
    lies = how_labels_lie(item, labels.shape)
    between = 0
    if options.threshold is not None:
        labels = grey(labels) if source.colours else labels
        between = int(np.count_nonzero((labels > 0) & (labels < VOID)))
        labels = (labels >= options.threshold).astype(np.uint8)
    runs = pixels.runs(softer(labels, source, options))
    return Look(runs.counts(), lies, between, room.keep(runs))


def runs_of(item: Item, source: Source, options: Options) -> pixels.Runs:
    """The labels of an item as `look_at` sees them, read again."""
    kept = look_at(source, options, Room(sys.maxsize), item).kept
    assert kept is not None
    return kept


def softer(labels: np.ndarray, source: Source, options: Options) -> np.ndarray:
    """Labels after --soft-edges."""
    colours = options.values if options.values is not None else source.meaning
    if options.soft_edges and options.threshold is None and colours:
        return soften(labels, list(colours), options.soft_edges)
    return labels


def meaning_of(
    source: Source, options: Options, counts: Mapping[int, int], looks: Sequence[Look]
) -> dict[int, str | None]:
    """Number → class name, None for void: the person's word, else the source's, else what the numbers allow."""
    if options.values is not None:
        meaning = dict(options.values)
    elif options.threshold is not None:
        meaning = {0: BACKGROUND, 1: "object"}
    elif source.meaning is not None:
        meaning = dict(source.meaning)
    else:
        kept = {value: count for value, count in counts.items() if value not in options.void}
        meaning = numbers_alone(source, kept, [look.counts for look in looks]) if kept else {}
    between: dict[int, str | None] = {BETWEEN: None} if options.soft_edges == "void" else {}
    return dict.fromkeys(source.void, None) | named(meaning) | dict.fromkeys(options.void, None) | between


def named(meaning: Mapping[int, str | None]) -> dict[int, str | None]:
    """The meaning with names that fit into a line each. DataError where a class has none."""
    found = {value: name if name is None else tidy(name) for value, name in meaning.items()}
    if bare := [value for value, name in found.items() if name == ""]:
        raise DataError(
            f"the class of {bare[0]} has no name in the source's list; name it there, or name all with --values"
        )
    return found


def class_names(meaning: Mapping[int, str | None]) -> list[str]:
    """The classes in the order of their first number, but background first."""
    names = list(dict.fromkeys(name for name in meaning.values() if name is not None))
    return sorted(names, key=lambda name: name != BACKGROUND)  # stable


def table_text(survey: Survey) -> str:
    """The table: number or colour, class, pixels, share, pictures; of what has no class the most frequent."""
    everything = [*survey.rows, *survey.unknown]
    total = sum(row.pixels for row in everything) or 1
    lines = [["found", "becomes", "pixels", "share", "pictures"]]
    for row in everything[: len(survey.rows) + SHOWN]:
        becomes = "? no class" if row in survey.unknown else VOID_NAME
        if row.becomes is not None:
            becomes = f"{survey.names.index(row.becomes)} {row.becomes}"
        lines.append([row.key, becomes, f"{row.pixels:,}", f"{100 * row.pixels / total:.1f} %", f"{row.pictures:,}"])
    if rest := survey.unknown[SHOWN:]:
        pixels = sum(row.pixels for row in rest)
        lines.append([f"{len(rest):,} more", "? no class", f"{pixels:,}", f"{100 * pixels / total:.1f} %", ""])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = (str.ljust, str.ljust, str.rjust, str.rjust, str.rjust)
    return "\n".join(
        "  ".join(align(cell, width) for align, cell, width in zip(aligned, line, widths, strict=True)).rstrip()
        for line in lines
    )
