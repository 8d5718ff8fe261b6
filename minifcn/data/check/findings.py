"""One picture and its labels, read and looked at: what is wrong with them, and the figures for a summary."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from minifcn.data.check.recolour import numbers_of_colours, palette_numbers, strange_colours
from minifcn.data.classes import ClassMap
from minifcn.data.errors import DataError
from minifcn.data.images import open_image, read_picture
from minifcn.data.labels import NUMBERED, VOID, label_numbers

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
    "colours": "labels that hold the colours of the classes, not their numbers",
    "other colours": "labels that hold colours, and not only those of the classes",
    "wrong mode": "labels of a mode that holds no class numbers",
    "not a class": "labels with values that are no class",
    "void alone": "labels of void alone",
}
WARNINGS = {
    "never shown": "classes that never occur in a split to train on",
    "palette": "labels whose palette has the colours of other classes",
    "repeated": "pictures with the same pixels",
    "unused": "files that no split uses",
}

SAVE_NUMBERS = "save the class numbers, 0 to 255, as a palette PNG"


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
    """What reading one picture and its labels told: size (H, W), Pillow's modes, pixels by label value; None if unread."""

    name: str
    size: tuple[int, int] | None = None
    mode: str | None = None
    label_mode: str | None = None
    counts: dict[int, int] | None = None
    digest: bytes | None = None  # of the decoded pixels and their shape
    findings: list[Finding] = field(default_factory=list)

    def say(self, kind: str, message: str, fixable: Path | None = None) -> None:
        self.findings.append(Finding(kind, message, (self.name,), fixable))


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
    # the shape too: a picture of one colour is the same bytes lying and standing
    pair.digest = hashlib.sha1(repr(pair.size).encode() + picture.tobytes(), usedforsecurity=False).digest()
    return picture


def look_at_labels(path: Path, classes: ClassMap, pair: Pair) -> np.ndarray | None:
    """The label values, uint8 (H, W), of a file of numbers or exact colours, else None; what there is to say goes into `pair`."""
    try:
        image = open_image(path, "labels")
    except DataError as error:
        pair.say("broken labels", str(error))
        return None
    pair.label_mode = mode = image.mode
    if mode in NUMBERED:
        labels = label_numbers(image, path)
    elif mode in ("RGB", "RGBA"):
        labels, others = numbers_of_colours(image, classes.known)
        if others:
            pair.say("other colours", f"labels {path}: mode {mode}; {strange_colours(others)}; {SAVE_NUMBERS}")
            return None
        advice = "minifcn check-data --fix converts the file and keeps the original"
        sentence = f"labels {path}: mode {mode}, every colour is exactly that of a class or of void; {advice}"
        pair.say("colours", sentence, fixable=path)
    else:
        pair.say("wrong mode", f"labels {path}: mode {mode} does not hold one byte a pixel; {SAVE_NUMBERS}")
        return None
    counts = np.bincount(labels.ravel(), minlength=VOID + 1)
    pair.counts = {value: int(counts[value]) for value in np.flatnonzero(counts).tolist()}
    _look_at_values(path, image, classes, pair, pair.counts)
    return labels


def _look_at_values(path: Path, image: Image.Image, classes: ClassMap, pair: Pair, counts: dict[int, int]) -> None:
    known = classes.known
    if strangers := classes.strangers(counts):
        named = ", ".join(f"{value} in {counts[value]} pixels" for value in strangers[:3])
        more = f" and {len(strangers) - 3} more" if len(strangers) > 3 else ""
        pair.say(
            "not a class",
            f"labels {path}: label value {named}{more}, but {classes.expected()}; {classes.advice(counts)}",
        )
    if set(counts) <= {*classes.void, VOID}:
        advice = f"take {pair.name} out of its split, or label it"
        void = ", ".join(map(str, counts))
        pair.say("void alone", f"labels {path}: every pixel is void ({void}), nothing can be learned from it; {advice}")
    if image.mode == "P":
        other = palette_numbers(image, [value for value in counts if value < known], known)
        for value, meant in list(other.items())[:1]:
            pair.say(
                "palette",
                f"labels {path}: number {value} is drawn in the VOC palette's colour of number {meant}, as if a program "
                "had sorted the palette anew; the numbers count, not the colours: see that they are right",
            )
