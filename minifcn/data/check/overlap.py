"""Pictures that stand in two splits, by name or by their pixels: what is trained on must not be scored."""

from collections.abc import Collection, Iterable, Mapping
from itertools import combinations
from pathlib import Path

from minifcn.data.check.findings import Finding

Splits = Mapping[str, Mapping[str, int]]  # split → {name: line in the split's file}
Apart = Collection[tuple[str, str]]  # pairs of splits that must differ whatever their names say

WHY = "what is trained on must not be scored"
MANY = 4  # pictures that two splits have in common: fewer are named one by one
USES = ("train", "val", "test")


def uses(split: str) -> set[str]:
    """What a split is for, by its name.

    >>> uses("fold2_train"), sorted(uses("trainval")), uses("all")
    ({'train'}, ['train', 'val'], set())
    """
    return {use for use in USES if use in split.lower()}


def must_differ(splits: Splits, first: str, second: str) -> bool:
    """Whether two of `splits` must not share a picture.

    So it is where their names say different uses: train and val, val and test, trainval and test; not train and
    trainaug or trainval. Where a name says no use, as "all", they may share if one holds all of the other.
    """
    if uses(first) and uses(second):
        return not uses(first) & uses(second)
    some, others = splits[first].keys(), splits[second].keys()
    return not (some <= others or others <= some)


def shared_names(splits: Splits, folder: Path, apart: Apart = ()) -> list[Finding]:
    """One for each name that stands in splits which must differ; one for two splits that are the same. `folder` holds the split files."""
    shared: dict[str, set[str]] = {}
    found = []
    for first, second in _pairs(splits, apart):
        both = splits[first].keys() & splits[second].keys()
        if len(both) >= MANY and len(both) == len(splits[first]) == len(splits[second]):
            sentence = f"split {folder / second}.txt lists the same {len(both)} pictures as {first}.txt; {WHY}: give each its own"
            found.append(Finding("in two splits", sentence, tuple(splits[first])))
            continue
        for name in both:
            shared.setdefault(name, set()).update((first, second))
    for split, names in splits.items():
        for name, line in names.items():
            if name in shared:
                others = [other for other in splits if other in shared[name] - {split}]
                del shared[name]
                lines = " and ".join(f"{other}.txt, line {splits[other][name]}" for other in others)
                sentence = f"split {folder / split}.txt, line {line}: {name} stands in {lines} too; {WHY}: leave it in one of them"
                general = f"{{}} stand in {folder / split}.txt and in {' and '.join(f'{other}.txt' for other in others)} too; {WHY}: leave each in one of them"
                found.append(Finding("in two splits", sentence, (name,), general=general))
    return found


def same_pixels(
    splits: Splits, digests: Mapping[str, bytes], files: Mapping[str, Path], apart: Apart = ()
) -> list[Finding]:
    """One for each picture that stands under several names: serious where splits share it that must differ.

    `digests`: name → digest of the decoded pixels. `files`: name → the picture's file.
    """
    groups: dict[bytes, list[str]] = {}
    for name, digest in digests.items():
        groups.setdefault(digest, []).append(name)
    pairs = list(_pairs(splits, apart))
    found = []
    for names in groups.values():
        if len(names) < 2:
            continue
        serious = False
        for first, second in pairs:
            here, there = {*names} & splits[first].keys(), {*names} & splits[second].keys()
            serious |= bool(here and there) and len(here | there) > 1  # one name in both is said by shared_names
        places = [f"{files[name].name} ({', '.join(s for s in splits if name in splits[s])})" for name in names]
        others = ", ".join(places[1:4]) + (f" and {len(places) - 4} more" if len(places) > 4 else "")
        advice = f"{WHY}: take one out" if serious else "each of them counts"
        sentence = f"picture {files[names[0]].parent / places[0]}: the same pixels as {others}; {advice}"
        general = (
            f"pictures {{}} have the same pixels; {WHY}: take one of each out"
            if serious
            else "pictures {} have the same pixels; each counts"
        )
        found.append(Finding("same pixels" if serious else "repeated", sentence, tuple(names), general=general))
    return found


def _pairs(splits: Splits, apart: Apart) -> Iterable[tuple[str, str]]:
    return (
        pair for pair in combinations(splits, 2) if pair in apart or pair[::-1] in apart or must_differ(splits, *pair)
    )
