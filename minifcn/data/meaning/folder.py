"""What the numbers in a folder's label files mean, as the folder itself says it: one place where every command reads it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from minifcn.data.classes import ClassMap, ranges
from minifcn.data.errors import DataError
from minifcn.data.labels import VOC_CLASSES
from minifcn.data.meaning.choice import chosen_classes
from minifcn.data.meaning.lists import is_void
from minifcn.data.meaning.numbers import VOID_FILE, read_void
from minifcn.data.meaning.splits import LABELS, PICTURES, SPLITS, are_voc
from minifcn.data.meaning.tables import OWN, Colour, Table, read_table

LISTS = (
    OWN,
    "labelmap.txt",
    "label_colors.txt",
    "_classes.csv",
    "class_dict.csv",
    "objectInfo150.txt",
)  # in this order they count
VOC = "voc"  # what --class-names says for VOC's 21
# files that may be class lists, but may say something else as well: named, and not read by themselves
PERHAPS = ("classes.txt", "labels.txt", "names.txt", "obj.names", "data.yaml", "classes.json")


@dataclass(frozen=True)
class Meaning:
    """What the numbers in a folder's label files mean.

    `folder`   the folder that was looked into
    `names`    label value → class; empty where nobody says it
    `void`     numbers that are void beside 255
    `colours`  colour → label value, where a list has colours
    `said_by`  who says the names, in words
    `notes`    sentences for whoever uses them
    """

    folder: Path
    names: dict[int, str]
    void: tuple[int, ...] = ()
    colours: dict[Colour, int] = field(default_factory=dict)
    said_by: str = ""
    notes: tuple[str, ...] = ()

    def class_map(self, classes: str | Iterable[str] | None = None, others: str = "void") -> ClassMap:
        """The classes to learn: all, or those that `classes` chooses, a text as --classes takes it or names. DataError for no names."""
        if not self.names:
            raise DataError(unnamed(self.folder))
        if len(self.names) == 1:
            ((value, name),) = self.names.items()
            raise DataError(
                f"class names {self.said_by}: one class, {name!r} for number {value}, and a model needs at least 2 classes to tell apart; "
                "is the background missing?"
            )
        if isinstance(classes, str):
            classes = chosen_classes(classes, self.names)
        return ClassMap.own(self.names, classes, others, self.void)


def read_meaning(folder: Path | str, given: Path | str | None = None, class_names: str | Path | None = None) -> Meaning:
    """What `folder`, which has JPEGImages in it, says of its label values.

    `given`: the folder that was asked for, if it is one above: what lies there counts where `folder` has no such file.
    `class_names`: a list from elsewhere, or the word voc. Without any list the numbers are VOC's where the pictures have
    the names of VOC's, else `names` is empty. Raises DataError where a list or void.txt cannot be read as what it is.
    """
    folder = Path(folder)
    places = list(dict.fromkeys([folder, Path(given) if given else folder]))
    there = [place / name for place in places for name in LISTS if (place / name).is_file()]
    notes: list[str] = []
    if class_names and str(class_names) != VOC:
        chosen: Path | None = Path(class_names)
        places.append(Path(class_names).parent)
    else:
        chosen = None if class_names else next(iter(there), None)
    if chosen:
        table, said_by = read_table(chosen), str(chosen)
        table = with_others(table, chosen, [file for file in there if file != chosen], notes, bool(class_names))
    elif class_names:
        table, said_by = Table(dict(enumerate(VOC_CLASSES))), f"--class-names {VOC}"
    elif are_voc(folder):
        table, said_by = Table(dict(enumerate(VOC_CLASSES))), "VOC"
        notes.append(
            f"{folder} has no class list, and its pictures have the names of VOC's (such as 2007_000032): the numbers are taken for VOC's 21 classes"
        )
    else:
        table, said_by = Table({}), ""
    void = void_of(places, notes) or table.void
    for value, name in table.names.items():
        if is_void(name) and value not in void:
            notes.append(
                f"number {value} is called {name!r} and is learned as a class; if nobody's pixels are meant, write {value} into {folder / VOID_FILE}"
            )
    return Meaning(folder, table.names, void, table.colours, said_by, tuple(notes))


def with_others(table: Table, chosen: Path, others: Sequence[Path], notes: list[str], by_hand: bool) -> Table:
    """`table` with the colours that another list has for the same names; a list that says something else is noted."""
    for file in others:
        try:
            other = read_table(file)
        except DataError as error:
            notes.append(f"{chosen} counts, and {file.name} cannot be read: {error}")
            continue
        if set(other.names.values()) == set(table.names.values()) and other.colours and not table.colours:
            value_of = {name: value for value, name in table.names.items()}
            void = {value: value for value in other.colours.values() if value not in other.names}
            number = {value: value_of[name] for value, name in other.names.items()} | void
            colours = {colour: number[value] for colour, value in other.colours.items()}
            table = Table(table.names, table.void, colours)
        elif other.names != table.names and not by_hand:
            value = next(v for v in sorted({*other.names, *table.names}) if other.names.get(v) != table.names.get(v))
            first, second = (repr(names.get(value, "nothing")) for names in (table.names, other.names))
            notes.append(f"{chosen} counts: it says that number {value} is {first}, and {file} says {second}")
    return table


def void_of(places: Sequence[Path], notes: list[str]) -> tuple[int, ...]:
    """The numbers in the first void.txt; another that says something else is noted."""
    files = [place / VOID_FILE for place in dict.fromkeys(places) if (place / VOID_FILE).is_file()]
    found = [read_void(file) for file in files]
    for file, void in zip(files[1:], found[1:], strict=True):
        if void != found[0]:
            notes.append(f"{files[0]} counts: it declares {ranges(found[0])} void, and {file} declares {ranges(void)}")
    return found[0] if found else ()


def near_list(folder: Path) -> Path | None:
    """A file that may be the class list, though it is not looked for: of another name, in other letters, in a part of the folder, or above it."""
    names = {name.lower() for name in (*LISTS, *PERHAPS)}
    for place in (folder, *(folder / part for part in (LABELS, PICTURES, "ImageSets", SPLITS)), folder.parent):
        files = sorted(place.iterdir()) if place.is_dir() else []
        if found := next((file for file in files if file.name.lower() in names and file.is_file()), None):
            return found
    return None


def unnamed(folder: Path, holds: str = "") -> str:
    """The sentence about a folder without a class list; `holds`: what was found in its labels, a sentence."""
    perhaps = near_list(folder)
    given = f" ({perhaps} is there: if it is the list, add --class-names {perhaps}.)" if perhaps else ""
    return (
        f"data {folder}: nobody says what the numbers in its labels mean: there is no class list ({', '.join(LISTS)}), and the pictures "
        f"are not VOC's by name. {holds}Write {folder / OWN}, a line a number, such as '1: cat', and numbers that are nobody's class into "
        f"{VOID_FILE} beside it; or, if the numbers are VOC's 21 classes, add --class-names {VOC}.{given}"
    )
