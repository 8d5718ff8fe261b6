"""A whole data folder at one look: every split, every pair, and everything that is wrong, not only what comes first."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import numpy as np

from minifcn.data.check.colours import ColourSource, Table, source_of
from minifcn.data.check.findings import FINDINGS, WARNINGS, Finding, Pair, digest_of, look_at_labels, look_at_picture
from minifcn.data.check.judging import Summary, Use, judged
from minifcn.data.check.meant import convert
from minifcn.data.check.missing import instead_of_file
from minifcn.data.check.overlap import same_pixels, shared_names
from minifcn.data.check.palettes import in_words, kind_and_advice
from minifcn.data.check.recolour import convert_colours
from minifcn.data.classes import ClassMap
from minifcn.data.errors import DataError
from minifcn.data.images import read_picture
from minifcn.data.voc import (
    LABELS,
    PICTURE_ENDINGS,
    PICTURES,
    SPLITS,
    files_by_stem,
    find_folder,
    in_threads,
    listed_twice,
    sizes_differ,
    split_lines,
)

LABEL_ENDINGS = (".png",)
BY_NAME = Use()  # what splits are for, as far as their names say it
BY_PALETTE = ColourSource()


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

    `root` as for `VOCFolder`. `limits`: split → how many of its first pictures. `.splits`: split → {name: line in its file}. `.names`: every name once. Raises DataError where
    the folder or a split of `splits` is not found; a split file that cannot be used is a finding of `check`.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        splits: Sequence[str] | None = None,
        limits: Mapping[str, int | None] = MappingProxyType({}),
    ) -> None:
        self.folder = find_folder(Path(root), splits[0] if splits else "train")
        lists = self.folder / SPLITS
        files = sorted(file.stem for file in lists.glob("*.txt"))
        if not files:
            raise DataError(f"data {root}: no split in {lists}; write picture names, one a line, into train.txt there")
        self.splits: dict[str, dict[str, int]] = {}
        self.cut: set[str] = set()  # splits of which a limit left a part out
        self._findings: list[Finding] = []
        for split in dict.fromkeys(splits or files):
            if names := self._read_split(split):
                self.splits[split] = dict(islice(names.items(), limits.get(split)))
                self.cut |= {split} if len(self.splits[split]) < len(names) else set()
        self.names = list(dict.fromkeys(name for names in self.splits.values() for name in names))
        self._used = set(self.names)
        for split in set(files) - set(self.splits):  # what another split uses is no leftover
            with suppress(DataError):
                self._used |= {name for _, name in split_lines(lists, split)}
        self._pictures = files_by_stem(self.folder / PICTURES, PICTURE_ENDINGS)
        self._labels = files_by_stem(self.folder / LABELS, (".png",))

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

    def check(
        self,
        classes: ClassMap,
        progress: Callable[[], object] | None = None,
        use: Use = BY_NAME,
        source: ColourSource | None = None,
    ) -> FolderReport:
        """Read every pair, in threads, and compare. `progress` is called once a pair; nothing is written.

        `use`: what the splits are for. `source`: whose the colours are in labels of colours; VOC's, where the classes are.
        """
        means = source or source_of(classes)
        read = in_threads(lambda name: self._read_pair(name, classes, means), self.names, progress)
        pairs: dict[str, Pair] = dict(zip(self.names, read, strict=True))
        summaries = {split: _summary([pairs[name] for name in names]) for split, names in self.splits.items()}
        found = [*self._findings, *(finding for pair in pairs.values() for finding in pair.findings)]
        found += shared_names(self.splits, self.folder / SPLITS, use.apart())
        found += same_pixels(self.splits, whole_digests(pairs, self._pictures), self._pictures, use.apart())
        found += [finding for pair in pairs.values() for finding in self._palette(pair, classes)]
        found += judged(pairs, summaries, classes, use)
        found += [*self._unused(PICTURES), *self._unused(LABELS)]
        return FolderReport(pairs, summaries, *in_order(found))

    def picture_file(self, name: str) -> Path:
        """Where a picture lies, or would lie."""
        return self._pictures.get(name, self.folder / PICTURES / name)

    def load(
        self, name: str, classes: ClassMap, source: ColourSource = BY_PALETTE
    ) -> tuple[np.ndarray | None, np.ndarray | None]:
        """The picture, uint8 (H, W, 3), and the file's label values, uint8 (H, W); None for what cannot be read."""
        picture = labels = None
        with suppress(DataError, KeyError):
            picture = read_picture(self._pictures[name])
        with suppress(DataError, KeyError):
            labels = look_at_labels(self._labels[name], classes, Pair(name), source)
        return picture, labels

    def _read_pair(self, name: str, classes: ClassMap, source: ColourSource) -> Pair:
        pair = Pair(name)
        picture_path, labels_path = self._pictures.get(name), self._labels.get(name)
        if not picture_path:
            pair.say("no picture", *self._missing("picture", PICTURES, name, PICTURE_ENDINGS))
        if not labels_path:
            pair.say("no labels", *self._missing("labels", LABELS, name, LABEL_ENDINGS))
        picture = look_at_picture(picture_path, pair) if picture_path else None
        labels = look_at_labels(labels_path, classes, pair, source) if labels_path else None
        if picture_path is None or labels_path is None or picture is None or labels is None:
            return pair
        if picture.shape[:2] != labels.shape:
            pair.say("sizes differ", sizes_differ(labels_path, labels, picture_path, picture))
        return pair

    def _missing(self, what: str, folder: str, name: str, endings: tuple[str, ...]) -> tuple[str, None, str]:
        """What `Pair.say` wants to know about a file that is not there."""
        split = next(split for split in self.splits if name in self.splits[split])
        place = self.folder / folder / f"{name}{endings[0]}"
        near = instead_of_file(self.folder, folder, name, endings)
        advice = near or f"; add it, or take {name} out of {split}.txt, line {self.splits[split][name]}"
        general = (
            ""
            if near
            else f"there are no {what if what == 'labels' else 'pictures'} in {self.folder / folder} for {{}}; add them, or take these names out of {split}.txt"
        )
        return f"{what} {place}: there is no such file{advice}", None, general

    def _palette(self, pair: Pair, classes: ClassMap) -> Iterator[Finding]:
        if pair.palette:
            said, path = in_words(pair.palette, classes), self._labels[pair.name]
            kind, advice = kind_and_advice(pair.palette)
            fixable = path if kind == "palette" else None
            yield Finding(
                kind, f"labels {path}: {said}; {advice}", (pair.name,), fixable, f"labels {{}}: {said}; {advice}"
            )

    def _unused(self, folder: str) -> Iterator[Finding]:
        files = self._pictures if folder == PICTURES else self._labels
        used = {files[name].name for name in self._used if name in files}
        for name in sorted(os.listdir(self.folder / folder)):
            if name not in used and not name.startswith("."):
                file = self.folder / folder / name
                yield Finding(
                    "unused",
                    f"{file}: no split uses it",
                    (file.name,),
                    general=f"{self.folder / folder}: no split uses {{}}",
                )


