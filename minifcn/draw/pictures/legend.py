"""Legends as pictures: a swatch and a text for each entry, wrapped to the width at hand."""

import os
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PAPER = (255, 255, 255)
INK = (34, 34, 34)
FRAME = (150, 150, 150)  # round each swatch, so that a white class shows on white paper
LONGEST = 40  # characters of a legend text; the rest of a longer one is cut


def font_for(text: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font of `size` pixels that has the letters of `text`.

    Pillow's own font knows ASCII only; for other alphabets the DejaVu Sans that comes with matplotlib serves.
    """
    return loaded_font(text.isascii(), size)


@lru_cache(maxsize=8)
def loaded_font(plain: bool, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, which is enough for a `plain` text, or DejaVu Sans. Loaded once: a legend asks for it at each word."""
    if plain:
        return ImageFont.load_default(size=size)
    import matplotlib

    return ImageFont.truetype(os.path.join(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size)


def font_size(width: int, height: int) -> int:
    """Font pixels that read well below a picture of this size: 12 for small ones, growing with large ones."""
    return int(np.clip(round((width * height) ** 0.5 / 34), 12, 72))


def one_line(text: str) -> str:
    """`text` on one line and no longer than a legend bears.

    >>> one_line("traffic\\n light")
    'traffic light'
    """
    text = " ".join(str(text).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def legend(entries: Sequence[tuple[str, Sequence[int]]], width: int, size: int) -> Image.Image:
    """Draw `entries`, pairs (text, RGB colour), from left to right in as many rows as they need.

    `width` and `size` (of the font) are in pixels. The RGB picture is `width` wide, or wider where one entry alone
    needs more.
    """
    texts = [one_line(text) for text, _ in entries]
    fonts = [font_for(text, size) for text in texts]
    pad, swatch = size // 2, size
    lengths = [swatch + pad + int(np.ceil(font.getlength(text))) for text, font in zip(texts, fonts, strict=True)]
    width = max([width] + [length + 2 * pad for length in lengths])

    places, x, y = [], pad, pad
    for length in lengths:
        if x > pad and x + length + pad > width:
            x, y = pad, y + swatch + pad
        places.append((x, y))
        x += length + 3 * pad
    image = Image.new("RGB", (width, y + swatch + pad), PAPER)
    draw = ImageDraw.Draw(image)
    for (x, y), text, font, (_, colour) in zip(places, texts, fonts, entries, strict=True):
        draw.rectangle((x, y, x + swatch - 1, y + swatch - 1), fill=tuple(map(int, colour)), outline=FRAME)
        draw.text((x + swatch + pad, y + swatch / 2), text, fill=INK, font=font, anchor="lm")
    return image
