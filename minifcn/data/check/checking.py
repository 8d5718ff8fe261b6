"""A whole data folder at one look: every split, every pair, and everything that is wrong, not only what comes first."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minifcn.data.check.findings import FINDINGS, WARNINGS, Finding, Pair, look_at_labels, look_at_picture
from minifcn.data.check.overlap import same_pixels, shared_names, uses
from minifcn.data.check.recolour import convert_colours
from minifcn.data.classes import ClassMap
from minifcn.data.errors import DataError
from minifcn.data.images import read_picture
from minifcn.data.labels import VOID
from minifcn.data.layout import instead_of_file, make_lists
from minifcn.data.meaning.splits import LABELS, PICTURES, SPLITS, Names, file_names, named_files, read_list
from minifcn.data.voc import PICTURE_ENDINGS, files_by_stem, find_folder, in_threads, listed_twice, sizes_differ


@dataclass
class Summary:
    """Figures of one split: pictures listed; heights and widths, each smallest and largest; modes; label values.

    `pixels`: label value → pixels. `shown`: label value → pictures that contain it. Pairs that could not be read count as
    listed and for nothing else.
    """

    listed: int
    heights: tuple[int, int]
    widths: tuple[int, int]
    modes: Counter[str]
    label_modes: Counter[str]
    pixels: Counter[int]
    shown: Counter[int]


@dataclass
class FolderReport:
    """What `DataFolder.check` found: the pair of each name, a summary of each split, findings, warnings.

    Both lists stand in the order of the kinds in FINDINGS and WARNINGS.
    """

    pairs: dict[str, Pair]
    summaries: dict[str, Summary]
    findings: list[Finding]
    warnings: list[Finding]


class DataFolder:
    """All splits of a folder in VOC layout, or those in `splits`, to be checked.

    `root` as for `VOCFolder`. `.splits`: split → {name: line in its file}. `.names`: every name once. `.notes`: what there is to
    say about the lines. Raises DataError where the folder or a split of `splits` is not found; a split file that cannot be used is a finding of `check`.
    """

    def __init__(self, root: str | os.PathLike[str], splits: Sequence[str] | None = None) -> None:
        self.folder = find_folder(Path(root), splits[0] if splits else "train")
        lists = self.folder / SPLITS
        files = sorted(file.stem for file in lists.glob("*.txt"))
        if not files:
            raise DataError(
                f"data {root}: no split in {lists}; write picture names, one a line, into train.txt there. {make_lists(self.folder)}"
            )
        self.splits: dict[str, dict[str, int]] = {}
        self._findings: list[Finding] = []
        self.notes: list[str] = []
        there = file_names(self.folder)
        for split in dict.fromkeys(splits or files):
            if names := self._read_split(split, there):
                self.splits[split] = names
        self.names = list(dict.fromkeys(name for names in self.splits.values() for name in names))
        self._used = set(self.names)
        for split in set(files) - set(self.splits):  # what another split uses is no leftover
            with suppress(DataError):
                self._used |= {name for _, name in read_list(lists, split, there).lines}
        self._pictures = files_by_stem(self.folder / PICTURES, PICTURE_ENDINGS)
        self._labels = files_by_stem(self.folder / LABELS, (".png",))

    def __len__(self) -> int:
        return len(self.names)

    def _read_split(self, split: str, there: Names) -> dict[str, int]:
        lists = self.folder / SPLITS
        try:
            listed = read_list(lists, split, there)
        except DataError as error:
            if not (lists / f"{split}.txt").is_file():
                raise
            self._findings.append(Finding("split file", str(error)))
            return {}
        names: dict[str, int] = {}
        self.notes += listed.notes
        for line, name in listed.lines:
            if name in names:
                self._findings.append(
                    Finding("listed twice", listed_twice(lists, split, line, name, names[name]), (name,))
                )
            names.setdefault(name, line)
        return names

    def check(self, classes: ClassMap, progress: Callable[[], object] | None = None) -> FolderReport:
        """Read every pair, in threads, and compare. `progress` is called once a pair; nothing is written."""
        read = in_threads(lambda name: self._read_pair(name, classes), self.names, progress)
        pairs: dict[str, Pair] = dict(zip(self.names, read, strict=True))
        summaries = {split: _summary([pairs[name] for name in names]) for split, names in self.splits.items()}
        found = [*self._findings, *(finding for pair in pairs.values() for finding in pair.findings)]
        for name, sentence in shared_names(self.splits, self.folder / SPLITS).items():
            found.append(Finding("in two splits", sentence, (name,)))
        digests = {name: pair.digest for name, pair in pairs.items()}
        for serious, names, sentence in same_pixels(self.splits, digests, self._pictures):
            found.append(Finding("same pixels" if serious else "repeated", sentence, names))
        found += [*self._never(summaries, classes), *self._unused(PICTURES), *self._unused(LABELS)]
        order = [*FINDINGS, *WARNINGS]
        found.sort(key=lambda finding: order.index(finding.kind))
        findings = [finding for finding in found if finding.kind in FINDINGS]
        return FolderReport(pairs, summaries, findings, found[len(findings) :])

    def load(self, name: str, classes: ClassMap) -> tuple[np.ndarray | None, np.ndarray | None]:
        """The picture, uint8 (H, W, 3), and the file's label values, uint8 (H, W); None for what cannot be read."""
        picture = labels = None
        with suppress(DataError, KeyError):
            picture = read_picture(self._pictures[name])
        with suppress(DataError, KeyError):
            labels = look_at_labels(self._labels[name], classes, Pair(name))
        return picture, labels

    def _read_pair(self, name: str, classes: ClassMap) -> Pair:
        pair = Pair(name)
        picture_path, labels_path = self._pictures.get(name), self._labels.get(name)
        if not picture_path:
            pair.say("no picture", self._missing("picture", PICTURES, name, ".jpg"))
        if not labels_path:
            pair.say("no labels", self._missing("labels", LABELS, name, ".png"))
        picture = look_at_picture(picture_path, pair) if picture_path else None
        labels = look_at_labels(labels_path, classes, pair) if labels_path else None
        if picture_path is None or labels_path is None or picture is None or labels is None:
            return pair
        if picture.shape[:2] != labels.shape:
            pair.say("sizes differ", sizes_differ(labels_path, labels, picture_path, picture))
        return pair

    def _missing(self, what: str, folder: str, name: str, ending: str) -> str:
        only = instead_of_file(self.folder, folder, name, PICTURE_ENDINGS if folder == PICTURES else (".png",))
        split = next(split for split in self.splits if name in self.splits[split])
        advice = only or f"; add it, or take {name} out of {split}.txt, line {self.splits[split][name]}"
        return f"{what} {self.folder / folder / name}{ending}: there is no such file{advice}"

    def _never(self, summaries: Mapping[str, Summary], classes: ClassMap) -> Iterator[Finding]:
        for split, summary in summaries.items():
            shown = zip(classes.names, (summary.shown[value] for value in classes.values), strict=True)
            never = [name for name, pictures in shown if not pictures]
            if uses(split) != {"train"} or not summary.pixels or not never:
                continue
            advice = "a model cannot learn them here: add pictures, or leave them out with train --classes"
            if set(summary.pixels) == {0, VOID}:  # masks of black and white
                advice = f"all its labels are 0 and {VOID}, and {VOID} means void: write 1 where the object is"
            yield Finding("never shown", f"split {split}: no picture contains {', '.join(never)}; {advice}")

    def _unused(self, folder: str) -> Iterator[Finding]:
        files = self._pictures if folder == PICTURES else self._labels
        used = {files[name] for name in self._used if name in files}
        for file in [Path(path) for _, path in named_files(self.folder / folder)]:
            if file not in used:
                yield Finding("unused", str(file))