def whole_digests(pairs: Mapping[str, Pair], files: Mapping[str, Path]) -> dict[str, bytes]:
    """Digests of whole pictures, of those that are alike as far as was looked; these are read once more."""
    seen = Counter(pair.digest for pair in pairs.values() if pair.digest)
    alike = [name for name, pair in pairs.items() if pair.digest and seen[pair.digest] > 1]
    return dict(zip(alike, in_threads(lambda name: digest_of(read_picture(files[name])), alike), strict=True))


def in_order(found: list[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Findings and warnings, each in the order of their kinds."""
    order = [*FINDINGS, *WARNINGS]
    found = sorted(found, key=lambda finding: order.index(finding.kind))
    findings = [finding for finding in found if finding.kind in FINDINGS]
    return findings, found[len(findings) :]


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


def fix_colours(report: FolderReport, known: int, table: Table | None = None, palettes: bool = False) -> list[Path]:
    """Convert every label file that holds known colours (`recolour.convert_colours`); returns the files converted.

    `table`: whose colours they are, where not VOC's. `palettes`: those too whose numbers are wrong where the colours of their palette are
    right. Their findings leave the report. Where a file cannot be converted it stays as it was, and its finding says why.
    """
    fixed, kept = [], []
    for finding in report.findings:
        if finding.fixable is None or (finding.kind == "palette" and not palettes):
            kept.append(finding)
            continue
        try:
            if table or finding.kind == "palette":
                convert(finding.fixable, known, table)
            else:
                convert_colours(finding.fixable, known)
            fixed.append(finding.fixable)
        except DataError as error:
            kept.append(Finding(finding.kind, str(error), finding.names))
        except OSError as error:
            message = f"labels {finding.fixable}: not converted, it is as it was ({error})"
            kept.append(Finding(finding.kind, message, finding.names))
    report.findings = kept
    return fixed
