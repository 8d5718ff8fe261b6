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
from minifcn.data.formats.pixels import Runs
from minifcn.data.formats.source import USUAL, Item, Options, Source, usual_split
from minifcn.data.formats.survey import Survey, runs_of
from minifcn.data.formats.turning import upright
from minifcn.data.labels import labels_png
from minifcn.data.voc import LABELS, PICTURES, SPLITS, in_threads
from minifcn.files import make_folder, named

RECORD = "import.json"
HEADS = {
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"GIF8": ".gif",
    b"BM": ".bmp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
}


def splits_of(items: list[Item], share: float, seed: int) -> tuple[dict[str, list[str]], list[str]]:
    """Split → names, and sentences on what was done. Where the source has no val, `share` of its train is drawn for it by `seed`.

    Where it has no train either, train is all that is in none of train, val, test: CVAT names a task's only list "default".
    """
    splits: dict[str, list[str]] = {}
    said = []
    for item, name in zip(items, flat_names(items), strict=True):
        splits.setdefault(usual_split(item.split) if item.split else "train", []).append(name)
    if "train" not in splits:
        if others := [split for split in splits if split not in USUAL]:
            splits["train"] = [name for split in others for name in splits.pop(split)]
            said.append(f"the source's {', '.join(others)} {'is' if len(others) == 1 else 'are'} taken for train")
        else:
            said.append(f"the source has {' and '.join(splits)} alone: to train on them, name the split train in it")
    if "train" in splits and "val" not in splits:
        names = splits["train"]
        if len(names) < 2:
            said.append("one picture alone is no train and val; there is no val")
            return splits, said
        drawn = np.random.default_rng((seed, 0x5EED)).permutation(len(names))
        chosen = set(drawn[: min(max(1, round(share * len(names))), len(names) - 1)].tolist())
        splits["train"] = [name for place, name in enumerate(names) if place not in chosen]
        splits["val"] = [name for place, name in enumerate(names) if place in chosen]
        said.append(
            f"the source has no val: {len(splits['val'])} of its {len(names)} pictures are drawn for it "
            f"(--split {share:g} --seed {seed}); are they frames of one film, split them by scene instead"
        )
    order = [*(split for split in USUAL if split in splits), *(split for split in splits if split not in USUAL)]
    return {split: splits[split] for split in order}, said


def flat_names(items: Iterable[Item]) -> list[str]:
    """A file name for each item: sub-folders joined by "__"; DataError where two items would get one name."""
    owners: dict[str, Item] = {}
    for item in items:
        name = "__".join(part for part in item.name.replace("\\", "/").split("/") if part not in ("", ".", ".."))
        name = " ".join(name.splitlines()).strip()  # lists have a name a line, without blanks around it
        if name in owners:
            first, second = (
                each.picture if each.picture and owners[name].name == item.name else each.name
                for each in (owners[name], item)
            )
            raise DataError(f"{first} and {second} of the source would both be called {name}; rename one of them")
        owners[name] = item
    return list(owners)


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
    try:
        with named(root):
            for part in (PICTURES, LABELS, SPLITS):
                make_folder(draft / part)
            triples = list(zip(flat_names(source.items), source.items, survey.kept, survey.turned, strict=True))
            in_threads(partial(write_pair, draft, source, survey, options, copy), triples, progress)
            for split, names in splits.items():
                write_lines(draft / SPLITS / f"{split}.txt", names)
            write_lines(draft / "class_names.txt", survey.names)
            (draft / RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")
            with suppress(OSError):  # an empty folder that was made for this
                root.rmdir()
            draft.rename(root)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def write_lines(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def write_pair(
    draft: Path,
    source: Source,
    survey: Survey,
    options: Options,
    copy: bool,
    each: tuple[str, Item, Runs | None, bool],
) -> None:
    """The picture of an item, linked or copied, and its labels."""
    name, item, kept, turned = each
    labels = (kept or runs_of(item, source, options)).renumbered(survey.table)
    if turned:
        labels = upright(labels, item)
    path = draft / LABELS / f"{name}.png"
    path.write_bytes(labels_png(path, labels, quick=True))
    if item.picture:
        place_picture(item.picture, draft / PICTURES / f"{name}{item.picture.suffix.lower()}", copy)
    elif item.inside:
        content = item.inside()
        ending = next((ending for head, ending in HEADS.items() if content.startswith(head)), ".jpg")
        (draft / PICTURES / f"{name}{ending}").write_bytes(content)


def place_picture(picture: Path, place: Path, copy: bool) -> None:
    """A link to the picture, where the system allows one, else the picture again."""
    if not copy:
        for link in (os.symlink, os.link):
            with suppress(OSError):
                return link(picture.resolve(), place)
    shutil.copyfile(picture, place)
