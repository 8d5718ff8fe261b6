"""What plain masks hold: numbers or colours. They say so by their files' modes, palettes and pixels, and all must agree."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from minifcn.data.formats.masks import any_colours, read_numbers, white_is_zero
from minifcn.data.images import open_image
from minifcn.data.pixels.opening import is_lossy

TRUE_COLOUR = ("RGB", "RGBA", "CMYK", "YCbCr")
NUMBERS = ("P", "L", "1", "I", "I;16", "I;16B")
LOOKED_AT = 8  # masks of true colour that are decoded to see whether they are grey


@dataclass
class Kind:
    """How masks are read; `either`: whether they have colours too where they are read as numbers.

    `blurred`: how many of them are of a kind that keeps no exact numbers.
    """

    read: Callable[[Path], np.ndarray]
    coloured: bool
    either: bool = False
    notes: list[str] = field(default_factory=list)
    blurred: int = 0

    def use_colours(self) -> None:
        self.read, self.coloured = any_colours, True


def kind_of(paths: Sequence[Path], by_colour: bool = False) -> Kind:
    """What these masks hold. `by_colour`: a person has said what colours mean."""
    heads = [head(path) for path in paths]
    kind = kind_by(heads, paths, by_colour)
    kind.blurred = sum(each.blurred for each in heads)
    return kind


def kind_by(heads: Sequence["Head"], paths: Sequence[Path], by_colour: bool) -> Kind:
    """Numbers or colours, by the heads of the files."""
    modes = Counter(each.mode for each in heads)
    coloured = [path for path, each in zip(paths, heads, strict=True) if each.mode in TRUE_COLOUR]
    palettes = [each.palette for each in heads if each.palette is not None]
    if coloured and not all(map(grey_only, spread(coloured, LOOKED_AT))):
        mixed = ", ".join(f"{count} {mode}" for mode, count in modes.items())
        notes = [f"the masks are of several kinds ({mixed}): all are read as colours"] if len(modes) > 1 else []
        return Kind(any_colours, True, bool(palettes), notes)
    if by_colour and (palettes or coloured):
        return Kind(any_colours, True, True)
    if not agree(palettes):
        said = "the masks' palettes differ from file to file, so their colours count and not their numbers"
        return Kind(any_colours, True, True, [said])
    white = sum(each.white for each in heads)
    notes = (
        [f"in {white} masks, TIFFs, 0 is stored for white: the numbers are taken as they are stored"] if white else []
    )
    return Kind(read_numbers, False, bool(palettes or coloured), notes)


class Head(NamedTuple):
    """Pillow's mode of a file, empty where it is no image, its palette, whether its 0 is white, and whether it keeps no exact numbers."""

    mode: str
    palette: bytes | None = None
    white: bool = False
    blurred: bool = False


def head(path: Path) -> Head:
    """What a file says of itself, without decoding it."""
    try:
        with path.open("rb") as file, Image.open(file) as image:
            palette = image.palette  # getpalette() would decode the file
            colours = bytes(palette.palette or b"") if image.mode == "P" and palette else None
            return Head(image.mode, colours, white_is_zero(image), is_lossy(image, file))
    except Exception:
        return Head("")


def agree(palettes: Sequence[bytes]) -> bool:
    """Whether palettes say the same as far as both reach: programs cut them at the last colour in use."""
    longest = max(palettes, key=len, default=b"")
    return all(longest.startswith(palette) for palette in set(palettes))


def spread(paths: Sequence[Path], count: int) -> list[Path]:
    """At most `count` of them, from the first to the last."""
    return [paths[place * len(paths) // count] for place in range(count)] if len(paths) > count else list(paths)


def grey_only(path: Path) -> bool:
    """Whether red, green and blue are equal everywhere."""
    pixels = np.asarray(open_image(path, "labels").convert("RGB"))
    return bool((pixels == pixels[..., :1]).all())
