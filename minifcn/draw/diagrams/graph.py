"""`graph`: the graph of a computation as a picture, its inputs on top and the loss below. A whole network is folded by its modules."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from minifcn.autodiff.engine import Tensor
from minifcn.autodiff.profiler import Profile
from minifcn.draw.diagrams.folding import Box, Link, folded
from minifcn.draw.diagrams.layers import plan
from minifcn.draw.diagrams.svg import (
    LETTERS,
    LINE,
    SMALL,
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
from minifcn.draw.diagrams.tracing import trace
from minifcn.nn import Module

# kind of box: fill, outline, and what the legend calls it
LOOKS = {
    "leaf": ("#d6ebfa", "#3d7fb0", "input"),
    "parameter": ("#ffe7bd", "#b5790f", "parameter"),
    "operation": ("#eceff2", "#76808a", "operation"),
    "module": ("#e3dcf8", "#7c63c4", "part of the network, folded"),
    "result": ("#fbd5d5", "#c25050", "result"),
}
PLAIN = "#ffffff"
MARGIN, PAD = 12, 9
WIDEST = 236  # pixels: of a box; longer words lose their beginning


def graph(
    loss: Tensor | Sequence[Tensor] | Mapping[str, Tensor],
    *,
    model: Module | None = None,
    names: Mapping[str, Tensor] | None = None,
    profile: Profile | None = None,
    unfold: str | Iterable[str] | bool | None = None,
) -> "ComputationGraph":
    """The graph of a computation as a picture: what `loss` was made from. A notebook shows it; `.save("graph.svg")` writes it.

    `loss`: a Tensor, or several (a list, a dict by name), before `backward()`, which drops the graph on its way. Boxes are leaves,
    parameters, operations and results with their shapes; an arrow is a use of a tensor, dashed where no gradient comes back along it.

    Graphs of many operations are folded by module. `unfold`: names of parts to open ("backbone", ["backbone", "backbone.fire2"]),
    "" for the network alone, True for all operations, () to fold all that can be folded. The network that was called names its parameters; `names` tells more names,
    {"x": x, "w": w}; `model` is needed only where its layers were called one by one. `profile`: the `mf.profile()` that watched, for
    time and memory in each box; it is read when the picture is drawn, so a backward that runs before you look is in it:

    >>> import numpy as np, minifcn as mf
    >>> w = mf.Tensor(np.ones(3), requires_grad=True)
    >>> picture = mf.draw.graph((w * w).sum(), names={"w": w})
    >>> [box.name for box in picture.boxes], len(picture.arrows)
    (['w', 'Mul', 'Sum', 'loss'], 4)
    """
    results = as_results(loss)
    boxes, arrows = folded(trace(results, model, names or {}), unfold)
    picture = ComputationGraph(boxes, arrows, profile)
    if profile is not None and not picture.costs():
        raise ValueError(
            "draw.graph: the profile has seen no operation of this graph; run the forward inside `with mf.profile() as p:` and draw that"
        )
    return picture


def as_results(loss: Any) -> dict[str, Tensor]:
    """The results to draw, by name. TypeError for what is no Tensor, ValueError for one without a graph."""
    several = loss if isinstance(loss, Mapping) else None
    if isinstance(loss, list | tuple):
        several = {f"result {place}": each for place, each in enumerate(loss)}
    if several is None:
        several = {"loss" if isinstance(loss, Tensor) and loss.size == 1 else "result": loss}
    if not several:
        raise ValueError("draw.graph: there are no results; give the loss, or another Tensor")
    for name, tensor in several.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"draw.graph: {name} is of type {type(tensor).__name__}; expected a Tensor, such as the loss"
            )
        if not tensor.requires_grad:
            raise ValueError(
                f"draw.graph: {name} has no graph: no input of it requires a gradient, or it was made inside no_grad(). "
                "Make it from parameters or from a Tensor with requires_grad=True, outside of no_grad()"
            )
    return {str(name): tensor for name, tensor in several.items()}


class ComputationGraph(Picture):
    """What `draw.graph` gives. `boxes` and `arrows` (by the boxes' numbers) are what is drawn; they hold no array."""

    def __init__(self, boxes: list[Box], arrows: list[Link], profile: Profile | None = None) -> None:
        self.boxes, self.arrows, self.profile = boxes, arrows, profile

    @property
    def label(self) -> str:  # type: ignore[override]
        ends = [box.name for box in self.boxes if box.kind == "result"]
        operations = sum(box.operations for box in self.boxes)
        what = f"{operations} operation{'s' if operations != 1 else ''}"
        return f"Graph of the computation of {', '.join(ends)}: {what} in {len(self.boxes)} boxes with {len(self.arrows)} arrows"

    @property
    def svg(self) -> str:
        costs = self.costs()
        words = [lines_of(box, costs.get(at)) for at, box in enumerate(self.boxes)]
        sizes = {at: size_of(lines) for at, lines in enumerate(words)}
        ends = [(arrow.source, arrow.target) for arrow in self.arrows]
        found = plan(sizes, ends, WIDTH - 2 * MARGIN, [arrow.tensor for arrow in self.arrows])
        canvas = Canvas()
        entries = legend(self.boxes, self.arrows)
        _, legend_width, legend_height = legend_size(entries)
        wide = max(found.width, legend_width)
        left = MARGIN + (wide - found.width) / 2
        for arrow, route in zip(self.arrows, found.routes, strict=True):
            self.draw_arrow(canvas, arrow, [(left + x, MARGIN + y) for x, y in route])
        for at, (box, lines) in enumerate(zip(self.boxes, words, strict=True)):
            place = found.places[at]
            draw_box(canvas, box, lines, left + place.x - sizes[at][0] / 2, MARGIN + place.y, sizes[at])
        y = MARGIN + found.height + 22
        draw_legend(canvas, entries, MARGIN + wide / 2, y)
        return canvas.svg(wide + 2 * MARGIN, y + legend_height + MARGIN, self.label)

    def draw_arrow(self, canvas: Canvas, arrow: Link, route: list[tuple[float, float]]) -> None:
        back = "the gradient comes back in that shape" if arrow.gradient else "no gradient comes back"
        ends = f"{self.boxes[arrow.source].name} to {self.boxes[arrow.target].name}"
        canvas.begin("arrow", f"{ends}: {arrow.shape}; {back}")
        x, y = route[0]
        path = [f"M{number(x)} {number(y)}"]
        for at, (nx, ny) in enumerate(route[1:], start=1):
            last = at == len(route) - 1
            if at % 2:  # straight down
                path.append(f"V{number(ny - 6 if last else ny)}")
            else:
                middle = (y + ny) / 2
                path.append(f"C{number(x)} {number(middle)} {number(nx)} {number(middle)} {number(nx)} {number(ny)}")
            x, y = nx, ny
        canvas.line(" ".join(path), dashed=not arrow.gradient)
        canvas.head(x, y, 0, 1)
        canvas.end()

    def costs(self) -> dict[int, tuple[float, float, int]]:
        """Seconds forward, seconds backward and bytes of new arrays of each box that the profile has seen."""
        if self.profile is None:
            return {}
        box_of = {number: at for at, box in enumerate(self.boxes) for number in box.functions}
        found: dict[int, list[float]] = {}
        for event in list(self.profile.events):
            at = box_of.get(event.number)
            if at is not None:
                cost = found.setdefault(at, [0.0, 0.0, 0])
                cost[event.direction == "backward"] += event.seconds
                cost[2] += event.bytes
        return {at: (forward, backward, int(size)) for at, (forward, backward, size) in found.items()}


def milliseconds(seconds: float) -> str:
    """Three digits or so.

    >>> milliseconds(0.00000734), milliseconds(0.0523), milliseconds(2.5)
    ('0.00734 ms', '52.3 ms', '2.5 s')
    """
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1e3 * seconds:.3g} ms"


