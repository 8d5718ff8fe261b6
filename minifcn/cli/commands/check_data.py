"""Look at every picture and label file of a folder in VOC layout: what is in it, and what is wrong. Exit status 1 on findings."""

import argparse
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from minifcn.cli.classes import CLASS_NAMES, held, nameless, numbers_in
from minifcn.cli.fix import fix
from minifcn.cli.options import bar, picture_bits, refuse_given
from minifcn.data import VOID, ClassMap, DataError, Meaning, read_meaning
from minifcn.data.check.checking import DataFolder, FolderReport
from minifcn.data.check.coloured import Choice
from minifcn.data.check.colours import ColourSource, Table, read_colours, source_of
from minifcn.data.check.findings import FINDINGS, WARNINGS, Finding
from minifcn.data.check.fixing import UNTURNED
from minifcn.data.check.judging import Summary, Use
from minifcn.data.check.recolour import BACKUP
from minifcn.data.check.together import told_together
from minifcn.data.check.turning import HOW as TURNS
from minifcn.data.classes import OTHERS
from minifcn.data.meaning.choice import chosen_classes
from minifcn.data.meaning.folder import unnamed
from minifcn.data.meaning.splits import LABELS, PICTURES
from minifcn.data.pixels.soft_edges import HOW
from minifcn.data.voc import in_threads
from minifcn.draw.pictures.overlay import per_cent
from minifcn.files import write_whole

FIRST = 10  # findings of a kind that are printed without --verbose
ABREAST = 4  # splits side by side in a table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("root", metavar="ROOT", help="the folder with JPEGImages, SegmentationClass and ImageSets")
    parser.add_argument("--split", nargs="+", metavar="NAME", help="names in ImageSets/Segmentation (all)")
    parser.add_argument("--class-names", metavar="FILE|voc", help=CLASS_NAMES)
    parser.add_argument(
        "--classes", metavar="A,B,…|@FILE", help="only these classes, and background, as train has it (all)"
    )
    parser.add_argument(
        "--others", choices=OTHERS, default="void", help="what other classes become, as train has it (void)"
    )
    parser.add_argument(
        "--fix",
        action="store_true",
        help=f"turn labels of colours, or of numbers in equal channels, into class numbers, after a table of what each becomes; the originals go to "
        f"{BACKUP}/ beside {LABELS}/",
    )
    parser.add_argument(
        "--soft-edges", choices=HOW,
        help="with --fix: colours between those of two classes, along their edge, become the nearer class, or void",
    )  # fmt: skip
    parser.add_argument(
        "--grey-colours", action="store_true",
        help="with --fix: labels of greys alone hold colours of the VOC palette, such as (128, 128, 128) for class 7",
    )  # fmt: skip
    parser.add_argument(
        "--turn-labels", choices=TURNS,
        help="with --fix: turn labels that were drawn on pixels that an EXIF tag turns on reading. sure: where their size fits only the picture as "
        f"stored; all: where the size cannot tell too. The originals go to {UNTURNED}/",
    )  # fmt: skip
    parser.add_argument(
        "--bits",
        type=picture_bits,
        metavar="N",
        help="how many bits of pictures of 16 bits hold something, as for train",
    )
    colours = parser.add_mutually_exclusive_group()
    colours.add_argument(
        "--colours", type=Path, metavar="FILE",
        help="the colours of the classes, lines such as 128 128 128 Sky (a list of the folder that has colours)",
    )  # fmt: skip
    colours.add_argument(
        "--voc-colours", action="store_true",
        help="the colours are those of VOC's palette, in the order of the class list, also where a palette disagrees with the numbers",
    )  # fmt: skip
    parser.add_argument(
        "--sheet", type=png_file, metavar="FILE.png", help="draw 48 pictures with labels, bad ones first"
    )
    parser.add_argument("--verbose", action="store_true", help=f"print every finding, not the first {FIRST} of a kind")


def png_file(text: str) -> Path:
    """An argparse type: a file's name that ends in .png."""
    if not text.lower().endswith(".png"):
        raise argparse.ArgumentTypeError(f"{text!r} does not end in .png")
    return Path(text)


