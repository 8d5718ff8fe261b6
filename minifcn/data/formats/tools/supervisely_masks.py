"""Supervisely's exports as pictures: `masks_machine`, which is read, and its "Pascal VOC", which says nothing about classes.

Source: the SDK supervisely 6.74.51, its reader of `masks_machine` (image_with_masks_helper.py) and its writer of Pascal VOC
(pascal_voc_helper.py).
"""

from functools import partial
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import read_json
from minifcn.data.formats.masks import read_numbers
from minifcn.data.formats.picture_index import split_of
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source, class_or_void
from minifcn.data.formats.tools.supervisely import BACKGROUNDS, DOWNLOAD, IMAGES, dataset_of, pictures_in, shortened

COLOURS, MASKS = "obj_class_to_machine_color.json", "masks_machine"
VOC_REASON = (
    "this is Supervisely's Pascal VOC export. Its SegmentationClass holds a colour drawn by chance for every object, anew for every "
    "picture, and numbers that come from sorting these colours; no class can be read from it. Download the project in Supervisely's own format (ann, img, meta.json) or as masks, and import that"
)


def recognise_machine(source: Path) -> str | None:
    return f"{COLOURS} is there" if (source / COLOURS).is_file() else None


def read_machine(source: Path, options: Options) -> Source:
    meaning: dict[int, str | None] = {0: BACKGROUND}
    for name, values in colours_of(source / COLOURS).items():
        for value in values:
            if meaning.get(value, name) not in (name, BACKGROUND):
                raise DataError(f"{source / COLOURS}: {value} is both {meaning[value]} and {name}")
            meaning[value] = BACKGROUND if name in BACKGROUNDS else class_or_void(name)
    folders = [path for path in sorted(source.glob(f"**/{MASKS}")) if path.is_dir()]
    if not folders:
        raise DataError(f"{source}: {COLOURS} is there, but no folder {MASKS} with the masks")
    items: list[Item] = []
    bare: list[str] = []
    for folder in folders:
        pictures = {Path(name).stem: path for name, path in pictures_in(folder.parent / IMAGES).items()}
        parts = dataset_of(folder.parent, source)
        split = next((found for part in parts if (found := split_of(part))), None)
        for mask in sorted(folder.glob("*.png")):
            picture = pictures.pop(mask.stem, None) or pictures.pop(Path(mask.stem).stem, None)
            name = picture.stem if picture else mask.stem
            items.append(Item("/".join((*parts, name)), picture, split, partial(read_numbers, mask)))
        bare += [path.name for path in pictures.values()]
    if not items:
        raise DataError(f"{source}: no PNG is in {', '.join(str(folder) for folder in folders)}")
    return Source(shortened(items), meaning, False, {"pictures without a mask": bare} if bare else {})


def colours_of(path: Path) -> dict[str, list[int]]:
    """Class → its numbers: a number, or three equal ones, in the file; "__all__" is everything but 0."""
    content = read_json(path, DOWNLOAD)
    found = {}
    for name, value in content.items() if isinstance(content, dict) else ():
        values = list(range(1, 256)) if value == "__all__" else value if isinstance(value, list) else [value]
        if not values or not all(isinstance(each, int) and 0 <= each < 256 for each in values):
            raise DataError(
                f'{path}: {name} is {value!r}; expected a number from 0 to 255, a list of such, or "__all__"'
            )
        found[name] = sorted(set(values))
    if not found:
        raise DataError(f"{path}: no classes in it; expected an object of class names and numbers")
    return found


def recognise_voc(source: Path) -> str | None:
    places = (source, source / "VOC", source / "VOCdevkit/VOC")
    for place in places:
        if (place / "colors.txt").is_file() and next((place / "SegmentationClass").glob("*_class.png"), None):
            return f"colors.txt is there, and masks called NAME_class.png in {place.name}/SegmentationClass"
    return None


def read_voc(source: Path, options: Options) -> Source:
    raise DataError(f"{source}: {VOC_REASON}")


FORMAT = Format("supervisely-masks", f"Supervisely's masks: {MASKS} and {COLOURS}", recognise_machine, read_machine)
VOC_FORMAT = Format("supervisely-voc", "Supervisely's Pascal VOC export, which is refused", recognise_voc, read_voc)
