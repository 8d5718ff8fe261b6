"""`check-data --fix`: a table of what becomes of labels first, then the files; what was done is said at the end."""

import argparse
from collections.abc import Sequence
from typing import NamedTuple

from minifcn.data import ClassMap
from minifcn.data.check.checking import DataFolder, FolderReport
from minifcn.data.check.colours import ColourSource
from minifcn.data.check.fixing import UNTURNED, WERE, fix_colours, fix_numbers, fix_turned
from minifcn.data.check.meant import Became, consent, rows_in_words, what_becomes
from minifcn.data.check.recolour import BACKUP

FIRST = 10  # files that were not fixed, of which it is said why


class Fixed(NamedTuple):
    """Whether a file was written, and sentences about it and about those that were not."""

    something: bool
    sentences: list[str]


def fix(
    arguments: argparse.Namespace, data: DataFolder, report: FolderReport, classes: ClassMap, source: ColourSource
) -> Fixed:
    """Say what labels would become; with --fix, where a person has said whose the colours are or nobody needs to, write them."""
    palettes = bool(arguments.voc_colours or arguments.colours)  # a palette may be wrong where its numbers are right
    fixable = [finding for finding in report.findings if finding.fixable]
    if source.table and not palettes:
        fixable = [finding for finding in fixable if finding.kind != "palette"]
    colours = [finding.fixable for finding in fixable if finding.fixable]
    edges, channels = (
        [data.labels_file(name) for name, pair in report.pairs.items() if pair.rewrite == kind]
        for kind in ("soft edges", "three channels")
    )
    rows = what_becomes([*colours, *edges], classes, source, data.choice)
    numbers = what_becomes(channels, classes, source, data.choice)
    said = source.table or arguments.voc_colours or arguments.grey_colours
    why_not = "" if said else consent(rows, classes)
    if rows or numbers:
        print(becomes_table([*rows, *numbers], classes, arguments.fix))
    if not arguments.fix:
        return Fixed(False, [])
    if rows and why_not:
        print(f"nothing was fixed: {why_not}\n")
    fixed = [] if why_not else fix_colours(report, classes, source, palettes, data.choice)
    kinds = ("three channels",) if why_not else tuple(WERE)
    anew, unfixed = fix_numbers(data, report, classes, source, kinds)
    turned, unturned = fix_turned(data, report, arguments.turn_labels) if arguments.turn_labels else ([], [])
    there = f"the originals are in {data.folder}"
    said_of = [f"fixed: {len(fixed)} label files now hold class numbers; {there}/{BACKUP}"] if fixed else []
    for kind, count in anew.items():
        said_of.append(
            f"fixed: {count} label files with {WERE[kind]} now hold one class number a pixel; {there}/{BACKUP}"
        )
    if turned:
        said_of.append(f"fixed: {len(turned)} label files are turned as their pictures are; {there}/{UNTURNED}")
    left = unfixed + unturned
    more = [f"… and {len(left) - FIRST} more"] if len(left) > FIRST else []
    return Fixed(bool(fixed or anew or turned), [*said_of, *left[:FIRST], *more])


def becomes_table(rows: Sequence[Became], classes: ClassMap, fixing: bool) -> str:
    """What is found in labels, and what converting makes of it: printed before anything is converted."""
    lines = [f"  {line}" for line in rows_in_words(rows, classes)]
    return "\n".join([f"what --fix {'makes' if fixing else 'would make'} of the labels with colours:", *lines, ""])
