"""Pictures written as SVG: text that says where the boxes are. Legible on white and on black, since every word stands on a box of its own.

Words are measured in DejaVu Sans, as wide as any font a reader is likely to have, so that they fit wherever they are shown.
"""

import os
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape as escaped
from xml.sax.saxutils import quoteattr

from minifcn.files import write_whole

FONTS = "'DejaVu Sans', Verdana, Geneva, Arial, sans-serif"
INK = "#1f2328"  # words, always on a fill much lighter than this
LINE = "#7d7d7d"  # arrows: 4 to 1 against white, and 5 to 1 against black
ROOM = 1.04  # other fonts: Verdana's letters are up to this much wider than DejaVu's
LETTERS = 12  # pixels: the usual size; nothing is smaller than SMALL
SMALL = 11
WIDTH = 800  # pixels within which pictures are laid out
DASHES = ' stroke-dasharray="5 3"'

# what XML 1.0 cannot hold, not even escaped
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: object) -> str:
    """`text` on one line, without characters that XML cannot hold.

    >>> clean("conv\\n1\\x00")
    'conv 1\\ufffd'
    """
    return " ".join(FORBIDDEN.sub("\ufffd", str(text)).split())


@lru_cache(maxsize=2)
def font(bold: bool) -> object:
    """The measuring font at 100 pixels: matplotlib brings it, so it is the same everywhere."""
    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(os.path.join(matplotlib.get_data_path(), "fonts", "ttf", name), 100)


@lru_cache(maxsize=4096)
def letters_width(text: str, bold: bool = False) -> float:
    """Width of `text` in a font of one pixel. A letter of East Asian width is square."""
    square = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    narrow = "".join(letter for letter in text if unicodedata.east_asian_width(letter) not in "WF")
    return ROOM * (font(bold).getlength(narrow) / 100) + square  # type: ignore[attr-defined]


def text_width(text: str, size: float = LETTERS, bold: bool = False) -> float:
    """Pixels that `text` needs at most, in a font of `size` pixels."""
    return size * letters_width(clean(text), bold)


def shortened(text: str, room: float, size: float = LETTERS, bold: bool = False) -> str:
    """`text`, or as much of its end as fits into `room` pixels: names that grow long differ at the end.

    >>> shortened("a name", 1000), shortened("backbone.stage.block.convolution", 100)
    ('a name', '…k.convolution')
    """
    text = clean(text)
    if text_width(text, size, bold) <= room:
        return text
    while len(text) > 1 and text_width("…" + text, size, bold) > room:
        text = text[1:]
    return "…" + text


def number(value: float) -> str:
    """A length in pixels with at most one decimal.

    >>> number(3.04), number(12.35), number(-0.01)
    ('3', '12.3', '0')
    """
    return f"{round(value, 1) + 0.0:g}"


