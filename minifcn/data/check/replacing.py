"""A label file written anew as class numbers; the original is kept."""

from pathlib import Path

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.labels import write_labels
from minifcn.data.meaning.splits import LABELS
from minifcn.files import make_folder, write_whole


def backup_of(path: Path, folder: str) -> Path:
    """Where the original of a label file goes: into `folder` beside that of all labels, in which no reader looks for labels."""
    place = next((each for each in path.parents if each.name == LABELS), path.parent)
    return place.with_name(folder) / path.relative_to(place)


def replaced(path: Path, content: bytes, labels: np.ndarray, folder: str, done: str) -> Path:
    """Write `labels` as a PNG in place of the file `path`, whose `content` goes to `folder` first; returns where it lies then.

    It is safe on disk before the label file is replaced, in one step. A file with another ending than .png is taken away. DataError
    where another file lies in the place of either.
    """
    backup, result = backup_of(path, folder), path.with_suffix(".png")
    for there in (backup, result):
        if there != path and there.exists() and (there == result or there.read_bytes() != content):
            raise DataError(
                f"labels {path}: not {done}, for {there} is there already and is another file; move it away"
            )
    make_folder(backup.parent)
    write_whole(backup, content, durable=True)
    write_labels(result, labels)
    if result != path:
        path.unlink()
    return backup
