"""ADE20K as SceneParsing (ADEChallengeData2016): annotations of 0 void and 1 to 150, named by objectInfo150.txt.

Source: the release and its sample data. The list has a heading and tabs, "Idx Ratio Train Val Name"; a csv of it has a column more and
";" between the words of a name. Names hold commas ("building, edifice"), some end in a blank.
"""

from functools import partial
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, by_name, text_lines
from minifcn.data.formats.masks import read_numbers
from minifcn.data.formats.source import Format, Item, Options, Source

LISTS = ("objectInfo150.txt", "objectInfo150.csv")
FULL = "index_ade20k.pkl"
SPLITS = ("training", "validation", "testing")


def recognise(source: Path) -> str | None:
    path = list_of(source)
    if path and (source / "annotations").is_dir():
        return f"{path.name} is there"
    return f"{FULL}, of the full ADE20K, is there" if (source / FULL).is_file() else None


def list_of(source: Path) -> Path | None:
    """The list of names: in the source, or beside it as in the samples."""
    places = [folder / name for folder in (source, source.absolute().parent) for name in LISTS]
    return next((path for path in places if path.is_file()), None)


def read(source: Path, options: Options) -> Source:
    if (source / FULL).is_file():
        raise DataError(
            f"{source}: this is the full ADE20K, of 3,000 names and with objects numbered in its colours; what is read here is the set of 150 "
            "classes made from it, ADEChallengeData2016 (SceneParsing)"
        )
    path = list_of(source)
    if path is None:
        raise DataError(f"{source}: {LISTS[0]}, which says what the numbers are, is not there; put it into the folder")
    labels = by_name(source / "annotations", (".png",))
    if not labels:
        raise DataError(f"{source / 'annotations'}: no annotations are there; they are training/NAME.png")
    pictures = by_name(source / "images", PICTURES) if (source / "images").is_dir() else {}
    items = [
        Item(name.split("/")[-1], pictures.get(name), split_of(name), partial(read_numbers, label))
        for name, label in labels.items()
    ]
    bare = sorted(set(pictures) - set(labels))
    return Source(items, meaning_of(path), left_out={"pictures without annotations": bare} if bare else {})


def split_of(name: str) -> str | None:
    folder = name.split("/")[0]
    return folder if folder in SPLITS else None


def meaning_of(path: Path) -> dict[int, str | None]:
    """Number → name. Raises DataError with the line that is none, and where two numbers have one name."""
    between = "\t" if path.suffix == ".txt" else ","
    found: dict[int, str | None] = {0: None}
    for number, line in enumerate(text_lines(path)[1:], 2):
        columns = [column.strip() for column in line.split(between)]  # some numbers and names end in a blank
        if len(columns) < 5 or not columns[0].isdecimal():
            raise DataError(f"{path}, line {number}: {line!r}; expected Idx, Ratio, Train, Val and Name")
        name = ", ".join(columns[-1].split(";"))
        if name in found.values():
            raise DataError(f"{path}, line {number}: {name!r} is the name of another number too")
        found[int(columns[0])] = name
    return found


FORMAT = Format("ade20k", "ADE20K, the SceneParsing release", recognise, read)
