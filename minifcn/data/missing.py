"""A file that a split names and that is not there: what lies in its place, and what to do about that."""

from collections.abc import Sequence
from pathlib import Path

KINDS = {
    ".mat": "is a MATLAB file; minifcn reads {}: save its numbers (of SBD's files GTcls.Segmentation) as one",
    ".npy": "is a NumPy array; minifcn reads {}: save it as one, with minifcn.data.write_labels",
    ".json": "is a list of outlines; minifcn reads {}: let the program that wrote it save masks",
}
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", *KINDS)


def instead_of_file(root: Path, part: str, name: str, endings: Sequence[str]) -> str:
    """What lies in the folder `part` of `root` and was perhaps meant by `name`, and what to do, as a clause; empty for nothing.

    `endings`: those that are read, the usual one first.
    """
    names = {name.lower()} | ({Path(name).stem.lower()} if Path(name).suffix.lower() in ENDINGS else set())
    near = sorted(file for file in (root / part).iterdir() if file.stem.lower() in names)
    if not near:
        return ""
    file = next((file for file in near if file.stem == name), near[0])
    if file.suffix.lower() not in endings:
        kind = KINDS.get(file.suffix.lower(), "is of another kind; minifcn reads {}: save it as one")
        return f"; {file.name} {kind.format(some_kinds(endings))}"
    if file.stem == name:  # a folder, or a link that leads nowhere
        return f"; {file.name} is there, but is no file"
    if file.stem == Path(name).stem:
        return f", only {file.name}: splits list names without their ending; write {file.stem}"
    return f", only {file.name}: upper and lower case differ; write {file.stem}, as the file has it"


def some_kinds(endings: Sequence[str]) -> str:
    """The first three endings as people say them.

    >>> some_kinds([".jpg", ".png"]), some_kinds([".png", ".tif", ".bmp", ".gif"])
    ('JPG and PNG', 'PNG, TIF, BMP and others')
    """
    kinds = [ending[1:].upper() for ending in endings]
    return " and ".join(kinds) if len(kinds) < 4 else f"{', '.join(kinds[:3])} and others"
