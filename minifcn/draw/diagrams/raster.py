"""The pictures of svg.py as pixels: for a notebook that is not trusted yet, which shows no SVG, and for what takes only PNG.

It knows the signs that `Canvas` writes and no others: rect, text, polygon, and paths of M, V, H and C.
"""

import io
import math
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

STEPS = 16  # straight pieces of a curve, and of a round corner
Point = tuple[float, float]


def png(svg: str, scale: float = 2, colours: int = 64) -> bytes:
    """The bytes of a PNG with `scale` pixels for each of the SVG's, its ground transparent. Shown at half its size its lines have soft edges."""
    from PIL import Image, ImageDraw

    image = Image.new("RGBA", size_of(svg, scale), (255, 255, 255, 0))
    pencil = Pencil(ImageDraw.Draw(image), scale)
    for element in ElementTree.fromstring(svg).iter():
        pencil.draw(element)
    content = io.BytesIO()
    image.quantize(colours, method=Image.Quantize.FASTOCTREE).save(content, "PNG", optimize=True)
    return content.getvalue()


def size_of(svg: str, scale: float = 1) -> tuple[int, int]:
    """Width and height of the picture, in pixels."""
    root = ElementTree.fromstring(svg)
    wide, high = (max(1, round(float(root.get(side, "0")) * scale)) for side in ("width", "height"))
    return wide, high


class Pencil:
    """Draws one element after another; `scale`: pixels for each of the SVG's."""

    def __init__(self, canvas: Any, scale: float) -> None:
        self.canvas, self.scale = canvas, scale

    def draw(self, element: ElementTree.Element) -> None:
        kind = element.tag.rpartition("}")[2]
        if kind in ("svg", "g", "title"):
            return
        if kind == "text":
            self.text(element)
        elif kind == "rect":
            self.shape(corners(element), element)
        elif kind == "polygon":
            places = [pair.split(",") for pair in element.get("points", "").split()]
            self.shape([(float(x), float(y)) for x, y in places], element)
        elif kind == "path":
            for line in lines(element.get("d", "")):
                self.stroke(line, element)
        else:
            raise ValueError(
                f"raster: an SVG element {kind!r}; expected those that Canvas writes: rect, text, polygon, path"
            )

    def shape(self, points: list[Point], element: ElementTree.Element) -> None:
        fill = element.get("fill", "none")
        if fill != "none":
            self.canvas.polygon([(x * self.scale, y * self.scale) for x, y in points], fill=fill)
        self.stroke([*points, points[0]], element)

    def stroke(self, points: list[Point], element: ElementTree.Element) -> None:
        colour = element.get("stroke", "none")
        if colour == "none":
            return
        width = max(1, round(float(element.get("stroke-width", "1")) * self.scale))
        for piece in dashes(points, element.get("stroke-dasharray")):
            self.canvas.line(
                [(x * self.scale, y * self.scale) for x, y in piece], fill=colour, width=width, joint="curve"
            )

    def text(self, element: ElementTree.Element) -> None:
        place = (float(element.get("x", "0")) * self.scale, float(element.get("y", "0")) * self.scale)
        anchor = {"start": "ls", "middle": "ms", "end": "rs"}[element.get("text-anchor", "start")]
        size = float(element.get("font-size", "12")) * self.scale
        letters = font(element.get("font-weight") == "bold", round(size))
        self.canvas.text(place, element.text or "", fill=element.get("fill", INK), font=letters, anchor=anchor)


INK = "#1f2328"  # svg.INK, which stands in the SVG's first line


@lru_cache(maxsize=16)
def font(bold: bool, size: int) -> Any:
    """DejaVu Sans, in which svg.py measures its words."""
    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(os.path.join(matplotlib.get_data_path(), "fonts", "ttf", name), size)


def corners(element: ElementTree.Element) -> list[Point]:
    """The outline of a rect, its corners rounded by rx, clockwise.

    >>> corners(ElementTree.fromstring('<rect x="1" y="2" width="3" height="4"/>'))
    [(1.0, 2.0), (4.0, 2.0), (4.0, 6.0), (1.0, 6.0)]
    """
    x, y, w, h, r = (float(element.get(name, "0")) for name in ("x", "y", "width", "height", "rx"))
    r = min(r, w / 2, h / 2)  # as SVG has it: a rect no wider than 2 rx is a circle
    if not r:
        return [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
    middles = ((x + r, y + r, 180), (x + w - r, y + r, 270), (x + w - r, y + h - r, 0), (x + r, y + h - r, 90))
    return [
        (left + r * math.cos(math.radians(start + 90 * step / STEPS)), top + r * math.sin(math.radians(start + 90 * step / STEPS)))
        for left, top, start in middles
        for step in range(STEPS + 1)
    ]  # fmt: skip


def lines(path: str) -> Iterator[list[Point]]:
    """The pieces of a path, each a row of points; a curve becomes short straight ones.

    >>> list(lines("M1 2V5H3M0 0H1"))
    [[(1.0, 2.0), (1.0, 5.0), (3.0, 5.0)], [(0.0, 0.0), (1.0, 0.0)]]
    """
    piece: list[Point] = []
    for sign, words in re.findall(r"([A-Za-z])([^A-Za-z]*)", path):
        values = [float(word) for word in re.findall(r"-?[\d.]+", words)]
        if sign == "M":
            if piece:
                yield piece
            piece = [(values[0], values[1])]
        elif sign == "V":
            piece.append((piece[-1][0], values[0]))
        elif sign == "H":
            piece.append((values[0], piece[-1][1]))
        elif sign == "C":
            piece += curve([piece[-1], *zip(values[::2], values[1::2], strict=True)])
        else:
            raise ValueError(f"raster: {sign!r} in a path; expected M, V, H or C")
    if piece:
        yield piece


def curve(points: list[Point]) -> list[Point]:
    """Points of the Bézier curve from the first of four points to the last, without the first."""
    found = []
    for step in range(1, STEPS + 1):
        t = step / STEPS
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
        x, y = (sum(w * point[axis] for w, point in zip(weights, points, strict=True)) for axis in (0, 1))
        found.append((x, y))
    return found


def dashes(points: list[Point], pattern: str | None) -> Iterator[list[Point]]:
    """The line cut into its dashes; `pattern`: "5 3" is 5 pixels drawn and 3 not.

    >>> [[round(x) for x, _ in piece] for piece in dashes([(0, 0), (12, 0)], "5 3")]
    [[0, 5], [8, 12]]
    """
    if not pattern:
        yield points
        return
    on, off = (float(word) for word in pattern.split())
    drawn, left = True, on
    piece = [points[0]]
    for (x, y), (nx, ny) in pairwise(points):
        length = math.hypot(nx - x, ny - y)
        gone = 0.0
        while length - gone > left:
            gone += left
            place = (x + (nx - x) * gone / length, y + (ny - y) * gone / length)
            if drawn:
                yield [*piece, place]
            drawn, left, piece = not drawn, off if drawn else on, [place]
        left -= length - gone
        piece.append((nx, ny))
    if drawn:
        yield piece
