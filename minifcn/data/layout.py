"""A folder in which no VOC folder was found: which part is missing, and what lies there instead."""

from collections.abc import Sequence
from pathlib import Path

from minifcn.names import nearest

OTHERS = (
    "SegmentationObject/",
    "Annotations/",
)  # parts of VOC that nothing here reads, the first much like the labels by name
SHOWN = 8  # names of what lies there
HOLDS = {
    "JPEGImages": "the pictures",
    "SegmentationClass": "the labels, a PNG of class numbers a picture",
    "ImageSets/Segmentation": "train.txt and val.txt, a picture's name without ending a line",
}


def what_is_missing(root: Path, places: Sequence[Path]) -> str:
    """The sentence about a folder `root` of which none of `places` has all three parts."""
    best = max(places, key=lambda place: len(parts_of(place)))  # of equals the first, which is root
    found = parts_of(best)
    if found:
        missing = [part for part in HOLDS if part not in found]
        wanted = " and ".join(f"{part}/ ({HOLDS[part]})" for part in missing)
        return f"data {best}: {wanted} {'is' if len(missing) == 1 else 'are'} missing; {instead_of(best, missing)}"
    inside = [place.parent for place in sorted(root.glob("*/JPEGImages")) if len(parts_of(place.parent)) == len(HOLDS)]
    above = next((folder for folder in root.absolute().parents[:2] if len(parts_of(folder)) == len(HOLDS)), None)
    if inside or above:
        return f"data {root}: the parts {listed(HOLDS)} lie in {inside[0] if inside else above}; give that folder"
    looked = [root / "VOCdevkit/VOC20xx", root / "VOC20xx", root / "TrainVal/VOCdevkit/VOC2011"]
    return (
        f"data {root}: none of {listed(HOLDS)} is in it; {contents(root)}. "
        f"Looked in {', '.join(map(str, looked))} too; give the folder that holds the three"
    )


def parts_of(place: Path) -> list[str]:
    """Which of the three parts `place` has."""
    return [part for part in HOLDS if (place / part).is_dir()]


def instead_of(place: Path, missing: Sequence[str]) -> str:
    """What lies in `place` that was perhaps meant by the missing parts; else all that lies there."""
    hints = []
    for part in missing:
        if part in strangers(place):  # a file, or a link that leads nowhere
            hints.append(f"{place / part} is there, but is no folder")
            continue
        if part == "ImageSets/Segmentation" and (place / "ImageSets").is_dir():
            hints.append(f"in {place / 'ImageSets'} {contents(place / 'ImageSets')}: move the lists into {part}")
            continue
        near = nearest(part.partition("/")[0], [name for name in strangers(place) if name not in OTHERS])
        if near:
            hints.append(f"there is {near[0]}, and if that is meant, rename it to {part}")
    return "; ".join(hints) or contents(place)


def strangers(place: Path) -> list[str]:
    """What lies in `place` and is none of the three parts; folders end in a slash."""
    known = {part.partition("/")[0] for part in parts_of(place)}
    return sorted(path.name + "/" * path.is_dir() for path in place.iterdir() if path.name not in known)


def contents(place: Path) -> str:
    """What lies in `place`, in words."""
    found = strangers(place)
    own = parts_of(place)
    shown = [*(f"{part}/" for part in own), *found[:SHOWN]]
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"there is {', '.join(shown)}{more}" if shown else "the folder is empty"


def listed(parts: Sequence[str] | dict[str, str]) -> str:
    """ "A/, B/ and C/"."""
    names = [f"{part}/" for part in parts]
    return f"{', '.join(names[:-1])} and {names[-1]}"