def run(arguments: argparse.Namespace) -> int:
    check_options(arguments)
    if arguments.classes == "all":  # as train has it
        arguments.classes = None
    data = data_of(arguments)
    meaning = read_meaning(data.folder, arguments.root, arguments.class_names)
    if arguments.sheet:
        check_sheet(arguments.sheet, data)
    # a palette where nobody says anything is VOC's
    every = meaning.class_map() if meaning.names else ClassMap.voc()
    palette = arguments.voc_colours or arguments.grey_colours
    source = source_of(every, table_for(arguments, meaning, every), palette)
    with bar(len(data), "checking", unit="pair") as checking:
        report, classes = look(arguments, data, meaning, source, checking.update)
    fixed = fix(arguments, data, report, every, source)
    if fixed.something:
        failed = {finding.names: finding for finding in report.findings}
        data = data_of(arguments)  # files have other endings, and numbers that were wrong were counted as they were
        report, classes = look(arguments, data, meaning, source)
        report.findings = [failed.get(each.names, each) if each.fixable else each for each in report.findings]

    print(f"data {data.folder}")
    for note in [*meaning.notes, *data.notes]:
        print(f"note: {note}")
    print(f"\n{splits_table(report.summaries)}\n")
    splits = list(report.summaries)
    for start in range(0, len(splits), ABREAST):
        some = {split: report.summaries[split] for split in splits[start : start + ABREAST]}
        print(f"{classes_table(some, classes)}\n")
    for kinds, mark, found in ((WARNINGS, "note: ", report.warnings), (FINDINGS, "", report.findings)):
        for kind, heading in kinds.items():
            if of_kind := [finding for finding in found if finding.kind == kind]:
                print(f"{mark}{heading}: {len(of_kind)}\n{sentences(of_kind, arguments.verbose)}\n")
    for sentence in fixed.sentences:
        print(sentence)
    if arguments.sheet:
        print(draw_sheet(arguments.sheet, data, classes, report, source))
    count = len(report.findings)
    print(f"{len(data)} pictures, {count or 'no'} finding{'' if count == 1 else 's'}")
    return 1 if report.findings else 0


def data_of(arguments: argparse.Namespace) -> DataFolder:
    choice = Choice(arguments.soft_edges, arguments.grey_colours)
    return DataFolder(arguments.root, arguments.split, arguments.bits, choice)


def check_options(arguments: argparse.Namespace) -> None:
    """Raise DataError for options that say how to fix where nothing is to be fixed."""
    if not arguments.fix:
        refuse_given(
            arguments, ("--soft-edges", "--grey-colours", "--turn-labels"), "says how --fix writes labels; add --fix"
        )


def look(
    arguments: argparse.Namespace,
    data: DataFolder,
    meaning: Meaning,
    source: ColourSource,
    progress: Callable[[], object] | None = None,
) -> tuple[FolderReport, ClassMap]:
    """The check, and the classes by which the numbers were judged: where nobody names them, they are called by themselves."""
    if meaning.names:
        classes = meaning.class_map(arguments.classes, arguments.others)
        asked = chosen_classes(arguments.classes, meaning.names) if arguments.classes else ()
        return data.check(classes, progress, Use(asked=asked), source), classes
    numbers = numbers_in(data.folder, None)
    classes = nameless(numbers)
    report = data.check(classes, progress, Use(named=False), source)
    report.findings.insert(0, Finding("no class list", unnamed(data.folder, held(numbers))))
    return report, classes


def table_for(arguments: argparse.Namespace, meaning: Meaning, classes: ClassMap) -> Table | None:
    """The table of colours that was given, or the one that the folder has; None where VOC's palette is meant, or nothing is said."""
    if arguments.voc_colours:
        return None
    if arguments.colours and not meaning.names:
        raise DataError(
            f"colours {arguments.colours}: the names in it need numbers, and {meaning.folder} has no class list; write class_names.txt there "
            "first, or put the table itself there as label_colors.txt, and its lines are the classes"
        )
    return read_colours(arguments.colours, classes) if arguments.colours else meaning.colours or None


