"""Checks of lesson 11: filters with holes, networks without strides, shift-and-stitch."""

from typing import Any

import numpy as np

from checks.verdict import Wrong, check, counted, equal, wrong


@check
def rarefied_filter(answer: Any) -> None:
    """rarefied_filter(weight (O, C, KH, KW), s) -> the same taps, s apart along both axes, zeros between."""
    rng = np.random.default_rng(11)
    for shape, s in (((2, 3, 3, 3), 2), ((1, 2, 2, 4), 3), ((2, 1, 3, 2), 1), ((1, 1, 1, 3), 4), ((3, 2, 5, 5), 2)):
        weight = rng.integers(1, 9, shape).astype(float)
        kh, kw = shape[2:]
        wanted = np.zeros((*shape[:2], s * (kh - 1) + 1, s * (kw - 1) + 1))
        for i in range(kh):
            for j in range(kw):
                wanted[:, :, i * s, j * s] = weight[:, :, i, j]
        found = np.asarray(answer(weight.copy(), s))
        if found.shape == (*shape[:2], s * kh, s * kw) != wanted.shape:
            if np.array_equal(found, weight.repeat(s, 2).repeat(s, 3)):
                wrong("you repeat the taps; put zeros between them")
            wrong("there are zeros after the last tap; zeros stand between taps only: s·(k - 1) + 1 rows, not s·k")
        if (
            found.shape in ((*shape[:2], wanted.shape[2], kw), (*shape[:2], kh, wanted.shape[3]))
            and found.shape != wanted.shape
        ):
            wrong("the taps lie apart along one axis only; spread rows and columns")
        if s > 1 and found.shape == (*shape[:2], (s + 1) * (kh - 1) + 1, (s + 1) * (kw - 1) + 1):
            wrong("s zeros lie between two taps; there are s - 1, and the taps are s apart")
        equal(found, wanted, spread_fault)


def spread_fault(found: np.ndarray, wanted: np.ndarray) -> str:
    if wanted.shape[2] == wanted.shape[3] and np.array_equal(found, wanted.swapaxes(2, 3)):
        return "rows and columns of the filter are exchanged; its taps lie as before, only further apart"
    if np.array_equal(found != 0, wanted != 0):
        return "the taps are where they belong, with other values; no number changes"
    return "taps stand where zeros belong: tap (i, j) goes to (s·i, s·j), all else is 0"


@check
def rarefied_layers(answer: Any) -> None:
    """rarefied_layers([(kernel, stride), …]) -> [(kernel, 1, dilation), …], the network with every stride removed."""
    cases = [
        [(3, 1), (2, 2), (3, 1)],
        [(3, 1), (2, 2), (3, 1), (2, 2), (2, 1)],
        [(5, 2), (3, 1), (2, 2), (3, 1), (3, 2), (1, 1)],
        [(11, 4), (3, 2), (5, 1), (3, 2), (3, 1)],
        [],
    ]
    for layers in cases:
        wanted = [
            (kernel, 1, int(np.prod([stride for _, stride in layers[:n]]))) for n, (kernel, _) in enumerate(layers)
        ]
        found = answer(layers)
        try:
            found = [tuple(int(number) for number in layer) for layer in found]
        except (TypeError, ValueError):
            wrong(f"expected a list of (kernel, 1, dilation), got {found!r}")
        if found != wanted:
            wrong(f"{layers_fault(layers, found, wanted)}; for {layers} it gave {found}, expected {wanted}")
        counted()


def layers_fault(layers: list[tuple[int, int]], found: list[Any], wanted: list[Any]) -> str:
    """What a wrong list of layers looks like."""
    if [len(layer) for layer in found] != [3] * len(wanted):
        return "expected as many layers as came, each (kernel, 1, dilation)"
    dilations = [layer[2] for layer in found]
    if any(layer[1] != 1 for layer in found):
        return "a stride is left; all become 1"
    if [layer[0] for layer in found] != [layer[0] for layer in wanted]:
        return "the kernel's size stays; only its taps lie further apart"
    products = list(np.cumprod([stride for _, stride in layers]))
    if dilations == products:
        return "a layer's own stride does not spread its own taps; it counts from the next layer on"
    if dilations == [1] + [stride for _, stride in layers[:-1]]:
        return "all strides before a layer multiply, not only the last one"
    if all(
        dilation == (whole[2] if stride == 1 else 1)
        for dilation, (_, stride), whole in zip(dilations, layers, wanted, strict=True)
    ):
        return "pools are spread like convolutions: all layers after a removed stride"
    return "the dilation is the product of the strides of the layers before"


