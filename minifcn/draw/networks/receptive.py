"""What a cell of a layer sees: its receptive field drawn on a picture, and how much each pixel of it counts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, withStroke

from minifcn.autodiff.engine import Tensor
from minifcn.draw.curves import GREY, INK, PLATE, STAGE_COLOURS, WIDTH, style
from minifcn.models.geometry import field_of, seen, sizes
from minifcn.models.geometry.field import Field, along
from minifcn.models.geometry.maps import maps_of, run_to
from minifcn.models.preprocessing import Preprocessing
from minifcn.nn import Module

# from the outermost square inward; vermilion is left for the gradient
COLOURS = tuple(colour for colour in STAGE_COLOURS if colour != "#D55E00")
HEAT = LinearSegmentedColormap.from_list("gradient", [(*to_rgb("#D55E00"), 0.0), (*to_rgb("#D55E00"), 1.0)])
PADDED, BLANK = "#ececec", "#d4dde4"
MOST_LINES = 70  # of the grid along one side: a finer one would hide the picture
DASHES: Any = (0, (3, 2))
Box = tuple[range, range]


def receptive_field(
    model: Module,
    layer: str | Sequence[str],
    row: int | None = None,
    column: int | None = None,
    picture: np.ndarray | None = None,
    *,
    size: tuple[int, int] = (375, 500),
    effective: int = 0,
    seed: int = 0,
) -> Figure:
    """The square of the picture that cell (row, column) of `layer` sees, the grid of the layer's cells, and padding where it sees that.

    `layer`: a name as in `geometry.fields` ("pool3", "fc6", "score"), or several, drawn as nested squares: the cell is one of the last
    of them, of the others the cell that lies nearest. Without `row` and `column`: the cell nearest to the middle. `picture`: uint8
    (H, W, 3); without it an empty one of `size` (H, W). `effective`: from how many gradients to measure how much each pixel counts
    (`effective_field`); 0 for none. The figure tells within which middle square half of the gradient lies.
    """
    names = [layer] if isinstance(layer, str) else list(layer)
    if not names:
        raise ValueError('receptive_field: no layer; give a name, such as "pool3", or several')
    check_picture(picture)
    size = size if picture is None else (picture.shape[0], picture.shape[1])
    cells = chosen_cells(model, names, row, column, size)
    main, (y, x), count = field_of(model, names[-1]), cells[names[-1]], sizes(model, size)[names[-1]]
    seen(model, names[-1], y, x, size)  # refuses a cell that is not there
    boxes = {name: seen(model, name, *cell) for name, cell in cells.items()}
    order = sorted(names, key=lambda name: -len(boxes[name][0]))  # the widest first: the others lie on it
    with style():
        top, left, bottom, right = bounds([*boxes.values(), padded(size, first_padding(model))])
        plot = WIDTH - (1.6 if effective else 0.8)  # inches: what the letters at the sides leave
        height = plot * (bottom - top) / (right - left) + 0.19 * (len(names) + 5)
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.add_subplot()
        ground(axes, picture, size, first_padding(model), faded=effective > 0)
        notes: list[Any] = grid(axes, main, count, names[-1])
        if effective:
            shown = picture_or_noise(picture, size, seed)
            share = effective_field(model, names[-1], y, x, shown, effective, seed)
            notes.append(heat(figure, axes, share, boxes[names[-1]], effective))
        squares = []
        for name, colour in zip(order, COLOURS * (1 + len(order) // len(COLOURS)), strict=False):
            squares.append(square(axes, boxes[name], size, colour, name))
            squares[-1].set_label(in_words(name, cells[name], boxes[name], field_of(model, name)))
        place = (float(main.place(x)), float(main.place(y)))
        axes.plot(*place, "+", color=INK, markersize=8, markeredgewidth=1.6, path_effects=halo(3), zorder=5)
        axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
        axes.set_xlabel("column of the picture")
        axes.set_ylabel("row")
        axes.spines[["top", "right"]].set_visible(False)
        if any(box != clipped(box, size) for box in boxes.values()):
            notes.append(Line2D([], [], color=GREY, linestyle=DASHES, label="outside of the picture: padding, zeros"))
        figure.legend(handles=[*squares, *notes], loc="outside lower center", frameon=False, fontsize=8)
    return figure


def chosen_cells(
    model: Module, names: Sequence[str], row: int | None, column: int | None, size: tuple[int, int]
) -> dict[str, tuple[int, int]]:
    """A cell for each layer: (row, column) of the last, or the one nearest to the middle of the picture; of the others the nearest to that."""
    found = sizes(model, size)
    main, (rows, columns) = field_of(model, names[-1]), found.get(names[-1], (1, 1))
    y = nearest(main, (size[0] - 1) / 2, rows) if row is None else row
    x = nearest(main, (size[1] - 1) / 2, columns) if column is None else column
    cells = {}
    for name in names[:-1]:
        field, (rows, columns) = field_of(model, name), found[name]
        cells[name] = nearest(field, float(main.place(y)), rows), nearest(field, float(main.place(x)), columns)
    return cells | {names[-1]: (y, x)}


def effective_field(
    model: Module, layer: str, row: int, column: int, picture: np.ndarray, cotangents: int = 8, seed: int = 0
) -> np.ndarray:
    """How much each pixel counts for cell (row, column) of `layer`: float32 (H, W), which sums to 1.

    The magnitude of the gradient of a random sum over the cell's channels, added over the colours and averaged over so many
    random sums. `picture`: uint8 (H, W, 3). The model is run in eval() and left as it was; its own gradients are not touched.
    Raises ValueError where the gradient is zero: nothing that the cell sees changes it.
    """
    prepare = getattr(model, "preprocessing", None) or Preprocessing()
    rng = np.random.default_rng(seed)
    total = np.zeros(picture.shape[:2], np.float32)
    with looking(model):
        for _ in range(cotangents):
            x = Tensor(prepare(picture), requires_grad=True)
            y = run_to(model, layer, x)
            cotangent = np.zeros(y.shape, np.float32)
            cotangent[0, :, row, column] = rng.standard_normal(y.shape[1])
            y.backward(cotangent)
            assert x.grad is not None
            total += np.abs(x.grad[0]).sum(0)
    if not total.any():
        raise ValueError(
            f"effective_field: no pixel changes {layer} at ({row}, {column}): it sees padding alone, or the weights behind it are zero, as those "
            "of score layers are before training"
        )
    return total / total.sum()


@contextmanager
def looking(model: Module) -> Iterator[None]:
    """No dropout and no gradients of parameters meanwhile; everything as before afterwards."""
    training = [(module, module.training) for module in model.modules()]
    trained = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    try:
        model.eval()
        for parameter, _ in trained:
            parameter.requires_grad = False
        yield
    finally:
        for module, mode in training:
            module.training = mode
        for parameter, mode in trained:
            parameter.requires_grad = mode


def half_side(share: np.ndarray, rows: range, columns: range) -> int:
    """The side of the least square round the middle of the field that holds half of `share`, which sums to 1."""
    y = np.abs(np.arange(share.shape[0]) - (rows[0] + rows[-1]) / 2)
    x = np.abs(np.arange(share.shape[1]) - (columns[0] + columns[-1]) / 2)
    away = np.maximum(y[:, None], x[None, :])  # from the middle, as squares count it
    order = np.argsort(away, axis=None)
    last = int(np.searchsorted(np.cumsum(share.ravel()[order], dtype=np.float64), 0.5))
    return int(2 * away.ravel()[order[min(last, share.size - 1)]]) + 1


def check_picture(picture: Any) -> None:
    if picture is not None and (picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8):
        raise ValueError(f"receptive_field: picture is {picture.dtype} {picture.shape}, expected uint8 (H, W, 3)")


def picture_or_noise(picture: np.ndarray | None, size: tuple[int, int], seed: int) -> np.ndarray:
    """An empty picture would switch off what answers to edges: noise in its place."""
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8) if picture is None else picture


def first_padding(model: Module) -> int:
    """Pixels of zeros round the picture that the first layer adds."""
    first = maps_of(model)[0].layer
    return along(first.window, type(first).__name__)[2] if first is not None and hasattr(first, "window") else 0


def nearest(field: Field, pixel: float, count: int) -> int:
    """The cell of `count` whose middle lies nearest to `pixel`."""
    return int(np.clip(round((pixel - float(field.centre)) / float(field.stride)), 0, count - 1))


def padded(size: tuple[int, int], padding: int) -> Box:
    """The rows and columns of a picture and its padding."""
    return range(-padding, size[0] + padding), range(-padding, size[1] + padding)


def clipped(box: Box, size: tuple[int, int]) -> Box:
    """The part of `box` that lies on the picture."""
    rows, columns = (range(max(each.start, 0), min(each.stop, side)) for each, side in zip(box, size, strict=True))
    return rows, columns


def bounds(boxes: Sequence[Box]) -> tuple[float, float, float, float]:
    """Top, left, bottom, right of what is shown: all of the boxes and a little air, most of it on top, where a name stands."""
    top, left = (min(box[axis].start for box in boxes) for axis in (0, 1))
    bottom, right = (max(box[axis].stop for box in boxes) for axis in (0, 1))
    air = 0.015 * max(bottom - top, right - left)
    return top - 4 * air, left - air, bottom + air, right + air


def ground(axes: Axes, picture: np.ndarray | None, size: tuple[int, int], padding: int, faded: bool) -> None:
    """The picture where it lies, grey and pale under a heat map, and the padding round it."""
    h, w = size
    around = (-0.5 - padding, -0.5 - padding)
    axes.add_patch(Rectangle(around, w + 2 * padding, h + 2 * padding, facecolor=PADDED, edgecolor="none", zorder=0))
    if picture is None:
        axes.add_patch(Rectangle((-0.5, -0.5), w, h, facecolor=BLANK, edgecolor="none", zorder=0.5))
        return
    shown = picture
    if faded:
        shown = np.repeat(picture.mean(2, keepdims=True) * 0.45 + 255 * 0.55, 3, 2).astype(np.uint8)
    axes.imshow(shown, extent=(-0.5, w - 0.5, h - 0.5, -0.5), interpolation="bilinear", zorder=0.5)


def grid(axes: Axes, field: Field, count: tuple[int, int], name: str) -> list[Line2D]:
    """Thin lines between the cells of the layer, each of which stands for a square of its stride; with their legend entry."""
    if field.stride == 1 or max(count) > MOST_LINES:
        return []
    ends = [[float(field.place(cell) - field.stride / 2) for cell in range(n + 1)] for n in count]
    for colour, width in (("white", 1.1), (GREY, 0.5)):  # light under dark: seen on any picture
        look: Any = {"color": colour, "linewidth": width, "alpha": 0.45, "zorder": 1}
        axes.hlines(ends[0], ends[1][0], ends[1][-1], **look)
        axes.vlines(ends[1], ends[0][0], ends[0][-1], **look)
    return [Line2D([], [], color=GREY, linewidth=0.6, label=f"grid: the {count[0]} x {count[1]} cells of {name}")]


def heat(figure: Figure, axes: Axes, share: np.ndarray, box: Box, count: int) -> Rectangle:
    """How much each pixel counts, as depth of colour, and a dotted square that holds half of it."""
    h, w = share.shape
    depth = share / np.quantile(share[share > 0], 0.995)  # a few pixels far above the rest would leave it pale
    drawn = axes.imshow(depth, HEAT, vmin=0, vmax=1, extent=(-0.5, w - 0.5, h - 0.5, -0.5), zorder=1.5)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.6, pad=0.02, ticks=[0, 1])
    bar.ax.set_yticklabels(["none", "most"])
    bar.set_label(f"|gradient|, mean of {count}", color=INK)
    side = half_side(share, *box)
    y, x = ((span[0] + span[-1]) / 2 for span in box)
    look: Any = {"fill": False, "edgecolor": "#8a3c00", "linewidth": 1.4, "linestyle": ":"}
    axes.add_patch(Rectangle((x - side / 2, y - side / 2), side, side, zorder=2.5, **look))
    return Rectangle((0, 0), 1, 1, label=f"half of the gradient: {side} x {side} pixels", **look)


def square(axes: Axes, box: Box, size: tuple[int, int], colour: str, name: str) -> Line2D:
    """The outline of what is seen, solid on the picture and dashed outside of it, with the layer's name at its corner."""
    rows, columns = box
    corner, height, width = (columns.start - 0.5, rows.start - 0.5), len(rows), len(columns)
    look: Any = {"fill": False, "edgecolor": colour, "linewidth": 2, "zorder": 3}
    axes.add_patch(Rectangle(corner, width, height, linestyle=DASHES, **look))
    solid = axes.add_patch(Rectangle(corner, width, height, path_effects=halo(3.4), **look))
    solid.set_clip_path(Rectangle((-0.5, -0.5), size[1], size[0], transform=axes.transData))
    axes.annotate(
        name, corner, (1, 4), textcoords="offset points", color=colour, va="bottom", fontsize=8, weight="bold", bbox=PLATE, zorder=4
    )  # fmt: skip
    return Line2D([], [], color=colour, linewidth=2)


def halo(width: float) -> list[Any]:
    return [withStroke(linewidth=width, foreground="white", alpha=0.7), Normal()]


def in_words(name: str, cell: tuple[int, ...], box: Box, field: Field) -> str:
    return f"{name}, cell ({cell[0]}, {cell[1]}): sees {len(box[0])} x {len(box[1])} pixels, stride {field.stride}"
