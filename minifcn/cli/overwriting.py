"""What a command may write over: an earlier result of its own kind. Never pictures, labels and lists, and no model of a run."""

import json
from contextlib import suppress
from pathlib import Path

from minifcn.data import DataError
from minifcn.data.meaning.splits import LABELS, PICTURES, SPLITS
from minifcn.training import RunFolder

OF_DATA = (PICTURES, LABELS, Path(SPLITS).name)


def check_result(option: str, path: Path, source: Path | None = None) -> None:
    """Raise DataError where a result at `path` would take the place of something that is no such result. `source`: the model that is read."""
    if path.parent.absolute().name in OF_DATA:
        raise DataError(f"--{option} {path}: this folder holds the data; choose another place")
    if not path.exists():
        return
    if source and source.exists() and path.samefile(source):
        raise DataError(f"--{option} {path}: this is the model itself; give another file")
    if path.suffix == ".safetensors" and RunFolder(path.parent).config.exists() and is_model(path):
        raise DataError(f"--{option} {path}: this is a model of the run in {path.parent}; give another file")
    # an empty one was made for this
    if option == "json" and path.is_file() and path.stat().st_size and not is_scores(path):
        raise DataError(f"--{option} {path}: this is another file, which eval did not write; give another name")


def is_model(path: Path) -> bool:
    """Whether a file is a model of minifcn's own."""
    # one of the formats, which a command's help need not load
    from minifcn.weights.formats.safetensors_header import is_own_file

    return is_own_file(path)


def is_scores(path: Path) -> bool:
    """Whether a file holds what `eval --json` writes."""
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return isinstance(found, dict) and "per_class" in found
    return False


PAGE = b"<title>The paper&#x27;s claims"


def check_page(folder: Path) -> None:
    """Raise DataError where an index.html lies in `folder` that `minifcn paper` did not write: that of a site, perhaps."""
    page = folder / "index.html"
    if page.is_file() and PAGE not in page.read_bytes():
        raise DataError(
            f"--out {folder}: its index.html is another page, which minifcn paper did not write; give another folder"
        )