class Network:
    """Max of each window of `field` with a stride, for 2 channels, plus a weighted sum: what a net of valid layers is, in one."""

    def __init__(self, stride: int, field: int) -> None:
        self.stride, self.field = stride, field
        self.weight = np.random.default_rng(field).integers(-3, 4, (3, 2, field, field)).astype(float)
        self.runs = 0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        x = np.asarray(x)
        rows, columns = ((length - self.field) // self.stride + 1 for length in x.shape[2:])
        if rows < 1 or columns < 1:
            raise ValueError(f"{SMALL} {x.shape[2]} x {x.shape[3]}; its window is {self.field} x {self.field}")
        self.runs += 1
        result = np.zeros((len(x), 3, rows, columns))
        for i in range(rows):
            for j in range(columns):
                top, left = i * self.stride, j * self.stride
                window = x[:, :, top : top + self.field, left : left + self.field]
                result[:, :, i, j] = np.tensordot(window, self.weight, ((1, 2, 3), (1, 2, 3)))
        return result

    def __repr__(self) -> str:
        return "network"


SMALL = "the network was run on a picture of"


@check
def shift_and_stitch(answer: Any) -> None:
    """shift_and_stitch(network, x (N, C, H, W), f, field) -> (N, O, H - field + 1, W - field + 1), the answer for the window at every pixel."""
    rng = np.random.default_rng(12)
    for size, f, field in (((9, 12), 2, 4), ((13, 10), 3, 5), ((17, 14), 4, 6), ((8, 11), 1, 3), ((7, 12), 4, 6)):
        x = rng.integers(0, 9, (2, 2, *size)).astype(float)
        wanted = Network(1, field)(x)
        network = Network(f, field)
        try:
            found = np.asarray(answer(network, x.copy(), f, field))
        except Wrong as fault:
            if SMALL in str(fault):
                wrong(f"a shift that leaves no whole window was run; {fault}")
            raise
        if found.shape != wanted.shape:
            wrong(
                f"{stitch_size_fault(found, wanted, f)}; for a picture {size}, f {f}, field {field} expected {wanted.shape}, got {found.shape}"
            )
        equal(found, wanted, stitch_fault(x, f, field))
        if network.runs > f * f:
            wrong(f"right, but with {network.runs} runs; {f * f} are enough: one a shift, not one a window")


def stitch_size_fault(found: np.ndarray, wanted: np.ndarray, f: int) -> str:
    if found.ndim == 4 and found.shape[1] != wanted.shape[1]:
        return "the network's result says how many channels there are"
    if found.ndim == 4 and all(
        a % f == 0 and a < b for a, b in zip(found.shape[2:], wanted.shape[2:], strict=True) if a != b
    ):
        return "you cut the result to whole multiples of f; runs with larger shifts may be a row shorter, that is all"
    return "there are H - field + 1 rows and W - field + 1 columns"


def stitch_fault(x: np.ndarray, f: int, field: int) -> Any:
    """What a dense map stitched wrongly looks like."""

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        rows, columns = wanted.shape[2:]
        sparse = wanted[:, :, ::f, ::f]
        if np.array_equal(found, sparse.repeat(f, 2).repeat(f, 3)[:, :, :rows, :columns]):
            return "every answer is only repeated; run the network again on the shifted pictures"
        if np.array_equal(found[:, :, ::f, ::f], sparse) and exchanged(found, wanted, f):
            return "vertical and horizontal shifts are exchanged: the picture from row i and column j on fills [i::f, j::f]"
        if np.array_equal(np.sort(found, axis=None), np.sort(wanted, axis=None)):
            return "all answers are there, in the wrong places: interlace them, [i::f, j::f], in place of laying blocks side by side"
        if not found[:, :, 1:].any() or (f > 1 and not found[:, :, 1::f].any()):
            return "rows stay empty: each of the f·f shifts fills [i::f, j::f]"
        return "cell (y, x) must be the network's answer for the window that begins at pixel (y, x)"

    return fault


def exchanged(found: np.ndarray, wanted: np.ndarray, f: int) -> bool:
    """Whether [i::f, j::f] holds what belongs to [j::f, i::f], as far as sizes allow."""
    for i in range(min(f, wanted.shape[2])):
        for j in range(min(f, wanted.shape[3])):
            mine, other = found[:, :, i::f, j::f], wanted[:, :, j::f, i::f]
            h, w = (min(a, b) for a, b in zip(mine.shape[2:], other.shape[2:], strict=True))
            if not np.array_equal(mine[:, :, :h, :w], other[:, :, :h, :w]):
                return False
    return True
