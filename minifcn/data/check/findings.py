"""One picture and its labels, read and looked at: what is wrong with them, and the figures for a summary."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from minifcn.data.check.coloured import UNSAID, Choice, reading_of
from minifcn.data.check.recolour import palette_numbers
from minifcn.data.errors import DataError
from minifcn.data.images import look_at, opened
from minifcn.data.labels import VOID

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
    "as stored": "labels of the size that their picture has as stored, before its EXIF tag turns it",
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
}
WARNINGS = {
    "never shown": "classes that never occur in a split to train on",
    "turned": "pictures that their EXIF tag turns",
    "pages": "pictures of several pages or frames, of which the first is read",
    "label tag": "label files with an EXIF tag",
    "three channels": "labels whose class numbers stand in equal channels",
    "inverted": "labels that are stored with white as zero",
    "same name": "files of which another with the same name and another ending is read",
    "palette": "labels whose palette has the colours of other classes",
    "repeated": "pictures with the same pixels",
    "unused": "files that no split uses",
}


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, a key of FINDINGS, or may be, a key of WARNINGS.

    `message` is a sentence with the file and what to do; `names` are the pictures that it is about; `fixable` is a label
    file that `fix_colours` can convert.
    """

    kind: str
    message: str
    names: tuple[str, ...] = ()
    fixable: Path | None = None


@dataclass
class Pair:
    """What reading one picture and its labels told: size (H, W), Pillow's modes, pixels by label value; None if unread.

    `orientation`, `label_orientation`: EXIF's, of either file. `top`: the picture's largest number, where it has more than 8 bits.
    `label_size`: (H, W). `rewrite`: the kind of fault of a label file that `fix_numbers` can write anew.
    """

    name: str
    size: tuple[int, int] | None = None
    mode: str | None = None
    label_mode: str | None = None
    counts: dict[int, int] | None = None
    digest: bytes | None = None  # of the decoded pixels and their shape
    orientation: int = 1
    label_orientation: int = 1
    top: int | None = None
    label_size: tuple[int, int] | None = None
    rewrite: str = ""
    findings: list[Finding] = field(default_factory=list)

    def say(self, kind: str, message: str, fixable: Path | None = None) -> None:
        self.findings.append(Finding(kind, message, (self.name,), fixable))


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
    # the shape too: a picture of one colour is the same bytes lying and standing
    pair.digest = hashlib.sha1(repr(pair.size).encode() + picture.tobytes(), usedforsecurity=False).digest()
    return picture


def look_at_labels(path: Path, known: int, pair: Pair, choice: Choice = UNSAID) -> np.ndarray | None:
    """The label values, uint8 (H, W), of a file of numbers or exact colours, else None; what there is to say goes into `pair`."""
    try:
        found = opened(path, "labels")
    except DataError as error:
        pair.say("broken labels", str(error))
        return None
    pair.label_mode, pair.label_orientation = found.image.mode, found.header.orientation
    labels, kind, clause, fixable = reading_of(found, path, known, choice)
    if kind:
        pair.say(kind, f"labels {path}: {clause}", fixable=path if kind == "colours" else None)
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
    _look_at_values(path, found.image, known, pair, pair.counts)
    return labels


def _look_at_values(path: Path, image: Image.Image, known: int, pair: Pair, counts: dict[int, int]) -> None:
    if strangers := [value for value in counts if known <= value < VOID]:
        named = ", ".join(f"{value} in {counts[value]} pixels" for value in strangers[:3])
        more = f" and {len(strangers) - 3} more" if len(strangers) > 3 else ""
        pair.say(
            "not a class",
            f"labels {path}: label value {named}{more}, but the classes are 0 to {known - 1} and {VOID} for void; "
            "name these classes or correct the file",
        )
    if list(counts) == [VOID]:
        advice = f"take {pair.name} out of its split, or label it"
        pair.say("void alone", f"labels {path}: every pixel is void ({VOID}), nothing can be learned from it; {advice}")
    if image.mode == "P":
        other = palette_numbers(image, [value for value in counts if value < known], known)
        for value, meant in list(other.items())[:1]:
            pair.say(
                "palette",
                f"labels {path}: number {value} is drawn in the VOC palette's colour of number {meant}, as if a program "
                "had sorted the palette anew; the numbers count, not the colours: see that they are right",
            )
