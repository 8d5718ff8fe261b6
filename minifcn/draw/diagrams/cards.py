"""One card of an architecture's picture: the bodies of the trunk, as high as their maps and as thick as their channels, and the words."""

from math import log2

from minifcn.draw.diagrams.stages import Block, Card, Size, by_x
from minifcn.draw.diagrams.svg import SMALL, Canvas, number, shortened, text_width

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
PAD = 7
TALLEST, LOWEST = 64, 14  # pixels: bodies
FLOOR = TALLEST + 18  # where they stand, below the top of a card
WIDEST = 190
SHORT = 8  # letters of a size that stay on one line in any case


def lines_of(card: Card, tight: bool) -> list[tuple[str, bool]]:
    """The words of a card, and whether each is bold. `tight`: channels on a line of their own, so that the card is narrow."""
    if card.kind == "stage":
        lines = []
        for block in card.blocks:
            lines += [(name, True) for name in names_of(block)] + size_lines(block.size, tight)
        return [*lines, (f"stride {card.blocks[-1].stride}", False)]
    lines = [(card.name, True), *((note, False) for note in card.notes)]
    return [*lines, *size_lines(card.size, tight)] if card.size else lines


def size_lines(size: Size, tight: bool) -> list[tuple[str, bool]]:
    whole = by_x(size)
    if not tight or len(whole) <= SHORT:
        return [(whole, False)]
    return [(f"{size[0]} ×", False), (by_x(size[1:]), False)]


def names_of(block: Block) -> list[str]:
    """At most two lines: one name, two, or from the first to the last."""
    if len(block.names) == 1:
        return block.names
    return [block.names[0], f"{'and' if len(block.names) == 2 else 'to'} {block.names[-1]}"]


def card_size(card: Card, largest: int, tight: bool) -> tuple[float, float]:
    lines = lines_of(card, tight)
    wide = max(text_width(shortened(words, WIDEST, SMALL, bold), SMALL, bold) for words, bold in lines)
    drawn = bodies(card, largest)
    if drawn:
        wide = max(wide, sum(w + side for w, _, side in drawn) + 6 * (len(drawn) - 1))
    return wide + 2 * PAD, 2 * PAD + 15 * len(lines) - 3 + (FLOOR + 8 if drawn else 0)


def bodies(card: Card, largest: int) -> list[tuple[float, float, float]]:
    """Width, height and slant of each body on a card of the trunk."""
    if card.kind == "picture" and card.size:
        h = high(card.size, largest)
        return [(h * min(1.3, max(0.7, card.size[2] / card.size[1])), h, 0)]
    return [body(block, largest) for block in card.blocks]


def body(block: Block, largest: int) -> tuple[float, float, float]:
    h = high(block.size, largest)
    if block.kind == "pool":
        return h * min(1.0, max(0.7, block.size[2] / block.size[1])), h, 0
    return 5 + 1.8 * log2(block.size[0]), h, 0.3 * h


def high(size: Size, largest: int) -> float:
    """The height of a body: with the square root of its rows, or the small ones would vanish."""
    return LOWEST + (TALLEST - LOWEST) * ((size[1] if len(size) == 3 else 0) / largest) ** 0.5


def draw_card(canvas: Canvas, card: Card, box: tuple[float, float, float, float], largest: int, tight: bool) -> None:
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
    lines = lines_of(card, tight)
    baseline = y + h - PAD - 15 * (len(lines) - 1) - 2
    for words, bold in lines:
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
