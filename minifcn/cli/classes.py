"""The classes of the data: what the folder says, what the options say, and what is in the labels where nobody says it."""

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np

from minifcn.data import VOC_CLASSES, VOID, ClassMap, DataError, Meaning, read_meaning
from minifcn.data.check.checking import DataFolder
from minifcn.data.check.colours import BY_PALETTE
from minifcn.data.check.judging import Use
from minifcn.data.classes import ranges, usual_name
from minifcn.data.images import LABEL_ENDINGS, opened
from minifcn.data.labels import EQUAL
from minifcn.data.labels import numbers_in as numbers_of
from minifcn.data.meaning.folder import unnamed
from minifcn.data.meaning.splits import LABELS
from minifcn.data.voc import files_by_stem, find_folder, in_threads

ENOUGH = 200  # label files that are looked at to say which numbers occur
CLASS_NAMES = (
    "own classes: a name a line, line i, from 0, for label value i, or NUMBER: NAME; the word voc: VOC's 21 "
    "(class_names.txt in the folder, or the list of its tool)"
)


def meaning_for(root: Path, split: str, class_names: str | None) -> Meaning:
    """What the labels of the folder that `root` and `split` lead to mean. Raises DataError, with the numbers found, where nobody says it."""
    folder = find_folder(root, split)
    meaning = read_meaning(folder, root, class_names)
    if not meaning.names:
        numbers = numbers_in(folder)
        more = "".join(f"; also: {sentence}" for sentence in also_wrong(folder, split, numbers))
        raise DataError(f"{unnamed(folder, held(numbers))} See minifcn check-data {root}{more}")
    return meaning


def also_wrong(folder: Path, split: str, numbers: Counter[int]) -> list[str]:
    """What else the check of a small folder says, the first sentence of each kind: a list of names may not be all that is missing."""
    data = DataFolder(folder, [split])
    if len(data) > ENOUGH:
        return []
    report = data.check(nameless(numbers), use=Use(named=False), source=BY_PALETTE)
    return list({finding.kind: finding.message for finding in reversed(report.findings)}.values())[::-1]


def numbers_in(folder: Path, most: int | None = ENOUGH) -> Counter[int]:
    """Label value → label files that hold it, of the first `most` files; what holds no numbers counts as -1."""
    files = islice(files_by_stem(folder / LABELS, LABEL_ENDINGS).values(), most)
    return Counter(value for values in in_threads(values_in, files) for value in values)


def values_in(path: Path) -> list[int]:
    """The numbers in a label file; -1 for what holds none. Equal channels may be greys as well: large numbers there are none."""
    try:
        found = opened(path, "labels")
        values = np.unique(numbers_of(found, path)[0]).tolist()
    except DataError:
        return [-1]
    return [-1] if found.image.mode in EQUAL and any(len(VOC_CLASSES) <= value < VOID for value in values) else values


def held(numbers: Counter[int]) -> str:
    """What `numbers_in` found, as sentences with a blank behind."""
    said = []
    if values := [value for value in numbers if value not in (-1, VOID)]:
        said.append(f"The labels hold {ranges(values)}{f', and {VOID} for void' if numbers[VOID] else ''}.")
    if numbers[-1]:
        said.append(f"{numbers[-1]} label files hold no numbers (colours, perhaps).")
    return "".join(f"{sentence} " for sentence in said)


def nameless(numbers: Iterable[int]) -> ClassMap:
    """A class map to look at labels that nobody named: every number is allowed, those that occur are called by themselves."""
    values = sorted({*numbers} - {-1, VOID})
    values += [value for value in (0, 1) if value not in values][: max(0, 2 - len(values))]
    known = max(21, *values) + 1  # as many as the palette of VOC has classes, for labels in its colours
    return ClassMap(tuple(f"number {value}" for value in sorted(values)), tuple(sorted(values)), "void", known)


def also_said_by(classes: ClassMap, meaning: Meaning) -> tuple[ClassMap, tuple[str, ...]]:
    """A model's classes with the numbers that the folder declares void, and what there is to note. `meaning`: of the folder's numbers.

    Raises DataError where the folder gives the model's numbers other names: the scores would mean nothing.
    """
    folder = meaning.folder
    if clash := sorted(set(meaning.void) & set(classes.values)):
        name = classes.names[classes.values.index(clash[0])]
        raise DataError(
            f"the model's label value {clash[0]} is {name}, but {folder} declares it void; score it on data of its own classes"
        )
    if meaning.names and meaning.said_by != "VOC":
        for name, value in zip(classes.names, classes.values, strict=True):
            if meaning.names.get(value) != usual_name(name):
                there = meaning.names.get(value, "nothing")
                raise DataError(
                    f"the model's label value {value} is {name}, but {meaning.said_by} says {there}; score it on data of its own classes"
                )
    if not meaning.names:
        notes = [f"{folder} has no class list: its numbers are taken for those that the model was trained with"]
        return classes.also_void(meaning.void), (*meaning.notes, *notes)
    return classes.also_void(meaning.void), meaning.notes if meaning.said_by != "VOC" else ()
