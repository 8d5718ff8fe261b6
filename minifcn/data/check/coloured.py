"""What label files that are no plain numbers may mean: colours of classes, soft edges, numbers in equal channels, greys of two meanings."""

import os
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minifcn.data.check.recolour import numbers_of_colours, strange_colours
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
from minifcn.data.soft_edges import BETWEEN, pack, soften

FIX = "minifcn check-data --fix"


@dataclass(frozen=True)
class Choice:
    """What a person says where a file cannot: "nearest" or "void" for soft edges; whether greys are colours of the VOC palette."""

    soft_edges: str | None = None
    grey_colours: bool = False


UNSAID = Choice()


class Reading(NamedTuple):
    """Label values, uint8 (H, W), or None; the kind of finding, empty for none; a clause that says it; whether `--fix` can write numbers."""

    labels: np.ndarray | None
    kind: str = ""
    clause: str = ""
    fixable: bool = False


def reading_of(found: Opened, path: str | os.PathLike[str], known: int, choice: Choice) -> Reading:
    """What an opened label file means, where the classes are 0 to `known` - 1 and void."""
    mode, header = found.image.mode, found.header
    if mode in EQUAL and header.pages == 1 and not header.lossy and header.bits != MOST_BITS:
        pixels = stored_numbers(found.image, header)
        grey = equal_channels(pixels)
        if grey is not None:
            return of_equal_channels(grey, mode, known, choice)
        if mode == "LA":
            return Reading(
                None,
                "wrong mode",
                f"mode LA holds greys with alpha, and in greys the class numbers are lost; {OPEN_AGAIN}",
            )
        return of_colours(pixels, mode, known, choice)
    try:
        labels = in_a_byte(file_numbers(found, path), path)
        return Reading(None, "soft edges", soft) if (soft := soft_greys(labels, mode, known)) else Reading(labels)
    except DataError as error:
        kind = "lossy" if header.lossy else "too large" if mode.startswith("I") else "wrong mode"
        return Reading(None, kind, str(error).partition(f"{path}: ")[2])


def soft_greys(labels: np.ndarray, mode: str, known: int) -> str:
    """What to say of a grey mask whose values lie on the edge between its two greys, and are no class; else nothing."""
    counts = np.bincount(labels.ravel(), minlength=VOID + 1)
    values = np.flatnonzero(counts)
    strange = [value for value in values.tolist() if known <= value < VOID]
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


def of_equal_channels(grey: np.ndarray, mode: str, known: int, choice: Choice) -> Reading:
    """Of one number in all channels: a class number, a colour of the VOC palette, or a grey that is neither."""
    values = np.flatnonzero(np.bincount(grey.ravel(), minlength=VOID + 1)).tolist()
    doubt = doubtful_greys(grey, known) if mode != "LA" else ""
    if doubt and choice.grey_colours:
        labels, _ = numbers_of_colours(np.repeat(grey[..., None], 3, 2), known)
        return Reading(
            labels, "colours", f"mode {mode}, every grey is taken for a colour of the VOC palette; {CONVERTS}", True
        )
    if doubt:
        return Reading(
            None, "greys",
            f"mode {mode}; {doubt}. Which is it? {FIX} --grey-colours takes them for the palette's colours; for masks of greys write the "
            "class numbers, 0, 1, …, or give minifcn import --threshold 128",
        )  # fmt: skip
    if all(value < known or value == VOID for value in values):
        return Reading(
            grey, "three channels", f"mode {mode}: these are class numbers in {'two' if mode == 'LA' else 'three'} equal channels, read as such; "
            f"{FIX} writes one channel", True,
        )  # fmt: skip
    strange = [value for value in values if known <= value < VOID]
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


def of_colours(pixels: np.ndarray, mode: str, known: int, choice: Choice) -> Reading:
    """Of RGB or RGBA: exact colours of classes, soft edges between them, or others."""
    labels, others = numbers_of_colours(pixels, known)
    if not others:
        return Reading(
            labels, "colours", f"mode {mode}, every colour is exactly that of a class or of void; {CONVERTS}", True
        )
    softened, left = of_soft_edges(pixels, known, choice.soft_edges or "nearest")
    soft = {colour: count - left.get(colour, 0) for colour, count in others.items() if count > left.get(colour, 0)}
    edges = (
        f"{len(soft)} strange colour{'s' * (len(soft) != 1)} in {sum(soft.values())} pixels lie on the edge between two right ones, as a soft "
        "brush or resizing leaves them"
    )
    if not left:
        offer = f"{FIX} --soft-edges nearest makes them the nearer class, --soft-edges void makes them void"
        if choice.soft_edges:
            return Reading(softened, "soft edges", f"mode {mode}; {edges}; {CONVERTS}", True)
        return Reading(None, "soft edges", f"mode {mode}; {edges}; {offer}")
    beside = f" ({edges})" if soft else ""
    return Reading(None, "other colours", f"mode {mode}; {strange_colours(left)}{beside}; {SAVE_NUMBERS}")


def of_soft_edges(pixels: np.ndarray, known: int, how: str) -> tuple[np.ndarray, dict[tuple[int, ...], int]]:
    """The class numbers with soft edges made one of them, or void; and the colours that are no soft edges, with their pixels."""
    classes = [*range(known), VOID]
    packed = pack(pixels[..., :3])
    if pixels.shape[2] == 4:
        packed[pixels[..., 3] != 255] = TRANSPARENT
    result = soften(packed, pack(colour_map()[classes]).tolist(), how)
    back = {colour: number for number, colour in zip(classes, pack(colour_map()[classes]).tolist(), strict=True)}
    found, places = np.unique(result, return_inverse=True)
    numbers = np.array([back.get(colour, VOID) for colour in found.tolist()], np.uint8)
    strange = np.array([colour not in back and colour != BETWEEN for colour in found.tolist()])
    others, counts = np.unique(pixels[strange[places].reshape(result.shape)], axis=0, return_counts=True)
    left = dict(zip(map(tuple, others.tolist()), counts.tolist(), strict=True))
    return numbers[places].reshape(result.shape), left


TRANSPARENT = 1 << 24  # no colour of 24 bits: what lets anything shine through is no soft edge
