"""`architecture`: a network as in the paper's figure 3, the trunk in a row, and below it the way back to the size of the picture.

What stands where is worked out in stages.py, a card is drawn by cards.py.
"""

from collections import Counter, defaultdict
from typing import Any, NamedTuple

from minifcn.draw.diagrams.cards import BODY, FLOOR, LOOKS, LOWEST, PAD, SKIP, card_size, draw_card
from minifcn.draw.diagrams.stages import Card, Grid, Path, add_network
from minifcn.draw.diagrams.svg import (
    LETTERS,
    LINE,
    WIDTH,
    Canvas,
    Entry,
    Picture,
    draw_legend,
    legend_size,
    number,
    shortened,
    text_width,
)
from minifcn.kernels.windows import pair
from minifcn.models.classifiers import Classifier
from minifcn.models.variants import LateFusion
from minifcn.nn import Module

MARGIN, GAP, BETWEEN = 12, 13, 24  # pixels: round the picture, between columns, between rows


def architecture(model: Module, size: tuple[int, int] | None = None) -> "Architecture":
    """The architecture of `model` as a picture, after the paper's figure 3. A notebook shows it; `.save("fcn8s.svg")` writes it.

    `model`: an FCN, MultiHead, LateFusion, Classifier, HeatMap, another network with a `backbone`, a Backbone, or layers in a row.
    `size` (H, W): the picture for which the sizes C×H×W of the maps are told; 500 by 500, a Classifier's own. Nothing is run.

    >>> import minifcn as mf
    >>> picture = mf.draw.architecture(mf.models.fcn16s("tiny", width=4), (64, 96))
    >>> [(card.name, card.size) for card in picture.cards if card.kind in ("score", "output")]
    [('score_fr', (21, 2, 3)), ('score_pool4', (21, 4, 6)), ('score', (21, 64, 96))]
    """
    if not isinstance(model, Module | list | tuple):
        raise TypeError(f"draw.architecture: got {type(model).__name__}; expected a network, such as mf.models.fcn8s()")
    if isinstance(model, Classifier):
        if size not in (None, (model.side, model.side)):
            raise ValueError(
                f"draw.architecture: size is {size}; this Classifier takes pictures of {model.side}×{model.side} only; leave size out"
            )
        size = (model.side, model.side)
    size = pair((500, 500) if size is None else size, "draw.architecture: size", 1)
    grid = Grid()
    if isinstance(model, LateFusion):
        ends = [
            add_network(grid, each, size, name) for name, each in (("first", model.first), ("second", model.second))
        ]
        weights = [f"{model.weights[0]:g} × first", f"+ {model.weights[1]:g} × second"]
        card = grid.add(Card("output", grid.rows, 0, "average", weights, grid.cards[ends[0]].size))
        grid.paths += [Path("round", ends[0], card), Path("down", ends[1], card)]
    else:
        add_network(grid, model, size)
    return Architecture(grid, title_of(model, size))


def title_of(model: Any, size: tuple[int, int]) -> str:
    options = getattr(model, "architecture", None)
    name = type(model).__name__
    if options:
        way = " at once" if options.get("at_once") else ""
        name = f"{name}-{options['stride']}s{way} over {options['backbone'] or 'its own trunk'}, padding {options['padding']}"
    elif getattr(model, "name", None):
        name = f"{name} {model.name}"
    parts = model.parameters() if isinstance(model, Module) else (p for part in model for p in part.parameters())
    return f"{name}: {sum(parameter.size for parameter in parts):,} parameters; a picture of {size[0]}×{size[1]}"


class Layout(NamedTuple):
    """x, y, width and height of every card; width and height of it all."""

    boxes: list[tuple[float, float, float, float]]
    width: float
    height: float


