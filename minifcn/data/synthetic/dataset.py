"""A labelled picture set out of a seed, in the folder layout of VOC: to try everything without a download."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from minifcn.data.errors import DataError
from minifcn.data.labels import write_labels
from minifcn.data.synthetic.painting import SHAPE_CLASSES, paint
from minifcn.data.voc import LABELS, PICTURES, SPLITS
from minifcn.files import make_folder, named, put_in_place

FORMAT = 1  # raise it whenever the pictures or files change, so that older sets are not taken for new ones
NOTE = "synthetic.json"


def make_synthetic(
    root: str | os.PathLike[str],
    train: int = 400,
    val: int = 100,
    size: tuple[int, int] = (96, 128),
    seed: int = 0,
    progress: Callable[[], object] | None = None,
) -> Path:
    """Write the set to the folder `root` and return it: `train` + `val` pictures of `size` (height, width).

    JPEG pictures, palette PNG labels with a thin void border, the splits train, val and trainval, and class_names.txt
    for `read_class_names`: background and eight shapes (disc, square, triangle, ring, cross, star, bar, crescent),
    turned, textured, of many sizes, partly hidden, on a cluttered ground. The shape alone decides the class. Colour
    gives a hint, so that a small network gets off the ground in a minute: each class prefers a hue, and who looks at
    nothing but an object's hue guesses its class right about 6 times in 10 (by chance: 1 in 8).

    Each picture depends on size, seed, split and number alone; the same call writes the same bytes. The folder appears
    whole or not at all. A whole set made by the same call is kept as it is. Raises DataError where `root` holds
    anything else, or a number makes no sense. `progress` is called once a picture.
    """
    root = Path(root)
    sides = tuple(size) if isinstance(size, tuple | list) else (size,)
    if len(sides) != 2 or not all(isinstance(each, int | np.integer) for each in (train, val, seed, *sides)):
        raise DataError(
            f"synthetic set: train {train!r}, val {val!r}, size {size!r}, seed {seed!r}; expected integers, and a size of (height, width)"
        )
    train, val, seed, height, width = map(int, (train, val, seed, *sides))  # NumPy's integers, which JSON has not
    if train < 1 or val < 1 or min(height, width) < 32 or seed < 0:
        raise DataError(
            f"synthetic set: train {train}, val {val}, size {height}x{width}, seed {seed}; expected at least 1 picture "
            "a split, at least 32 pixels a side and a seed that is not negative"
        )
    made_of = {"format": FORMAT, "train": train, "val": val, "size": [height, width], "seed": seed}
    if root.exists() and not _is_empty_folder(root):
        _expect_same(root, made_of)
        return root

    target = root.resolve()
    draft = target.with_name(f".{target.name}.part")
    if draft.exists():
        shutil.rmtree(draft)  # left by a run that was stopped; the name is used for nothing else
    for folder in (PICTURES, LABELS, SPLITS):
        make_folder(draft / folder)
    names = {"train": _write_split(draft, "train", train, (height, width), seed, progress)}
    names["val"] = _write_split(draft, "val", val, (height, width), seed, progress)
    names["trainval"] = names["train"] + names["val"]
    for split, lines in names.items():
        _write_lines(draft / SPLITS / f"{split}.txt", lines)
    _write_lines(draft / "class_names.txt", SHAPE_CLASSES)
    _write_lines(draft / NOTE, [json.dumps(made_of)])
    if target.exists():
        target.rmdir()  # empty, as seen above; if it no longer is, this fails and nothing is lost
    with named(target):
        put_in_place(draft, target)
    return root


def _write_split(
    folder: Path, split: str, count: int, size: tuple[int, int], seed: int, progress: Callable[[], object] | None
) -> list[str]:
    names = [f"{split}_{index:05d}" for index in range(count)]
    for index, name in enumerate(names):
        picture, labels = paint(size, np.random.default_rng([("train", "val").index(split), index, seed]))
        path = folder / PICTURES / f"{name}.jpg"
        with named(path):  # a full disk names no file by itself
            Image.fromarray(picture).save(path, quality=92, subsampling=0)
        write_labels(folder / LABELS / f"{name}.png", labels)
        if progress:
            progress()
    return names


def _write_lines(path: Path, lines: tuple[str, ...] | list[str]) -> None:
    with named(path):
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _expect_same(root: Path, made_of: dict[str, object]) -> None:
    """Raise DataError unless `root` is a whole synthetic set with these very numbers."""
    try:
        found = json.loads((root / NOTE).read_text(encoding="utf-8"))
        differences = [
            f"{key} {found.get(key)}, not {value}" for key, value in made_of.items() if found.get(key) != value
        ]
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise DataError(
            f"synthetic set: {root} exists and is no whole synthetic set; nothing was touched; choose another folder"
        ) from error
    if differences:
        raise DataError(
            f"synthetic set: {root} holds another one ({'; '.join(differences)}); choose another folder or delete it"
        )