def _summary(pairs: Sequence[Pair]) -> Summary:
    sizes = [pair.size for pair in pairs if pair.size] or [(0, 0)]
    heights, widths = zip(*sizes, strict=True)
    summary = Summary(
        len(pairs),
        (min(heights), max(heights)),
        (min(widths), max(widths)),
        Counter(pair.mode for pair in pairs if pair.mode),
        Counter(pair.label_mode for pair in pairs if pair.label_mode),
        Counter(),
        Counter(),
    )
    for pair in pairs:
        summary.pixels.update(pair.counts or {})
        summary.shown.update((pair.counts or {}).keys())
    return summary


def fix_colours(report: FolderReport, known: int) -> list[Path]:
    """Convert every label file that holds exact colours (`recolour.convert_colours`); returns the files converted.

    Their findings leave the report. Where a file cannot be converted it stays as it was, and its finding says why.
    """
    fixed, kept = [], []
    for finding in report.findings:
        if finding.fixable is None:
            kept.append(finding)
            continue
        try:
            convert_colours(finding.fixable, known)
            fixed.append(finding.fixable)
        except DataError as error:
            kept.append(Finding(finding.kind, str(error), finding.names))
        except OSError as error:
            message = f"labels {finding.fixable}: not converted, it is as it was ({error})"
            kept.append(Finding(finding.kind, message, finding.names))
    report.findings = kept
    return fixed
