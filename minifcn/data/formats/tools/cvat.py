"""CVAT's and Datumaro's "Segmentation mask 1.1": colours in SegmentationClass, explained by labelmap.txt.

Source: exports of CVAT and Datumaro 1.13.12. A line is `label:r,g,b:parts:actions`, the first is a comment. Names may hold
sub-folders, frames without a mask are listed, and the only split is named after the task (`default.txt`).
"""

from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.source import Format, Options, Source

LIST = "labelmap.txt"


def recognise(source: Path) -> str | None:
    return f"{LIST} is there" if (source / LIST).is_file() and (source / "SegmentationClass").is_dir() else None


def read(source: Path, options: Options) -> Source:
    raise DataError(f"{source}: not yet")


FORMAT = Format("cvat", 'CVAT and Datumaro, "Segmentation mask 1.1"', recognise, read)
