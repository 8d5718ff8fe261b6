"""Which classes a model learns, and which number each of them has in the label files."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import index
from typing import Any

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.labels import VOC_CLASSES, VOID, colour_map
from minifcn.names import did_you_mean

OTHERS = ("void", "background")


def usual_name(name: str) -> str:
    """A class name as it is written here: the class of no object, which some tools set between underscores, is background.

    >>> usual_name("_background_"), usual_name("Background"), usual_name("back wall")
    ('background', 'background', 'back wall')
    """
    return "background" if is_background(name) else name


def is_background(name: str) -> bool:
    """Whether a class is that of no object."""
    return name.strip(" _").lower() == "background"


def listed_classes(names: Iterable[str]) -> str:
    """Class names in a sentence: with commas between, and in quotes where a name holds a comma itself.

    >>> listed_classes(["sky", "sea"]), listed_classes(["sky", "building, edifice"])
    ('sky, sea', '"sky", "building, edifice"')
    """
    names = list(names)
    return ", ".join(f'"{name}"' for name in names) if any("," in name for name in names) else ", ".join(names)


@dataclass(frozen=True)
class ClassMap:
    """From the label files' numbers to a model's classes and back.

    `names`   the model's classes, class 0 first
    `values`  the number that each of them has in the label files
    `others`  what becomes of the files' other classes: "void" (not scored) or "background"
    `known`   the files may hold 0 to known - 1, and 255 for void
    `void`    numbers that are void beside 255
    `gaps`    numbers below known that nobody named: the files may not hold them

    Make one with `ClassMap.voc` or `ClassMap.own`; both raise DataError where the names do not fit.

    >>> ClassMap.voc(["person", "cat"]).values
    (0, 15, 8)
    >>> ClassMap.own({1: "pet", 2: "background"}, void=[3]).apply(np.array([1, 2, 3, 255], np.uint8))
    array([  0,   1, 255, 255], dtype=uint8)
    """

    names: tuple[str, ...]
    values: tuple[int, ...]
    others: str
    known: int
    void: tuple[int, ...] = ()
    gaps: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.others not in OTHERS:
            raise DataError(f'classes: others is {self.others!r}; choose "void" or "background"')
        if len(self.names) < 2:
            raise DataError(f"classes: got {list(self.names)}; a model needs at least 2 classes to tell apart")
        if self.others == "background" and not any(map(is_background, self.names)):
            raise DataError(
                f"classes: others is background, but none of {listed_classes(self.names)} is so named; use others void"
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
        if both := sorted(set(self.values) & {*self.void, *self.gaps}):
            what = "void" if both[0] in self.void else "no class"
            name = self.names[self.values.index(both[0])]
            raise DataError(f"classes: number {both[0]} is {name!r}, and it is {what}; it can only be one of them")

    @classmethod
    def voc(cls, classes: Iterable[str] | None = None, others: str = "void", void: Collection[int] = ()) -> "ClassMap":
        """All 21 PASCAL VOC classes, or background and the given ones in the order given."""
        return cls.own(VOC_CLASSES, classes, others, void)

    @classmethod
    def own(
        cls,
        names: Sequence[str] | Mapping[int, str],
        classes: Iterable[str] | None = None,
        others: str = "void",
        void: Collection[int] = (),
    ) -> "ClassMap":
        """Classes of one's own: `names[i]` is the class of label value i; a mapping may leave values out.

        With `classes` only those, in the order given, and the background: where it is not named, or has the lowest
        value, it is class 0. Values in `void` are not scored, as 255 is; they need no name.
        """
        numbered = names if isinstance(names, Mapping) else dict(enumerate(names))
        alike = all(isinstance(number, int | np.integer) and isinstance(name, str) for number, name in numbered.items())
        if isinstance(names, str) or not alike:
            raise DataError(f"classes: names are {names!r}; expected a list of strings, or a dict of integers to them")
        named = dict(sorted(numbered.items()))
        if len(named) > VOID:
            raise DataError(f"classes: {len(named)} names, but label files hold at most {VOID} classes (255 is void)")
        if len(set(named.values())) < len(named):
            raise DataError(f"classes: {_first_repeat(list(named.values()))!r} stands twice; give each name once")
        if beyond := [number for number in named if not 0 <= number < VOID]:
            raise DataError(f"classes: {beyond[0]} is named, but classes have the numbers 0 to 254 (255 is void)")
        if beyond := [number for number in void if not 0 <= number <= VOID]:
            raise DataError(f"classes: void holds {beyond[0]}, but label values are 0 to 255")
        unsaid = tuple(sorted(set(void) - {VOID}))
        values = {name: value for value, name in named.items() if value not in unsaid}
        chosen = _chosen(list(values), classes, {named[value]: value for value in unsaid if value in named})
        known = max(named, default=0) + 1
        gaps = tuple(value for value in range(known) if value not in named and value not in unsaid)
        return cls(tuple(chosen), tuple(values[name] for name in chosen), others, known, unsaid, gaps)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "ClassMap":
        """The class map that `to_dict` wrote. Raises DataError where a field is missing or of the wrong kind."""
        try:
            names = tuple(str(name) for name in fields["names"])
            values = tuple(index(value) for value in fields["values"])
            others, known = str(fields["others"]), index(fields["known"])
            void, gaps = (tuple(index(value) for value in fields.get(name, ())) for name in ("void", "gaps"))
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"classes: {fields!r} is no class map; names, values, others, known are expected"
            ) from error
        return cls(names, values, others, known, void, gaps)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and strings, as JSON keeps them; `void` and `gaps` only where there are some."""
        rare = {name: list(numbers) for name, numbers in (("void", self.void), ("gaps", self.gaps)) if numbers}
        return {
            "names": list(self.names), "values": list(self.values), "others": self.others, "known": self.known, **rare
        }  # fmt: skip

    def also_void(self, numbers: Collection[int]) -> "ClassMap":
        """The same classes with more numbers that are void. Raises DataError where one of them is a class."""
        void = tuple(sorted({*self.void, *numbers} - {VOID}))
        gaps = tuple(value for value in self.gaps if value not in void)
        return ClassMap(self.names, self.values, self.others, self.known, void, gaps)

    @property
    def colours(self) -> np.ndarray:
        """The VOC colours of the classes, uint8 (len(names), 3): a class keeps its colour in every subset."""
        return colour_map()[list(self.values)]

    @property
    def left_out(self) -> list[int]:
        """The numbers of classes that count as background here, though they are another; none where others are void."""
        return self.unknown if self.others == "background" else []

    @property
    def unknown(self) -> list[int]:
        """The numbers of classes that the files may hold and the model does not know, whatever becomes of them."""
        none = {*self.values, *self.void, *self.gaps}
        return [value for value in range(self.known) if value not in none]

    @cached_property
    def _table(self) -> np.ndarray:  # uint8 (256,): file value -> model class
        rest = VOID
        if self.others == "background":
            rest = next(place for place, name in enumerate(self.names) if is_background(name))
        table = np.full(256, rest, np.uint8)
        table[list(self.values)] = np.arange(len(self.values))
        table[self.known :] = VOID
        table[list(self.void)] = VOID
        return table

    @cached_property
    def _allowed(self) -> np.ndarray:  # bool (256,): the numbers that label files may hold
        allowed = np.arange(256) < self.known
        allowed[list(self.gaps)] = False
        allowed[[*self.void, VOID]] = True
        return allowed

    def strangers(self, values: Iterable[int]) -> list[int]:
        """Those of `values` that are neither a class nor void, in order."""
        return [value for value in sorted(set(values)) if not self._allowed[value]]

    def apply(self, labels: np.ndarray) -> np.ndarray:
        """File values, uint8 (any shape), as model classes, uint8; 255 stays.

        Raises DataError where a value is neither a class nor void, with the value and its number of pixels.
        """
        _expect_uint8("apply", labels)
        if not self._allowed[labels].all():
            counts = np.bincount(labels.ravel(), minlength=256)
            found = np.flatnonzero(counts).tolist()
            value, *others = self.strangers(found)
            more = f" ({len(others)} more unknown values)" if others else ""
            raise DataError(
                f"label value {value} stands in {counts[value]} pixels{more}, but {self.expected()}; {self.advice(found)}"
            )
        return self._table[labels]

    def shown(self, labels: np.ndarray) -> np.ndarray:
        """File values as model classes to be drawn, uint8: 255 void, and len(names) for what is no class."""
        return np.where(self._allowed[labels], self._table[labels], len(self.names)).astype(np.uint8)

    def expected(self) -> str:
        """What label files may hold, as a clause.

        >>> ClassMap.voc().expected(), ClassMap.own({1: "pet", 2: "background"}, void=[3]).expected()
        ('the classes are 0 to 20 and 255 for void', 'the classes are 1 to 2, and 3 and 255 for void')
        """
        classes = [value for value in range(self.known) if self._allowed[value] and value not in self.void]
        first, comma = ranges(classes), "," if self.void or self.gaps else ""
        return f"the classes are {first}{comma} and {ranges([*self.void, VOID]).replace(', ', ' and ')} for void"

    def advice(self, found: Collection[int]) -> str:
        """What to do about the numbers `found` where some of them are strangers."""
        if (
            self.strangers(found) == [self.known]
            and not self.gaps
            and 0 in self.values
            and 0 not in found
            and 1 in found
        ):
            return (
                "do your numbers begin at 1? Then write the class list with numbers, "
                f"'1: {self.names[self.values.index(0)]}' in its first line; else name this class or correct the file"
            )
        no_background = not any(map(is_background, self.names)) and len(self.values) == self.known
        if self.strangers(found) == [self.known] and no_background and 0 in found:
            return (
                f"is 0 the background, and {self.names[0]} 1? Then write background as the first line of the class list; "
                "else name this class or correct the file"
            )
        return "name this class, write its number into void.txt if it is nobody's, or correct the file"

    def restore(self, labels: np.ndarray) -> np.ndarray:
        """Model classes, uint8 (any shape), as file values, uint8; 255 stays. Raises DataError for any other number."""
        _expect_uint8("restore", labels)
        strangers = labels[(labels >= len(self.names)) & (labels != VOID)]
        if strangers.size:
            raise DataError(f"restore: class {strangers.min()} came, but the model has 0 to {len(self.names) - 1}")
        table = np.full(256, VOID, np.uint8)
        table[: len(self.values)] = self.values
        return table[labels]


