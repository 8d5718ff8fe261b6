"""The same check for who is about to train: of two splits, whose uses are known."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from minifcn.data.check.checking import DataFolder, FolderReport, in_order, whole_digests
from minifcn.data.check.colours import ColourSource
from minifcn.data.check.findings import HARMLESS, MEANINGLESS, Finding, Pair
from minifcn.data.check.judging import Use
from minifcn.data.check.overlap import same_pixels
from minifcn.data.check.together import told_together
from minifcn.data.voc import VOCFolder


class Verdict(NamedTuple):
    """What a training is told about its data, in sentences; of each kind of finding those of many files are one.

    `impossible`: with these files it cannot go on; `bad` says how many. `meaningless`: it can, and nothing is learned, or the score means nothing. `notes`:
    all else. `pixels`: how many of the pixels to train on are of a class.
    """

    impossible: list[str]
    bad: str
    meaningless: list[str]
    notes: list[str]
    pixels: int


def sets_of(train_set: VOCFolder, val_set: VOCFolder) -> list[DataFolder]:
    """The folder of both, or, of an archive with several years, the folder of each."""
    limits = {train_set.split: len(train_set), val_set.split: len(val_set)}
    if train_set.split == val_set.split:  # the shorter list is a part of the other
        limits[val_set.split] = max(len(train_set), len(val_set))
    if train_set.folder == val_set.folder:
        return [DataFolder(train_set.folder, [train_set.split, val_set.split], bits=train_set.bits, limits=limits)]
    return [DataFolder(each.folder, [each.split], bits=each.bits, limits=limits) for each in (train_set, val_set)]


def check_training(
    folders: Sequence[DataFolder],
    train_set: VOCFolder,
    val_set: VOCFolder,
    asked: Sequence[str] = (),
    progress: Callable[[], object] | None = None,
    source: ColourSource | None = None,
) -> Verdict:
    """Read every pair and say what is wrong; `folders` as `sets_of` gives them, `asked`: classes that were chosen by name; `source` as for `DataFolder.check`."""
    cut = len(train_set) if train_set.split in folders[0].cut else None
    use = Use(train_set.split, val_set.split, asked, cut)
    reports = [folder.check(train_set.class_map, progress, use, source) for folder in folders]
    found = [finding for report in reports for finding in (*report.findings, *report.warnings)]
    if len(folders) > 1:
        found += of_two_folders(folders, reports)
    if train_set.split == val_set.split and len(folders) == 1:
        found.append(same_split(train_set.split))
    findings, notes = in_order(found)
    bad = [finding for finding in findings if finding.kind not in (*MEANINGLESS, *HARMLESS)]
    lists = [finding for finding in findings if bad and finding.kind == "class list"]  # why many files are bad
    return Verdict(
        told_together([*by_place(bad, folders), *lists]),
        count_bad(bad, train_set, val_set),
        told_together(finding for finding in findings if finding.kind in MEANINGLESS),
        told_together([*(finding for finding in findings if finding.kind in HARMLESS), *notes]),
        pixels_of_classes(reports[0], train_set),
    )


def same_split(split: str) -> Finding:
    sentence = f"split {split} is trained on and scored: what is trained on must not be scored, for who learns it by heart gets 100 %"
    return Finding("in two splits", f"{sentence}; give --val-split another one")


def of_two_folders(folders: Sequence[DataFolder], reports: Sequence[FolderReport]) -> list[Finding]:
    """Pictures with the same pixels in the splits of two folders."""
    splits: dict[str, dict[str, int]] = {}
    pairs: dict[str, Pair] = {}
    files: dict[str, Path] = {}
    for folder, report in zip(folders, reports, strict=True):
        for split, names in folder.splits.items():
            place = f"{folder.folder.name} {split}"
            splits[place] = {f"{place} {name}": line for name, line in names.items()}
            for name in names:
                pairs[f"{place} {name}"], files[f"{place} {name}"] = report.pairs[name], folder.picture_file(name)
    first, second = splits
    found = same_pixels(splits, whole_digests(pairs, files, folders[0].bits), files, [(first, second)])
    return [finding for finding in found if finding.kind == "same pixels"]  # others were found in each folder


def by_place(findings: Sequence[Finding], folders: Sequence[DataFolder]) -> list[Finding]:
    """In the order of the splits: the first is the one that a training would have met."""
    place = {name: number for number, name in enumerate(name for folder in folders for name in folder.names)}
    return sorted(findings, key=lambda finding: min((place[name] for name in finding.names), default=-1))


def count_bad(findings: Sequence[Finding], train_set: VOCFolder, val_set: VOCFolder) -> str:
    """How many pairs of each split are bad.

    A name may stand in both splits.
    """
    names = {name for finding in findings for name in finding.names}
    bad = [(each.split, sum(name in names for name in each.ids), len(each)) for each in (train_set, val_set)]
    return "; ".join(f"split {split}: {count} of {size} pairs are bad" for split, count, size in bad if count)


def pixels_of_classes(report: FolderReport, train_set: VOCFolder) -> int:
    """How many pixels of the split to train on are of a class that is learned."""
    classes = train_set.class_map
    counts = report.summaries[train_set.split].pixels
    values = set(classes.values)
    if classes.others == "background":
        values |= set(range(classes.known)) - {*classes.void, *classes.gaps}
    return sum(counts[value] for value in values)
