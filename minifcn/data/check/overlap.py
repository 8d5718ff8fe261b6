"""Pictures that stand in two splits, by name or by their pixels: what is trained on must not be scored."""

from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path

Splits = Mapping[str, Mapping[str, int]]  # split → {name: line in the split's file}


WHY = "what is trained on must not be scored"
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


def shared_names(splits: Splits, folder: Path) -> dict[str, str]:
    """Name → sentence, for each name that stands in splits which must differ. `folder` holds the split files."""
    shared: dict[str, set[str]] = {}
    for first, second in _pairs(splits):
        for name in splits[first].keys() & splits[second].keys():
            shared.setdefault(name, set()).update((first, second))
    sentences = {}
    for split, names in splits.items():
        for name, line in names.items():
            if name in shared and name not in sentences:
                others = " and ".join(
                    f"{other}.txt, line {splits[other][name]}" for other in splits if other in shared[name] - {split}
                )
                sentences[name] = (
                    f"split {folder / split}.txt, line {line}: {name} stands in {others} too; "
                    f"{WHY}: leave it in one of them"
                )
    return sentences


def same_pixels(
    splits: Splits, digests: Mapping[str, bytes | None], files: Mapping[str, Path]
) -> list[tuple[bool, tuple[str, ...], str]]:
    """For each picture that stands under several names: whether splits share it that must differ; its names; a sentence.

    `digests`: name → digest of the decoded pixels. `files`: name → the picture's file.
    """
    groups: dict[bytes, list[str]] = {}
    for name, digest in digests.items():
        if digest is not None:
            groups.setdefault(digest, []).append(name)
    apart = list(_pairs(splits))
    found = []
    for names in groups.values():
        if len(names) < 2:
            continue
        serious = False
        for first, second in apart:
            here, there = {*names} & splits[first].keys(), {*names} & splits[second].keys()
            serious |= bool(here and there) and len(here | there) > 1  # one name in both is said by shared_names
        places = [f"{files[name].name} ({', '.join(s for s in splits if name in splits[s])})" for name in names]
        others = ", ".join(places[1:4]) + (f" and {len(places) - 4} more" if len(places) > 4 else "")
        advice = f"{WHY}: take one out" if serious else "each of them counts"
        sentence = f"picture {files[names[0]].parent / places[0]}: the same pixels as {others}; {advice}"
        found.append((serious, tuple(names), sentence))
    return found


def _pairs(splits: Splits) -> Iterable[tuple[str, str]]:
    return (pair for pair in combinations(splits, 2) if must_differ(splits, *pair))
