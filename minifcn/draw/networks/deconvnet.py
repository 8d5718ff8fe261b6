"""What in a photograph made one cell fire: the deconvnet of Zeiler & Fergus 2014. It is not the deconvolution of the FCN paper.

The paper's deconvolution is a layer that is learned and makes coarse scores finer. A deconvnet learns nothing. It looks at a net that is
there already: it keeps one activation, sets all others of its map to zero and carries it back to the pixels,
- through a pool to the place where the maximum was ("switches"),
- through a ReLU by setting negative values to zero, whatever the map held on the way up,
- through a convolution by its own filters, transposed.
That is the backward pass with another rule for ReLU, and so it is computed: the graph of an ordinary forward is walked, its ReLUs get the
other rule, normalisation passes all. Windows of overlapping pools that share a maximum add up, as gradients do.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from minifcn import backend, nn
from minifcn.autodiff.engine import Function, Tensor
from minifcn.autodiff.walk import children_first, is_leaf
from minifcn.draw.pictures.legend import FRAME as EDGE
from minifcn.draw.pictures.legend import INK, PAPER, font_for
from minifcn.models.fcn import FCN
from minifcn.models.geometry import Field
from minifcn.models.preprocessing import Preprocessing
from minifcn.models.trunks.backbones import Backbone
from minifcn.ops.activation import LocalResponseNorm, Relu

TILE, GAP, TEXT = 150, 8, 13  # pixels: side of a tile, gaps, letters
BRIGHTEST = 0.995  # of the numbers of a signal lie below full contrast: a few bright points would leave the rest grey
# of the columns; Okabe and Ito's, which stay apart for colour-blind readers
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


class Projection(NamedTuple):
    """One activation carried back to the pixels.

    `signal` (H, W, 3), in RGB: how the net's own filters draw what they saw. `box`: (top, left, bottom, right), the pixels of `picture`
    that the cell sees. `value`: the activation at `cell` (row, column) of `channel` of `layer`.
    """

    layer: str
    channel: int
    cell: tuple[int, int]
    value: float
    box: tuple[int, int, int, int]
    picture: np.ndarray
    signal: np.ndarray


def deconvnet(
    model: FCN | Backbone | nn.Sequential,
    layer: str | int,
    picture: np.ndarray,
    channel: int | None = None,
    cell: tuple[int, int] | None = None,
    *,
    preprocessing: Preprocessing | None = None,
) -> Projection:
    """Project the strongest activation of a channel of `layer` back to the pixels of `picture`, uint8 (H, W, 3).

    `layer`: a name of the trunk, or a number in a Sequential. `channel`: the one with the strongest activation of all unless given.
    `cell` (row, column): another place than the strongest whose field has its middle in the picture. `preprocessing`: the model's own where it is an FCN, else needed.
    Dropout is off and no gradient is left behind. Raises ValueError for a name, channel or cell that is not there and for a channel that is
    nowhere above zero.
    """
    preprocessing = preprocessing or getattr(model, "preprocessing", None)
    if preprocessing is None:
        raise ValueError(
            "deconvnet: a trunk does not know how its pictures are prepared; give preprocessing=, for example Preprocessing()"
        )
    picture = np.asarray(picture)
    if picture.ndim != 3:
        raise ValueError(f"deconvnet: picture has shape {picture.shape}; expected one picture, uint8 (H, W, 3)")
    layers = layers_to(model, layer)
    with untouched(layers):
        given, maps = forward(layers, preprocessing(picture))
        field = Field().through(layers)
        channel, cell = chosen(in_view(maps.data, field, picture.shape), channel, cell, layer)
        value = float(maps.data[0, channel][cell])
        signal = project(maps, given, channel, cell)[0].transpose(1, 2, 0)  # (H, W, 3)
    if preprocessing.channels == "bgr":
        signal = signal[:, :, ::-1]
    box = field_box(field, cell, picture.shape)
    return Projection(str(layer), channel, cell, value, box, picture, signal)


def forward(layers: list[nn.Module], x: np.ndarray) -> tuple[Tensor, Tensor]:
    """The leaf x, in the parameters' dtype and on their device, and the maps made from it."""
    net = nn.Sequential(*layers)
    like = next(net.parameters(), None)
    if like is not None:
        x = backend.to_device(x.astype(like.dtype), like.device)
    given = Tensor(x, requires_grad=True)
    return given, net(given)


