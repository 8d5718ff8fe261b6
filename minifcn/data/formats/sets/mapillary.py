"""Mapillary Vistas: training/images/NAME.jpg, training/v1.2/labels/NAME.png (or training/labels/), names from config.json.

Source: the description of the release. A number is the place of a label in the list of config.json (config_v1.2.json, config_v2.0.json);
what the list does not evaluate, "Unlabeled", is void. Folders instances/ and panoptic/ count objects.
"""

import json
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, by_name
from minifcn.data.formats.sets.partners import partners
from minifcn.data.formats.source import Format, Options, Source, class_or_void

SPLITS, VERSIONS = ("training", "validation", "testing"), ("v1.2", "v2.0", ".")


def recognise(source: Path) -> str | None:
    version = version_in(source)
    return f"{config_of(source, version).name} is there" if version and config_of(source, version).is_file() else None


def version_in(source: Path) -> str | None:
    """The folder between a split and its labels; of two the first, which has 66 labels."""
    return next((each for each in VERSIONS if (source / SPLITS[0] / each / "labels").is_dir()), None)


def config_of(source: Path, version: str) -> Path:
    named = source / f"config_{version}.json"
    return named if named.is_file() else source / "config.json"


def read(source: Path, options: Options) -> Source:
    version = version_in(source)
    if version is None:
        raise DataError(f"{source}: no {SPLITS[0]}/labels/ is there, nor {SPLITS[0]}/v1.2/labels/")
    labels, pictures = files_in(source, f"{version}/labels", (".png",)), files_in(source, "images", PICTURES)
    items, left_out = partners(labels, pictures)
    others = [each for each in VERSIONS[:2] if each != version and (source / SPLITS[0] / each).is_dir()]
    notes = [f"labels are those of {version}; {others[0]} is there too, and left out"] if others else []
    return Source(items, meaning_of(config_of(source, version)), left_out=left_out, notes=notes)


def files_in(source: Path, folder: str, endings: tuple[str, ...]) -> dict[str, Path]:
    """Files by split/NAME."""
    places = {split: source / split / folder for split in SPLITS}
    return {
        f"{split}/{name}": path
        for split, place in places.items()
        if place.is_dir()
        for name, path in by_name(place, endings).items()
    }


def meaning_of(path: Path) -> dict[int, str | None]:
    """Number → name as a person reads it. Raises DataError where the file is no such list."""
    try:
        listed = json.loads(path.read_bytes())["labels"]
        return {
            number: class_or_void(each["readable"]) if each["evaluate"] else None for number, each in enumerate(listed)
        }
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{path}: names of the labels cannot be read ({error!r})") from error


FORMAT = Format("mapillary", "Mapillary Vistas, named by its config.json", recognise, read)
