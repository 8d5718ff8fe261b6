"""The two lists that papers take beside VOC's own, made of VOC and SBD as they lie on the disk, and SBD's labels as VOC's.

trainaug, on which FCNs learn since: all that SBD or VOC 2012's train has labels of, without VOC 2012's val. seg11valid, on which the
authors of the paper scored: VOC 2011's val without SBD's train, from which they learned. The authors' file of it has the checksum below.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.extras import extra
from minifcn.data.formats.sets.sbd import place_in, segmentation
from minifcn.data.labels import write_labels
from minifcn.data.meaning.splits import LABELS, PICTURES, SPLITS
from minifcn.data.meaning.texts import text_of
from minifcn.files import not_there, write_whole

VOC2012, VOC2011 = ("VOCdevkit/VOC2012", "VOC2012"), ("TrainVal/VOCdevkit/VOC2011", "VOCdevkit/VOC2011", "VOC2011")
COUNTS = {"SBD's train": 8498, "SBD's val": 2857, "VOC 2012's train": 1464, "VOC 2012's val": 1449, "trainaug": 10582, "seg11valid": 736}  # fmt: skip
SEG11VALID = "4ca991bd72c251fd2485eaa9e29536502ea3800d1b1c17c151fd6a04bcfbc2cc"  # SHA-256


@dataclass(frozen=True)
class Made:
    """A list: `file`, how many names, and how many labels of SBD's were written for it."""

    file: Path
    names: int
    labels: int = 0


def make_trainaug(root: Path, progress: Callable[[int, int], object] = lambda done, total: None) -> Made:
    """Write trainaug.txt into VOC 2012, and SBD's labels for those of its pictures that have none there. VOC's own stay.

    `root`: where both were unpacked. `progress` is called with (labels so far, of how many). Raises DataError before anything is written
    where a list has not as many names as it ought to, or a picture or its labels are missing. What was stopped goes on.
    """
    sbd, voc = sbd_in(root), voc_in(root, VOC2012, "voc2012")
    val = set(names_of(voc / SPLITS / "val.txt", "VOC 2012's val"))
    wanted = {
        *names_of(sbd / "train.txt", "SBD's train"),
        *names_of(sbd / "val.txt", "SBD's val"),
        *names_of(voc / SPLITS / "train.txt", "VOC 2012's train"),
    }
    names = sorted(wanted - val)
    counted(names, "trainaug", "SBD's train and val and VOC 2012's train, without VOC 2012's val,")
    new = [name for name in names if not (voc / LABELS / f"{name}.png").is_file()]
    for folder, ending, those in ((voc / PICTURES, "jpg", names), (sbd / "cls", "mat", new)):
        if missing := [name for name in those if not (folder / f"{name}.{ending}").is_file()]:
            raise DataError(
                f"{folder}: {len(missing)} of {len(those)} files are missing, the first is {missing[0]}.{ending}; unpack the archive again"
            )
    file = voc / SPLITS / "trainaug.txt"
    text = free_for(file, names)
    if new:
        extra("scipy.io", "SciPy", "MATLAB files (.mat)")
    for number, name in enumerate(new, 1):
        write_labels(voc / LABELS / f"{name}.png", segmentation(sbd / "cls" / f"{name}.mat"))
        progress(number, len(new))
    write_whole(file, text)
    return Made(file, len(names), len(new))


def make_seg11valid(root: Path) -> list[Made]:
    """Write seg11valid.txt, as the authors have it, into VOC 2011, and into VOC 2012, which has the same pictures, where it is there."""
    sbd, voc = sbd_in(root), voc_in(root, VOC2011, "voc2011")
    train = set(names_of(sbd / "train.txt", "SBD's train"))
    names = [name for name in names_of(voc / SPLITS / "val.txt") if name not in train]
    counted(names, "seg11valid", "VOC 2011's val without SBD's train")
    if hashlib.sha256(lines(names)).hexdigest() != SEG11VALID:
        raise DataError(
            f"{voc / SPLITS / 'val.txt'}: without SBD's train it has 736 names, but not those of the authors' seg11valid"
        )
    later = next((root / place for place in VOC2012 if (root / place / SPLITS).is_dir()), None)
    files = [place / SPLITS / "seg11valid.txt" for place in (voc, later) if place]
    texts = [free_for(file, names) for file in files]
    for file, text in zip(files, texts, strict=True):
        write_whole(file, text)
    return [Made(file, len(names)) for file in files]


def sbd_in(root: Path) -> Path:
    place = place_in(root)
    if place is None:
        raise DataError(
            f"{root}: SBD is not there, in benchmark_RELEASE/dataset; first minifcn download sbd --to {root}"
        )
    return place


def voc_in(root: Path, places: tuple[str, ...], called: str) -> Path:
    """The folder of VOC's year. DataError where it is not there, or not whole."""
    place = next((root / place for place in places if (root / place / SPLITS).is_dir()), None)
    if place is None:
        raise DataError(f"{root}: there is no {places[0]} with {SPLITS}; first minifcn download {called} --to {root}")
    return place


def names_of(path: Path, what: str | None = None) -> list[str]:
    """The names in a list, as many as `what` has. Raises DataError."""
    if not path.is_file():
        raise DataError(f"{path}: {not_there(path)}; unpack the archive again")
    names = text_of(path, "split", "write one picture name a line").split()
    if what is not None:
        counted(names, what, f"{path}:")
    return names


def counted(names: list[str], what: str, where: str) -> None:
    if len(set(names)) != COUNTS[what]:
        raise DataError(
            f"{where} {len(set(names)):,} names, and {what} has {COUNTS[what]:,}: another version, or a list that was changed; "
            "nothing was written"
        )


def lines(names: list[str]) -> bytes:
    return ("\n".join(names) + "\n").encode()


def free_for(file: Path, names: list[str]) -> bytes:
    """The text of a list. DataError where another list of that name is there."""
    text = lines(names)
    if file.exists() and file.read_bytes().split() != text.split():
        raise DataError(f"split {file}: there is another list of that name already; move it away")
    return text