def strongest(
    model: FCN | Backbone | nn.Sequential,
    layer: str | int,
    picture: np.ndarray,
    count: int = 4,
    *,
    preprocessing: Preprocessing | None = None,
) -> list[Projection]:
    """The projections of the `count` channels of `layer` that fire most strongly in `picture`, each at its strongest cell.

    Fewer where fewer fire at all. Arguments and errors as in `deconvnet`.
    """
    best = deconvnet(model, layer, picture, preprocessing=preprocessing)
    layers, prepared = layers_to(model, layer), preprocessing or model.preprocessing  # type: ignore[union-attr]
    with untouched(layers):
        maps = forward(layers, prepared(picture))[1].data
    peaks = in_view(maps, Field().through(layers), np.shape(picture)).max((1, 2))
    order = [int(channel) for channel in np.argsort(-peaks, kind="stable") if peaks[channel] > 0]
    others = [deconvnet(model, layer, picture, channel, preprocessing=preprocessing) for channel in order[1:count]]
    return [best, *others]


def project(maps: Tensor, x: Tensor, channel: int, cell: tuple[int, int]) -> np.ndarray:
    """One activation of `maps` (1, C, OH, OW) carried back to the leaf `x` from which they were made: an array of x's shape."""
    start = np.zeros(maps.shape, maps.dtype)
    start[0, channel][cell] = maps.data[0, channel][cell]
    if maps.creator is not None:
        for node in children_first(maps.creator):
            if not is_leaf(node):
                set_rule(node)
    maps.backward(start)
    assert x.grad is not None
    return np.asarray(backend.to_device(x.grad, "cpu"))


def set_rule(function: Function) -> None:
    """The deconvnet's way back in place of the gradient's, for this call of the function alone."""
    if isinstance(function, Relu):
        vars(function)["backward"] = lambda signal: backend.array_module(signal).maximum(signal, 0)
    elif isinstance(function, LocalResponseNorm):
        vars(function)["backward"] = lambda signal: signal


def layers_to(model: Any, layer: str | int) -> list[nn.Module]:
    """The layers from the picture to `layer`, which is included; ValueError where there is none of that name."""
    trunk = getattr(model, "backbone", model)
    if isinstance(trunk, Backbone):
        if layer not in trunk.order:
            raise ValueError(f"deconvnet: there is no layer {layer!r}; the trunk has {', '.join(trunk.order)}")
        return trunk.layers_to(str(layer))
    if not isinstance(trunk, nn.Sequential):
        raise TypeError(f"deconvnet: got {type(model).__name__}; expected an FCN, a Backbone or an nn.Sequential")
    if not isinstance(layer, int) or not 0 <= layer < len(trunk):
        raise ValueError(f"deconvnet: there is no layer {layer!r}; the Sequential has layers 0 to {len(trunk) - 1}")
    return trunk.layers[: layer + 1]


@contextmanager
def untouched(layers: list[nn.Module]) -> Iterator[None]:
    """Inside, dropout is off and no parameter wants a gradient; afterwards all is as it was."""
    net = nn.Sequential(*layers)
    training = [(module, module.training) for module in net.modules()]
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    net.eval()
    for parameter in trained:
        parameter.requires_grad = False
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad = True
        for module, mode in training:
            module.training = mode


def in_view(maps: Any, field: Field, size: tuple[int, ...]) -> np.ndarray:
    """The activations (C, OH, OW), -inf where the middle of what a cell sees lies in the padding and not in the picture."""
    result = np.array(backend.to_device(maps[0], "cpu"))
    for axis in (0, 1):
        middles = np.array([float(field.centre + cell * field.stride) for cell in range(result.shape[1 + axis])])
        outside = (middles < 0) | (middles > size[axis] - 1)
        result[(slice(None),) * (1 + axis) + (outside,)] = -np.inf
    return result


def chosen(
    maps: np.ndarray, channel: int | None, cell: tuple[int, int] | None, layer: str | int
) -> tuple[int, tuple[int, int]]:
    """The channel and cell that are meant: the strongest of `maps` (C, OH, OW) where none is given."""
    channels, rows, columns = maps.shape
    if cell is not None and not (0 <= cell[0] < rows and 0 <= cell[1] < columns):
        raise ValueError(f"deconvnet: cell is {cell}; layer {layer} is {rows} x {columns} cells here")
    if channel is None:
        channel = int((maps.max((1, 2)) if cell is None else maps[:, cell[0], cell[1]]).argmax())
    if not 0 <= channel < channels:
        raise ValueError(f"deconvnet: channel is {channel}; layer {layer} has channels 0 to {channels - 1}")
    if cell is None:
        row, column = np.unravel_index(int(maps[channel].argmax()), (rows, columns))
        cell = (int(row), int(column))
    if not maps[channel][cell] > 0:
        raise ValueError(
            f"deconvnet: channel {channel} of layer {layer} is {maps[channel][cell]:.3g} at {cell}, so there is nothing to carry back "
            "(-inf: the cell looks at padding); choose another one: strongest() lists the channels that fire"
        )
    return channel, cell


