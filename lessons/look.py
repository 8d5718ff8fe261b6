"""How the lessons look: one palette, small figures with a text for who cannot see them, sentences with numbers from the cell."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from IPython.display import Markdown, display
from PIL import Image

# Okabe and Ito's colours, which stay apart for colour-blind eyes
BLUE, ORANGE, GREEN, PINK, RED, SKY, BLACK = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000"
PATCH = 40  # pixels of one colour that are a patch, and no noise of a photograph
LARGEST = 80_000  # bytes of a figure: the notebooks are read on the web


def show(figure: Any, alt: str) -> None:
    """Show a matplotlib figure, or an array or Pillow picture, as a PNG of at most 80 KB, and what `mf.draw` draws as SVG.

    `alt`: what is to be seen, in a sentence or two.
    """
    if not alt.strip():
        raise ValueError("show: alt is empty; say in a sentence what is to be seen")
    if hasattr(figure, "svg"):
        show_drawing(figure, alt)
        return
    for dpi, colours in ((100, None), (100, 128), (80, 128), (80, 64), (60, 64), (50, 32)):
        content = png(figure, dpi, colours)
        if len(content) <= LARGEST:
            break
    else:
        raise ValueError(
            f"show: {len(content)} bytes even when small; expected at most {LARGEST}: draw less, or smaller pictures"
        )
    display({"image/png": content, "text/plain": alt}, raw=True, metadata={"image/png": {"alt": alt}})


def show_drawing(drawing: Any, alt: str) -> None:
    """Show what `mf.draw` draws: as SVG, sharp at any size, and beside it as pixels, for Jupyter shows no SVG of a notebook that it does not trust yet."""
    content, size = drawing._repr_png_()
    largest = max(len(content), len(drawing.svg.encode()))
    if largest > LARGEST:
        raise ValueError(f"show: the drawing has {largest} bytes; expected at most {LARGEST}: fold or draw less")
    display(
        {"image/svg+xml": drawing.svg, "image/png": content, "text/plain": alt},
        raw=True,
        metadata={"image/svg+xml": {"alt": alt}, "image/png": {"alt": alt, **size}},
    )


def png(figure: Any, dpi: int, colours: int | None) -> bytes:
    """A figure at `dpi`, or a picture as it is, with at most so many colours."""
    if hasattr(figure, "savefig"):
        import matplotlib.pyplot as plt

        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=dpi, bbox_inches="tight", facecolor="white")
        plt.close(figure)
        image = Image.open(drawn).convert("RGB")
    else:
        image = figure if isinstance(figure, Image.Image) else Image.fromarray(np.asarray(figure))
        image = image.convert("RGB").resize([max(1, round(side * dpi / 100)) for side in image.size])
    content = io.BytesIO()
    (with_fewer(image, colours) if colours else image).save(content, "PNG", optimize=True)
    return content.getvalue()


def with_fewer(image: Image.Image, colours: int) -> Image.Image:
    """In so many colours at most. A patch of one colour keeps it: in a legend another one would mean another class."""
    plain = image.quantize(colours)
    patches = moved(image, plain)[: colours // 2]
    if not len(patches):
        return plain
    fewer = image.quantize(colours - len(patches))
    palette = np.array(fewer.getpalette(), np.uint8).reshape(-1, 3)[: colours - len(patches)]
    both = Image.new("P", (1, 1))
    both.putpalette(np.concatenate([palette, patches]).astype(np.uint8).tobytes())
    return image.quantize(palette=both, dither=Image.Dither.NONE)


def moved(before: Image.Image, after: Image.Image) -> np.ndarray:
    """The colours of at least PATCH pixels of which `after` has made visibly others, the largest patch first: (count, 3)."""
    first, second = (np.asarray(each.convert("RGB"), int).reshape(-1, 3) for each in (before, after))
    _, place, count = np.unique(first @ [65536, 256, 1], return_index=True, return_counts=True)
    visibly = (count >= PATCH) & (np.abs(first - second)[place].max(1) > 8)
    order = np.argsort(-count[visibly], kind="stable")
    return first[place[visibly][order]]


def say(text: str) -> None:
    """A sentence with numbers in it that were just computed, set as Markdown."""
    display(Markdown(text))


def words(key: str) -> str:
    """What a figure shows, for who cannot see it. It is kept out of the cell, where it would give the answer to a guess away."""
    return json.loads((Path(__file__).parent / "figures" / "words.json").read_text(encoding="utf-8"))[key]
