"""One picture and its labels, read and looked at: what is wrong with them, and the figures for a summary."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from minifcn.data.check.colours import ColourSource, by_table, not_in_table
from minifcn.data.check.palettes import Palette, said_by_palette
from minifcn.data.check.recolour import numbers_of_colours, strange_colours
from minifcn.data.classes import ClassMap
from minifcn.data.errors import DataError
from minifcn.data.images import open_image, read_picture
from minifcn.data.labels import NUMBERED, VOID, label_numbers

# kind, which is also the caption on a contact sheet, and heading
FINDINGS = {
    "split file": "split files that cannot be used",
    "listed twice": "names listed twice in one split",
    "in two splits": "names in two splits that must differ",
    "same pixels": "pictures with the same pixels in two splits that must differ",
    "no picture": "missing pictures",
    "no labels": "missing labels",
    "broken picture": "pictures that cannot be read",
    "broken labels": "labels that cannot be read",
    "sizes differ": "labels of another size than their picture",
    "colours": "labels that hold the colours of the classes, not their numbers",
    "other colours": "labels that hold colours, and not only those of the classes",
    "wrong mode": "labels of a mode that holds no class numbers",
    "not a class": "labels with values that are no class",
    "void alone": "labels of void alone",
    "masks": "masks of 0 and 255, where 255 means void",
    "class list": "a class list that does not belong to these numbers",
    "palette": "labels whose palette has the colours of other classes",
    "never chosen": "classes asked for that never occur",
    "one class": "splits to train on in which one class is alone",
}
# of those: what makes a training meaningless, though every file can be read
MEANINGLESS = ("in two splits", "same pixels", "masks", "class list", "palette", "never chosen", "one class")
HARMLESS = ("void alone",)  # to a training: such a picture teaches nothing, the others do
WARNINGS = {
    "never shown": "classes that never occur in a split to train on",
    "few to train on": "classes that are alone in the pictures which --limit leaves",
    "one class scored": "splits to score in which one class is alone",
    "one class each": "pictures of one class each",
    "some colours": "labels whose palette has some colours of other classes",
    "repeated": "pictures with the same pixels",
    "unused": "files that no split uses",
}

EVERY = 8  # rows: those of two pictures that differ hardly ever agree, and to digest all takes a tenth of the time of reading

SAVE_NUMBERS = "save the class numbers, 0 to 255, as a palette PNG"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, a key of FINDINGS, or may be, a key of WARNINGS.

    `message` is a sentence with the file and what to do; `names` are the pictures that it is about; `fixable` is a label
    file that `fix_colours` can convert. `general`: the sentence for many files that have this fault, with {} for their
    names; where it is empty it is made from the message.
    """

    kind: str
    message: str
    names: tuple[str, ...] = ()
    fixable: Path | None = None
    general: str = ""


@dataclass
class Pair:
    """What reading one picture and its labels told: size (H, W), Pillow's modes, pixels by label value; None if unread.

    `palette`: what the colours say of the numbers, where the labels have a palette.
    """

    name: str
    size: tuple[int, int] | None = None
    mode: str | None = None
    label_mode: str | None = None
    counts: dict[int, int] | None = None
    digest: bytes | None = None  # of some of the decoded rows, and their shape
    palette: Palette | None = None
    findings: list[Finding] = field(default_factory=list)

    def say(self, kind: str, message: str, fixable: Path | None = None, general: str = "") -> None:
        self.findings.append(Finding(kind, message, (self.name,), fixable, general))


def look_at_picture(path: Path, pair: Pair) -> np.ndarray | None:
    """The picture, uint8 (H, W, 3), or None where it cannot be read; what there is to say goes into `pair`."""
    try:
        picture = read_picture(path)
    except DataError as error:
        pair.say("broken picture", str(error))
        return None
    with Image.open(path) as image:  # the header alone: the mode before it became RGB
        pair.mode = image.mode
    pair.size = picture.shape[0], picture.shape[1]
    pair.digest = digest_of(picture, EVERY)
    return picture


def digest_of(picture: np.ndarray, every: int = 1) -> bytes:
    """Of every so many rows of a picture, and of its shape: one of one colour is the same bytes lying and standing."""
    shape = repr(picture.shape).encode()
    return hashlib.sha1(shape + picture[::every].tobytes(), usedforsecurity=False).digest()


def look_at_labels(path: Path, classes: ClassMap, pair: Pair, source: ColourSource) -> np.ndarray | None:
    """The label values, uint8 (H, W), of a file of numbers or known colours, else None; what there is to say goes into `pair`."""
    try:
        image = open_image(path, "labels")
    except DataError as error:
        pair.say("broken labels", str(error))
        return None
    pair.label_mode = mode = image.mode
    if mode in NUMBERED:
        labels = label_numbers(image, path)
    elif mode in ("RGB", "RGBA"):
        table = source.table
        labels, others = by_table(np.array(image), table) if table else numbers_of_colours(image, classes.known)
        if others:
            advice = strange_colours(others) if not table else not_in_table(others)
            rest = f"{SAVE_NUMBERS}{source.or_a_table()}"
            general = (
                f"labels {{}}: mode {mode}, with colours of no class (minifcn check-data --verbose names them); {rest}"
            )
            pair.say("other colours", f"labels {path}: mode {mode}; {advice}; {rest}", general=general)
            return None
        pair.say("colours", f"labels {path}: mode {mode}, {source.clause()}", fixable=path)
        if not source.sure:
            return None
    else:
        pair.say("wrong mode", f"labels {path}: mode {mode} does not hold one byte a pixel; {SAVE_NUMBERS}")
        return None
    counts = np.bincount(labels.ravel(), minlength=VOID + 1)
    pair.counts = {value: int(counts[value]) for value in np.flatnonzero(counts).tolist()}
    _look_at_values(path, image, classes, pair, pair.counts)
    return labels


def _look_at_values(path: Path, image: Image.Image, classes: ClassMap, pair: Pair, counts: dict[int, int]) -> None:
    known = classes.known
    if strangers := [value for value in counts if known <= value < VOID]:
        named = ", ".join(f"{value} in {counts[value]} pixels" for value in strangers[:3])
        more = f" and {len(strangers) - 3} more" if len(strangers) > 3 else ""
        rest = f"but the classes are 0 to {known - 1} and {VOID} for void; name these classes or correct the file"
        values = ", ".join(map(str, strangers[:3])) + more
        general = f"labels {{}}: label value {values}, {rest}s"
        pair.say("not a class", f"labels {path}: label value {named}{more}, {rest}", general=general)
    if list(counts) == [VOID]:
        advice = f"take {pair.name} out of its split, or label it"
        nothing = f"every pixel is void ({VOID}), nothing can be learned from"
        general = f"labels {{}}: {nothing} them; take them out of their split, or label them"
        pair.say("void alone", f"labels {path}: {nothing} it; {advice}", general=general)
    if image.mode == "P":
        pair.palette = said_by_palette(image, [value for value in counts if value < known], known)
