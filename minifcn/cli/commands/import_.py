"""Turn pictures labelled with another tool, or a public set, into a folder in VOC layout. Nothing of the source is changed."""

import argparse
from pathlib import Path

from minifcn.cli.options import as_typed, at_least, bar
from minifcn.data import DataError
from minifcn.data.formats import choices
from minifcn.data.formats.registry import FORMATS, format_named, recognise
from minifcn.data.formats.source import Format, Options, Source
from minifcn.data.formats.survey import Survey, look_through, table_text
from minifcn.data.formats.writing import RECORD, splits_of, write_folder
from minifcn.version import __version__

FEW = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "formats:\n" + "\n".join(f"  {each.name:<14}{each.title}" for each in FORMATS)
    parser.add_argument("source", metavar="SOURCE", type=Path, help="the folder (or file) that the tool wrote")
    parser.add_argument("--out", type=Path, metavar="ROOT", help="the new folder; needed unless --dry-run")
    parser.add_argument("--format", metavar="NAME", help="what SOURCE is, where it is not recognised rightly")
    parser.add_argument("--dry-run", action="store_true", help="stop after the table of what was found")
    parser.add_argument("--copy", action="store_true", help="copy the pictures; without it they are links to SOURCE's")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="the pictures, where SOURCE holds labels alone")
    meaning = parser.add_argument_group("what the labels mean, where the source does not say")
    meaning.add_argument("--void", metavar="V,V", help="numbers (or colours #rrggbb) that are void: 0,11")
    meaning.add_argument("--values", metavar="V=NAME,…", help="all numbers: 1=pet,2=background,3=void")
    meaning.add_argument("--colours", metavar="FILE", help="all colours: 'red green blue name' a line; or the word voc")
    meaning.add_argument("--threshold", type=at_least(1), metavar="G", help="grey from G on is the object: 128")
    meaning.add_argument("--soft-edges", choices=("nearest", "void"), help="colours between two classes become this")
    parser.add_argument("--split", type=float, default=0.2, metavar="S", help="share for val where there is none (0.2)")
    parser.add_argument("--seed", type=at_least(0), default=0, metavar="N", help="which pictures are drawn for it (0)")


def run(arguments: argparse.Namespace) -> int:
    if not arguments.dry_run:
        check_place(arguments)
    options = Options(
        choices.values(arguments.void),
        choices.meaning(arguments.values, arguments.colours),
        arguments.threshold,
        arguments.soft_edges,
        arguments.pictures,
    )
    if not 0 < arguments.split < 1:
        raise DataError(f"--split {arguments.split:g}: give a share between 0 and 1, such as 0.2")
    chosen, reason = choose(arguments.source, arguments.format)
    source = choices.with_pictures(chosen.read(arguments.source, options), options)
    with bar(len(source.items), "reading the labels", unit="file") as reading:
        survey = look_through(source, options, reading.update)
    print(table_text(survey))
    for note in notes(source, survey, options):
        print(f"note: {note}")
    choices.check_known(survey, source)
    splits = splits_of(source.items, arguments.split, arguments.seed)
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
    if out.is_file():
        raise DataError(f"--out {out}: this is a file; give a folder that is not there yet")
    if out.is_dir() and any(out.iterdir()):
        what = "holds an earlier import" if (out / RECORD).is_file() else "is not empty"
        raise DataError(f"--out {out}: the folder {what}; remove it or give another one, nothing is written over")


def choose(source: Path, name: str | None) -> tuple[Format, str]:
    """The format, and why. What it was taken for is said."""
    if name:
        return format_named(name), "--format"
    (chosen, reason), *others = recognise(source)
    print(f"{source}: taken for {chosen.name} ({chosen.title}), as {reason}")
    for other, why in others:
        print(f"note: it may be {other.name} too, as {why}; choose with --format {other.name}")
    return chosen, reason


def notes(source: Source, survey: Survey, options: Options) -> list[str]:
    """What a person should see beside the table."""
    said = [*source.notes, *source.later()]
    for why, names in source.left_out.items():
        more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
        said.append(f"{len(names)} {why}, left out: {', '.join(names[:FEW])}{more}")
    if survey.turned:
        said.append(
            f"{len(survey.turned)} label files lie as their pictures are stored, and the pictures carry a tag that turns them: "
            "the labels are turned too"
        )
    if options.threshold is not None:
        said.append(
            f"{100 * survey.between:.2f} % of the pixels are neither 0 nor 255; --threshold {options.threshold} decided"
        )
    never = [name for name in survey.names if all(row.becomes != name for row in survey.rows)]
    if never:
        said.append(
            f"{len(never)} classes of the list never occur: {', '.join(never[:8])}{', …' if len(never) > 8 else ''}"
        )
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
        "minifcn": __version__,
        "classes": survey.names,
        "found": [
            {"value": row.value, "is": row.key, "class": row.becomes, "pixels": row.pixels, "pictures": row.pictures}
            for row in survey.rows
        ],
        "splits": {split: len(names) for split, names in splits.items()},
    }
