"""`architecture`: a network as in the paper's figure 3. The trunk in a row, with bodies as high as their maps and as thick as their channels;
below it scores, upsampling and the skips that are joined, down to the scores of every pixel below the picture itself."""

from collections import Counter, defaultdict
from math import log2
from typing import Any

from minifcn.draw.stages import Block, Card, Grid, Path, Size, add_network, by_x
from minifcn.draw.svg import (
    LETTERS,
    LINE,
    SMALL,
    Canvas,
    Entry,
    Picture,
    draw_legend,
    legend_size,
    number,
    shortened,
    text_width,
)  # fmt: skip
from minifcn.models.classifiers import Classifier
from minifcn.models.variants import LateFusion
from minifcn.nn import Module

# kind of card: fill, outline, and what the legend calls it
LOOKS = {
    "picture": ("#d6ebfa", "#3d7fb0", "picture"),
    "stage": ("#f3f5f7", "#76808a", "trunk"),
    "score": ("#ffe7bd", "#b5790f", "class scores"),
    "upsampling": ("#d3efdc", "#3b8f5a", "upsampling"),
    "join": ("#e3dcf8", "#7c63c4", "join of a skip"),
    "output": ("#fbd5d5", "#c25050", "result"),
    "title": ("#ffffff", "#7d7d7d", ""),
}
SKIP = "#b5790f"  # the line of a skip: 3.6 to 1 against white, 5.8 to 1 against black
BODY = {
    "convolution": ("#f6b26b", "#fbd6ac", "#d98e3f"),
    "pool": ("#9fc5e8", "#cfe2f3", "#5f93c4"),
}  # front, top, side and lines
MARGIN, PAD, GAP, BETWEEN = 12, 7, 15, 24
TALLEST, LOWEST = 64, 14  # pixels: bodies
FLOOR = TALLEST + 18  # where they stand, below the top of a card
WIDEST = 190


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
    size = (500, 500) if size is None else size
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
        largest = max((card.size[1] for card in self.cards if card.size and len(card.size) == 3), default=1)
        sizes = [card_size(card, largest) for card in self.cards]
        lefts, tops, width, height = places(self.cards, sizes)
        entries = legend(self.cards, self.paths)
        title_width = text_width(self.title, LETTERS, True) + 4 * PAD
        wide = max(width, legend_size(entries)[1], title_width)
        shift, top = MARGIN + (wide - width) / 2, MARGIN + 44
        boxes = [
            (
                shift + lefts[card.column] + (lefts[card.column + 1] - GAP - lefts[card.column] - w) / 2,
                top + tops[card.row],
                w,
                h,
            )
            for card, (w, h) in zip(self.cards, sizes, strict=True)
        ]
        canvas = Canvas()
        canvas.begin("title", self.title)
        canvas.rect(MARGIN + (wide - title_width) / 2, MARGIN, title_width, 26, "#ffffff", LINE, 6)
        canvas.text(MARGIN + wide / 2, MARGIN + 18, self.title, LETTERS, True)
        canvas.end()
        for path in self.paths:
            self.draw_path(canvas, path, boxes)
        for card, box in zip(self.cards, boxes, strict=True):
            draw_card(canvas, card, box, largest)
        bottom = top + height + 20
        draw_legend(canvas, entries, MARGIN + wide / 2, bottom)
        return canvas.svg(wide + 2 * MARGIN, bottom + legend_size(entries)[2] + MARGIN, self.label)

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


def places(cards: list[Card], sizes: list[tuple[float, float]]) -> tuple[list[float], list[float], float, float]:
    """Left edges of the columns and, last, where one more would begin; tops of the rows; width and height of it all."""
    widths: dict[int, float] = defaultdict(float)
    heights: dict[int, float] = defaultdict(float)
    for card, (w, h) in zip(cards, sizes, strict=True):
        widths[card.column], heights[card.row] = max(widths[card.column], w), max(heights[card.row], h)
    lefts, tops = [float(GAP)], [0.0]
    for column in range(max(widths) + 1):
        lefts.append(lefts[-1] + widths[column] + GAP)
    for row in range(max(heights) + 1):
        tops.append(tops[-1] + heights[row] + BETWEEN)
    return lefts, tops, lefts[-1] - GAP, tops[-1] - BETWEEN


def lines_of(card: Card) -> list[tuple[str, bool]]:
    """The words of a card, and whether each is bold."""
    if card.kind == "stage":
        lines = []
        for block in card.blocks:
            lines += [(name, True) for name in names_of(block)] + [(by_x(block.size), False)]
        return [*lines, (f"stride {card.blocks[-1].stride}", False)]
    lines = [(card.name, True), *((note, False) for note in card.notes)]
    return [*lines, (by_x(card.size), False)] if card.size else lines


def names_of(block: Block) -> list[str]:
    """At most two lines: one name, two, or from the first to the last."""
    if len(block.names) == 1:
        return block.names
    return [block.names[0], f"{'and' if len(block.names) == 2 else 'to'} {block.names[-1]}"]


