"""Pictures with an EXIF tag are shown turned: do their labels lie as the picture is stored, or as it is shown?"""

import io
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

from minifcn.data.errors import DataError
from minifcn.data.formats.source import Item
from minifcn.data.labels import to_fit
from minifcn.data.pixels import turned
from minifcn.data.pixels.turned import UPRIGHT

ORIENTATION = 0x0112  # the EXIF tag
PLAIN, SHOWN, STORED, EITHER = "no tag", "as shown", "as stored", "either"


def how_labels_lie(item: Item, shape: tuple[int, ...]) -> str:
    """PLAIN where the picture has no tag, else SHOWN, STORED, or EITHER where sizes alone cannot say. DataError where they fit neither."""
    stored, orientation = picture_size(item.picture, item.inside, item.name)
    shown = stored[::-1] if orientation >= 5 else stored
    if shape not in (shown, stored):
        raise DataError(
            f"the labels of {item.name} are {shape[0]}x{shape[1]} (height x width), but the picture "
            f"{item.picture or 'with them'} is {shown[0]}x{shown[1]}; both must have the same size: {to_fit(shape, shown)}"
        )
    if orientation == 1:
        return PLAIN
    if shown == stored:
        return EITHER
    return SHOWN if shape == shown else STORED


def to_be_turned(lies: Sequence[str], as_stored: bool) -> tuple[list[bool], int]:
    """Which labels are turned with their pictures; and for how many neither sizes nor the source's other pictures could say it.

    A tool does the same with all pictures, so those whose sizes say how the labels lie speak for the others.

    >>> to_be_turned(["as stored", "either", "no tag"], False), to_be_turned(["either"], False)
    (([True, True, False], 0), ([False], 1))
    """
    like_others = as_stored or (STORED in lies and SHOWN not in lies)
    sure = like_others or (SHOWN in lies and STORED not in lies)
    return [each == STORED or (each == EITHER and like_others) for each in lies], 0 if sure else lies.count(EITHER)


def picture_size(picture: Path | None, inside: Callable[[], bytes] | None, name: str) -> tuple[tuple[int, int], int]:
    """Height and width as stored, and the EXIF orientation, 1 to 8, of which 1 is upright. Raises DataError."""
    try:
        with Image.open(picture or io.BytesIO(inside() if inside else b"")) as image:
            orientation = 1
            with suppress(Exception):  # broken EXIF turns nothing, as when the picture itself is read
                orientation = image.getexif().get(ORIENTATION, 1)
            return (image.height, image.width), orientation if orientation in UPRIGHT else 1
    except DataError:
        raise
    except Exception as error:  # Pillow raises whatever its parsers hit
        where = picture or f"within the labels of {name}"
        raise DataError(f"picture {where}: cannot be read ({error}); replace the file, or take it out") from error


def upright(labels: np.ndarray, item: Item) -> np.ndarray:
    """Labels that lie as the picture is stored, turned as its tag says."""
    return turned.upright(labels, picture_size(item.picture, item.inside, item.name)[1])
