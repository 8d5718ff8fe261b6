"""Section 3.3's deconvolution and the deconvnet of Zeiler & Fergus share a name and the transposed filter, and nothing else."""

from typing import NamedTuple

import numpy as np

import minifcn as mf
from minifcn import nn
from minifcn.data.synthetic.painting import paint
from minifcn.draw.networks.deconvnet import project
from minifcn.models.preprocessing import Preprocessing
from minifcn.nn.initialisers import bilinear
from minifcn.paper.claims import Outcome, Picture, Setting, claim

SIDE, STRIDE, SHOWN = 64, 4, 28  # pixels


class Ways(NamedTuple):
    """One activation, divided by its size, carried to the pixels in three ways, (C, SIDE, SIDE) each."""

    deconvnet: np.ndarray
    gradient: np.ndarray
    upsampled: np.ndarray


def edges() -> np.ndarray:
    """Eight 5x5 filters (8, 3, 5, 5), each for an edge of one direction in all colours."""
    down, right = np.mgrid[-2:3, -2:3]
    angles = 2 * np.pi * np.arange(8)[:, None, None] / 8
    filters = (np.cos(angles) * right + np.sin(angles) * down) * np.exp(-(down**2 + right**2) / 3)
    return np.repeat(filters[:, None], 3, 1).astype(np.float32)


def small_net(relus: bool = True) -> nn.Sequential:
    """Edges, and eight random ways to put them together; a pool after each. A cell sees 16 pixels, the next one 4 further."""
    mf.manual_seed(0)
    first, second = nn.Conv2d(3, 8, 5, padding=2), nn.Conv2d(8, 8, 5, padding=2)
    first.weight.data[...] = edges()
    layers = [first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*(layer for layer in layers if relus or not isinstance(layer, nn.ReLU)))


def upsampled(value: float, cell: tuple[int, int]) -> np.ndarray:
    """The paper's layer, as it starts (by 4, bilinear), on a map with one activation."""
    layer = nn.ConvTranspose2d(1, 1, 2 * STRIDE, STRIDE, padding=STRIDE // 2, bias=False)
    layer.weight = nn.Parameter(bilinear(1, 2 * STRIDE))
    start = np.zeros((1, 1, SIDE // STRIDE, SIDE // STRIDE), np.float32)
    start[0, 0][cell] = value
    with mf.no_grad():
        return layer(start).data[0]


def three_ways(net: nn.Sequential, pixels: np.ndarray, channel: int, cell: tuple[int, int]) -> Ways:
    x = mf.Tensor(Preprocessing()(pixels), requires_grad=True)
    maps = net(x)
    value = float(maps.data[0, channel][cell])
    start = np.zeros(maps.shape, np.float32)
    start[0, channel][cell] = value
    maps.backward(start)
    again = mf.Tensor(x.data, requires_grad=True)
    signal = project(net(again), again, channel, cell)
    return Ways(signal[0] / value, np.asarray(x.grad)[0] / value, upsampled(value, cell) / value)


def around(cell: tuple[int, int]) -> tuple[slice, slice]:
    """The pixels of the pictures that are shown: SHOWN a side, the cell as near to their middle as the border lets it."""
    starts = [min(max(0, STRIDE * place + STRIDE // 2 - SHOWN // 2), SIDE - SHOWN) for place in cell]
    return slice(starts[0], starts[0] + SHOWN), slice(starts[1], starts[1] + SHOWN)


def shown(values: np.ndarray, where: tuple[slice, slice]) -> np.ndarray:
    """(C, H, W) -> uint8 (8·SHOWN, 8·SHOWN, 3): grey is zero."""
    scaled = 127.5 + 127.5 * values.transpose(1, 2, 0) / max(float(np.abs(values).max()), 1e-12)
    return larger(np.rint(np.broadcast_to(scaled, (SIDE, SIDE, 3))).astype(np.uint8)[where])


def larger(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pixels).repeat(8, 0).repeat(8, 1)


@claim(
    "deconvnet-is-another-thing",
    "3.3",
    "The paper's deconvolution layer upsamples a map with weights of its own and never sees the picture; the deconvnet of Zeiler & Fergus "
    "carries one activation back through the net that made it, and is its gradient with another rule for ReLU. (The paper only cites it.)",
)
def another_thing(setting: Setting) -> Outcome:
    first, second = (paint((SIDE, SIDE), np.random.default_rng(seed))[0] for seed in (1, 2))
    net, linear = small_net(), small_net(relus=False)
    with mf.no_grad():
        both = np.minimum(*(net(Preprocessing()(pixels)).data[0] for pixels in (first, second)))
    channel, row, column = (int(number) for number in np.unravel_index(int(both.argmax()), both.shape))  # fires in both
    one, other = (three_ways(net, pixels, channel, (row, column)) for pixels in (first, second))
    without = three_ways(linear, first, channel, (row, column))
    to_gradient = int((without.deconvnet != without.gradient).sum())
    relu_rule = int((one.deconvnet != one.gradient).sum())
    # each was divided by its activation, and so rounded
    by_picture = int((np.abs(one.deconvnet - other.deconvnet) > 1e-6).sum())
    layer = int((np.abs(one.upsampled - other.upsampled) > 1e-6).sum())
    touched = int((one.deconvnet != 0).any(0).sum()), int((one.upsampled != 0).any(0).sum())
    table = [
        ["", "deconvnet", "the paper's deconvolution"],
        [
            "works with",
            "the filters of the net, transposed, and its switches",
            "a kernel of its own, bilinear at first",
        ],
        ["is trained", "no", "may be"],
        ["same cell in another picture", f"{by_picture} numbers differ", f"{layer} numbers differ"],
        ["pixels it writes to", str(touched[0]), str(touched[1])],
    ]
    where = around((row, column))
    panels = (
        ("What the cell sees of the picture, and a little more", larger(first[where])),
        ("Deconvnet: its activation carried back to the pixels", shown(one.deconvnet, where)),
        ("Gradient: the same but for ReLU's rule", shown(one.gradient, where)),
        (
            "The paper's deconvolution of the same activation: its kernel, whatever the picture",
            shown(one.upsampled, where),
        ),
    )
    return Outcome(
        to_gradient == 0 and relu_rule > 0 and by_picture > 0 and layer == 0,
        f"Without ReLUs {to_gradient} numbers of the deconvnet's map differ from the gradient's, with them {relu_rule}. For the same cell in "
        f"two pictures {by_picture} numbers of it differ, and {layer} of what the paper's layer writes.",
        table,
        [Picture(caption, pixels) for caption, pixels in panels],
    )
