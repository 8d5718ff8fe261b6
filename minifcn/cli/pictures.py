"""Which picture files are meant: files, folders, and patterns that no shell has expanded."""

import glob
from collections.abc import Iterable, Sequence
from pathlib import Path

from minifcn.data import DataError
from minifcn.data.images import PICTURE_ENDINGS
from minifcn.files import not_there


def find_pictures(inputs: Sequence[str]) -> list[Path]:
    """The files among `inputs`, those that a pattern fits, and the pictures directly in a folder, sorted; each once. Raises DataError."""
    return list(dict.fromkeys(path for text in inputs for path in files_of(text)))


def files_of(text: str) -> list[Path]:
    """What one input stands for. A file whose name looks like a pattern is itself."""
    path = Path(text)
    if path.is_dir():
        return some(
            (
                file
                for file in path.iterdir()
                if file.suffix.lower() in PICTURE_ENDINGS and not file.name.startswith(".")
            ),
            f"{path}: no pictures in this folder (looked for {', '.join(PICTURE_ENDINGS)})",
        )
    if path.exists():
        return [path]
    if glob.has_magic(text):
        found = (Path(name) for name in glob.glob(text, recursive=True))
        return some((file for file in found if file.is_file()), f"{text}: no file fits this pattern")
    raise DataError(f"{path}: {not_there(path, 'no such file or folder')}")


def some(files: Iterable[Path], otherwise: str) -> list[Path]:
    """`files` sorted. Raises DataError with the sentence `otherwise` where there are none."""
    found = sorted(files)
    if not found:
        raise DataError(otherwise)
    return found
