"""Slices of one body look alike: they stay together, all of them for training or all of them for validation."""

from collections.abc import Iterable

FIFTH = 5


def split_of_bodies(bodies: Iterable[str]) -> dict[str, str]:
    """Body → split: every fifth is for val, of fewer the last; of a single one nothing is said.

    >>> split_of_bodies("abcdef"), split_of_bodies("ab"), split_of_bodies("a")
    ({'a': 'train', 'b': 'train', 'c': 'train', 'd': 'train', 'e': 'val', 'f': 'train'}, {'a': 'train', 'b': 'val'}, {})
    """
    bodies = list(dict.fromkeys(bodies))
    if len(bodies) < 2:
        return {}
    val = set(bodies[FIFTH - 1 :: FIFTH] or bodies[-1:])
    return {body: "val" if body in val else "train" for body in bodies}


def split_note(splits: dict[str, str], what: str) -> list[str]:
    """What was done, in a sentence."""
    if not splits:
        return []
    which = f"every fifth {what}" if len(splits) >= FIFTH else f"the last {what}"
    return [f"val is {which}, whole: no body is in train and val"]
