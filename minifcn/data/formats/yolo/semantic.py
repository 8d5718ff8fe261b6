"""Ultralytics' sets of masks, for its semantic task: images/ and a folder of PNGs that data.yaml calls masks_dir.

Source: Ultralytics 8.4.190 (`SemanticDataset`, `img2label_paths`, `read_mask`). Pixels are class numbers, 255 is void; `label_mapping` turns
those of a public set into them. With one class alone 0 is what is not of it, and 1 is it.
"""

from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, apart, files_below
from minifcn.data.formats.lists import Meaning
from minifcn.data.formats.masks import read_numbers
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source, class_or_void
from minifcn.data.formats.yolo.files import (
    PICTURE_FOLDER,
    in_place_of_images,
    is_yaml,
    name_of,
    root_of,
    settings_of,
    split_by_folders,
    splits_of,
    yamls_in,
)
from minifcn.data.formats.yolo.settings import Setting, names_in, read_settings
from minifcn.data.labels import VOID

NOTHING = ("ignore_label", "", "~", "null")


def recognise(source: Path) -> str | None:
    for path in [source] if is_yaml(source) else yamls_in(source):
        try:
            if read_settings(path).get("masks_dir"):
                return f"{path.name} with masks_dir is there"
        except DataError:
            continue
    return None


def read(source: Path, options: Options) -> Source:
    path, settings = settings_of(source)
    folder = settings.get("masks_dir")
    if path is None or not isinstance(folder, str) or not folder:
        raise DataError(f"{source}: a data.yaml that says masks_dir is expected")
    if not (names := names_in(settings, path)):
        raise DataError(f"{path}: names no classes; write 'names:', and below it a line '0: NAME' for each")
    root = root_of(source, lambda folder_: masks_of(folder_, folder))
    masks = masks_of(root, folder)
    there = [each for each, mask in masks.items() if mask.is_file()]
    if not there:
        raise DataError(f"{root}: no picture in {PICTURE_FOLDER}/ has a mask in {folder}/, a PNG of its name")
    splits, said, lost = splits_of(root, path, settings, there)
    items = [
        Item(name_of(each, root), each, splits.get(each) or split_by_folders(each, root), partial(read_numbers, masks[each]))
        for each in there
    ]  # fmt: skip
    left_out = {
        "pictures without a mask": shown(masks.keys() - set(there), root),
        "masks without a picture": shown(spare_masks(root, folder, set(masks.values())), root),
        "lines of lists without a picture": lost,
    }
    return Source(
        apart(items),
        meaning_of(names, settings, path),
        False,
        {why: left for why, left in left_out.items() if left},
        said,
    )


def masks_of(root: Path, folder: str) -> dict[Path, Path]:
    """Picture → where its mask is to be, of all pictures in folders called images."""
    found = {}
    for path in files_below(root):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        mask = in_place_of_images(path, root, folder)
        if mask and path.suffix.lower() in PICTURES and not hidden:
            found[path] = mask.with_suffix(".png")
    return found


def spare_masks(root: Path, folder: str, used: Collection[Path]) -> list[Path]:
    pngs = (path for path in files_below(root) if path.suffix.lower() == ".png" and path not in used)
    return [path for path in pngs if folder in path.relative_to(root).parts[:-1] and not path.name.startswith(".")]


def shown(paths: Iterable[Path], root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in paths)


def meaning_of(names: dict[int, str], settings: dict[str, Setting], path: Path) -> Meaning:
    """Number in the masks → class: as the names count, or as label_mapping says. DataError where that says what is no class."""
    classes = {0: BACKGROUND, 1: next(iter(names.values()))} if len(names) == 1 else dict(sorted(names.items()))
    meaning: Meaning = {number: class_or_void(name) for number, name in classes.items()} | {VOID: None}
    mapping = settings.get("label_mapping")
    for said, becomes in mapping.items() if isinstance(mapping, dict) else ():
        number = VOID if becomes in NOTHING else int(becomes) if becomes.isdecimal() else -1
        if not said.lstrip("-").isdecimal() or not (number in classes or number == VOID):
            raise DataError(
                f"{path}: label_mapping says {said!r}: {becomes!r}; a number, and that of a class ({min(classes)} to {max(classes)}), "
                "255 or ignore_label are expected"
            )
        meaning[int(said)] = class_or_void(classes[number]) if number in classes else None
    order = list(dict.fromkeys(map(class_or_void, classes.values())))
    return dict(sorted(meaning.items(), key=lambda each: order.index(each[1]) if each[1] else len(order)))


FORMAT = Format("yolo-semantic", "Ultralytics' masks for its semantic task, named by masks_dir", recognise, read)
