"""Which way up: the eight orientations of EXIF, on arrays."""

from collections.abc import Callable

import numpy as np

# what makes pixels as stored upright; rows and columns are the first two axes
UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}
BACK = {6: 8, 8: 6}  # the others undo themselves
WORDS = {
    2: "mirrored left to right", 3: "turned by 180 degrees", 4: "mirrored top to bottom", 5: "mirrored and turned by 90 degrees",
    6: "turned by 90 degrees clockwise", 7: "mirrored and turned by 90 degrees", 8: "turned by 90 degrees anticlockwise",
}  # fmt: skip


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels as stored, (H, W) or (H, W, C), as EXIF's orientation says they are meant."""
    return np.ascontiguousarray(UPRIGHT[orientation](pixels))


def as_stored(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Upright pixels as they lay in the file: `upright` undone."""
    return upright(pixels, BACK.get(orientation, orientation))


def turned_line(split: str, turned: int, count: int) -> str:
    """The line about a split of which some pictures are turned on reading."""
    return (
        f"{split}: {turned} of {count} pictures {'has' if turned == 1 else 'have'} an EXIF tag by which they are turned or mirrored on reading; "
        "their labels must belong to the upright picture: minifcn check-data --sheet shows whether they do"
    )


def swaps(orientation: int) -> bool:
    """Whether height and width change places."""
    return orientation > 4
