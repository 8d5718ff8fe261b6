"""Two plain folders: pictures here, masks there, the same name or one with a suffix such as _mask."""

from functools import partial
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.masks import COLOURED, mode_of, read_colours, read_numbers
from minifcn.data.formats.source import Format, Item, Options, Source

PICTURE_FOLDERS = ("images", "image", "imgs", "pictures", "JPEGImages", "img", "photos")
MASK_FOLDERS = ("masks", "mask", "labels", "label", "annotations", "SegmentationClass", "SegmentationClassPNG", "gt")
SUFFIXES = ("", "_mask", "_label", "_labels", "_gt", "_seg", "-mask", "_L")
PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp")
MASKS = (".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".jpg", ".jpeg")


def recognise(source: Path) -> str | None:
    places = folders(source)
    return f"{places[0].name}/ and {places[1].name}/ are there" if places else None


def folders(source: Path) -> tuple[Path, Path] | None:
    """The folder of pictures and that of masks."""
    inside = {path.name.lower(): path for path in source.iterdir() if path.is_dir()} if source.is_dir() else {}
    picture = next((inside[name.lower()] for name in PICTURE_FOLDERS if name.lower() in inside), None)
    mask = next((inside[name.lower()] for name in MASK_FOLDERS if name.lower() in inside), None)
    return (picture, mask) if picture and mask else None


def read(source: Path, options: Options) -> Source:
    places = folders(source)
    if places is None:
        raise DataError(
            f"{source}: pairs need a folder of pictures ({', '.join(PICTURE_FOLDERS)}) and one of masks "
            f"({', '.join(MASK_FOLDERS)}); none such is there"
        )
    pictures, masks = (by_name(place, endings) for place, endings in zip(places, (PICTURES, MASKS), strict=True))
    pairs = {name: mask for name in pictures if (mask := mask_of(name, masks))}
    if not pairs:
        raise DataError(f"{source}: no mask in {places[1]} has the name of a picture in {places[0]}")
    coloured = any(mode_of(mask) in COLOURED and mode_of(mask) != "P" for mask in list(pairs.values())[:3])
    reader = read_colours if coloured else read_numbers
    items = [Item(name, pictures[name], None, partial(reader, mask)) for name, mask in pairs.items()]
    used = set(pairs.values())
    left_out = {
        "pictures without a mask": sorted(set(pictures) - set(pairs)),
        "masks without a picture": sorted(name for name, mask in masks.items() if mask not in used),
    }
    return Source(items, None, coloured, {why: names for why, names in left_out.items() if names})


def by_name(folder: Path, endings: tuple[str, ...]) -> dict[str, Path]:
    """Files below `folder` by their path in it without ending, in order. Names that begin with a dot are not anybody's."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in endings)
    return {
        path.relative_to(folder).with_suffix("").as_posix(): path for path in files if not path.name.startswith(".")
    }


def mask_of(name: str, masks: dict[str, Path]) -> Path | None:
    return next((masks[name + suffix] for suffix in SUFFIXES if name + suffix in masks), None)


FORMAT = Format("pairs", "a folder of pictures and one of masks with the same names", recognise, read)
