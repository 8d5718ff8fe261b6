"""SBD, the Semantic Boundaries Dataset: VOC's 21 classes in MATLAB files, `cls/NAME.mat` beside `img/NAME.jpg`.

Source: the release (benchmark_RELEASE/dataset). The labels are GTcls.Segmentation, uint8, and have no void border.
"""

from functools import partial
from pathlib import Path

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.extras import extra
from minifcn.data.formats.finding import PICTURES, by_name, listed
from minifcn.data.formats.source import Format, Item, Options, Source
from minifcn.data.labels import VOC_CLASSES, VOID

LISTS = ("train.txt", "val.txt")
OVERLAP = (
    "train.txt holds pictures that are in VOC2012's val: who scores on that takes train_noval.txt, which is not read"
)


def recognise(source: Path) -> str | None:
    place = place_in(source)
    return f"{place.relative_to(source) / 'cls'}/NAME.mat is there" if place else None


def place_in(source: Path) -> Path | None:
    """The folder that holds cls/ and img/: the source, or dataset/ in it, or in the folder of the archive."""
    places = (source, source / "dataset", source / "benchmark_RELEASE/dataset")
    return next((place for place in places if next((place / "cls").glob("*.mat"), None)), None)


def read(source: Path, options: Options) -> Source:
    place = place_in(source)
    if place is None:
        raise DataError(f"{source}: no cls/NAME.mat is there, nor in dataset/ or benchmark_RELEASE/dataset/")
    extra("scipy.io", "SciPy", "MATLAB files (.mat)")  # said now, and not after thousands of names were read
    labels = by_name(place / "cls", (".mat",))
    pictures = by_name(place / "img", PICTURES) if (place / "img").is_dir() else {}
    lists = [path for path in (place / name for name in LISTS) if path.is_file()]
    splits, lost, twice = listed(lists, labels)
    kept = [name for name in labels if name in splits or not lists]
    left_out = {
        f"label files that are in none of {', '.join(path.name for path in lists)}": sorted(set(labels) - set(kept)),
        "names in the lists without a label file": lost,
    }
    meaning: dict[int, str | None] = dict(enumerate(VOC_CLASSES)) | {VOID: None}
    items = [Item(name, pictures.get(name), splits.get(name), partial(segmentation, labels[name])) for name in kept]
    return Source(
        items, meaning, left_out={why: names for why, names in left_out.items() if names},
        notes=[*([OVERLAP] if (place / "train_noval.txt").is_file() else []), *twice],
    )  # fmt: skip


def segmentation(path: Path) -> np.ndarray:
    """GTcls.Segmentation of a file, int32 (H, W). Raises DataError."""
    matlab = extra("scipy.io", "SciPy", "MATLAB files (.mat)")
    try:
        content = matlab.loadmat(str(path), variable_names=["GTcls"])
        labels = np.asarray(content["GTcls"][0, 0]["Segmentation"])
    except Exception as error:  # SciPy raises whatever its parser hits
        reason = "version 7.3; save it with -v7" if isinstance(error, NotImplementedError) else repr(error)
        raise DataError(f"labels {path}: GTcls.Segmentation cannot be read ({reason})") from error
    if labels.ndim != 2 or labels.dtype.kind not in "iu":
        raise DataError(f"labels {path}: GTcls.Segmentation is {labels.dtype} {labels.shape}; expected integers (H, W)")
    return np.ascontiguousarray(labels, np.int32)


FORMAT = Format("sbd", "SBD, VOC's classes in MATLAB files", recognise, read)
