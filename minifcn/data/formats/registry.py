"""The list of formats, and which of them a folder is."""

from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats import pairs
from minifcn.data.formats.coco import instances, panoptic
from minifcn.data.formats.source import Format
from minifcn.data.formats.tools import cvat, cvat_xml, labelstudio, supervisely, supervisely_masks
from minifcn.names import instead

# in this order they are asked: who looks for a file that nobody else writes comes first, plain folders last
FORMATS: tuple[Format, ...] = (
    cvat.FORMAT,
    cvat_xml.FORMAT,
    supervisely_masks.VOC_FORMAT,
    supervisely.FORMAT,
    supervisely_masks.FORMAT,
    labelstudio.FORMAT,
    panoptic.FORMAT,
    instances.FORMAT,
    pairs.FORMAT,
)


def format_named(name: str) -> Format:
    """The format that `--format` names. Raises DataError for an unknown one."""
    by_name = {each.name: each for each in FORMATS}
    if name not in by_name:
        raise DataError(f"there is no format {name!r}{instead(name, by_name)}")
    return by_name[name]


def recognise(source: Path) -> list[tuple[Format, str]]:
    """The formats that `source` may be, the likeliest first, each with the reason. DataError where it is none."""
    if not source.exists():
        raise DataError(f"{source}: there is no such file or folder")
    if source.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"):
        raise DataError(f"{source}: this is an archive; unpack it, and give the folder that comes out")
    found = [(each, reason) for each in FORMATS if (reason := each.recognise(source))]
    if not found:
        raise DataError(f"{source}: of no format that is known here. {what_lies_in(source)} {known()}")
    return found


def what_lies_in(source: Path, shown: int = 8) -> str:
    """A sentence about what is in a folder."""
    if source.is_file():
        return f"It is a file that ends in {source.suffix or 'nothing'}."
    inside = sorted(path.name + "/" * path.is_dir() for path in source.iterdir())
    more = f" and {len(inside) - shown} more" if len(inside) > shown else ""
    return f"There is {', '.join(inside[:shown])}{more}." if inside else "The folder is empty."


def known() -> str:
    """All formats in a sentence."""
    return "Known are " + "; ".join(f"{each.name} ({each.title})" for each in FORMATS) + ". Say which with --format"
