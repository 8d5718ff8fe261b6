"""A whole data folder at one look: every split, every pair, and everything that is wrong, not only what comes first."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import numpy as np

from minifcn.data.check.coloured import UNSAID, Choice
from minifcn.data.check.colours import BY_PALETTE, ColourSource, source_of
from minifcn.data.check.depths import dark_findings
from minifcn.data.check.findings import FINDINGS, WARNINGS, Finding, Pair, digest_of, look_at_labels, look_at_picture
from minifcn.data.check.judging import Summary, Use, judged
from minifcn.data.check.overlap import same_pixels, shared_names
from minifcn.data.check.palettes import OTHERWISE, contradiction, in_words, kind_and_advice
from minifcn.data.check.turning import as_stored_sentence, fits_as_stored, notes_of_turned
from minifcn.data.classes import ClassMap
from minifcn.data.errors import DataError
from minifcn.data.images import LABEL_ENDINGS, PICTURE_ENDINGS, look_at
from minifcn.data.layout import instead_of_file, make_lists
from minifcn.data.meaning.splits import LABELS, PICTURES, SPLITS, Names, file_names, named_files, read_list
from minifcn.data.voc import files_by_stem, find_folder, in_threads, listed_twice, sizes_differ
from minifcn.files import not_there

BY_NAME = Use()  # what splits are for, as far as their names say it


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
    say about the lines. Raises DataError where the folder or a split of `splits` is not found; a split file that cannot be used is a
    finding of `check`. `bits` as for `read_picture`; `choice`: what a file of colours cannot say. `limits`: split → how many of its
    first pictures.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        splits: Sequence[str] | None = None,
        bits: int | None = None,
        choice: Choice = UNSAID,
        limits: Mapping[str, int | None] = MappingProxyType({}),
    ) -> None:
        self.bits, self.choice = bits, choice
        self.folder = find_folder(Path(root), splits[0] if splits else "train")
        lists = self.folder / SPLITS
        files = sorted(file.stem for file in lists.glob("*.txt"))
        if not files:
            raise DataError(
                f"data {root}: no split in {lists}; write picture names, one a line, into train.txt there. {make_lists(self.folder)}"
            )
        self.splits: dict[str, dict[str, int]] = {}
        self.cut: set[str] = set()  # splits of which a limit left a part out
        self._findings = nothing_to_score(files, lists) if not splits else []
        self.notes: list[str] = []
        self._used: set[str] = set()
        there = file_names(self.folder)
        for split in dict.fromkeys(splits or files):
            if names := self._read_split(split, there):
                self._used |= set(names)  # a limit leaves pictures out, and the split uses them all the same
                self.splits[split] = dict(islice(names.items(), limits.get(split)))
                self.cut |= {split} if len(self.splits[split]) < len(names) else set()
        self.names = list(dict.fromkeys(name for names in self.splits.values() for name in names))
        for split in set(files) - set(self.splits):  # what another split uses is no leftover
            with suppress(DataError):
                self._used |= {name for _, name in read_list(lists, split, there).lines}
        self._pictures = files_by_stem(self.folder / PICTURES, PICTURE_ENDINGS)
        self._labels = files_by_stem(self.folder / LABELS, LABEL_ENDINGS)

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
        self._settle_greys(pairs, classes, means)
        summaries = {split: _summary([pairs[name] for name in names]) for split, names in self.splits.items()}
        found = [*self._findings, *(finding for pair in pairs.values() for finding in pair.findings)]
        found += shared_names(self.splits, self.folder / SPLITS, use.apart())
        digests = whole_digests(pairs, self._pictures, self.bits)
        found += same_pixels(self.splits, digests, self._pictures, use.apart())
        drawn = (
            classes if use.named else ClassMap.voc()
        )  # the colours are those of VOC's classes, whoever names the numbers
        found += [finding for pair in pairs.values() for finding in self._palette(pair, drawn, means)]
        found += contradicting(pairs)
        found += [*notes_of_turned(pairs), *dark_findings(pairs, self._pictures, self.bits)]
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
            picture = look_at(self._pictures[name], self.bits).pixels
        with suppress(DataError, KeyError):
            labels = look_at_labels(self._labels[name], classes, Pair(name), source, self.choice)
        return picture, labels

    def labels_file(self, name: str) -> Path:
        """Where the labels of a name lie now: a file that was written anew is a PNG."""
        path = self._labels[name]
        return path if path.exists() else path.with_suffix(".png")

    def _settle_greys(self, pairs: dict[str, Pair], classes: ClassMap, source: ColourSource) -> None:
        """Greys that may be colours are colours where other label files of the folder hold colours of classes."""
        kinds = {name: {finding.kind for finding in pair.findings} for name, pair in pairs.items()}
        if (
            not source.table
            and not self.choice.grey_colours
            and any("colours" in of_name for of_name in kinds.values())
        ):
            self.choice = replace(self.choice, grey_colours=True)
            pairs.update({name: self._read_pair(name, classes, source) for name in pairs if "greys" in kinds[name]})

    def _read_pair(self, name: str, classes: ClassMap, source: ColourSource) -> Pair:
        pair = Pair(name)
        picture_path, labels_path = self._pictures.get(name), self._labels.get(name)
        if not picture_path:
            pair.say("no picture", *self._missing("picture", PICTURES, name, PICTURE_ENDINGS))
        if not labels_path:
            pair.say("no labels", *self._missing("labels", LABELS, name, LABEL_ENDINGS))
        picture = look_at_picture(picture_path, pair, self.bits) if picture_path else None
        labels = look_at_labels(labels_path, classes, pair, source, self.choice) if labels_path else None
        if picture_path is None or labels_path is None or picture is None or labels is None:
            return pair
        if fits_as_stored(pair):
            pair.say("as stored", as_stored_sentence(labels_path, pair))
        elif picture.shape[:2] != labels.shape:
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
        return f"{what} {place}: {not_there(place)}{advice}", None, general

    def _palette(self, pair: Pair, classes: ClassMap, source: ColourSource) -> Iterator[Finding]:
        if pair.palette:
            said, path = in_words(pair.palette, classes), self._labels[pair.name]
            kind, advice = kind_and_advice(pair.palette, bool(source.table))
            fixable = path if kind == "palette" else None
            yield Finding(
                kind, f"labels {path}: {said}; {advice}", (pair.name,), fixable, f"labels {{}}: {said}; {advice}"
            )

    def _unused(self, folder: str) -> Iterator[Finding]:
        files = self._pictures if folder == PICTURES else self._labels
        used = {files[name] for name in self._used if name in files}
        for name, path in named_files(self.folder / folder):
            file, taken = Path(path), files.get(name)
            if file in used:
                continue
            if taken in used and file.suffix.lower() in (PICTURE_ENDINGS if folder == PICTURES else LABEL_ENDINGS):
                yield Finding("same name", f"{file}: not read, for {taken.name} beside it is", (name,))
            else:
                general = f"{self.folder / folder}: no split uses {{}}"
                yield Finding("unused", f"{file}: no split uses it", (file.name,), general=general)


def contradicting(pairs: Mapping[str, Pair]) -> list[Finding]:
    """A finding where the palettes of label files give one colour to several numbers; those whose palette is a class list say it themselves."""
    drawn = {
        name: pair.drawn for name, pair in pairs.items() if pair.drawn and not (pair.palette and not pair.palette.own)
    }
    said = contradiction(drawn)
    return (
        [Finding("palettes", f"the palettes of label files contradict each other: {said}; {OTHERWISE}")] if said else []
    )


def nothing_to_score(splits: Sequence[str], lists: Path) -> list[Finding]:
    """A note where there is a split train and none besides: a training scores val after each stage."""
    if list(splits) != ["train"]:
        return []
    said = "train is the only split, and minifcn train scores another one: move some of its names to"
    return [Finding("nothing to score", f"{said} {lists / 'val.txt'}, a name a line")]


def whole_digests(pairs: Mapping[str, Pair], files: Mapping[str, Path], bits: int | None) -> dict[str, bytes]:
    """Digests of whole pictures, of those that are alike as far as was looked; these are read once more."""
    seen = Counter(pair.digest for pair in pairs.values() if pair.digest)
    alike = [name for name, pair in pairs.items() if pair.digest and seen[pair.digest] > 1]
    return dict(zip(alike, in_threads(lambda name: digest_of(look_at(files[name], bits).pixels), alike), strict=True))


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
        sum(pair.counts is not None for pair in pairs),
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