def field_box(field: Field, cell: tuple[int, int], size: tuple[int, ...]) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of what the cell sees, cut to the picture; bottom and right are one past the last."""
    starts = [int(field.centre + place * field.stride - (field.size - 1) / 2) for place in cell]
    top, left = (max(0, start) for start in starts)
    bottom, right = (min(start + field.size, size[axis]) for axis, start in enumerate(starts))
    return top, left, bottom, right


def grey_signal(projection: Projection) -> np.ndarray:
    """The signal inside the box as a picture, uint8 (h, w, 3): grey where there is none, clipped above BRIGHTEST."""
    top, left, bottom, right = projection.box
    signal = projection.signal[top:bottom, left:right]
    full = float(np.quantile(np.abs(signal), BRIGHTEST)) or float(np.abs(signal).max()) or 1.0
    return np.rint(127.5 + 127.5 * np.clip(signal / full, -1, 1)).astype(np.uint8)


def deconvnet_sheet(rows: Sequence[Sequence[Projection]]) -> Image.Image:
    """A row a layer: the photograph with the cells' fields in it, then channel by channel the signal and, below, what lies there.

    `rows`: projections as `strongest` gives them, a list a layer. An RGB image. Raises ValueError where there are none.
    """
    if not rows or not all(rows):
        raise ValueError("deconvnet_sheet: there is nothing to draw; give a list of projections for each layer")
    line, height = 2 * TEXT, 2 * TILE + GAP
    columns = max(map(len, rows))
    size = (height + GAP + columns * (TILE + GAP), len(rows) * (height + line + GAP))
    image = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(image), font_for("a", TEXT)
    for number, row in enumerate(rows):
        top = number * (height + line + GAP)
        fields = "cells see all of it" if whole(row[0]) else "frames: what the cells see"
        draw.text((0, top + line / 2), f"{row[0].layer}; {fields}", fill=INK, font=font, anchor="lm")
        image.paste(framed(row, height), (0, top + line))
        for column, projection in enumerate(row):
            left = height + GAP + column * (TILE + GAP)
            box = projection.box
            patch = projection.picture[box[0] : box[2], box[1] : box[3]]
            text = f"channel {projection.channel}: {projection.value:.3g}"
            draw.text((left, top + line / 2), text, fill=COLOURS[column % len(COLOURS)], font=font, anchor="lm")
            for place, pixels in enumerate((grey_signal(projection), patch)):
                tile = fitted(pixels, TILE)
                ImageDraw.Draw(tile).rectangle((0, 0, tile.width - 1, tile.height - 1), outline=EDGE)
                image.paste(tile, (left, top + line + place * (TILE + GAP)))
    return image


def whole(projection: Projection) -> bool:
    return projection.box == (0, 0, *projection.picture.shape[:2])


def framed(row: Sequence[Projection], side: int) -> Image.Image:
    """The photograph, at most `side` pixels in height and width, with a frame round each box."""
    picture = fitted(row[0].picture, side)
    scale = side / max(row[0].picture.shape[:2])
    for number, projection in reversed(list(enumerate(row))):  # the strongest on top
        top, left, bottom, right = (scale * edge for edge in projection.box)
        for inset, colour in ((0, "white"), (1, COLOURS[number % len(COLOURS)]), (2, COLOURS[number % len(COLOURS)])):
            corners = (left + inset, top + inset, max(left, right - 1) - inset, max(top, bottom - 1) - inset)
            if corners[0] <= corners[2] and corners[1] <= corners[3]:
                ImageDraw.Draw(picture).rectangle(corners, outline=colour)
    return picture


def fitted(pixels: np.ndarray, side: int) -> Image.Image:
    """The picture scaled so that its longer side is `side` pixels; a few pixels stay squares."""
    scale = side / max(pixels.shape[:2])
    size = (max(1, round(scale * pixels.shape[1])), max(1, round(scale * pixels.shape[0])))
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST if scale > 10 else Image.Resampling.BICUBIC)
