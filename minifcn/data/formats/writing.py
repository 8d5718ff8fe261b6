"""The folder in VOC layout that an import leaves: whole, or not there at all."""

import json
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.formats import pixels
from minifcn.data.formats.source import Item, Options, Source, usual_split
from minifcn.data.formats.survey import Survey, adapt, upright
from minifcn.data.labels import labels_png
from minifcn.data.voc import LABELS, PICTURES, SPLITS, in_threads
from minifcn.files import make_folder

RECORD = "import.json"


def splits_of(items: list[Item], share: float, seed: int) -> dict[str, list[str]]:
    """Split → names. Where the source has no val, `share` of its train (or of all) is drawn for it by `seed`."""
    splits: dict[str, list[str]] = {}
    for item, name in zip(items, flat_names(items), strict=True):
        splits.setdefault(usual_split(item.split) if item.split else "train", []).append(name)
    if "train" not in splits and len(splits) == 1:  # CVAT calls a task's only list "default"
        splits = {"train": next(iter(splits.values()))}
    if "val" not in splits and len(splits.get("train", ())) > 1:
        names = splits["train"]
        drawn = np.random.default_rng((seed, 0x5EED)).permutation(len(names))
        chosen = set(drawn[: min(max(1, round(share * len(names))), len(names) - 1)].tolist())
        splits["train"] = [name for place, name in enumerate(names) if place not in chosen]
        splits["val"] = [name for place, name in enumerate(names) if place in chosen]
    return splits


def flat_names(items: Iterable[Item]) -> list[str]:
    """A file name for each item: sub-folders joined by "__"; DataError where two items would get one name."""
    names = ["__".join(item.name.replace("\\", "/").strip("/").split("/")) for item in items]
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise DataError(f"two pictures of the source would be called {twice}; rename one of them")
    return names


def write_folder(
    root: Path,
    source: Source,
    survey: Survey,
    options: Options,
    splits: dict[str, list[str]],
    record: dict[str, object],
    copy: bool,
    progress: Callable[[], object] | None = None,
) -> None:
    """Write everything beside `root`, then rename. What an earlier import left half done is removed first."""
    make_folder(root.parent)
    draft = root.with_name(f".{root.name}.half-imported")
    if draft.exists():
        shutil.rmtree(draft)
    for part in (PICTURES, LABELS, SPLITS):
        make_folder(draft / part)
    for split, names in splits.items():
        (draft / SPLITS / f"{split}.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    (draft / "class_names.txt").write_text("".join(f"{name}\n" for name in survey.names), encoding="utf-8")
    (draft / RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")
    named = list(zip(flat_names(source.items), source.items, strict=True))
    in_threads(partial(write_pair, draft, source, survey, options, copy), named, progress)
    with suppress(OSError):  # an empty folder that was made for this
        root.rmdir()
    draft.rename(root)


def write_pair(
    draft: Path, source: Source, survey: Survey, options: Options, copy: bool, named: tuple[str, Item]
) -> None:
    """The picture of an item, linked or copied, and its labels."""
    name, item = named
    labels = pixels.renumber(adapt(item.labels(), source, options), survey.table)
    if item.name in survey.turned:
        labels = upright(labels, item)
    path = draft / LABELS / f"{name}.png"
    path.write_bytes(labels_png(path, labels))
    if item.inside is not None:
        (draft / PICTURES / f"{name}.png").write_bytes(item.inside())
    elif item.picture:
        place_picture(item.picture, draft / PICTURES / f"{name}{item.picture.suffix.lower()}", copy)


def place_picture(picture: Path, place: Path, copy: bool) -> None:
    """A link to the picture, where the system allows one, else the picture again."""
    if not copy:
        for link in (os.symlink, os.link):
            with suppress(OSError):
                return link(picture.resolve(), place)
    shutil.copyfile(picture, place)
