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
from minifcn.data.labels import VOID
from minifcn.data.soft_edges import BETWEEN, soften
from minifcn.data.voc import in_threads

ROOM = 1 << 29  # bytes of labels that are kept as runs, so that they need not be decoded again: 40,000 pictures of VOC


MANY = 24  # numbers in a picture, on the average: pictures of ADE20K, with its 150 classes, hold about ten
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
        meaning = without_a_list(source, kept, looks) if kept else {}
    between: dict[int, str | None] = {BETWEEN: None} if options.soft_edges == "void" else {}
    return dict.fromkeys(source.void, None) | named(meaning) | dict.fromkeys(options.void, None) | between


def named(meaning: Mapping[int, str | None]) -> dict[int, str | None]:
    """The meaning with names that fit into a line each. DataError where a class has none."""
    found = {value: name if name is None else tidy(name) for value, name in meaning.items()}
    if bare := next((value for value, name in found.items() if name == ""), None):
        raise DataError(
            f"the class of {bare} has no name in the source's list; name it there, or name all with --values"
        )
    return found


def without_a_list(source: Source, counts: Mapping[int, int], looks: Sequence[Look]) -> dict[int, str | None]:
    """Numbers that nobody named: black and white is an object on background, other numbers are classes of that number."""
    if source.colours:
        raise DataError(
            "the labels are colours, and no list in the source says which classes they are. Found are "
            f"{', '.join(map(colour_text, sorted(counts, key=lambda value: -counts[value])[:8]))}; name them in a file, "
            "'red green blue name' a line, and give it with --colours FILE"
        )
    if set(counts) == {0, VOID}:
        return {0: BACKGROUND, VOID: "object"}
    check_signs(counts)
    check_greys(counts)
    check_objects(looks, counts)
    check_blurred(source, counts)
    check_many(looks, counts)
    check_spread(counts)
    numbers = (value for value in sorted(counts) if value != VOID and value not in source.void)
    meaning: dict[int, str | None] = {value: f"number {value}" for value in numbers}
    return meaning | ({VOID: None} if VOID in counts else {})


def check_greys(counts: Mapping[int, int]) -> None:
    """Raise DataError where numbers are rather two greys and shades of them: soft edges, or a mask saved as JPEG.

    Of soft edges two numbers are nearly all; of JPEG nearly all lie near the lowest and near the highest, several near each.
    """
    low, high = min(counts), max(counts)
    if high - low < 64 or len(counts) <= 8:
        return
    total, step = sum(counts.values()), (high - low) / 4
    ends = [[v for v in counts if v < low + step], [v for v in counts if v > high - step]]
    shares = [sum(counts[value] for value in end) / total for end in ends]
    often = sorted(sorted(counts, key=lambda value: -counts[value])[:2])
    rest = 1 - sum(counts[value] for value in often) / total
    soft = often[0] in ends[0] and often[1] in ends[1] and rest < 0.25
    if soft or (
        sum(shares) > 0.95 and all(share > 0.02 and len(end) > 2 for share, end in zip(shares, ends, strict=True))
    ):
        raise DataError(
            f"the labels hold {len(counts)} different numbers from {low} to {high}, {100 * rest:.2f} % of the pixels another than {often[0]} "
            f"and {often[1]}: masks of two greys whose edges are soft, or which were saved as JPEG. If so, give --threshold "
            f"{(low + high + 1) // 2}; if they are classes, name them with --values"
        )


def check_signs(counts: Mapping[int, int]) -> None:
    """Raise DataError where numbers are below 0: as a rule they are void, and class 0 would be theirs."""
    if below := sorted(value for value in counts if value < 0 and value != NO_DATA):
        some = ",".join(map(str, below[:3]))
        raise DataError(
            f"the labels hold numbers below 0 ({some}): if they are void, give --void {some}; else name all with --values"
        )


def check_objects(looks: Sequence[Look], counts: Mapping[int, int]) -> None:
    """Raise DataError where some masks have their object as 1 and others as 255: there 255 is hardly void."""
    ones, whites = ([look for look in looks if value in look.counts] for value in (1, VOID))
    if set(counts) == {0, 1, VOID} and not any(1 in look.counts for look in whites):
        raise DataError(
            f"{len(ones)} masks hold 1 and {len(whites)} others 255, and none holds both, so 255 may be the object too, or void. Say it with "
            "--values 0=background,1=object,255=object, or 255=void"
        )


def check_blurred(source: Source, counts: Mapping[int, int]) -> None:
    """Raise DataError where numbers come from JPEG: classes and what it made of their edges cannot be told apart."""
    if source.blurred:
        raise DataError(
            f"{source.blurred} masks are of a kind that keeps no exact numbers (JPEG, WebP), and they hold {len(counts)} different ones "
            f"({', '.join(map(str, sorted(counts)[:8]))}{', …' if len(counts) > 8 else ''}). Take the masks that they were made from, as PNG; "
            "if these numbers are right, name them with --values"
        )


def check_many(looks: Sequence[Look], counts: Mapping[int, int]) -> None:
    """Raise DataError where a picture holds more numbers than classes, most of them hardly ever: soft edges between several greys."""
    total = sum(counts.values())
    rare = [value for value, count in counts.items() if count < 0.005 * total]
    if sum(len(look.counts) for look in looks) > MANY * len(looks) and len(rare) > 0.75 * len(counts):
        often = sorted(set(counts) - set(rare))
        raise DataError(
            f"the labels hold {len(counts)} different numbers, up to {max(len(look.counts) for look in looks)} in one picture, and {len(rare)} of "
            f"them cover less than 0.5 % each: rather soft edges between {', '.join(map(str, often[:8])) or 'greys'} than classes. Save the "
            "masks with hard edges; if these are classes, name them with --values FILE"
        )


def check_spread(counts: Mapping[int, int]) -> None:
    """Raise DataError where numbers are spread evenly up to 255, to be seen: there 255 is a class and not void."""
    if 3 <= len(counts) <= 52 and all(
        abs(value - place * VOID / (len(counts) - 1)) <= 1 for place, value in enumerate(sorted(counts))
    ):
        raise DataError(
            f"the labels hold {len(counts)} numbers evenly from 0 to 255, so 255 may be a class or void. Say what they mean with "
            f"--values {','.join(f'{value}=NAME' for value in sorted(counts))}"
        )


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
