"""Is this the data that a run began with? A digest of every file, in the order of the list, and in words what differs."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minifcn.data.voc import VOCFolder, in_threads

FEW = 3  # names in a sentence


def fingerprint(dataset: VOCFolder, progress: Callable[[], object] | None = None) -> dict[str, list[str]]:
    """What a training could see of a split: `names` in their order, and a digest of each picture's file and each label file's."""
    digests = in_threads(lambda number: [digest(path) for path in dataset.files(number)], range(len(dataset)), progress)
    return {
        "names": list(dataset.ids),
        "pictures": [picture for picture, _ in digests],
        "labels": [labels for _, labels in digests],
    }


def digest(path: Path | None) -> str:
    """16 digits, none for a file that cannot be read: what is wrong with that the check of all files says."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path else ""
    except OSError:
        return ""


def differences(before: Any, now: dict[str, dict[str, list[str]]]) -> list[str]:
    """What of the splits `now` is not as it was `before`, in words; the same names are compared though their order differs.

    >>> was = {"train": dict(names=["a", "b"], pictures=["1", "2"], labels=["3", "4"])}
    >>> differences(was, {"train": dict(names=["b", "a", "c"], pictures=["2", "9", "5"], labels=["4", "3", "6"])})
    ['train: 1 name more (c)', 'train: another order of the list', 'train: other pictures (a)']
    """
    found = []
    for split, new in now.items():
        old: Any = before.get(split) if isinstance(before, dict) else None
        if not is_fingerprint(old):
            found.append(f"{split}: no list of what it was")
            continue
        kept = [name for name in old["names"] if name in set(new["names"])]
        more, fewer = without(new["names"], old["names"]), without(old["names"], new["names"])
        found += [
            f"{split}: {some(names, f'name{plural(names)} {word}')}"
            for names, word in ((more, "more"), (fewer, "fewer"))
            if names
        ]
        if kept != [name for name in new["names"] if name in set(kept)]:
            found.append(f"{split}: another order of the list")
        for kind in ("pictures", "labels"):
            was, is_now = (dict(zip(each["names"], each[kind], strict=True)) for each in (old, new))
            changed = [name for name in kept if was[name] != is_now[name]]
            if changed:
                found.append(f"{split}: other {kind} ({listed(changed)})")
    return found


def is_fingerprint(value: Any) -> bool:
    """Whether a file holds what `fingerprint` gave."""
    if not isinstance(value, dict):
        return False
    for key in ("names", "pictures", "labels"):
        listed = value.get(key)
        if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
            return False
    return len(value["names"]) == len(value["pictures"]) == len(value["labels"])


def without(names: list[str], others: list[str]) -> list[str]:
    known = set(others)
    return [name for name in names if name not in known]


def plural(names: list[str]) -> str:
    return "" if len(names) == 1 else "s"


def some(names: list[str], what: str) -> str:
    return f"{len(names)} {what} ({listed(names)})"


def listed(names: list[str]) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more