class Architecture(Picture):
    """What `draw.architecture` gives. `cards` are the boxes with row and column, `paths` the arrows, by the cards' numbers."""

    def __init__(self, grid: Grid, title: str) -> None:
        self.cards, self.paths, self.title = grid.cards, grid.paths, title

    @property
    def label(self) -> str:  # type: ignore[override]
        count = Counter(card.kind for card in self.cards)
        skips = f", {count['join']} skip{'s' if count['join'] != 1 else ''}" if count["join"] else ""
        return f"Architecture of {self.title}; {count['stage']} stages{skips}"

    @property
    def svg(self) -> str:
        tight = self.layout(False).width > WIDTH - 2 * MARGIN
        found, largest = self.layout(tight), self.largest
        title = shortened(self.title, WIDTH - 2 * MARGIN - 4 * PAD, LETTERS, True)
        title_width = text_width(title, LETTERS, True) + 4 * PAD
        entries = legend(self.cards, self.paths)
        wide = max(found.width, legend_size(entries)[1], title_width)
        left, top = MARGIN + (wide - found.width) / 2, MARGIN + 44
        boxes = [(left + x, top + y, w, h) for x, y, w, h in found.boxes]
        canvas = Canvas()
        canvas.begin("title", self.title)
        canvas.rect(MARGIN + (wide - title_width) / 2, MARGIN, title_width, 26, "#ffffff", LINE, 6)
        canvas.text(MARGIN + wide / 2, MARGIN + 18, title, LETTERS, True)
        canvas.end()
        for path in self.paths:
            self.draw_path(canvas, path, boxes)
        for card, box in zip(self.cards, boxes, strict=True):
            draw_card(canvas, card, box, largest, tight)
        bottom = top + found.height + 20
        draw_legend(canvas, entries, MARGIN + wide / 2, bottom)
        return canvas.svg(wide + 2 * MARGIN, bottom + legend_size(entries)[2] + MARGIN, self.label)

    @property
    def largest(self) -> int:
        """Rows of the largest map: the measure for the bodies."""
        return max((card.size[1] for card in self.cards if card.size and len(card.size) == 3), default=1)

    def layout(self, tight: bool) -> Layout:
        """Every card in the middle of its column, at the top of its row."""
        sizes = [card_size(card, self.largest, tight) for card in self.cards]
        widths: dict[int, float] = defaultdict(float)
        heights: dict[int, float] = defaultdict(float)
        for card, (w, h) in zip(self.cards, sizes, strict=True):
            widths[card.column], heights[card.row] = max(widths[card.column], w), max(heights[card.row], h)
        lefts, tops = [float(GAP)], [0.0]
        for column in range(max(widths) + 1):
            lefts.append(lefts[-1] + widths[column] + GAP)
        for row in range(max(heights) + 1):
            tops.append(tops[-1] + heights[row] + BETWEEN)
        boxes = [
            (lefts[card.column] + (widths[card.column] - w) / 2, tops[card.row], w, h)
            for card, (w, h) in zip(self.cards, sizes, strict=True)
        ]
        return Layout(boxes, lefts[-1] - GAP, tops[-1] - BETWEEN)

    def draw_path(self, canvas: Canvas, path: Path, boxes: list[tuple[float, float, float, float]]) -> None:
        source, target = self.cards[path.source], self.cards[path.target]
        (x, y, w, h), (tx, ty, tw, th) = boxes[path.source], boxes[path.target]
        colour = SKIP if path.skip else LINE
        canvas.begin(
            "skip" if path.skip else "arrow", f"{source.name} to {target.name}{', a skip' if path.skip else ''}"
        )
        if path.kind == "down":
            middle = tx + tw / 2
            canvas.line(f"M{number(middle)} {number(y + h)}V{number(ty - 6)}", colour, 2 if path.skip else 1.4)
            canvas.head(middle, ty, 0, 1, colour)
        elif path.kind == "along":
            left = tx < x
            start, end = (x, tx + tw) if left else (x + w, tx)
            # through the bodies of the trunk; elsewhere through the middle of what both cards share
            level = min(y + h, ty + th) / 2 + max(y, ty) / 2 if left else y + PAD + FLOOR - LOWEST
            canvas.line(f"M{number(start)} {number(level)}H{number(end + (6 if left else -6))}", colour)
            canvas.head(end, level, -1 if left else 1, 0, colour)
        else:  # out at the lower left, down the gap between two columns, in from the left
            lane, level = min(x, tx) - GAP / 2 + 1, ty + th / 2
            canvas.line(
                f"M{number(x + 10)} {number(y + h)}V{number(y + h + 9)}H{number(lane)}V{number(level)}H{number(tx - 6)}",
                colour, 2 if path.skip else 1.4,
            )  # fmt: skip
            canvas.head(tx, level, 1, 0, colour)
        canvas.end()


def legend(cards: list[Card], paths: list[Path]) -> list[Entry]:
    kinds = {card.kind for card in cards}
    entries = [Entry(words, fill, outline) for kind, (fill, outline, words) in LOOKS.items() if words and kind in kinds]
    blocks = {block.kind for card in cards for block in card.blocks}
    entries += [Entry(kind + "s", BODY[kind][1], BODY[kind][2]) for kind in BODY if kind in blocks]
    if any(path.skip for path in paths):
        entries.append(Entry("skip", "#ffffff", SKIP))
    return entries
