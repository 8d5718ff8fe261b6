"""COCO's panoptic format: a JSON file, and beside it a folder of its name with a PNG a picture, a number a segment in three bytes.

Source: the data format page of COCO and its panopticapi: number = R + 256 G + 65536 B, 0 is nobody's and takes no part.
"""

from functools import partial
from pathlib import Path

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.formats import pixels
from minifcn.data.formats.coco.files import by_id, json_files, number_for, read_json, splits_word
from minifcn.data.formats.masks import read_colours
from minifcn.data.formats.picture_index import PictureIndex
from minifcn.data.formats.source import Format, Item, Options, Source, usual_name


def recognise(source: Path) -> str | None:
    files = json_files(source, panoptic=True)
    return f"{files[0].name}, a JSON file of segments, is there" if files else None


def read(source: Path, options: Options) -> Source:
    files = json_files(source, panoptic=True) or ([source] if source.is_file() else [])
    if not files:
        raise DataError(f"{source}: no JSON file of pictures with 'segments_info' is there or in its folders")
    root = source if source.is_dir() else source.parent.parent if source.parent.name == "annotations" else source.parent
    items: list[Item] = []
    meaning: dict[int, str | None] = {}  # of ids
    numbers = {0: 0}  # id → the number of its pixels
    for path in files:
        content = read_json(path)
        for each in by_id(content["categories"]):
            number, name = each.get("id"), each.get("name")
            if not (isinstance(number, int) and number > 0 and isinstance(name, str)):
                raise DataError(f"{path}: a category needs a whole number 'id' from 1 and a 'name', got {each}")
            if meaning.setdefault(number, usual_name(name)) != usual_name(name):
                raise DataError(
                    f"{path}: category {number} is called {name!r} here and {meaning[number]!r} in another file"
                )
            if number not in numbers:
                numbers[number] = number_for(number, numbers.values())
        masks = masks_of(path, root)
        index = PictureIndex(
            *([options.pictures] if options.pictures and options.pictures.is_dir() else []), root, but=masks
        )
        split = splits_word(path, len(files) > 1)
        names = {each.get("id"): each.get("file_name") for each in content["images"]}
        for each in content["annotations"]:
            which, named = f"{path}: picture {each.get('image_id')}", names.get(each.get("image_id"))
            if not isinstance(named, str) or not isinstance(each.get("file_name"), str):
                raise DataError(f"{which}: is not in the list of images, or has no 'file_name' of its mask")
            segments = segments_of(each.get("segments_info"), numbers, which)
            labels = partial(labels_of, masks / str(each["file_name"]), segments)
            items.append(Item(Path(named).stem, index.find(named, path.parent, split), split, labels))
    return Source(items, {**{numbers[identity]: name for identity, name in meaning.items()}, 0: None})


def masks_of(path: Path, root: Path) -> Path:
    """The folder of the masks that belong to a JSON file: called like it, as a rule beside it."""
    found = [path.with_suffix(""), *sorted(root.glob(f"**/{path.stem}"))]
    folder = next((each for each in found if each.is_dir()), None)
    if folder is None:
        raise DataError(f"{path}: a folder {path.stem}/ with its masks (PNG) is not beside it; unpack it there")
    return folder


def segments_of(segments: object, numbers: dict[int, int], which: str) -> dict[int, int]:
    """Segment's number → its category's number; 0 stays 0."""
    found = {0: 0}
    for each in segments if isinstance(segments, list) else ():
        number, category = (each.get("id"), each.get("category_id")) if isinstance(each, dict) else (None, None)
        if not (isinstance(number, int) and isinstance(category, int) and category in numbers and category):
            raise DataError(
                f"{which}: the segment {each} needs a number 'id' and a 'category_id' of the list of categories"
            )
        found[number] = numbers[category]
    return found


def labels_of(path: Path, segments: dict[int, int]) -> np.ndarray:
    """int32 (H, W), the category of each pixel."""
    colours = read_colours(path)  # red is the highest byte there, and the lowest here
    numbers = colours >> 16 | (colours & 0xFF00) | (colours & 0xFF) << 16
    try:
        return pixels.renumber(numbers, segments, np.int32)
    except KeyError as error:
        raise DataError(
            f"labels {path}: holds segment {error.args[0]}, which the JSON file does not list for it"
        ) from error


FORMAT = Format("coco-panoptic", "COCO's panoptic format: JSON and PNGs of segments", recognise, read)
