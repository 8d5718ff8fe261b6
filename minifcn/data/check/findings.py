"""One picture and its labels, read and looked at: what is wrong with them, and the figures for a summary."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from minifcn.data.check.coloured import UNSAID, Choice, reading_of
from minifcn.data.check.colours import BY_PALETTE, ColourSource
from minifcn.data.check.palettes import Colour, Palette, colours_of, said_by_palette
from minifcn.data.classes import ClassMap
from minifcn.data.errors import DataError
from minifcn.data.images import look_at, opened
from minifcn.data.labels import VOID
from minifcn.data.pixels.depth import too_dark

# kind, which is also the caption on a contact sheet, and heading
FINDINGS = {
    "no class list": "label numbers that nobody names",
    "split file": "split files that cannot be used",
    "listed twice": "names listed twice in one split",
    "in two splits": "names in two splits that must differ",
    "same pixels": "pictures with the same pixels in two splits that must differ",
    "no picture": "missing pictures",
    "no labels": "missing labels",
    "broken picture": "pictures that cannot be read",
    "broken labels": "labels that cannot be read",
    "sizes differ": "labels of another size than their picture",
    "as stored": "labels of the size that their picture has as stored, before its EXIF tag turns it",
    "black": "pictures of 16 bits that use fewer, and come out black",
    "dark": "pictures of 16 bits that use fewer, and come out nearly black",
    "lossy": "labels in a format that keeps no exact numbers",
    "too large": "labels with numbers that no byte holds",
    "colours": "labels that hold the colours of the classes, not their numbers",
    "other colours": "labels that hold colours, and not only those of the classes",
    "soft edges": "labels of colours with soft edges",
    "greys": "labels of greys that may be colours of classes",
    "wrong mode": "labels of a mode that holds no class numbers",
    "not a class": "labels with values that are no class",
    "void alone": "labels of void alone",
    "masks": "masks of 0 and 255, where 255 means void",
    "class list": "a class list that does not belong to these numbers",
    "palette": "labels whose palette has the colours of other classes",
    "palettes": "labels whose palettes contradict each other",
    "never chosen": "classes asked for that never occur",
    "one class": "splits to train on in which one class is alone",
}
# of those: what makes a training meaningless, though every file can be read
MEANINGLESS = (
    "in two splits",
    "same pixels",
    "dark",
    "masks",
    "class list",
    "palette",
    "palettes",
    "never chosen",
    "one class",
)
HARMLESS = ("void alone",)  # to a training: such a picture teaches nothing, the others do
WARNINGS = {
    "some masks": "masks of 0 and 255 among others",
    "never shown": "classes that never occur in a split to train on",
    "turned": "pictures that their EXIF tag turns",
    "bits": "pictures that the option --bits does not belong to",
    "pages": "pictures of several pages or frames, of which the first is read",
    "label tag": "label files with an EXIF tag",
    "three channels": "labels whose class numbers stand in equal channels",
    "inverted": "labels that are stored with white as zero",
    "same name": "files of which another with the same name and another ending is read",
    "few to train on": "classes that are alone in the pictures which --limit leaves",
    "nothing to score": "folders without a split to score",
    "one class scored": "splits to score in which one class is alone",
    "one class each": "pictures of one class each",
    "some colours": "labels whose palette has some colours of other classes",
    "repeated": "pictures with the same pixels",
    "unused": "files that no split uses",
}

EVERY = 8  # rows: those of two pictures that differ hardly ever agree, and to digest all takes a tenth of the time of reading


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

    `orientation`, `label_orientation`: EXIF's, of either file. `top`: the picture's largest number, where it has more than 8 bits.
    `label_size`: (H, W). `rewrite`: the kind of fault of a label file that `fix_numbers` can write anew. `palette`: what the
    colours say of the numbers, where the labels have a palette; `drawn`: the colours of those in use.
    """

    name: str
    size: tuple[int, int] | None = None
    mode: str | None = None
    label_mode: str | None = None
    counts: dict[int, int] | None = None
    digest: bytes | None = None  # of some of the decoded rows, and their shape
    orientation: int = 1
    label_orientation: int = 1
    top: int | None = None
    label_size: tuple[int, int] | None = None
    rewrite: str = ""
    palette: Palette | None = None
    drawn: dict[int, Colour] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def say(self, kind: str, message: str, fixable: Path | None = None, general: str = "") -> None:
        self.findings.append(Finding(kind, message, (self.name,), fixable, general))


