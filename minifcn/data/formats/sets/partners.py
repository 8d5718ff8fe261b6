"""Sets whose pictures and labels have the same paths in two folders, a split above the names."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from minifcn.data.formats.masks import read_numbers
from minifcn.data.formats.source import Item


def partners(labels: Mapping[str, Path], pictures: Mapping[str, Path]) -> tuple[list[Item], dict[str, list[str]]]:
    """Items of labels by split/NAME and the pictures of the same, and what has no labels. Names stay alone where they differ."""
    last = {name: name.split("/")[-1] for name in labels}
    alone = len(set(last.values())) == len(last)
    items = [
        Item(
            last[name] if alone else name, pictures.get(name), name.split("/")[0] if "/" in name else None, partial(read_numbers, path)
        )
        for name, path in labels.items()
    ]  # fmt: skip
    bare = sorted(set(pictures) - set(labels))
    return items, {"pictures without labels": bare} if bare else {}
