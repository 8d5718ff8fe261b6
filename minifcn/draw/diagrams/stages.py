"""A network as cards on a grid: its trunk from left to right on top, below it the scores, and the way back up to the picture's size."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from minifcn import nn
from minifcn.models.geometry import sizes
from minifcn.models.geometry.field import Field
from minifcn.models.summary import branches_rows, layer_row
from minifcn.models.trunks.trunk import Branches

Size = tuple[int, ...]  # (C, H, W), or (C,) where there is no map left


@dataclass
class Block:
    """Layers that are drawn as one body: convolutions in a row, or a pool. `names`: those worth naming; `size`: what comes out."""

    kind: str  # "convolution" or "pool"
    names: list[str]
    layers: list[str]
    size: Size
    stride: int
    tap: str | None = None  # the map that a head reads
    works: int = 0  # how many layers with weights


@dataclass
class Card:
    """A box at (row, column). `kind`: "picture", "stage", "score", "upsampling", "join", "output" or "title"."""

    kind: str
    row: int
    column: int
    name: str
    notes: list[str]
    size: Size | None
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True)
class Path:
    """An arrow between two cards by their numbers. `kind`: "along" a row, "down" a column, or "round" other cards that stand between."""

    kind: str
    source: int
    target: int
    skip: bool = False


@dataclass
class Grid:
    cards: list[Card] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)

    def add(self, card: Card) -> int:
        self.cards.append(card)
        return len(self.cards) - 1

    @property
    def rows(self) -> int:
        return 1 + max((card.row for card in self.cards), default=-1)


def by_x(size: Size) -> str:
    """A size as it is drawn.

    >>> by_x((21, 500, 375))
    '21×500×375'
    """
    return "×".join(map(str, size))


def add_network(grid: Grid, model: Any, size: tuple[int, int], title: str = "") -> int:
    """Put `model` below what the grid holds. Returns the number of the card with its (last) result."""
    trunk = getattr(model, "backbone", model)
    layers = named_layers(trunk)
    heads = dict(getattr(model, "heads", {})) if trunk is not model else {}
    if hasattr(model, "score_fr"):
        heads = {"": model}
    taps = {head_tap(trunk)} if hasattr(model, "classifier") else set()
    if heads:
        taps = {trunk.heads[max(trunk.heads)]} | {skip.source for head in heads.values() for skip in head.skips}
    maps = sizes(model, size) if heads else {}  # refuses a picture that is too small
    row, channels = grid.rows, first_channels(trunk)
    columns = stages(blocks_of(layers, (1, channels, *size), taps))
    note = [title] if title else []
    last = grid.add(Card("picture", row, 0, "picture", note, (channels, *size)))
    at: dict[str, int] = {}  # a map that is read -> the card it is in
    for column, blocks in enumerate(columns, start=1):
        card = grid.add(Card("stage", row, column, blocks[0].names[0], [], blocks[-1].size, blocks))
        grid.paths.append(Path("along", last, card))
        at |= {block.tap: card for block in blocks if block.tap}
        last = card
    for number, (name, head) in enumerate(heads.items()):
        prefix = f"heads.{name}." if name else ""
        own = {key[len(prefix) :]: value for key, value in maps.items() if key.startswith(prefix)}
        last = add_head(grid, head, trunk, own, at, name, number)
    if hasattr(model, "classifier"):
        last = add_classifier(grid, model, grid.cards[last].size or (), last)
    return last


def head_tap(trunk: Any) -> str:
    return trunk.heads[max(trunk.heads)]


def named_layers(trunk: Any) -> Sequence[tuple[str, nn.Module]]:
    if hasattr(trunk, "named_layers"):
        return list(trunk.named_layers())
    layers = trunk.layers if isinstance(trunk, nn.Sequential) else trunk
    if not isinstance(layers, list | tuple) or not all(isinstance(layer, nn.Module) for layer in layers):
        raise ValueError(
            f"draw.architecture: cannot follow {type(trunk).__name__}; expected an FCN, a network with a `backbone`, a Backbone, or "
            "layers in a row (Sequential, list)"
        )
    return [(str(number), layer) for number, layer in enumerate(layers)]


def first_channels(trunk: Any) -> int:
    for _, layer in named_layers(trunk):
        for parameter in layer.parameters():
            groups = getattr(layer, "options", {}).get("groups", 1)
            return parameter.shape[1] * groups
    return 3


def blocks_of(layers: Sequence[tuple[str, nn.Module]], shape: tuple[int, ...], taps: set[str]) -> list[Block]:
    """The layers one after the other, in blocks: a pool is one by itself, convolutions stay together up to a pool, a stride or a tap."""
    blocks: list[Block] = []
    where, flat = Field(), False
    for name, layer in layers:
        shape, where = after(name, layer, shape, where)
        flat = flat or isinstance(layer, nn.Linear)
        size = shape[1:2] if flat else shape[1:]
        works = any(True for _ in layer.parameters())
        pool = isinstance(layer, nn.MaxPool2d | nn.AvgPool2d)
        open_ = bool(blocks) and not blocks[-1].tap and blocks[-1].kind == "convolution" and strides(layer) == 1
        if pool or (works and not open_) or not blocks:
            blocks.append(Block("pool" if pool else "convolution", [name], [], size, int(where.stride)))
        elif works or isinstance(layer, nn.LocalResponseNorm):
            blocks[-1].names.append(name)
        block = blocks[-1]
        block.layers.append(name)
        block.size, block.stride, block.works = size, int(where.stride), block.works + works
        if name in taps:
            block.tap = name
    return blocks


def strides(layer: nn.Module) -> int:
    window = getattr(layer, "window", None)
    return 1 if window is None or isinstance(layer, Branches) else max(window.stride)


def after(name: str, layer: nn.Module, shape: Any, where: Field) -> tuple[tuple[int, ...], Field]:
    """Shape and field behind `layer`."""
    if isinstance(layer, nn.Linear):
        return (shape[0], layer.weight.shape[0], 1, 1), where
    row = (
        branches_rows(name, layer, shape, where)[-1]
        if isinstance(layer, Branches)
        else layer_row(name, layer, shape, where)
    )
    if min(row.shape) < 1:
        raise ValueError(
            f"draw.architecture: {name} would have {row.shape[2]}×{row.shape[3]} cells for this picture; give a larger size"
        )
    return row.shape, row.field


def stages(blocks: Sequence[Block]) -> list[list[Block]]:
    """Blocks in columns: convolutions and the pool that follows them; no column has two maps that heads read."""
    columns: list[list[Block]] = []
    for block in blocks:
        joins = bool(columns) and block.kind == "pool" and columns[-1][-1].kind == "convolution"
        if joins and not (block.tap and columns[-1][-1].tap):
            columns[-1].append(block)
        else:
            columns.append([block])
    return columns


def add_head(
    grid: Grid, head: Any, trunk: Any, maps: dict[str, tuple[int, int]], at: dict[str, int], title: str, number: int
) -> int:
    """Scores in one row below the trunk; then a row for each doubling, which ends in a join, one column further left or more."""
    row, classes = grid.rows, head.score_fr.weight.shape[0]
    if title:
        grid.add(Card("title", row, 0, title, [f"{classes} classes"], None))

    def score(name: str, tap: str, scale: float) -> int:
        notes = [f"1×1 of {tap}"] + ([f"input × {scale:g}"] if scale != 1 else [])
        card = grid.add(Card("score", row, grid.cards[at[tap]].column, name, notes, (classes, *maps[name])))
        grid.paths.append(Path("round" if number else "down", at[tap], card, skip=name != "score_fr"))
        return card

    last = score("score_fr", head_tap(trunk), 1)
    finer = {skip.source: score(f"score_{skip.source}", skip.source, skip.scale) for skip in head.skips}
    for step, skip in enumerate(head.skips, start=1):
        last = add_upsampling(grid, f"upscore_{skip.stride}s", head, classes, maps, row + step, last)
        name = f"fuse_{skip.source}"
        notes = [f"{head.fusion}, cut {skip.offset}" if skip.offset else head.fusion]
        column = grid.cards[finer[skip.source]].column
        card = grid.add(Card("join", row + step, column, name, notes, (classes, *maps[name])))
        grid.paths += [Path("along", last, card), Path("down", finer[skip.source], card, skip=True)]
        last = card
    row += len(head.skips) + 1
    up = add_upsampling(grid, "upscore", head, classes, maps, row, last)
    notes = [f"cut {head.offset}"] if head.offset else []
    card = grid.add(Card("output", row, 0, "score", notes, (classes, *maps["score"])))
    grid.paths.append(Path("along", up, card))
    return card


def add_upsampling(
    grid: Grid, name: str, head: Any, classes: int, maps: dict[str, tuple[int, int]], row: int, source: int
) -> int:
    """The transposed convolution `name`, below the map that it enlarges."""
    layer = getattr(head, name)
    how = "learned" if layer.weight.requires_grad else "bilinear"
    column = grid.cards[source].column
    card = grid.add(
        Card("upsampling", row, column, name, [f"×{layer.window.stride[0]}, {how}"], (classes, *maps[name]))
    )
    grid.paths.append(Path("down", source, card))
    return card


def add_classifier(grid: Grid, model: Any, size: Size, source: int) -> int:
    """The last layer of a Classifier or a HeatMap, below the trunk's end."""
    layer, row, column = model.classifier, grid.rows, grid.cards[source].column
    classes = layer.weight.shape[0]
    full = isinstance(layer, nn.Linear)
    note = "fully connected" if full else f"1×1 of {head_tap(model.backbone)}"
    card = grid.add(Card("score", row, column, "classifier", [note], (classes,) if full else (classes, *size[1:])))
    grid.paths.append(Path("down", source, card))
    if not full and hasattr(model, "side") and type(model).__name__ == "Classifier":
        mean = grid.add(Card("output", row + 1, column, "mean", ["over all cells"], (classes,)))
        grid.paths.append(Path("down", card, mean))
        return mean
    return card
