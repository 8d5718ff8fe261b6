"""Pictures in one folder and what says their classes in another, files of one name, or all in one folder with a suffix."""

from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import MASKS, PICTURES, by_name, matched

PICTURE_FOLDERS = ("images", "image", "imgs", "img", "pictures", "rgb")
MASK_FOLDERS = ("labels", "label", "masks", "mask", "annotations", "gt", "segmentation")


def folders(source: Path) -> tuple[Path, Path] | None:
    """The folder of pictures and that of masks."""
    inside = {path.name.lower(): path for path in source.iterdir() if path.is_dir()} if source.is_dir() else {}
    picture = next((inside[name] for name in PICTURE_FOLDERS if name in inside), None)
    mask = next((inside[name] for name in MASK_FOLDERS if name in inside), None)
    return (picture, mask) if picture and mask else None


def pairs_in(source: Path) -> tuple[dict[str, tuple[Path, Path]], dict[str, list[str]]]:
    """Name → picture and mask, and what has no partner. Raises DataError where there are no two folders, or nothing in common."""
    places = folders(source)
    if places is None:
        raise DataError(
            f"{source}: a folder of pictures ({PICTURE_FOLDERS[0]}/) and one of masks ({MASK_FOLDERS[0]}/) are needed, and are not there"
        )
    pictures, masks = (by_name(place, endings) for place, endings in zip(places, (PICTURES, MASKS), strict=True))
    found = matched(pictures, masks)
    if not found:
        raise DataError(f"{source}: no mask in {places[1]} has the name of a picture in {places[0]}")
    left_out = {
        "pictures without a mask": sorted(set(pictures) - set(found)),
        "masks without a picture": sorted(set(masks) - set(found.values())),
    }
    pairs = {name: (pictures[name], masks[mask]) for name, mask in found.items()}
    return pairs, {why: names for why, names in left_out.items() if names}