def card_size(card: Card, largest: int) -> tuple[float, float]:
    lines = lines_of(card)
    wide = max(text_width(shortened(words, WIDEST, SMALL, bold), SMALL, bold) for words, bold in lines)
    drawn = bodies(card, largest)
    if drawn:
        wide = max(wide, sum(w + side for w, _, side in drawn) + 6 * (len(drawn) - 1))
    return wide + 2 * PAD, 2 * PAD + 15 * len(lines) - 3 + (FLOOR + 8 if drawn else 0)


def bodies(card: Card, largest: int) -> list[tuple[float, float, float]]:
    """Width, height and slant of each body on a card of the trunk."""
    if card.kind == "picture" and card.size:
        h = high(card.size, largest)
        return [(h * min(1.4, max(0.7, card.size[2] / card.size[1])), h, 0)]
    return [body(block, largest) for block in card.blocks]


def body(block: Block, largest: int) -> tuple[float, float, float]:
    h = high(block.size, largest)
    if block.kind == "pool":
        return h * min(1.2, max(0.8, block.size[2] / block.size[1])), h, 0
    return 5 + 1.8 * log2(block.size[0]), h, 0.3 * h


def high(size: Size, largest: int) -> float:
    """The height of a body: with the square root of its rows, or the small ones would vanish."""
    return LOWEST + (TALLEST - LOWEST) * ((size[1] if len(size) == 3 else 0) / largest) ** 0.5


def draw_card(canvas: Canvas, card: Card, box: tuple[float, float, float, float], largest: int) -> None:
    x, y, w, h = box
    fill, outline, kind = LOOKS[card.kind]
    layers = ", ".join(name for block in card.blocks for name in block.layers)
    canvas.begin(card.kind, f"{layers or card.name} ({kind}): {by_x(card.size or ())}" if kind else card.name)
    canvas.rect(x, y, w, h, fill, outline, 5)
    drawn = bodies(card, largest)
    if drawn:
        left = x + (w - sum(each[0] + each[2] for each in drawn) - 6 * (len(drawn) - 1)) / 2
        floor = y + PAD + FLOOR
        for place, (bw, bh, slant) in enumerate(drawn):
            if card.blocks and card.blocks[place].kind == "convolution":
                draw_body(canvas, left, floor, bw, bh, slant, card.blocks[place].works)
            else:
                cells = max(1, 32 // card.blocks[place].stride) if card.blocks else 0
                draw_grid(canvas, left, floor - bh, bw, bh, cells)
            left += bw + slant + 6
    baseline = y + h - PAD - 15 * (len(lines_of(card)) - 1) - 2
    for words, bold in lines_of(card):
        canvas.text(x + w / 2, baseline, shortened(words, WIDEST, SMALL, bold), SMALL, bold)
        baseline += 15
    canvas.end()


def draw_body(canvas: Canvas, x: float, floor: float, w: float, h: float, slant: float, layers: int) -> None:
    """Convolutions: a slanted body with a line between one layer and the next."""
    front, top, side = BODY["convolution"]
    rise = 0.6 * slant
    canvas.shape(
        [(x, floor - h), (x + slant, floor - h - rise), (x + w + slant, floor - h - rise), (x + w, floor - h)],
        top,
        side,
    )
    canvas.shape(
        [(x + w, floor), (x + w, floor - h), (x + w + slant, floor - h - rise), (x + w + slant, floor - rise)],
        side,
        side,
    )
    canvas.rect(x, floor - h, w, h, front, side)
    for layer in range(1, layers):
        canvas.line(f"M{number(x + w * layer / layers)} {number(floor - h)}V{number(floor)}", side, 1)


def draw_grid(canvas: Canvas, x: float, y: float, w: float, h: float, cells: int) -> None:
    """A pool: the cells that fall on 32 pixels of the picture, as in the figure. The picture itself has none."""
    front, _, side = BODY["pool"]
    canvas.rect(x, y, w, h, front if cells else "#ffffff", side)
    steps = [each / cells for each in range(1, cells)]
    if steps:
        down = "".join(f"M{number(x + w * at)} {number(y)}V{number(y + h)}" for at in steps)
        canvas.line(down + "".join(f"M{number(x)} {number(y + h * at)}H{number(x + w)}" for at in steps), side, 0.6)
    if not cells:  # hills and a sun: a photograph
        canvas.shape([(x, y + h), (x, y + h * 0.8), (x + w * 0.35, y + h * 0.45), (x + w * 0.6, y + h * 0.75), (x + w * 0.78, y + h * 0.55), (x + w, y + h * 0.8), (x + w, y + h)], front, side)  # fmt: skip
        canvas.rect(x + w * 0.68, y + h * 0.16, w * 0.16, w * 0.16, "#f6c445", "none", w)


def legend(cards: list[Card], paths: list[Path]) -> list[Entry]:
    kinds = {card.kind for card in cards}
    entries = [Entry(words, fill, outline) for kind, (fill, outline, words) in LOOKS.items() if words and kind in kinds]
    blocks = {block.kind for card in cards for block in card.blocks}
    entries += [Entry(kind + "s", BODY[kind][1], BODY[kind][2]) for kind in BODY if kind in blocks]
    if any(path.skip for path in paths):
        entries.append(Entry("skip", "#ffffff", SKIP))
    return entries