class Canvas:
    """What is drawn so far, bottom first. Lengths in pixels, y downwards."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def begin(self, kind: str, title: str) -> None:
        """A group with a class for whoever reads the file, and a title that shows when a mouse rests on it."""
        self.parts.append(f"<g class={quoteattr(kind)}><title>{escaped(clean(title))}</title>")

    def end(self) -> None:
        self.parts.append("</g>")

    def rect(
        self, x: float, y: float, w: float, h: float, fill: str, stroke: str = LINE, round_: float = 0, dashed: bool = False
    ) -> None:  # fmt: skip
        corner = f' rx="{number(round_)}"' if round_ else ""
        self.parts.append(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(w)}" height="{number(h)}"{corner} '
            f'fill="{fill}" stroke="{stroke}"{DASHES if dashed else ""}/>'
        )

    def text(
        self, x: float, y: float, words: str, size: float = LETTERS, bold: bool = False, anchor: str = "middle"
    ) -> None:
        """`words` with their baseline at y; x is the middle, or the "start" or "end" by `anchor`."""
        weight = ' font-weight="bold"' if bold else ""
        self.parts.append(
            f'<text x="{number(x)}" y="{number(y)}" font-size="{number(size)}" text-anchor="{anchor}"{weight}>'
            f"{escaped(clean(words))}</text>"
        )

    def shape(self, corners: Sequence[tuple[float, float]], fill: str, stroke: str = "none") -> None:
        points = " ".join(f"{number(x)},{number(y)}" for x, y in corners)
        self.parts.append(f'<polygon points="{points}" fill="{fill}" stroke="{stroke}" stroke-linejoin="round"/>')

    def line(self, path: str, stroke: str = LINE, width: float = 1.4, dashed: bool = False) -> None:
        self.parts.append(
            f'<path d="{path}" fill="none" stroke="{stroke}" stroke-width="{number(width)}"{DASHES if dashed else ""}/>'
        )

    def head(self, x: float, y: float, dx: int, dy: int, fill: str = LINE) -> None:
        """The head of an arrow with its point at (x, y), looking along (dx, dy), one of which is 0."""
        back, side = 7, 3.5
        corners = [(x, y)]
        corners += [(x - back * dx + sign * side * dy, y - back * dy + sign * side * dx) for sign in (1, -1)]
        self.shape(corners, fill)

    def svg(self, width: float, height: float, label: str) -> str:
        """The whole picture. `label`: what it shows, in a sentence, for who cannot see it."""
        words = clean(label)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(width)}" height="{number(height)}" '
            f'viewBox="0 0 {number(width)} {number(height)}" style="max-width:100%;height:auto" role="img" '
            f'aria-label={quoteattr(words)} font-family="{FONTS}" fill="{INK}">\n'
            f"<title>{escaped(words)}</title>\n" + "\n".join(self.parts) + "\n</svg>\n"
        )


class Entry(NamedTuple):
    """A colour of the legend and what it means."""

    words: str
    fill: str
    outline: str
    dashed: bool = False


def legend_size(entries: Sequence[Entry], width: float = WIDTH - 24) -> tuple[list[list[Entry]], float, float]:
    """The entries in rows no wider than `width`; the width of the widest row, and the height of all."""
    rows: list[list[Entry]] = [[]]
    widest = end = 0.0
    for entry in entries:
        more = entry_width(entry)
        if rows[-1] and end + more > width:
            rows.append([])
            end = 0.0
        rows[-1].append(entry)
        end += more + 8
        widest = max(widest, end - 8)
    return rows, widest, 26.0 * len(rows) - 6


def entry_width(entry: Entry) -> float:
    return text_width(entry.words, SMALL) + 18


def draw_legend(canvas: Canvas, entries: Sequence[Entry], middle: float, y: float) -> None:
    """Boxes in their colours with the words in them, below `y`, round the `middle`."""
    for row in legend_size(entries)[0]:
        x = middle - (sum(map(entry_width, row)) + 8 * (len(row) - 1)) / 2
        for entry in row:
            width = entry_width(entry)
            canvas.begin("legend", entry.words)
            canvas.rect(x, y, width, 20, entry.fill, entry.outline, 4, entry.dashed)
            canvas.text(x + width / 2, y + 14, entry.words, SMALL)
            canvas.end()
            x += width + 8
        y += 26


class Picture:
    """A picture as SVG text: `.svg`. A notebook shows it by itself; `.save("picture.svg")` writes it, or a PNG. `label` says in words what it shows."""

    label = "a picture"

    @property
    def svg(self) -> str:
        raise NotImplementedError(f"{type(self).__name__} does not draw anything")

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """The same as pixels, twice as fine as shown: a notebook that is not trusted yet, for one, shows no SVG."""
        from minifcn.draw.diagrams.raster import png, size_of

        wide, high = size_of(self.svg)
        return png(self.svg), {"width": wide, "height": high}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to `path`, whole or not at all: SVG where it ends in .svg, pixels where it ends in .png. Returns the path."""
        path = Path(path)
        if path.suffix.lower() not in (".svg", ".png"):
            raise ValueError(
                f"save: {path.name!r} ends neither in .svg nor in .png, and these are what is written; give the name one of them. "
                "Any browser opens SVG and prints it to other formats"
            )
        if not path.parent.is_dir():
            raise FileNotFoundError(f"save: there is no folder {path.parent}; make it first, or choose another place")
        write_whole(path, self.svg.encode() if path.suffix.lower() == ".svg" else self._repr_png_()[0])
        return path

    def __repr__(self) -> str:
        return f'<{self.label}; a notebook shows it, .save("picture.svg") writes it>'
