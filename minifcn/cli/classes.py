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
from minifcn.data.classes import listed_classes, ranges, usual_name
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
    """A model's classes with the numbers that the folder has for them, and what there is to note. `meaning`: of the folder's numbers.

    Raises DataError where the folder has no such classes, or its numbers may mean others: the scores would mean nothing.
    """
    if meaning.names:
        found, notes = numbered_by(classes, meaning)
        return found, (*(meaning.notes if meaning.said_by != "VOC" else ()), *notes)
    if clash := sorted(set(meaning.void) & set(classes.values)):
        raise DataError(declared_void(classes.names[classes.values.index(clash[0])], clash[0], meaning))
    notes = [f"{meaning.folder} has no class list: its numbers are taken for those that the model was trained with"]
    return classes.also_void(meaning.void), (*meaning.notes, *notes)


def declared_void(name: str, value: int, meaning: Meaning) -> str:
    return f"the model's label value {value} is {name}, but {meaning.folder} declares it void; score it on data of its own classes"


def numbered_by(classes: ClassMap, meaning: Meaning) -> tuple[ClassMap, list[str]]:
    """The model's classes with the numbers that the folder's list gives their names. What the list has beside them is none of the model's."""
    number = {name: value for value, name in meaning.names.items() if value not in meaning.void}
    there = {usual_name(name): value for name, value in zip(classes.names, classes.values, strict=True)}
    moved = {name: value for name, value in there.items() if number.get(name) != value}
    for name, value in moved.items():
        says = f"the model's label value {value} is {name}, but {meaning.said_by} says {meaning.names.get(value, 'nothing')}"
        if name not in number and value in meaning.void:
            raise DataError(declared_void(name, value, meaning))
        if name not in number:
            raise DataError(
                f"{says} and has no {name}; score it on data of its own classes, or give --class-names FILE where a class is only called otherwise"
            )
        if meaning.said_by == "VOC":  # that pictures have VOC's names is too little to move a class by
            raise DataError(
                f"{says}, for pictures with names such as 2007_000032 are VOC's. If the labels have VOC's numbers, add --class-names voc, "
                "and the classes are found by name; else --class-names FILE, a list of what the numbers mean"
            )
    known = max(meaning.names) + 1
    gaps = tuple(value for value in range(known) if value not in meaning.names and value not in meaning.void)
    found = ClassMap(classes.names, tuple(number[name] for name in there), classes.others, known, meaning.void, gaps)
    notes = []
    if moved:
        numbers = ", ".join(f"{name} is {number[name]}, not {value}" for name, value in moved.items())
        notes.append(
            f"{meaning.said_by} has other numbers than the model, so the classes were found by name: {numbers}"
        )
    if others := [name for name in number if name not in there and (moved or number[name] >= classes.known)]:
        notes.append(
            f"the model knows no {listed_classes(others)}: their pixels count as {found.others}; --others decides"
        )
    return found, notes
