"""Which classes a model learns, and which number each of them has in the label files."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from operator import index
from pathlib import Path
from typing import Any

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.labels import VOC_CLASSES, VOID, colour_map
from minifcn.names import instead

OTHERS = ("void", "background")


@dataclass(frozen=True)
class ClassMap:
    """From the label files' numbers to a model's classes and back.

    `names`   the model's classes, class 0 first
    `values`  the number that each of them has in the label files
    `others`  what becomes of the files' other classes: "void" (not scored) or "background"
    `known`   the files may hold 0 to known - 1, and 255 for void

    Make one with `ClassMap.voc` or `ClassMap.own`; both raise DataError where the names do not fit.

    >>> ClassMap.voc(["person", "cat"])
    ClassMap(names=('background', 'person', 'cat'), values=(0, 15, 8), others='void', known=21)
    """

    names: tuple[str, ...]
    values: tuple[int, ...]
    others: str
    known: int

    def __post_init__(self) -> None:
        if self.others not in OTHERS:
            raise DataError(f'classes: others is {self.others!r}; choose "void" or "background"')
        if len(self.names) < 2:
            raise DataError(f"classes: got {list(self.names)}; a model needs at least 2 classes to tell apart")
        if self.others == "background" and "background" not in self.names:
            raise DataError(
                f"classes: others is background, but none of {', '.join(self.names)} is so named; use others void"
            )
        if len(self.names) != len(self.values) or not 1 <= self.known <= VOID:
            raise DataError(
                f"classes: {len(self.names)} names, {len(self.values)} values, known {self.known} do not fit"
            )
        for kind, items in (("name", self.names), ("value", self.values)):
            if len(set(items)) < len(items):
                raise DataError(f"classes: {_first_repeat(items)!r} stands twice; give each {kind} once")
        if not all(0 <= value < self.known for value in self.values):
            raise DataError(f"classes: values {self.values} must lie within 0 to {self.known - 1}")

    @classmethod
    def voc(cls, classes: Iterable[str] | None = None, others: str = "void") -> "ClassMap":
        """All 21 PASCAL VOC classes, or background and the given ones in the order given."""
        return cls._subset(VOC_CLASSES, classes, others)

    @classmethod
    def own(cls, names: Sequence[str], classes: Iterable[str] | None = None, others: str = "void") -> "ClassMap":
        """Classes of one's own: `names[i]` is the class of label value i; nothing is added to them.

        With `classes` only those, in the order given; a names[0] that is "background" stays class 0, named or not.
        """
        names = tuple(names)
        if len(names) > VOID:
            raise DataError(f"classes: {len(names)} names, but label files hold at most {VOID} classes (255 is void)")
        if len(set(names)) < len(names):
            raise DataError(f"classes: {_first_repeat(names)!r} stands twice; give each name once")
        return cls._subset(names, classes, others)

    @classmethod
    def _subset(cls, names: tuple[str, ...], classes: Iterable[str] | None, others: str) -> "ClassMap":
        chosen = list(names if classes is None else classes)
        for name in chosen:
            if name not in names:
                raise DataError(f"classes: there is no class {name!r}{instead(name, names)}")
            if chosen.count(name) > 1:
                raise DataError(f"classes: {name!r} stands twice; give each once, from {', '.join(names)}")
        if names and names[0] == "background":
            chosen = ["background", *(name for name in chosen if name != "background")]
        return cls(tuple(chosen), tuple(names.index(name) for name in chosen), others, len(names))

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "ClassMap":
        """The class map that `to_dict` wrote. Raises DataError where a field is missing or of the wrong kind."""
        try:
            names = tuple(str(name) for name in fields["names"])
            values = tuple(index(value) for value in fields["values"])
            others, known = str(fields["others"]), index(fields["known"])
        except (KeyError, TypeError) as error:
            raise DataError(
                f"classes: {fields!r} is no class map; names, values, others, known are expected"
            ) from error
        return cls(names, values, others, known)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and strings, as JSON keeps them."""
        return {**asdict(self), "names": list(self.names), "values": list(self.values)}

    @property
    def colours(self) -> np.ndarray:
        """The VOC colours of the classes, uint8 (len(names), 3): a class keeps its colour in every subset."""
        return colour_map()[list(self.values)]

    @cached_property
    def _table(self) -> np.ndarray:  # uint8 (256,): file value -> model class
        rest = self.names.index("background") if self.others == "background" else VOID
        table = np.full(256, rest, np.uint8)
        table[list(self.values)] = np.arange(len(self.values))
        table[self.known :] = VOID
        return table

    def apply(self, labels: np.ndarray) -> np.ndarray:
        """File values, uint8 (any shape), as model classes, uint8; 255 stays.

        Raises DataError where a value is neither a class nor 255, with the value and its number of pixels.
        """
        _expect_uint8("apply", labels)
        if (strangers := self._strangers(labels, self.known)).size:
            value = int(strangers[0])
            more = f" ({strangers.size - 1} more unknown values)" if strangers.size > 1 else ""
            raise DataError(
                f"label value {value} stands in {int((labels == value).sum())} pixels{more}, but the classes are "
                f"0 to {self.known - 1} and 255 for void; name this class or correct the file"
            )
        return self._table[labels]

    def restore(self, labels: np.ndarray) -> np.ndarray:
        """Model classes, uint8 (any shape), as file values, uint8; 255 stays. Raises DataError for any other number."""
        _expect_uint8("restore", labels)
        if (strangers := self._strangers(labels, len(self.names))).size:
            raise DataError(f"restore: class {strangers[0]} came, but the model has 0 to {len(self.names) - 1}")
        table = np.full(256, VOID, np.uint8)
        table[: len(self.values)] = self.values
        return table[labels]

    @staticmethod
    def _strangers(labels: np.ndarray, known: int) -> np.ndarray:
        return np.unique(labels[(labels >= known) & (labels != VOID)])


def _expect_uint8(what: str, labels: np.ndarray) -> None:
    if labels.dtype != np.uint8:
        raise DataError(f"{what}: labels are {labels.dtype}, uint8 is expected; use labels.astype('uint8')")


def _first_repeat(items: Sequence[Any]) -> Any:
    return next(item for place, item in enumerate(items) if item in items[:place])


def read_class_names(path: str | os.PathLike[str]) -> list[str]:
    """The class names in a text file, one a line: line i, counted from 0, names label value i.

    Raises DataError, with file and line, where the file is missing, empty, not text, longer than 255 names, or has a
    blank line between names or a name twice.
    """
    path = Path(path)
    try:
        names = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise DataError(
            f"class names {path}: cannot be read ({reason}); give a text file with one name a line"
        ) from error
    while names and not names[-1]:
        names.pop()
    if not names:
        raise DataError(f"class names {path}: no names in it; write one a line, line 1 for label value 0")
    if len(names) == 1:
        raise DataError(f"class names {path}: only {names[0]!r} in it; a model needs at least 2 classes to tell apart")
    for line, name in enumerate(names, 1):
        if not name:
            raise DataError(
                f"class names {path}, line {line}: blank; each line names one label value, so give it a name"
            )
        if (first := names.index(name) + 1) < line:
            raise DataError(f"class names {path}, line {line}: {name!r} stands in line {first} too; names must differ")
        if line > VOID:
            raise DataError(f"class names {path}, line {line}: only {VOID} names fit (label value 255 is void)")
    return names