def check_sheet(path: Path, data: DataFolder) -> None:
    """Raise DataError, before the long look, where the sheet cannot be written or would overwrite data."""
    if not path.parent.is_dir():
        raise DataError(f"--sheet {path}: there is no folder {path.parent}; make it first")
    if path.resolve().parent in ((data.folder / part).resolve() for part in (PICTURES, LABELS)):
        raise DataError(f"--sheet {path}: this folder holds the data; choose another place")


def bad_ones(findings: Iterable[Finding]) -> dict[str, str]:
    """Picture → kind of its first finding; the first of each kind stand before the second ones, so that a sheet shows all kinds."""
    kind_of: dict[str, str] = {}
    rank: dict[str, int] = {}
    seen: Counter[str] = Counter()
    for finding in findings:
        for name in finding.names:
            if name not in kind_of:
                kind_of[name], rank[name] = finding.kind, seen[finding.kind]
                seen[finding.kind] += 1
    return {name: kind_of[name] for name in sorted(kind_of, key=lambda name: rank[name])}


def splits_table(summaries: Mapping[str, Summary]) -> str:
    """A row a split: pictures, smallest and largest height and width, modes of the files."""
    rows = [["split", "pictures", "height", "width", "modes of pictures", "modes of labels"]]
    for split, summary in summaries.items():
        sizes = [f"{low} to {high}" if low < high else f"{low}" for low, high in (summary.heights, summary.widths)]
        modes = [
            ", ".join(f"{mode} {count}" for mode, count in found.most_common()) or "none"
            for found in (summary.modes, summary.label_modes)
        ]
        rows.append([split, str(summary.listed), *sizes, *modes])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def classes_table(summaries: Mapping[str, Summary], classes: ClassMap) -> str:
    """A row a class, two columns a split: its pixels, in per cent of all labelled and void ones, and pictures with it."""
    rows = [(f"{value:>3} {name}", [value]) for value, name in zip(classes.values, classes.names, strict=True)]
    strangers = classes.strangers(value for summary in summaries.values() for value in summary.pixels)
    rows += [("    no class", strangers)] if strangers else []
    rows += [(f"{value:>3} void", [value]) for value in [*classes.void, VOID]]
    width = max(len(name) for name, _ in rows)
    lines = ["".ljust(width) + "".join(f"{split:>20}" for split in summaries)]
    lines.append("class".ljust(width) + f"{'pixels':>10}{'pictures':>10}" * len(summaries))
    for name, values in rows:
        line = name.ljust(width)
        for summary in summaries.values():
            share = sum(summary.pixels[value] for value in values) / (summary.pixels.total() or 1)
            shown = summary.shown[values[0]] if values is not strangers else ""
            line += f"{per_cent(share):>10}{shown:>10}"
        lines.append(line)
    return "\n".join(lines)


def sentences(findings: Sequence[Finding], verbose: bool) -> str:
    """The findings of one kind, a line each; without `verbose` one for a fault that many files have, and the first ten."""
    said = [finding.message for finding in findings] if verbose else told_together(findings)
    lines = [f"  {sentence}" for sentence in said]
    if len(lines) > FIRST and not verbose:
        lines[FIRST:] = [f"  … and {len(lines) - FIRST} more; --verbose prints them all"]
    return "\n".join(lines)


def draw_sheet(path: Path, data: DataFolder, classes: ClassMap, report: FolderReport, source: ColourSource) -> str:
    """Write the contact sheet; returns a line that says so."""
    from minifcn.draw.pictures.contact import Tile, contact_sheet, spread

    bad = bad_ones(report.findings)
    seen = {name for name, pair in report.pairs.items() if pair.size or pair.counts}
    chosen = spread([name for name in data.names if name in seen], [name for name in bad if name in seen])
    if not chosen:
        return f"sheet: no picture can be shown, so {path} was not written"
    loaded = in_threads(lambda name: data.load(name, classes, source), chosen)
    tiles = [
        Tile(name, picture, None if labels is None else classes.shown(labels), bad.get(name, ""))
        for name, (picture, labels) in zip(chosen, loaded, strict=True)
    ]
    content = io.BytesIO()
    contact_sheet(tiles, classes.names, classes.colours).save(content, "PNG")
    write_whole(path, content.getvalue())
    return f"sheet: {path}, {len(chosen)} of {len(data)} pictures"
