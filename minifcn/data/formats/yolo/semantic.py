"""Ultralytics' sets of masks, for its semantic task: images/ and a folder of PNGs that data.yaml calls masks_dir.

Source: Ultralytics 8.4.190 (`SemanticDataset`, `img2label_paths`, `read_mask`). Pixels are class numbers, 255 is void; `label_mapping` turns
those of a public set into them. With one class alone 0 is what is not of it, and 1 is it.
"""

from functools import partial
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, apart, files_below
from minifcn.data.formats.lists import Meaning
from minifcn.data.formats.masks import read_numbers
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source, class_or_void
from minifcn.data.formats.yolo.files import (
    PICTURE_FOLDER,
    YAML,
    name_of,
    root_of,
    settings_of,
    split_by_folders,
    splits_of,
)
from minifcn.data.formats.yolo.settings import Setting, names_in, read_settings
from minifcn.data.labels import VOID

NOTHING = ("ignore_label", "", "~", "null")


def recognise(source: Path) -> str | None:
    files = [source] if source.is_file() else sorted(source.glob("*.y*ml")) if source.is_dir() else []
    for path in (path for path in files if path.suffix.lower() in YAML):
        try:
            if read_settings(path).get("masks_dir"):
                return f"{path.name} with masks_dir is there"
        except DataError:
            continue
    return None


def read(source: Path, options: Options) -> Source:
    root = root_of(source)
    path, settings = settings_of(source)
    folder = settings.get("masks_dir")
    if path is None or not isinstance(folder, str) or not folder:
        raise DataError(f"{source}: a data.yaml that says masks_dir is expected")
    if not (names := names_in(settings, path)):
        raise DataError(f"{path}: names no classes; write 'names:', and below it a line '0: NAME' for each")
    pictures = {each: mask for each in files_below(root) if (mask := mask_of(each, root, folder))}
    there = [each for each, mask in pictures.items() if mask.is_file()]
    if not there:
        raise DataError(f"{source}: no picture in {PICTURE_FOLDER}/ has a mask in {folder}/, a PNG of its name")
    splits, said, lost = splits_of(root, path, settings, there)
    items = [
        Item(
            name_of(each, root),
            each,
            splits.get(each) or split_by_folders(each, root),
            partial(read_numbers, pictures[each]),
        )
        for each in there
    ]
    left_out = {
        "pictures without a mask": [each.relative_to(root).as_posix() for each in pictures if each not in there],
        "lines of lists without a picture": lost,
    }
    return Source(
        apart(items),
        meaning_of(names, settings, path),
        False,
        {why: left for why, left in left_out.items() if left},
        said,
    )


def mask_of(path: Path, root: Path, folder: str) -> Path | None:
    """Where a picture's mask is to be; None for what is no picture of the set."""
    parts = list(path.relative_to(root).parts)
    places = [place for place, part in enumerate(parts[:-1]) if part == PICTURE_FOLDER]
    if path.suffix.lower() not in PICTURES or not places or any(part.startswith(".") for part in parts):
        return None
    return root.joinpath(*parts[: places[-1]], folder, *parts[places[-1] + 1 :]).with_suffix(".png")


def meaning_of(names: dict[int, str], settings: dict[str, Setting], path: Path) -> Meaning:
    """Number in the masks → class: as the names count, or as label_mapping says."""
    if len(names) == 1:
        return {0: BACKGROUND, 1: class_or_void(next(iter(names.values()))), VOID: None}
    meaning: Meaning = {number: class_or_void(names[number]) for number in sorted(names)} | {VOID: None}
    mapping = settings.get("label_mapping")
    for said, becomes in mapping.items() if isinstance(mapping, dict) else ():
        number = int(becomes) if becomes.lstrip("-").isdecimal() else None
        if not said.lstrip("-").isdecimal() or (number is None and becomes not in NOTHING):
            raise DataError(f"{path}: label_mapping says {said!r}: {becomes!r}; numbers, or ignore_label, are expected")
        meaning[int(said)] = class_or_void(names[number]) if number in names else None
    order = list(dict.fromkeys(map(class_or_void, (names[number] for number in sorted(names)))))
    return dict(sorted(meaning.items(), key=lambda each: order.index(each[1]) if each[1] else len(order)))


FORMAT = Format("yolo-semantic", "Ultralytics' masks for its semantic task, named by masks_dir", recognise, read)
