"""A whole data folder at one look: every split, every pair, and everything that is wrong, not only what comes first."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from minifcn.data.check.coloured import UNSAID, Choice
from minifcn.data.check.depths import dark_findings
from minifcn.data.check.findings import FINDINGS, WARNINGS, Finding, Pair, look_at_labels, look_at_picture
from minifcn.data.check.overlap import same_pixels, shared_names, uses
from minifcn.data.check.recolour import convert_colours
from minifcn.data.check.turning import as_stored_sentence, fits_as_stored, notes_of_turned
from minifcn.data.classes import ClassMap
from minifcn.data.errors import DataError
from minifcn.data.images import LABEL_ENDINGS, PICTURE_ENDINGS, look_at
from minifcn.data.labels import VOID
from minifcn.data.voc import (
    LABELS,
    PICTURES,
    SPLITS,
    files_by_stem,
    find_folder,
    in_threads,
    listed_twice,
    sizes_differ,
    split_lines,
)


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

    `root` as for `VOCFolder`. `.splits`: split → {name: line in its file}. `.names`: every name once. Raises DataError where
    the folder or a split of `splits` is not found; a split file that cannot be used is a finding of `check`. `bits` as for
    `read_picture`; `choice`: what a file of colours cannot say.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        splits: Sequence[str] | None = None,
        bits: int | None = None,
        choice: Choice = UNSAID,
    ) -> None:
        self.bits, self.choice = bits, choice
        self.folder = find_folder(Path(root), splits[0] if splits else "train")
        lists = self.folder / SPLITS
        files = sorted(file.stem for file in lists.glob("*.txt"))
        if not files:
            raise DataError(f"data {root}: no split in {lists}; write picture names, one a line, into train.txt there")
        self.splits: dict[str, dict[str, int]] = {}
        self._findings: list[Finding] = []
        for split in dict.fromkeys(splits or files):
            if names := self._read_split(split):
                self.splits[split] = names
        self.names = list(dict.fromkeys(name for names in self.splits.values() for name in names))
        self._used = set(self.names)
        for split in set(files) - set(self.splits):  # what another split uses is no leftover
            with suppress(DataError):
                self._used |= {name for _, name in split_lines(lists, split)}
        self._pictures = files_by_stem(self.folder / PICTURES, PICTURE_ENDINGS)
        self._labels = files_by_stem(self.folder / LABELS, LABEL_ENDINGS)
        self._near = {
            folder: {file.stem.lower(): file.name for file in sorted((self.folder / folder).iterdir())}
            for folder in (PICTURES, LABELS)
        }

    def __len__(self) -> int:
        return len(self.names)

    def _read_split(self, split: str) -> dict[str, int]:
        lists = self.folder / SPLITS
        try:
            lines = split_lines(lists, split)
        except DataError as error:
            if not (lists / f"{split}.txt").is_file():
                raise
            self._findings.append(Finding("split file", str(error)))
            return {}
        names: dict[str, int] = {}
        for line, name in lines:
            if name in names:
                self._findings.append(
                    Finding("listed twice", listed_twice(lists, split, line, name, names[name]), (name,))
                )
            names.setdefault(name, line)
        return names

    def check(self, classes: ClassMap, progress: Callable[[], object] | None = None) -> FolderReport:
        """Read every pair, in threads, and compare. `progress` is called once a pair; nothing is written."""
        read = in_threads(lambda name: self._read_pair(name, classes.known), self.names, progress)
        pairs: dict[str, Pair] = dict(zip(self.names, read, strict=True))
        self._settle_greys(pairs, classes.known)
        summaries = {split: _summary([pairs[name] for name in names]) for split, names in self.splits.items()}
        found = [*self._findings, *(finding for pair in pairs.values() for finding in pair.findings)]
        for name, sentence in shared_names(self.splits, self.folder / SPLITS).items():
            found.append(Finding("in two splits", sentence, (name,)))
        digests = {name: pair.digest for name, pair in pairs.items()}
        for serious, names, sentence in same_pixels(self.splits, digests, self._pictures):
            found.append(Finding("same pixels" if serious else "repeated", sentence, names))
        found += [*notes_of_turned(pairs), *dark_findings(pairs, self._pictures, self.bits)]
        found += [*self._never(summaries, classes), *self._unused(PICTURES), *self._unused(LABELS)]
        order = [*FINDINGS, *WARNINGS]
        found.sort(key=lambda finding: order.index(finding.kind))
        findings = [finding for finding in found if finding.kind in FINDINGS]
        return FolderReport(pairs, summaries, findings, found[len(findings) :])

    def load(self, name: str, known: int) -> tuple[np.ndarray | None, np.ndarray | None]:
        """The picture, uint8 (H, W, 3), and the file's label values, uint8 (H, W); None for what cannot be read."""
        picture = labels = None
        with suppress(DataError, KeyError):
            picture = look_at(self._pictures[name], self.bits).pixels
        with suppress(DataError, KeyError):
            labels = look_at_labels(self._labels[name], known, Pair(name), self.choice)
        return picture, labels

    def labels_file(self, name: str) -> Path:
        """Where the labels of a name lie now: a file that was written anew is a PNG."""
        path = self._labels[name]
        return path if path.exists() else path.with_suffix(".png")

    def _settle_greys(self, pairs: dict[str, Pair], known: int) -> None:
        """Greys that may be colours are colours where other label files of the folder hold colours of classes."""
        kinds = {name: {finding.kind for finding in pair.findings} for name, pair in pairs.items()}
        if not self.choice.grey_colours and any("colours" in of_name for of_name in kinds.values()):
            self.choice = replace(self.choice, grey_colours=True)
            pairs.update({name: self._read_pair(name, known) for name in pairs if "greys" in kinds[name]})

    def _read_pair(self, name: str, known: int) -> Pair:
        pair = Pair(name)
        picture_path, labels_path = self._pictures.get(name), self._labels.get(name)
        if not picture_path:
            pair.say("no picture", self._missing("picture", PICTURES, name, ".jpg"))
        if not labels_path:
            pair.say("no labels", self._missing("labels", LABELS, name, ".png"))
        picture = look_at_picture(picture_path, pair, self.bits) if picture_path else None
        labels = look_at_labels(labels_path, known, pair, self.choice) if labels_path else None
        if picture_path is None or labels_path is None or picture is None or labels is None:
            return pair
        if fits_as_stored(pair):
            pair.say("as stored", as_stored_sentence(labels_path, pair))
        elif picture.shape[:2] != labels.shape:
            pair.say("sizes differ", sizes_differ(labels_path, labels, picture_path, picture))
        return pair

    def _missing(self, what: str, folder: str, name: str, ending: str) -> str:
        near = self._near[folder].get(name.lower()) or self._near[folder].get(Path(name).stem.lower())
        only = f", only {near} (case and ending must agree, and a split lists names without ending)" if near else ""
        split = next(split for split in self.splits if name in self.splits[split])
        return (
            f"{what} {self.folder / folder / name}{ending}: there is no such file{only}; "
            f"add it, or take {name} out of {split}.txt, line {self.splits[split][name]}"
        )

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
        for file in sorted((self.folder / folder).iterdir()):
            if file in used or file.name.startswith("."):
                continue
            taken = files.get(file.stem)
            if taken in used and file.suffix.lower() in (PICTURE_ENDINGS if folder == PICTURES else LABEL_ENDINGS):
                yield Finding("same name", f"{file}: not read, for {taken.name} beside it is", (file.stem,))
            else:
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
