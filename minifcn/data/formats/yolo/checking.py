"""What stops the import of a YOLO set: boxes and poses, from which pixels cannot be learned, and classes that nobody names."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.yolo.lines import Labels, like_poses
from minifcn.data.formats.yolo.settings import Setting


def check_outlines(source: Path, everything: list[Labels]) -> None:
    """Raise DataError where there are boxes alone, or nothing."""
    boxes = sum(labels.boxes for labels in everything)
    if any(labels.outlines for labels in everything):
        return
    if boxes:
        raise DataError(
            f"{source}: the label files hold boxes alone ({boxes} lines of a class and four numbers), as YOLO has them for detection, and pixels "
            "cannot be learned from boxes. Export the segmentation"
        )
    raise DataError(
        f"{source}: none of the {len(everything)} label files holds an outline: there is nothing but background"
    )


def check_poses(source: Path, everything: list[Labels], settings: Mapping[str, Setting]) -> None:
    """Raise DataError where each line is as long as a box and the points that data.yaml tells of, or looks like these."""
    if like_poses(everything):
        raise DataError(
            f"{source}: each line holds as many numbers, and they read as a box and points within it, as YOLO has poses: pixels cannot be learned "
            "from these. Export the segmentation"
        )
    shape = settings.get("kpt_shape")
    if not (isinstance(shape, list) and len(shape) == 2 and all(each.isdecimal() for each in shape)):
        return
    numbers = {len(outline.corners) for labels in everything for outline in labels.outlines}
    if numbers == {4 + int(shape[0]) * int(shape[1])}:
        raise DataError(
            f"{source}: a set of poses (kpt_shape {', '.join(shape)}): a line is a box and {shape[0]} points, and pixels cannot be learned from "
            "these. Export the segmentation"
        )


def check_classes(everything: Iterable[Labels], named: Path | None, names: Mapping[int, str]) -> None:
    """Raise DataError for the first outline of a class that the list does not name."""
    for labels in everything:
        for outline in labels.outlines:
            if names and outline.number not in names:
                raise DataError(
                    f"{labels.path}, line {outline.line}: class {outline.number}, but {named} names {len(names)} classes, {min(names)} to {max(names)}; "
                    "add its name there, or correct the line"
                )
