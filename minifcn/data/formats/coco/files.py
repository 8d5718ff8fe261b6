"""COCO's JSON files in a folder: which they are, instances or panoptic, and what split each is."""

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from minifcn.data.errors import DataError
from minifcn.data.formats import finding
from minifcn.data.formats.picture_index import split_of

FIRST_KEY = re.compile(r'^\s*\{\s*"(info|licenses|images|annotations|categories|type|contributor)"\s*:')
PANOPTIC, ROBOFLOW = "panoptic_", ".coco.json"  # how names begin, and end
NEEDED = ("images", "annotations", "categories")
LARGEST = 1 << 24  # the ids of categories below it are the numbers of their pixels
SMALL = 1 << 20  # a file of all of COCO has half a gigabyte: larger ones are not read to be recognised

# what these are, where they are there
PLAIN = dict.fromkeys(("id", "image_id", "category_id"), (int, str, type(None))) | {"supercategory": (str, type(None))}

Content = dict[str, list[dict[str, object]]]


def json_files(source: Path, panoptic: bool = False) -> list[Path]:
    """COCO's files in a folder, in its `annotations`, or in folders of splits; where there are instances_*.json, these alone."""
    if source.is_file():
        return [source] if source.suffix.lower() == ".json" and looks_like_coco(source, panoptic) else []
    if not source.is_dir():
        return []
    found = [*sorted(source.glob("*.json")), *sorted(source.glob("*/*.json"))]
    if len(found) > 1000:  # one a picture: no COCO
        return []
    files = [path for path in found if not path.name.startswith(".") and looks_like_coco(path, panoptic)]
    return [path for path in files if path.name.startswith("instances_")] or files


def looks_like_coco(path: Path, panoptic: bool = False) -> bool:
    """By its first key, and, of a small file, by its lists. A panoptic file has segments, or categories of things and stuff at its end.

    One that was cut short or is empty counts, by its first key or its name: to leave it out would leave out its pictures without a word.
    """
    try:
        with path.open("rb") as file:
            head = file.read(SMALL)
            file.seek(max(0, path.stat().st_size - (SMALL >> 4)))
            tail = file.read()
        begins = head[:4096].decode("utf-8-sig", "replace")
    except OSError:
        return False
    if not head:
        return is_named_as_coco(path, panoptic)
    if not FIRST_KEY.match(begins) or (b'"segments_info"' in head or b'"isthing"' in tail) != panoptic:
        return False
    return len(head) == SMALL or has_lists(head, path.name, panoptic)


def has_lists(content: bytes, name: str, panoptic: bool) -> bool:
    """Whether JSON has COCO's lists; or, cut short, a name that tells nothing else: captions and keypoints are no loss."""
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return name.startswith(PANOPTIC) == panoptic and not name.startswith(("captions_", "person_keypoints_"))
    return all(isinstance(found.get(key), list) for key in NEEDED)


def is_named_as_coco(path: Path, panoptic: bool) -> bool:
    if panoptic:
        return path.name.startswith(PANOPTIC)
    return path.name.startswith("instances_") or path.name.endswith(ROBOFLOW)


def read_json(path: Path) -> Content:
    """The file's content, of which the three lists are lists of objects. Raises DataError."""
    content: Any = finding.read_json(path, "copy or export it again, or take it out")
    for key in NEEDED:
        if not (isinstance(content, dict) and isinstance(content.get(key), list)):
            raise DataError(f"{path}: has no list {key!r}; COCO's files have lists of {', '.join(NEEDED)}")
        if not all(isinstance(each, dict) for each in content[key]):
            raise DataError(f"{path}: its list {key!r} holds something else than objects")
        for each in content[key]:
            for name in PLAIN:
                if not isinstance(each.get(name), PLAIN[name]):
                    raise DataError(f"{path}: in its list {key!r} {name!r} is {each[name]!r}")
    return content


def by_id(categories: list[dict[str, object]]) -> list[dict[str, object]]:
    """Categories in the order of their ids, whatever stands there."""
    return sorted(categories, key=lambda each: str(each.get("id")).zfill(20))


def number_for(identity: int, taken: Collection[int]) -> int:
    """The number of a category's pixels: its id, or, where that is taken or no number for pixels, one above all that are taken.

    >>> number_for(3, [1]), number_for(1, [1]), number_for(2656977832, [1])
    (3, 2, 2)
    """
    return identity if 0 <= identity < LARGEST and identity not in taken else max(taken, default=0) + 1


def splits_word(path: Path, several: bool) -> str | None:
    """The split that a file or its folder is named after; of several files each has one, whatever it is called."""
    named = split_of(path.stem) or split_of(path.parent.name)
    if named or not several:
        return named
    return path.parent.name if path.name.startswith("_annotations") else path.stem.removeprefix("instances_")