def _chosen(names: list[str], classes: Iterable[str] | None, void: Mapping[str, int]) -> list[str]:
    """The names that `classes` says, in its order, with the background of `names`; `void`: names of numbers that are void."""
    if not names and not void:
        return []
    background = next(filter(is_background, names), None)
    chosen: list[str] = []
    for wanted in names if classes is None else classes:
        name = background if background and is_background(wanted) else wanted
        if name in void:
            raise DataError(f"classes: {name!r} has the number {void[name]}, which is declared void; leave it out")
        if name not in names:
            question = did_you_mean(name, names)
            choose = f"{question} Choose one of" if question else "; choose one of"
            raise DataError(f"classes: there is no class {name!r}{choose} {listed_classes(names)}")
        if name in chosen:
            raise DataError(f"classes: {name!r} stands twice; give each once, from {listed_classes(names)}")
        chosen.append(name)
    if background and (background == names[0] or background not in chosen):
        chosen = [background, *(name for name in chosen if name != background)]
    return chosen


def ranges(numbers: Collection[int]) -> str:
    """Numbers in words.

    >>> ranges([0, 1, 2, 5, 7, 8])
    '0 to 2, 5, 7 to 8'
    """
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{part[0]} to {part[-1]}" if part[1:] else str(part[0]) for part in parts)


def _expect_uint8(what: str, labels: np.ndarray) -> None:
    if labels.dtype != np.uint8:
        raise DataError(f"{what}: labels are {labels.dtype}, uint8 is expected; use labels.astype('uint8')")


def _first_repeat(items: Sequence[Any]) -> Any:
    return next(item for place, item in enumerate(items) if item in items[:place])
