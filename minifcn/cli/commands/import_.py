"""Turn pictures labelled with another tool, or a public set, into a folder in VOC layout. Nothing of the source is changed."""

import argparse
import re
from pathlib import Path

from minifcn.cli.options import as_typed, at_least, bar
from minifcn.data import DataError
from minifcn.data.formats import choices
from minifcn.data.formats.registry import FORMATS, check_there, format_named, places, recognise
from minifcn.data.formats.source import BACKGROUND, Format, Options, Source, usual_split
from minifcn.data.formats.survey import Survey, look_through, table_text
from minifcn.data.formats.writing import RECORD, flat_names, splits_of, write_folder
from minifcn.data.labels import VOID, WHITE
from minifcn.version import __version__

FEW = 3
FAR = 200  # a number from here on, where all others are below, is rather a mark than a class
NOBODY_KNOWS = (
    "ignore", "ignored", "unlabelled", "unlabeled", "notlabelled", "notlabeled", "unknown", "undefined", "dontcare", "nodata", "unannotated",
)  # fmt: skip
OPTIONS = (
    "void",
    "values",
    "colours",
    "threshold",
    "soft_edges",
    "as_stored",
    "pictures",
    "masks",
    "attribute",
    "split",
    "seed",
    "copy",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    longest = max(len(each.name) for each in FORMATS)
    parser.epilog = "formats:\n" + "\n".join(f"  {each.name:<{longest}}  {each.title}" for each in FORMATS)
    parser.add_argument("source", metavar="SOURCE", type=at_home, help="the folder (or file) that the tool wrote")
    parser.add_argument("--out", type=at_home, metavar="ROOT", help="the new folder; needed unless --dry-run")
    parser.add_argument("--format", metavar="NAME", help="what SOURCE is, where it is not recognised rightly")
    parser.add_argument("--dry-run", action="store_true", help="stop after the table of what was found")
    parser.add_argument("--copy", action="store_true", help="copy the pictures; without it they are links to SOURCE's")
    parser.add_argument(
        "--pictures", type=at_home, metavar="FOLDER", help="the pictures, where SOURCE holds labels alone"
    )
    parser.add_argument("--masks", metavar="NAME", help="which folder holds the masks, where SOURCE has several")
    parser.add_argument(
        "--attribute", metavar="NAME", help="which attribute of VIA's regions is the class, where they have several"
    )
    meaning = parser.add_argument_group("what the labels mean, where the source does not say")
    meaning.add_argument("--void", metavar="V,V", help="numbers (or colours #rrggbb) that are void: 0,11")
    meaning.add_argument(
        "--values", metavar="V=NAME,…", help="all numbers: 1=pet,2=background,3=void; or a file of lines '1 pet'"
    )
    meaning.add_argument("--colours", metavar="FILE", help="all colours: 'red green blue name' a line; or the word voc")
    meaning.add_argument("--threshold", type=at_least(1), metavar="G", help="grey from G on is the object: 128")
    meaning.add_argument("--soft-edges", choices=("nearest", "void"), help="colours between two classes become this")
    meaning.add_argument(
        "--as-stored",
        action="store_true",
        help="labels lie as pictures are stored: turn them by the pictures' EXIF tag",
    )
    parser.add_argument("--split", type=float, metavar="S", help="share for val where there is none (0.2)")
    parser.add_argument("--seed", type=at_least(0), metavar="N", help="which pictures are drawn for it (0)")


def at_home(text: str) -> Path:
    """A path, in which ~ is the home folder: shells leave that of --out=~/here as it is."""
    return Path(text).expanduser()


def run(arguments: argparse.Namespace) -> int:
    if not arguments.dry_run:
        check_place(arguments)
    options = Options(
        choices.values(arguments.void),
        choices.meaning(arguments.values, arguments.colours),
        arguments.threshold,
        arguments.soft_edges,
        arguments.pictures,
        arguments.colours is not None,
        arguments.as_stored,
        arguments.masks,
        arguments.attribute,
    )
    share, seed = 0.2 if arguments.split is None else arguments.split, arguments.seed or 0
    if not 0 < share < 1:
        raise DataError(f"--split {share:g}: give a share between 0 and 1, such as 0.2")
    chosen, place, reason = choose(arguments.source, arguments.format)
    if arguments.masks and chosen.name != "pairs":
        raise DataError(
            f"--masks chooses between folders of plain masks; the masks of {chosen.name} lie where it puts them"
        )
    if arguments.attribute and chosen.name != "via":
        raise DataError(f"--attribute chooses between attributes of VIA's regions, and {chosen.name} has none")
    source = choices.with_pictures(chosen.read(place, options), options)
    flat_names(source.items)  # two of one name are said before anything is read
    with bar(len(source.items), "reading the labels", unit="file") as reading:
        survey = look_through(source, options, reading.update)
    print(table_text(survey))
    for note in [*notes(source, survey, options), *unused(arguments, source, survey)]:
        print(f"note: {note}")
    choices.check_known(survey, source)
    splits, said = splits_of(source.items, share, seed)
    for note in said:
        print(f"note: {note}")
    print(", ".join(f"{len(names)} {split}" for split, names in splits.items()))
    if arguments.dry_run:
        return 0
    with bar(len(source.items), "writing", unit="picture") as writing:
        write_folder(
            arguments.out, source, survey, options, splits, record(arguments, chosen, reason, survey, splits),
            arguments.copy, writing.update,
        )  # fmt: skip
    print(f"{arguments.out}: {len(source.items)} pictures, {len(survey.names)} classes; what was done is in {RECORD}")
    print(f"learn them with: minifcn train --data {as_typed([str(arguments.out)])} --init voc7 --out run")
    return 0


def check_place(arguments: argparse.Namespace) -> None:
    """Raise DataError where the new folder cannot be: nothing is read for that."""
    out = arguments.out
    if out is None:
        raise DataError("say where the folder goes with --out ROOT, or look first with --dry-run")
    if arguments.source.is_dir() and arguments.source.resolve() in (out.resolve(), *out.resolve().parents):
        raise DataError(
            f"--out {out}: lies within {arguments.source}, of which nothing is changed; give a folder elsewhere"
        )
    above = next((folder for folder in out.absolute().parents if folder.exists()), out)
    if not above.is_dir():
        raise DataError(f"--out {out}: {above} is a file, and no folder can be made in it; give a folder elsewhere")
    if out.is_file():
        raise DataError(f"--out {out}: this is a file; give a folder that is not there yet")
    if out.is_dir() and any(out.iterdir()):
        what = "holds an earlier import" if (out / RECORD).is_file() else "is not empty"
        raise DataError(f"--out {out}: the folder {what}; remove it or give another one, nothing is written over")


def choose(source: Path, name: str | None) -> tuple[Format, Path, str]:
    """The format, the folder that is meant, and why. What it was taken for is said."""
    if name:
        chosen = format_named(name)
        check_there(source)
        return chosen, next((place for place in places(source) if chosen.recognise(place)), source), "--format"
    place, ((chosen, reason), *others) = recognise(source)
    print(f"{place}: taken for {chosen.name} ({chosen.title}), as {reason}")
    for other, why in others:
        print(f"note: it may be {other.name} too, as {why}; choose with --format {other.name}")
    return chosen, place, reason


def notes(source: Source, survey: Survey, options: Options) -> list[str]:
    """What a person should see beside the table."""
    said = [*source.notes, *source.later()]
    for why, names in source.left_out.items():
        more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
        said.append(f"left out, {why}: {len(names)} ({', '.join(names[:FEW])}{more})")
    if any(survey.turned):
        said.append(
            f"{sum(survey.turned)} label files lie as their pictures are stored, and the pictures carry a tag that turns them: "
            "the labels are turned too"
        )
    if survey.unsure:
        said.append(
            f"{survey.unsure} pictures carry a tag that turns them, and sizes cannot say whether their labels lie as they are shown or as "
            "they are stored; they are taken as shown. Look at one; --as-stored turns the labels"
        )
    said += about_names(source, survey, options)
    said += doubtful(source, survey)
    if source.blurred and options.threshold is None:
        said.append(
            f"{source.blurred} masks are JPEG or lossy WebP, which blur numbers along every edge: pixels there may have become another "
            "class. Better take the masks that they were made from"
        )
    if options.threshold is not None:
        said.append(
            f"{100 * survey.between:.2f} % of the pixels are neither 0 nor 255; --threshold {options.threshold} decided"
        )
    never = [name for name in survey.names if all(row.becomes != name for row in survey.rows)]
    if never and len(survey.names) - len(never) == 1 and not survey.unknown:
        said.append(
            f"all that is labelled is {next(row.becomes for row in survey.rows if row.becomes)}: there is nothing to learn"
        )
    if never:
        said.append(f"classes of the list that never occur: {', '.join(never[:8])}{', …' if len(never) > 8 else ''}")
    return said


def about_names(source: Source, survey: Survey, options: Options) -> list[str]:
    """Whether the names are the source's; and numbers of --void that never occur."""
    said = []
    if source.meaning is None and options.values is None and options.threshold is None:
        values = [row.value for row in survey.rows]
        said.append(
            f"no list of classes is in the source; 0 is taken for background and {values[1]} for the object"
            if values in ([0, VOID], [0, WHITE]) and survey.names == [BACKGROUND, "object"]
            else "no list of classes is in the source, so they are called by their numbers; --values gives names"
        )
    there = {row.value for row in survey.rows}
    if lost := [value for value in options.void if value not in there]:
        said.append(f"--void: {', '.join(map(str, lost))} never occurs in the labels")
    return said


def doubtful(source: Source, survey: Survey) -> list[str]:
    """Classes that may be void: by their names, or by a number apart from all others where nobody gave names."""
    said = []
    classes = [row for row in survey.rows if row.becomes is not None]
    for row in classes:
        if row.becomes and re.sub(r"[^a-z]", "", row.becomes.lower()) in NOBODY_KNOWS:
            key = f"#{row.value:06x}" if source.colours else row.value
            said.append(
                f"{row.becomes!r} becomes a class as any other; is it to be scored by nobody, give --void {key}"
            )
    values = [row.value for row in classes]
    unnamed = source.meaning is None and any(row.becomes == f"number {row.value}" for row in classes)
    if unnamed and len(values) > 2 and values[-1] >= FAR > values[-2] and values[-1] > 4 * len(values):
        said.append(f"{values[-1]} is far from the other numbers; does it mean void, give --void {values[-1]}")
    return said


def unused(arguments: argparse.Namespace, source: Source, survey: Survey) -> list[str]:
    """Options that were given and had nothing to do."""
    said = []
    if any(item.split and usual_split(item.split) == "val" for item in source.items):
        given = [name for name in ("split", "seed") if getattr(arguments, name) is not None]
        said += [f"--{name} is not used: the source has a val of its own" for name in given]
    if arguments.pictures and not any(
        item.picture and arguments.pictures in item.picture.parents for item in source.items
    ):
        said.append("--pictures is not used: the source has pictures of its own")
    if arguments.as_stored and not any(survey.turned):
        said.append("--as-stored is not used: no picture with such labels carries a tag that turns it")
    return said


def record(
    arguments: argparse.Namespace, chosen: Format, reason: str, survey: Survey, splits: dict[str, list[str]]
) -> dict[str, object]:
    """What `import.json` keeps: enough to do it again."""
    return {
        "source": str(arguments.source.resolve()),
        "command": "minifcn " + as_typed(arguments.words),
        "format": chosen.name,
        "reason": reason,
        "options": {
            name: str(value)
            for name in OPTIONS
            if (value := getattr(arguments, name)) is not None and value is not False
        },
        "pictures": sum(map(len, splits.values())),
        "minifcn": __version__,
        "classes": survey.names,
        "found": [
            {"value": row.value, "is": row.key, "class": row.becomes, "pixels": row.pixels, "pictures": row.pictures}
            for row in survey.rows
        ],
        "splits": {split: len(names) for split, names in splits.items()},
    }
