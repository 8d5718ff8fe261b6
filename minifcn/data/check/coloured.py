"""What label files that are no plain numbers may mean: colours of classes, soft edges, numbers in equal channels, greys of two meanings."""

import os
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minifcn.data.check.colours import BY_PALETTE, ColourSource, Table, by_table, not_in_table
from minifcn.data.check.recolour import numbers_of_colours, strange_colours
from minifcn.data.classes import ClassMap
from minifcn.data.errors import DataError
from minifcn.data.images import Opened
from minifcn.data.labels import (
    EQUAL,
    SAVE_NUMBERS,
    VOID,
    colour_map,
    doubtful_greys,
    equal_channels,
    file_numbers,
    in_a_byte,
    stored_numbers,
)  # fmt: skip
from minifcn.data.pixels.depth import MOST_BITS
from minifcn.data.pixels.soft_edges import BETWEEN, pack, soften

FIX = "minifcn check-data --fix"


@dataclass(frozen=True)
class Choice:
    """What a person says where a file cannot: "nearest" or "void" for soft edges; whether greys are colours of the VOC palette."""

    soft_edges: str | None = None
    grey_colours: bool = False


UNSAID = Choice()


class Reading(NamedTuple):
    """Label values, uint8 (H, W), or None; the kind of finding, empty for none; a clause that says it; whether `--fix` can write numbers.

    `general`: the clause for many files, where it is another.
    """

    labels: np.ndarray | None
    kind: str = ""
    clause: str = ""
    fixable: bool = False
    general: str = ""


def reading_of(
    found: Opened, path: str | os.PathLike[str], classes: ClassMap, choice: Choice, source: ColourSource = BY_PALETTE
) -> Reading:
    """What an opened label file means; colours are those of `source`."""
    mode, header = found.image.mode, found.header
    if mode in EQUAL and header.pages == 1 and not header.lossy and header.bits != MOST_BITS:
        pixels = stored_numbers(found.image, header)
        grey = equal_channels(pixels)
        if grey is not None and not by_table_alone(pixels, grey, source.table):
            return of_equal_channels(grey, mode, classes, choice, source)
        if mode == "LA":
            return Reading(
                None,
                "wrong mode",
                f"mode LA holds greys with alpha, and in greys the class numbers are lost; {OPEN_AGAIN}",
            )
        return of_colours(pixels, mode, classes.known, choice, source)
    try:
        labels = in_a_byte(file_numbers(found, path), path)
        return Reading(None, "soft edges", soft) if (soft := soft_greys(labels, mode, classes)) else Reading(labels)
    except DataError as error:
        kind = "lossy" if header.lossy else "too large" if mode.startswith("I") else "wrong mode"
        return Reading(None, kind, str(error).partition(f"{path}: ")[2])


def by_table_alone(pixels: np.ndarray, grey: np.ndarray, table: Table | None) -> bool:
    """Whether equal channels are colours of a table, and that says of them what they do not say as numbers."""
    if not table or pixels.shape[2] < 3:
        return False
    labels, others = by_table(pixels, table)
    return not others and not np.array_equal(labels, grey)


def soft_greys(labels: np.ndarray, mode: str, classes: ClassMap) -> str:
    """What to say of a grey mask whose values lie on the edge between its two greys, and are no class; else nothing."""
    counts = np.bincount(labels.ravel(), minlength=VOID + 1)
    values = np.flatnonzero(counts)
    strange = classes.strangers(values.tolist())
    if mode != "L" or len(strange) < 2:
        return ""
    low, high = sorted(values[np.argsort(-counts[values], kind="stable")[:2]].tolist())
    strange = [value for value in strange if value not in (low, high)]
    if high - low < FAR_APART or not strange or not all(low < value < high for value in strange):
        return ""
    packed, greys = pack(np.repeat(labels[..., None], 3, 2)), pack(np.array([[low] * 3, [high] * 3], np.uint8)).tolist()
    if not np.isin(soften(packed, greys, "nearest"), greys).all():
        return ""
    pixels = int(counts[strange].sum())
    return (
        f"mode L; {len(strange)} strange greys in {pixels} pixels lie on the edge between {low} and {high}, as a soft brush or resizing leaves them: "
        f"a mask of two greys, and no class numbers; minifcn import --threshold {(low + high + 1) // 2} makes 0 and 1 of it"
    )


FAR_APART = 24  # greys: nearer ones have nothing between them that a soft edge could leave
OPEN_AGAIN = "open the program that drew them and save in indexed mode, a palette PNG of class numbers"


