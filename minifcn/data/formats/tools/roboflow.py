"""Roboflow's "Semantic Segmentation Masks": train, valid and test, STEM_mask.png beside each STEM.jpg, and _classes.csv.

Source: exports of Roboflow, November 2026. Masks are grey PNGs of class numbers; the table is headed "Pixel Value, Class", with
blanks after the commas.
"""

from functools import partial
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, apart, by_name
from minifcn.data.formats.lists import Meaning, read_list
from minifcn.data.formats.masks import read_numbers
from minifcn.data.formats.source import Format, Item, Options, Source

TABLE, SUFFIX = "_classes.csv", "_mask"


def recognise(source: Path) -> str | None:
    found = parts(source)
    for folder in found:
        if not any(folder.glob(f"*{SUFFIX}.png")):
            return None
        with (folder / TABLE).open(encoding="utf-8-sig", errors="replace") as file:
            if (
                not file.readline().lower().startswith("pixel value")
            ):  # other exports of theirs have such a table too, of tags
                return None
    return (
        f"{', '.join((folder / TABLE).relative_to(source).as_posix() for folder in found)} is there" if found else None
    )


def parts(source: Path) -> list[Path]:
    """The folders with a table: one a split, or the folder itself."""
    inside = sorted(path for path in source.iterdir() if path.is_dir()) if source.is_dir() else []
    return [folder for folder in inside if (folder / TABLE).is_file()] or [source] * (source / TABLE).is_file()


def read(source: Path, options: Options) -> Source:
    folders = parts(source)
    if not folders:
        raise DataError(f"{source}: no {TABLE} in it, nor in a folder of it, where Roboflow says what the numbers mean")
    meaning: Meaning = {}
    items: list[Item] = []
    left_out: dict[str, list[str]] = {}
    for folder in folders:
        said, _ = read_list(folder / TABLE)
        if meaning and said != meaning:
            raise DataError(
                f"{folder / TABLE}: says other things than {folders[0] / TABLE}; both must be of one export"
            )
        meaning = said
        split = None if folder == source else folder.name
        files = by_name(folder, PICTURES)
        masks = {name.removesuffix(SUFFIX): path for name, path in files.items() if is_mask(name, files)}
        pictures = {name: path for name, path in files.items() if not is_mask(name, files)}
        items += [
            Item(name, path, split, partial(read_numbers, masks[name]))
            for name, path in pictures.items()
            if name in masks
        ]
        for why, names in (
            ("pictures without a mask", set(pictures) - set(masks)),
            ("masks without a picture", set(masks) - set(pictures)),
        ):
            if names:
                left_out.setdefault(why, []).extend(f"{folder.name}/{name}" for name in sorted(names))
    return Source(apart(items), meaning, False, left_out)


def is_mask(name: str, files: dict[str, Path]) -> bool:
    """Whether a file is a mask: a PNG of that suffix. (A picture may be called so too: then it has a mask of its own.)"""
    return name.endswith(SUFFIX) and files[name].suffix.lower() == ".png" and name + SUFFIX not in files


FORMAT = Format("roboflow", 'Roboflow, "Semantic Segmentation Masks"', recognise, read)
