"""Sections 3.1 and 3.2: a classifier is a convolution, one pass is all windows, and two ways to dense scores that are the same numbers."""

from typing import Any

import numpy as np

import minifcn as mf
from minifcn import nn, ops
from minifcn.bench.measure import Program, alternate
from minifcn.models.dense import exact_cells, rarefy, shift_and_stitch
from minifcn.paper.claims import Outcome, Picture, Setting, claim

SIZE = (45, 52)
FIELD = 16  # pixels in a row that a cell of `small_net` sees; its stride is 4
PAPERS_TIMES = (  # AlexNet on 500x500 pixels and on windows of 227x227, one of a batch 1.2 ms forward and 2.4 ms backward, alone 5.4 ms
    ("the paper's AlexNet, forward", "22 ms", "100 x 1.2 ms", "100 x 5.4 ms"),
    ("the paper's AlexNet, backward", "37 ms", "100 x 2.4 ms", "not given"),
)


def whole(rng: np.random.Generator, net: nn.Sequential) -> nn.Sequential:
    """The net with small integers for parameters, float64: sums of integers are exact in any order, so equal means equal."""
    for parameter in net.parameters():
        parameter.data = rng.integers(-2, 3, parameter.shape).astype(np.float64)
    return net.eval()


def small_net(padding: int = 0) -> nn.Sequential:
    """conv3, pool2, conv3, pool 3/2, conv2: as the layers of a trunk, in small. `padding` of its 3x3 convolutions."""
    return whole(
        np.random.default_rng(0),
        nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=padding), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(4, 4, 3, padding=padding), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(4, 2, 2),
        ),
    )  # fmt: skip


