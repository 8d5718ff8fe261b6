"""How sure a prediction is, as a picture: dark where the winning class has hardly won, bright where it is certain."""

import numpy as np
from PIL import Image, ImageDraw

from minifcn.draw.pictures.legend import FRAME, INK, PAPER, font_for, font_size

MARKS = (0, 25, 50, 75, 100)  # per cent, on the scale
NARROWEST = 16  # times the font's size: the scale needs room for its numbers


def palette() -> np.ndarray:
    """256 colours from 0 to 1, uint8 (256, 3): viridis, whose brightness grows evenly, for grey printers and colour-blind eyes too."""
    from matplotlib import colormaps

    return np.rint(255 * colormaps["viridis"](np.arange(256))[:, :3]).astype(np.uint8)


def confidence_picture(confidence: np.ndarray) -> Image.Image:
    """Probabilities, floats (H, W) from 0 to 1, as colours of the fixed scale 0 to 100 % that stands below with their mean: an RGB image.

    The map keeps its own pixels and stands at the top left. Raises ValueError for another rank or values outside 0 to 1.
    """
    confidence = np.asarray(confidence)
    if confidence.ndim != 2 or confidence.dtype.kind != "f" or not confidence.size:
        raise ValueError(
            f"confidence_picture: got {confidence.dtype} {confidence.shape}; expected floats (H, W), not empty"
        )
    if not (confidence.min() >= 0 and confidence.max() <= 1.001):  # a sum of float32 may round up
        raise ValueError(
            f"confidence_picture: values from {confidence.min():.3g} to {confidence.max():.3g}; expected probabilities, 0 to 1"
        )
    colours = palette()
    top = Image.fromarray(colours[np.rint(255 * np.minimum(confidence, 1)).astype(np.uint8)])
    bottom = scale(colours, float(confidence.mean(dtype=np.float64)), top.width, font_size(*top.size))
    image = Image.new("RGB", (bottom.width, top.height + bottom.height), PAPER)
    image.paste(top, (0, 0))
    image.paste(bottom, (0, top.height))
    return image


def scale(colours: np.ndarray, mean: float, width: int, size: int) -> Image.Image:
    """A bar of all `colours` with marks in per cent, and the `mean` in words. `width` and `size` (of the font) in pixels."""
    pad, font = size // 2, font_for("", size)
    captions = [f"probability of the class shown, mean {100 * mean:.1f} %", f"probability, mean {100 * mean:.1f} %"]
    caption = captions[0] if font.getlength(captions[0]) + 2 * pad <= width else captions[1]
    width = max(width, NARROWEST * size)
    left, right = 2 * pad, width - 3 * pad
    top = pad + size + pad
    paper = Image.new("RGB", (width, top + size + pad + size + pad), PAPER)
    draw = ImageDraw.Draw(paper)
    draw.text((pad, pad + size / 2), caption, fill=INK, font=font, anchor="lm")
    ramp = colours[np.linspace(0, 255, right - left).round().astype(int)]
    paper.paste(Image.fromarray(np.repeat(ramp[None], size, 0)), (left, top))
    draw.rectangle((left - 1, top - 1, right, top + size), outline=FRAME)
    for mark in MARKS:
        x = left + (right - left - 1) * mark / 100
        draw.line((x, top + size, x, top + size + pad // 2), fill=INK)
        text = f"{mark} %" if mark in (0, 100) else str(mark)
        draw.text((x, top + size + pad // 2 + size / 2 + 1), text, fill=INK, font=font, anchor="mm")
    return paper
