"""Every number or colour that a source holds and the class that it becomes: seen before anything is written."""

import io
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from minifcn.data.errors import DataError
from minifcn.data.formats import pixels
from minifcn.data.formats.masks import colour_text
from minifcn.data.formats.softened import BETWEEN, soften
from minifcn.data.formats.source import BACKGROUND, NO_DATA, VOID_NAME, Item, Options, Source
from minifcn.data.labels import VOID
from minifcn.data.voc import in_threads

ORIENTATION = 0x0112  # the EXIF tag
# EXIF orientation → how an array that lies as the picture is stored becomes upright
TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.T,
    6: partial(np.rot90, k=-1),
    7: lambda a: a[::-1, ::-1].T,
    8: partial(np.rot90, k=1),
}


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
    `turned`   names of the labels that lie as their picture is stored and have to be turned with it
    """

    names: list[str]
    table: dict[int, int]
    rows: list[Row]
    unknown: list[Row]
    turned: set[str]
    between: float = 0.0


@dataclass(frozen=True)
class Look:
    counts: dict[int, int]
    turned: bool
    between: int  # pixels that a threshold had to decide about


def look_through(source: Source, options: Options, progress: Callable[[], object] | None = None) -> Survey:
    """Read all labels, in threads. Raises DataError for the first that cannot be read, or is of another size than its picture."""
    looks: list[Look] = in_threads(partial(look_at, source, options), source.items, progress)
    counts, shown = Counter[int](), Counter[int]()
    for look in looks:
        counts.update(look.counts)
        shown.update(look.counts.keys())
    meaning = meaning_of(source, options, counts)
    names = class_names(meaning)
    table = {value: VOID if name is None else names.index(name) for value, name in meaning.items()}

    def row(value: int) -> Row:
        usual = colour_text(value) if source.colours else str(value)
        key = {BETWEEN: "soft edges", NO_DATA: "no data"}.get(value, usual)
        return Row(value, key, meaning.get(value), counts[value], shown[value])

    rows = [row(value) for value in meaning if counts[value]]
    unknown = [row(value) for value in sorted(set(counts) - set(meaning))]
    turned = {item.name for item, look in zip(source.items, looks, strict=True) if look.turned}
    return Survey(
        names, table, rows, unknown, turned, sum(look.between for look in looks) / max(1, sum(counts.values()))
    )


def look_at(source: Source, options: Options, item: Item) -> Look:
    labels = item.labels()
    between = int(np.count_nonzero((labels > 0) & (labels < 255))) if options.threshold is not None else 0
    return Look(pixels.count(adapt(labels, source, options)), lies_as_stored(item, labels.shape), between)


def adapt(labels: np.ndarray, source: Source, options: Options) -> np.ndarray:
    """A source's numbers after what the options do to them: a threshold, soft edges."""
    if options.threshold is not None:
        return (labels >= options.threshold).astype(np.int32)
    if options.soft_edges and source.meaning:
        return soften(labels, list(source.meaning), options.soft_edges)
    return labels


def meaning_of(source: Source, options: Options, counts: Mapping[int, int]) -> dict[int, str | None]:
    """Number → class name, None for void: the person's word, else the source's, else what the numbers allow."""
    if options.values is not None:
        meaning = dict(options.values)
    elif options.threshold is not None:
        meaning = {0: BACKGROUND, 1: "object"}
    elif source.meaning is not None:
        meaning = dict(source.meaning)
    else:
        meaning = without_a_list(source, counts)
    between: dict[int, str | None] = {BETWEEN: None} if options.soft_edges == "void" else {}
    return dict.fromkeys(source.void, None) | meaning | dict.fromkeys(options.void, None) | between


def without_a_list(source: Source, counts: Mapping[int, int]) -> dict[int, str | None]:
    """Numbers that nobody named: black and white is an object on background, other numbers are classes of that number."""
    if source.colours:
        raise DataError(
            "the labels are colours, and no list in the source says which classes they are. Found are "
            f"{', '.join(map(colour_text, sorted(counts, key=lambda value: -counts[value])[:8]))}; name them in a file, "
            "'red green blue name' a line, and give it with --colours FILE"
        )
    if set(counts) == {0, VOID}:
        return {0: BACKGROUND, VOID: "object"}
    meaning: dict[int, str | None] = {
        value: f"number {value}" for value in sorted(counts) if value < VOID and value not in source.void
    }
    return meaning | ({VOID: None} if VOID in counts else {})


def class_names(meaning: Mapping[int, str | None]) -> list[str]:
    """The classes in the order of their first number, but background first."""
    names = list(dict.fromkeys(name for name in meaning.values() if name is not None))
    return sorted(names, key=lambda name: name != BACKGROUND)  # stable


def lies_as_stored(item: Item, shape: tuple[int, ...]) -> bool:
    """Whether labels of this shape fit the picture as it is stored and not upright. DataError where they fit neither."""
    if item.picture is None and item.inside is None:
        return False
    stored, orientation = picture_size(item)
    upright = stored[::-1] if orientation >= 5 else stored
    if shape == upright:
        return False
    if shape == stored:
        return True
    raise DataError(
        f"the labels of {item.name} are {shape[0]}x{shape[1]} (height x width), but the picture {item.picture or item.name} is "
        f"{upright[0]}x{upright[1]}; both must have the same size"
    )


def picture_size(item: Item) -> tuple[tuple[int, int], int]:
    """Height and width as stored, and the EXIF orientation, 1 to 8, of which 1 is upright. Raises DataError."""
    try:
        with Image.open(item.picture or io.BytesIO(item.inside() if item.inside else b"")) as image:
            orientation = image.getexif().get(ORIENTATION, 1)
            return (image.height, image.width), orientation if orientation in TURNS else 1
    except Exception as error:  # Pillow raises whatever its parsers hit
        raise DataError(
            f"picture {item.picture or item.name}: cannot be read ({error}); replace the file, or take it out"
        ) from error


def upright(labels: np.ndarray, item: Item) -> np.ndarray:
    """Labels that lie as the picture is stored, turned as its tag says."""
    return TURNS[picture_size(item)[1]](labels)


def table_text(survey: Survey) -> str:
    """The table: number or colour, class, pixels, share, pictures."""
    total = sum(row.pixels for row in [*survey.rows, *survey.unknown]) or 1
    lines = [["found", "becomes", "pixels", "share", "pictures"]]
    for row in [*survey.rows, *survey.unknown]:
        becomes = "? no class" if row in survey.unknown else VOID_NAME
        if row.becomes is not None:
            becomes = f"{survey.names.index(row.becomes)} {row.becomes}"
        lines.append([row.key, becomes, f"{row.pixels:,}", f"{100 * row.pixels / total:.1f} %", f"{row.pictures:,}"])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = (str.ljust, str.ljust, str.rjust, str.rjust, str.rjust)
    return "\n".join(
        "  ".join(align(cell, width) for align, cell, width in zip(aligned, line, widths, strict=True)).rstrip()
        for line in lines
    )