def picture(size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(1).integers(1, 9, (1, 3, *size)).astype(np.float64)


def windows(x: np.ndarray, side: int, step: int) -> np.ndarray:
    """Every window of `side` pixels, `step` apart, of the one picture x: (windows, C, side, side), row after row."""
    rows, columns = ((length - side) // step + 1 for length in x.shape[2:])
    corners = [(i * step, j * step) for i in range(rows) for j in range(columns)]
    return np.concatenate([x[:, :, i : i + side, j : j + side] for i, j in corners])


def window_by_window(net: nn.Module, x: np.ndarray, side: int) -> np.ndarray:
    """What dense scores are: the net on the window that starts at each pixel. (1, O, OH, OW)."""
    scores = net(windows(x, side, 1)).data
    rows, columns = (length - side + 1 for length in x.shape[2:])
    return scores.reshape(rows, columns, 1, -1).transpose(2, 3, 0, 1)


@claim(
    "shift-and-stitch",
    "3.2",
    "Running a net of stride f on the f² shifts of a picture and interlacing the scores gives a score to every pixel: the one that the net "
    "gives to the window starting there.",
)
def stitches(setting: Setting) -> Outcome:
    net, x = small_net(), picture(SIZE)
    with mf.no_grad():
        dense, expected = shift_and_stitch(net, x).data, window_by_window(net, x, FIELD)
        sparse = net(x).data
    differing = int((dense != expected).sum())
    return Outcome(
        differing == 0 and bool(dense.any()),
        f"A net of stride 4 on a picture of {SIZE[0]}x{SIZE[1]}: {sparse.shape[2]}x{sparse.shape[3]} scores became "
        f"{dense.shape[2]}x{dense.shape[3]}, of {dense.size:,} integers {differing} differ from the net on each window by itself.",
    )


@claim(
    "rarefaction",
    "3.2",
    "One run gives the same scores as shift-and-stitch, if strides are removed and the filters and pools behind them are enlarged with "
    "zeros between their taps.",
)
def rarefies(setting: Setting) -> Outcome:
    net, x = small_net(), picture(SIZE)
    rare = rarefy(net)
    with mf.no_grad():
        stitched, found = shift_and_stitch(net, x).data, rare(x).data
        stuffed = with_zeros_between(net, x)
    differing = int((stitched != found).sum()) if stitched.shape == found.shape else found.size
    from_paper = int((stuffed != found).sum()) if stuffed.shape == found.shape else found.size
    dilations = [str(layer.window.dilation[0]) for layer in rare.layers if hasattr(layer, "window")]
    return Outcome(
        differing == 0 and from_paper == 0,
        f"Dilations {', '.join(dilations)}: of {found.size:,} integers {differing} differ from shift-and-stitch, and {from_paper} from "
        "filters written out with their zeros.",
    )


def with_zeros_between(net: nn.Sequential, x: np.ndarray) -> np.ndarray:
    """The rarefied `small_net` written out: f'_ij = f_{i/s, j/s} where s divides i and j, else 0; a pool compares every s-th cell."""

    def stuffed(layer: Any, s: int) -> np.ndarray:
        o, c, kh, kw = layer.weight.shape
        filters = np.zeros((o, c, s * (kh - 1) + 1, s * (kw - 1) + 1))
        filters[:, :, ::s, ::s] = layer.weight.data
        return filters

    def pooled(y: np.ndarray, kernel: int, s: int) -> np.ndarray:
        h, w = (length - s * (kernel - 1) for length in y.shape[2:])
        taps = [y[:, :, i * s : i * s + h, j * s : j * s + w] for i in range(kernel) for j in range(kernel)]
        return np.maximum.reduce(taps)

    first, second, last = (layer for layer in net.layers if isinstance(layer, nn.Conv2d))
    y = pooled(ops.relu(ops.conv2d(x, stuffed(first, 1), first.bias)).data, 2, 1)
    y = pooled(ops.relu(ops.conv2d(y, stuffed(second, 2), second.bias)).data, 3, 2)
    return ops.conv2d(y, stuffed(last, 4), last.bias).data


@claim(
    "padding-breaks-it",
    "3.2",
    "With zeros padded inside the net, shift-and-stitch and rarefaction part at the upper and left border, where the zeros of a shifted "
    "picture lie on what others see; further in they are the same numbers. (Not in the paper: its nets pad.)",
)
def padding_breaks(setting: Setting) -> Outcome:
    net, x = small_net(padding=1), picture(SIZE)
    with mf.no_grad():
        differs = (shift_and_stitch(net, x).data != rarefy(net)(x).data).any((0, 1))
    rows, columns = exact_cells(net, SIZE)
    inside, outside = int(differs[rows, columns].sum()), int(differs.sum() - differs[rows, columns].sum())
    colours = np.where(differs[:, :, None], (213, 40, 0), (225, 225, 225)).astype(np.uint8)
    shown = colours.repeat(8, 0).repeat(8, 1)
    return Outcome(
        inside == 0 and outside > 0,
        f"With padding 1 in both 3x3 convolutions of a net of stride 4, {outside} of {differs.size:,} cells differ, all in the first "
        f"{rows.start} rows or {columns.start} columns; of the {differs[rows, columns].size:,} others {inside}.",
        plots=[
            Picture("Red: cells where shift-and-stitch and rarefaction differ, for a net with padding inside", shown)
        ],
    )


def classifier(fully_connected: np.ndarray, bias: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """A fully connected layer: maps (N, C, 7, 7) flattened in that order, one weight a number. (N, O)."""
    return maps.reshape(len(maps), -1) @ fully_connected.T + bias


@claim(
    "fully-connected-is-convolution",
    "3.1",
    "A fully connected layer is a convolution whose kernel covers its whole input: fc6 of VGG a 7x7 one, its weights kept in their order.",
)
def fully_connected(setting: Setting) -> Outcome:
    rng = np.random.default_rng(0)
    channels, outputs = 8, 16
    weight, bias = (rng.integers(-4, 5, shape).astype(np.float64) for shape in ((outputs, channels * 49), (outputs,)))
    kernel = weight.reshape(outputs, channels, 7, 7)
    pool5 = rng.integers(0, 9, (1, channels, 16, 12)).astype(np.float64)  # of a picture of 500x375
    with mf.no_grad():
        scores = ops.conv2d(pool5, kernel, bias).data
        turned = ops.conv2d(pool5, weight.reshape(outputs, 7, 7, channels).transpose(0, 3, 1, 2), bias).data
    expected = (
        classifier(weight, bias, windows(pool5, 7, 1)).reshape(1, *scores.shape[2:], outputs).transpose(0, 3, 1, 2)
    )
    differing, mixed_up = int((scores != expected).sum()), int((turned != expected).sum())
    return Outcome(
        differing == 0 and mixed_up > 0,
        f"{scores.shape[2]}x{scores.shape[3]} cells of {outputs} outputs: {differing} of {scores.size:,} integers differ from the layer "
        f"applied to each 7x7 window; with the flat order taken for height, width, channels {mixed_up:,} would.",
    )


def grid_classifier() -> nn.Sequential:
    """A classifier of windows of 64x64 pixels: on a picture of 136x136 it is a grid of 10x10."""
    channels = (3, 8, 16, 16)
    stages = [
        part
        for inputs, outputs, kernel in zip(channels[:-1], channels[1:], (5, 3, 3), strict=True)
        for part in (nn.Conv2d(inputs, outputs, kernel), nn.ReLU(), nn.MaxPool2d(2))
    ]
    return nn.Sequential(*stages, nn.Conv2d(16, 32, 6), nn.ReLU(), nn.Conv2d(32, 21, 1))


GRID_FIELD, GRID_STRIDE = 64, 8
ONE_OF = 10  # of the windows one by one only each tenth is timed, and its time taken ten times


class Turn:
    """One of the programs that take turns: forward, or forward and backward, on each array of `inputs`."""

    def __init__(self, name: str, net: nn.Module, inputs: list[np.ndarray], backward: bool) -> None:
        self.name, self.net, self.inputs, self.backward = name, net, inputs, backward

    def before(self) -> None:
        self.net.zero_grad()

    def call(self) -> None:
        if not self.backward:
            with mf.no_grad():
                for x in self.inputs:
                    self.net(x)
        else:
            for x in self.inputs:
                self.net(x).sum().backward()

    def check(self) -> dict[str, Any]:
        return {}


def scores_and_gradients(net: nn.Module, x: np.ndarray) -> tuple[np.ndarray, list[Any]]:
    """Scores, and the gradient of their sum for every parameter."""
    net.zero_grad()
    scores = net(x)
    scores.sum().backward()
    return scores.data, [parameter.grad for parameter in net.parameters()]


def pixels(cells: int) -> tuple[int, int]:
    """The picture on which the classifier is a grid of `cells` by `cells`."""
    side = GRID_FIELD + (cells - 1) * GRID_STRIDE
    return side, side


@claim(
    "one-pass-is-all-windows",
    "3.1",
    "Run on a larger picture, a classifier gives at once what it gives to every window by itself, and its gradient; since the windows "
    "overlap, more than 5 times faster for a grid of 10x10.",
)
def one_pass(setting: Setting) -> Outcome:
    exact, numbers = whole(np.random.default_rng(3), grid_classifier()), picture(pixels(3))
    with mf.kernels.use("simple"):  # Winograd's kernel divides by 3, so that its integers are rounded
        grid, of_grid = scores_and_gradients(exact, numbers)
        each, of_each = scores_and_gradients(exact, windows(numbers, GRID_FIELD, GRID_STRIDE))
    differing = int((each[:, :, 0, 0] != grid[0].reshape(21, -1).T).sum())
    differing_gradients = sum(int((a != b).sum()) for a, b in zip(of_grid, of_each, strict=True))

    mf.manual_seed(0)
    net = grid_classifier()
    x = np.random.default_rng(2).standard_normal((1, 3, *pixels(10))).astype(np.float32)
    batch = windows(x, GRID_FIELD, GRID_STRIDE)
    some = [batch[number : number + 1] for number in range(0, len(batch), ONE_OF)]
    ways = {"one pass": [x], "all 100 windows in a batch": [batch], "window by window": some}
    table, ratios = [["", *ways]], {}
    for kind, backward in (("forward", False), ("forward and backward", True)):
        turns: list[Program] = [Turn(name, net, inputs, backward) for name, inputs in ways.items()]
        times = {name: timing.median for name, timing in alternate(turns, None, repeat=3).items()}
        times["window by window"] *= ONE_OF
        ratios[kind] = [seconds / times["one pass"] for seconds in times.values()]
        table.append([kind, *(f"{1000 * seconds:.1f} ms" for seconds in times.values())])
        table.append(["… over one pass", *(f"{ratio:.1f}" for ratio in ratios[kind])])
    table += [list(row) for row in PAPERS_TIMES]
    forward, both = ratios["forward"], ratios["forward and backward"]
    return Outcome(
        differing == 0 and differing_gradients == 0 and min(forward[1:] + both[1:]) > 5,
        f"3x3 windows: of {grid.size:,} scores {differing} differ, of {sum(p.size for p in exact.parameters()):,} gradients "
        f"{differing_gradients}. 10x10 windows: one pass is {forward[1]:.1f} times faster than all of them in a batch and {forward[2]:.1f} "
        f"times faster than one after the other; with the backward {both[1]:.1f} and {both[2]:.1f} times.",
        table,
    )