def memory(size: int) -> str:
    """Bytes in the unit that suits.

    >>> memory(0), memory(800), memory(3 * 2**20)
    ('0 B', '800 B', '3 MiB')
    """
    for unit, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} B"


def lines_of(box: Box, cost: tuple[float, float, int] | None) -> list[str]:
    """The words in a box, line by line; the first is its name."""
    lines = [".".join(box.name.split(".")[-2:]) if box.kind == "parameter" else box.name]
    if box.kind == "operation" and box.of not in ("", box.name):
        lines.append(f"in {box.of}")
    if box.kind == "module":
        parts = "" if box.operations == 1 else f", {box.operations} operations"
        lines += [f"{box.of}{parts}"] if box.of != box.name or parts else []
        lines += [f"{box.parameters:,} parameters"] if box.parameters else []
    lines += [f"{maker} {shape}".strip() for maker, shape in box.results]
    if box.value:
        lines.append(f"value {box.value}")
    if box.kind in ("leaf", "parameter"):
        shape = box.results[0][1]
        have = f"gradient {box.slope or shape or ''}".strip() + ("" if box.stored else ", none yet")
        lines.append(have if box.gradient else "no gradient")
    if cost is not None:
        lines.append(f"forward {milliseconds(cost[0])}")
        lines += [f"backward {milliseconds(cost[1])}"] if cost[1] else []
        lines.append(f"new arrays {memory(cost[2])}")
    room = WIDEST - 2 * PAD
    return [shortened(line, room, SMALL if at else LETTERS, not at) for at, line in enumerate(lines)]


def size_of(lines: list[str]) -> tuple[float, float]:
    width = max(text_width(line, SMALL if at else LETTERS, not at) for at, line in enumerate(lines))
    return max(64.0, width + 2 * PAD), 2 * PAD + LETTERS + (SMALL + 4) * (len(lines) - 1)


def draw_box(canvas: Canvas, box: Box, lines: list[str], x: float, y: float, size: tuple[float, float]) -> None:
    fill, outline, kind = LOOKS[box.kind]
    shapes = ", ".join(str(shape) for _, shape in box.results)
    canvas.begin(box.kind, f"{box.full} ({kind}): {shapes} {box.dtype}".rstrip())
    canvas.rect(x, y, *size, fill, outline, 12 if box.kind in ("leaf", "result") else 4, not box.gradient)
    baseline = y + PAD + LETTERS - 2
    for at, line in enumerate(lines):
        canvas.text(x + size[0] / 2, baseline, line, SMALL if at else LETTERS, not at)
        baseline += SMALL + 4
    canvas.end()


def legend(boxes: list[Box], arrows: list[Link]) -> list[Entry]:
    """What the colours and lines mean."""
    kinds = {box.kind for box in boxes}
    entries = [Entry(words, fill, outline) for kind, (fill, outline, words) in LOOKS.items() if kind in kinds]
    entries.append(Entry("arrow: a use; its gradient comes back", PLAIN, LINE))
    if not all(arrow.gradient for arrow in arrows):
        entries.append(Entry("dashed: no gradient", PLAIN, LINE, True))
    return entries