def of_equal_channels(
    grey: np.ndarray, mode: str, classes: ClassMap, choice: Choice, source: ColourSource = BY_PALETTE
) -> Reading:
    """Of one number in all channels: a class number, a colour of the VOC palette, or a grey that is neither."""
    values = np.flatnonzero(np.bincount(grey.ravel(), minlength=VOID + 1)).tolist()
    doubt = doubtful_greys(grey, classes.known) if mode != "LA" else ""
    if doubt and choice.grey_colours:
        labels, _ = numbers_of_colours(np.repeat(grey[..., None], 3, 2), classes.known)
        if not source.sure:
            return Reading(None, "colours", f"mode {mode}, {source.clause()}", True)
        return Reading(
            labels, "colours", f"mode {mode}, every grey is taken for a colour of the VOC palette; {CONVERTS}", True
        )
    if doubt:
        return Reading(
            None, "greys",
            f"mode {mode}; {doubt}. Which is it? {FIX} --grey-colours takes them for the palette's colours; for masks of greys write the "
            "class numbers, 0, 1, …, or give minifcn import --threshold 128",
        )  # fmt: skip
    strange = classes.strangers(values)
    if not strange:
        return Reading(
            grey, "three channels", f"mode {mode}: these are class numbers in {'two' if mode == 'LA' else 'three'} equal channels, read as such; "
            f"{FIX} writes one channel", True,
        )  # fmt: skip
    shown = ", ".join(map(str, strange[:3])) + (f" and {len(strange) - 3} more" if len(strange) > 3 else "")
    if mode == "LA":
        return Reading(
            None,
            "wrong mode",
            f"mode LA holds greys with alpha ({shown}), and in greys the class numbers are lost; {OPEN_AGAIN}",
        )
    return Reading(
        None, "other colours", f"mode {mode}; red, green and blue are equal everywhere, greys {shown}, which are no class: if the colours were "
        f"turned into greys, the class numbers are lost; {OPEN_AGAIN}",
    )  # fmt: skip


CONVERTS = f"{FIX} converts the file and keeps the original"


def of_colours(pixels: np.ndarray, mode: str, known: int, choice: Choice, source: ColourSource) -> Reading:
    """Of RGB or RGBA: exact colours of classes, soft edges between them, or others. Colours that nobody is sure of give no labels."""
    table = source.table
    labels, others = by_table(pixels, table) if table else numbers_of_colours(pixels, known)
    if not others:
        return Reading(labels if source.sure else None, "colours", f"mode {mode}, {source.clause()}", True)
    softened, left = of_soft_edges(pixels, table or palette_table(known), choice.soft_edges or "nearest")
    soft = {colour: count - left.get(colour, 0) for colour, count in others.items() if count > left.get(colour, 0)}
    edges = (
        f"{len(soft)} strange colour{'s' * (len(soft) != 1)} in {sum(soft.values())} pixels lie on the edge between two right ones, as a soft "
        "brush or resizing leaves them"
    )
    if not left:
        offer = f"{FIX}{source.option()} --soft-edges nearest makes them the nearer class, --soft-edges void makes them void"
        if choice.soft_edges and source.sure:
            return Reading(softened, "soft edges", f"mode {mode}; {edges}; {CONVERTS}", True)
        return Reading(None, "soft edges", f"mode {mode}; {edges}; {offer}")
    beside = f" ({edges})" if soft else ""
    rest = f"{SAVE_NUMBERS}{source.or_a_table()}"
    return Reading(
        None, "other colours", f"mode {mode}; {not_in_table(left) if table else strange_colours(left)}{beside}; {rest}",
        general=f"mode {mode}, with colours of no class (minifcn check-data --verbose names them); {rest}",
    )  # fmt: skip


def palette_table(known: int) -> Table:
    """The colours that VOC's palette has for classes 0 to `known` - 1, and for void."""
    classes = [*range(known), VOID]
    return {tuple(colour): number for number, colour in zip(classes, colour_map()[classes].tolist(), strict=True)}


def of_soft_edges(pixels: np.ndarray, table: Table, how: str) -> tuple[np.ndarray, dict[tuple[int, ...], int]]:
    """The class numbers with soft edges made one of them, or void; and the colours that are no soft edges, with their pixels."""
    packed = pack(pixels[..., :3])
    if pixels.shape[2] == 4:
        packed[pixels[..., 3] != 255] = TRANSPARENT
    colours = pack(np.array(list(table), np.uint8)).tolist()
    result = soften(packed, colours, how)
    back = dict(zip(colours, table.values(), strict=True))
    found, places = np.unique(result, return_inverse=True)
    numbers = np.array([back.get(colour, VOID) for colour in found.tolist()], np.uint8)
    strange = np.array([colour not in back and colour != BETWEEN for colour in found.tolist()])
    others, counts = np.unique(pixels[strange[places].reshape(result.shape)], axis=0, return_counts=True)
    left = dict(zip(map(tuple, others.tolist()), counts.tolist(), strict=True))
    return numbers[places].reshape(result.shape), left


TRANSPARENT = 1 << 24  # no colour of 24 bits: what lets anything shine through is no soft edge