def look_at_picture(path: Path, pair: Pair, bits: int | None = None) -> np.ndarray | None:
    """The picture, uint8 (H, W, 3), or None where it cannot be read; what there is to say goes into `pair`."""
    try:
        picture, header, top = look_at(path, bits)
    except DataError as error:
        pair.say("broken picture", str(error))
        return None
    pair.mode, pair.orientation, pair.top = header.mode, header.orientation, top
    pair.size = picture.shape[0], picture.shape[1]
    if header.pages > 1:
        pair.say(
            "pages",
            f"picture {path}: {header.pages} pages or frames, of which the first is read; its labels must belong to that",
        )
    if not too_dark(top, bits):  # what comes out black is alike for that alone
        pair.digest = digest_of(picture, EVERY)
    return picture


def digest_of(picture: np.ndarray, every: int = 1) -> bytes:
    """Of every so many rows of a picture, and of its shape: one of one colour is the same bytes lying and standing."""
    shape = repr(picture.shape).encode()
    return hashlib.sha1(shape + picture[::every].tobytes(), usedforsecurity=False).digest()


def look_at_labels(
    path: Path, classes: ClassMap, pair: Pair, source: ColourSource = BY_PALETTE, choice: Choice = UNSAID
) -> np.ndarray | None:
    """The label values, uint8 (H, W), of a file of numbers or known colours, else None; what there is to say goes into `pair`."""
    try:
        found = opened(path, "labels")
    except DataError as error:
        pair.say("broken labels", str(error))
        return None
    pair.label_mode, pair.label_orientation = found.image.mode, found.header.orientation
    labels, kind, clause, fixable, general = reading_of(found, path, classes, choice, source)
    if kind:
        pair.say(
            kind,
            f"labels {path}: {clause}",
            fixable=path if kind == "colours" else None,
            general=f"labels {{}}: {general}" if general else "",
        )
    if fixable and kind != "colours":
        pair.rewrite = kind
    if found.header.inverted:
        pair.say(
            "inverted",
            f"labels {path}: stored with white as zero; the numbers count as they are stored, while some programs show and save them turned round",
        )
    if labels is None:
        return None
    pair.label_size = labels.shape[0], labels.shape[1]
    counts = np.bincount(labels.ravel(), minlength=VOID + 1)
    pair.counts = {value: int(counts[value]) for value in np.flatnonzero(counts).tolist()}
    _look_at_values(path, classes, pair, pair.counts)
    if found.image.mode == "P":
        used = [value for value in pair.counts if value < classes.known]
        pair.drawn = colours_of(found.image, pair.counts)
        pair.palette = said_by_palette(found.image, used, classes.known, source.table)
    return labels


def _look_at_values(path: Path, classes: ClassMap, pair: Pair, counts: dict[int, int]) -> None:
    if strangers := classes.strangers(counts):
        named = ", ".join(f"{value} in {counts[value]} pixels" for value in strangers[:3])
        more = f" and {len(strangers) - 3} more" if len(strangers) > 3 else ""
        rest = f"but {classes.expected()}; {classes.advice(counts)}"
        values = ", ".join(map(str, strangers[:3])) + more
        general = f"labels {{}}: label value {values}, {rest}s"
        pair.say("not a class", f"labels {path}: label value {named}{more}, {rest}", general=general)
    if set(counts) <= {*classes.void, VOID}:
        advice = f"take {pair.name} out of its split, or label it"
        nothing = f"every pixel is void ({', '.join(map(str, counts))}), nothing can be learned from"
        general = f"labels {{}}: {nothing} them; take them out of their split, or label them"
        pair.say("void alone", f"labels {path}: {nothing} it; {advice}", general=general)
