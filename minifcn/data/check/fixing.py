"""`--fix`: colours and numbers in equal channels become one channel of numbers, labels are turned as their pictures are."""

import os
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from minifcn.data.check.checking import DataFolder, FolderReport
from minifcn.data.check.coloured import UNSAID, Choice, reading_of
from minifcn.data.check.colours import BY_PALETTE, ColourSource
from minifcn.data.check.findings import Finding
from minifcn.data.check.meant import convert
from minifcn.data.check.recolour import BACKUP, convert_colours
from minifcn.data.check.replacing import backup_of, replaced
from minifcn.data.check.turning import to_turn
from minifcn.data.classes import ClassMap
from minifcn.data.errors import DataError
from minifcn.data.images import opened
from minifcn.data.labels import read_labels
from minifcn.data.pixels.turned import upright

UNTURNED = "SegmentationClass_unturned"
WERE = {"three channels": "numbers in equal channels", "soft edges": "colours with soft edges"}


def fix_colours(
    report: FolderReport,
    classes: ClassMap,
    source: ColourSource = BY_PALETTE,
    palettes: bool = False,
    choice: Choice = UNSAID,
) -> list[Path]:
    """Convert every label file that holds known colours (`recolour.convert_colours`, `meant.convert`); returns the files converted.

    `source`: whose colours they are. `palettes`: those too whose numbers are wrong where the colours of their palette are
    right. Their findings leave the report. Where a file cannot be converted it stays as it was, and its finding says why.
    """
    fixed, kept = [], []
    for finding in report.findings:
        if finding.fixable is None or (finding.kind == "palette" and not palettes):
            kept.append(finding)
            continue
        try:
            if source.table or finding.kind == "palette":
                convert(finding.fixable, classes, source, choice)
            else:
                convert_colours(finding.fixable, classes.known)
            fixed.append(finding.fixable)
        except DataError as error:
            kept.append(Finding(finding.kind, str(error), finding.names))
        except OSError as error:
            message = f"labels {finding.fixable}: not converted, it is as it was ({error})"
            kept.append(Finding(finding.kind, message, finding.names))
    report.findings = kept
    return fixed


def convert_labels(
    path: str | os.PathLike[str], classes: ClassMap, choice: Choice = UNSAID, source: ColourSource = BY_PALETTE
) -> Path:
    """Turn a label file of equal channels, or of colours with soft edges, into a palette PNG of class numbers; returns where the original lies now.

    That is in the folder SegmentationClass_colours beside the file's own. Nothing is changed, and DataError raised, where it holds
    anything else. OSError where nothing can be written.
    """
    path = Path(path)
    content = path.read_bytes()
    reading = reading_of(opened(path, "labels"), path, classes, choice, source)
    if not reading.fixable or reading.labels is None:
        raise DataError(f"labels {path}: not converted, for {reading.clause or 'it is of class numbers already'}")
    return replaced(path, content, reading.labels, BACKUP, "converted")


def turn_labels(path: str | os.PathLike[str], orientation: int) -> Path:
    """Turn a label file of numbers as EXIF's `orientation`, that of its picture, says; returns where the original lies now.

    That is in the folder SegmentationClass_unturned beside the file's own. DataError where an original lies there already: a file
    is turned once. OSError where nothing can be written.
    """
    path = Path(path)
    if (there := backup_of(path, UNTURNED)).exists():
        raise DataError(
            f"labels {path}: not turned, for it was turned before: {there} is its original; take that away to turn it again"
        )
    return replaced(path, path.read_bytes(), upright(read_labels(path), orientation), UNTURNED, "turned")


def fix_numbers(
    data: DataFolder,
    report: FolderReport,
    classes: ClassMap,
    source: ColourSource = BY_PALETTE,
    kinds: Collection[str] = tuple(WERE),
) -> tuple[Counter[str], list[str]]:
    """Convert every label file that `convert_labels` can; returns how many of each kind there were, and sentences about those that were not.

    What was said of the files leaves the report.
    """
    fixed: Counter[str] = Counter()
    kept = []
    for name, pair in report.pairs.items():
        if pair.rewrite not in kinds:
            continue
        path = data.labels_file(name)
        try:
            convert_labels(path, classes, data.choice, source)
            fixed[pair.rewrite] += 1
            leave(report, pair.rewrite, name)
        except DataError as error:
            kept.append(str(error))
        except OSError as error:
            kept.append(f"labels {path}: not converted, it is as it was ({error})")
    return fixed, kept


def fix_turned(data: DataFolder, report: FolderReport, how: str) -> tuple[list[Path], list[str]]:
    """Turn labels that were drawn on pixels as stored (`turning.to_turn`); returns the files turned, and sentences about those that were not.

    Findings about their sizes leave the report.
    """
    fixed, kept = [], []
    for name, orientation in to_turn(report.pairs, how).items():
        path = data.labels_file(name)
        try:
            turn_labels(path, orientation)
            fixed.append(path)
            leave(report, "as stored", name)
        except DataError as error:
            kept.append(str(error))
        except OSError as error:
            kept.append(f"labels {path}: not turned, it is as it was ({error})")
    return fixed, kept


def leave(report: FolderReport, kind: str, name: str) -> None:
    """Take what was said of a kind about one picture out of the report."""
    report.findings = [each for each in report.findings if (each.kind, each.names) != (kind, (name,))]
    report.warnings = [each for each in report.warnings if (each.kind, each.names) != (kind, (name,))]
