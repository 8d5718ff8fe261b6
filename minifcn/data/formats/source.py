"""What a format is, and what every format gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from minifcn.data.classes import usual_name

BACKGROUND = "background"
VOID_NAME = "void"  # how void is written where a class name could stand
IGNORE = "__ignore__"  # how labelme writes it
NO_DATA = -2  # what a reader gives pixels that the source marks as none by other means than their number: void


@dataclass(frozen=True)
class Options:
    """What a person says where a source cannot.

    `void`        numbers or colours that are void, whatever the source calls them
    `values`      number or colour → class name, None for void: instead of the source's own list
    `threshold`   grey from here on is the object, all below is background
    `soft_edges`  "nearest" or "void": what becomes of colours that lie between those of the list
    `pictures`    the folder with the pictures, where the source has labels alone
    `masks`       the folder with the masks, where the source has several
    `by_colour`   whether the keys of `values` are colours
    `attribute`   which attribute of a region is its class, where regions have several
    `as_stored`   labels lie as pictures are stored and have to be turned with them, also where sizes cannot say so
    """

    void: tuple[int, ...] = ()
    values: Mapping[int, str | None] | None = None
    threshold: int | None = None
    soft_edges: str | None = None
    pictures: Path | None = None
    by_colour: bool = False
    as_stored: bool = False
    masks: str | None = None
    attribute: str | None = None


@dataclass(frozen=True)
class Item:
    """One picture and its labels.

    `name`     its name in the source without ending, sub-folders and all; `/` between them
    `picture`  its file; None where the source has none: it is looked for in `Options.pictures`
    `split`    "train", "val", "test" or the source's own word; None where the source does not say
    `labels`   reads the labels: int32 (H, W), the source's own numbers, or colours as 0xRRGGBB. Raises DataError
    `inside`   reads the picture's file where it lies within another one and `picture` is None
    """

    name: str
    picture: Path | None
    split: str | None
    labels: Callable[[], np.ndarray]
    inside: Callable[[], bytes] | None = None


@dataclass
class Source:
    """What a format made of a folder.

    `meaning`   the source's number or colour → class name, None for void, in the order that the classes get; None where the
                source does not say what its numbers mean
    `colours`   whether the numbers are colours
    `left_out`  reason → names of what is not taken: pictures without labels, labels without a picture
    `notes`     sentences that a person should see
    `later`     more of them, that are known only when all labels were read
    `blurred`   how many label files are of a kind that keeps no exact numbers
    `void`      numbers that are void unless a list or a person says otherwise
    """

    items: list[Item]
    meaning: dict[int, str | None] | None
    colours: bool = False
    left_out: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    later: Callable[[], list[str]] = list
    void: tuple[int, ...] = ()
    blurred: int = 0


@dataclass(frozen=True)
class Format:
    """A format in the registry.

    `name`       what `--format` takes
    `title`      the tool or set, and what of it
    `recognise`  why a folder (or file) is of this format, in words that end "… is there"; None if it is not. Quick: looks at
                 names and heads of files
    `read`       all of it but the pixels. Raises DataError
    """

    name: str
    title: str
    recognise: Callable[[Path], str | None]
    read: Callable[[Path, Options], Source]


USUAL = ("train", "val", "test")  # splits, in order
SPLITS = {"training": "train", "valid": "val", "validation": "val", "testing": "test"}


def usual_split(word: str) -> str:
    """The word that this project has for a split: valid and validation are val.

    >>> usual_split("Valid"), usual_split("train"), usual_split("fold3")
    ('val', 'train', 'fold3')
    """
    return SPLITS.get(word.lower(), word.lower() if word.lower() in USUAL else word)


def tidy(name: str) -> str:
    """A name as it fits into one line of a list: without blanks around it, and with one where there are several, or a line ends.

    >>> tidy(" road,\\n wet ")
    'road, wet'
    """
    return " ".join(name.encode("utf-8", "replace").decode("utf-8").split())


def class_or_void(name: str) -> str | None:
    """A class name as it is written here, None for a name that says void."""
    return None if name.strip().lower() in (VOID_NAME, IGNORE) else usual_name(tidy(name))
