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
    """In so many colours at most, chosen so that no patch of one colour gets another: a legend's would mean another class."""
    methods = Image.Quantize.MEDIANCUT, Image.Quantize.MAXCOVERAGE, Image.Quantize.FASTOCTREE
    return min((image.quantize(colours, method) for method in methods), key=lambda found: farthest(image, found))


def farthest(image: Image.Image, found: Image.Image) -> int:
    """How far, in steps of 255, a colour of at least PATCH pixels has moved."""
    before, after = (np.asarray(each.convert("RGB"), int).reshape(-1, 3) for each in (image, found))
    _, first, count = np.unique(before @ [65536, 256, 1], return_index=True, return_counts=True)
    patches = first[count >= PATCH]
    return int(np.abs(before - after)[patches].max(initial=0))


def say(text: str) -> None:
    """A sentence with numbers in it that were just computed, set as Markdown."""
    display(Markdown(text))


def words(key: str) -> str:
    """What a figure shows, for who cannot see it. It is kept out of the cell, where it would give the answer to a guess away."""
    return json.loads((Path(__file__).parent / "figures" / "words.json").read_text(encoding="utf-8"))[key]
