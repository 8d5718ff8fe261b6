"""Dense scores from a coarse net, in two ways that agree: shift-and-stitch and filter rarefaction. Paper section 3.2.

A net of total stride f scores every f-th pixel. Shift-and-stitch runs it f² times, on the picture shifted by 0 … f - 1 rows and columns,
and interlaces the scores. Rarefaction ("à trous") runs it once, with every stride set to 1 and every later layer's taps as far apart as
the strides before it were: the taps fall on the same pixels, so that the scores are the same numbers.

That holds for every cell whose field lies inside the picture. Padding inside the net breaks it at the upper and left border: a shifted
picture begins later, and so do the zeros before it. `exact_cells` says which cells are left. Padding of the first layer is no trouble to
who pads the picture instead. Cells of pools with `ceil_mode` that hang over the edge are cut off. A module of one's own fits in if it has
a `window`, and if all that looks at more than one pixel inside it is a layer, not a call of `ops`.
"""

import copy
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from minifcn import backend, nn, ops
from minifcn.autodiff.engine import Tensor, TensorLike
from minifcn.kernels.windows import Pair, Size, Window, pair
from minifcn.ops import checks

NONE = ((0, 0), (0, 0))
POINTWISE = (nn.ReLU, nn.Dropout, nn.LocalResponseNorm)  # no window: a cell sees the cell before it alone

Layers: TypeAlias = nn.Sequential | Sequence[nn.Module]


class Reach(NamedTuple):
    """What the cells of a net see along one axis, in pixels: `size` each, `stride` apart, with padding `before` and `after` the picture."""

    size: int
    stride: int
    before: int
    after: int

    def cells(self, length: int, step: int) -> int:
        """How many fields, `step` apart, fit into a picture of `length` and its padding; below 1 where none does."""
        return (length + self.before + self.after - self.size) // step + 1


def reach(layers: Iterable[nn.Module], axis: int) -> Reach:
    size, stride, before, after = 1, 1, 0, 0
    for layer in layers:
        window = getattr(layer, "window", None)
        if window is not None:
            size += (window.span[axis] - 1) * stride
            before += window.padding[axis][0] * stride
            after += window.padding[axis][1] * stride
            stride *= window.stride[axis]
    return Reach(size, stride, before, after)


def shift_and_stitch(layers: Layers, x: TensorLike, stride: Size = 1) -> Tensor:
    """Scores of `stride` from a net of total stride f, run on (f / stride)² shifted pictures: x (N, C, H, W) -> (N, O, OH, OW).

    `layers`: an nn.Sequential or a list of layers, such as `backbone.layers_to("pool3")`. With receptive field r and padding P on both
    sides together OH = (H + P - r) // stride + 1. Every run is an ordinary one, so gradients flow. Which cells equal those of `rarefy`:
    `exact_cells`. Raises ValueError for a picture smaller than the field, a stride that does not divide f, active dropout.
    """
    name = "shift_and_stitch"
    net, step = opened(layers, name), pair(stride, f"{name}: stride", 1)
    x = checks.as_tensor(name, x)
    checks.rank(name, x, "N C H W")
    if any(isinstance(layer, nn.Dropout) and layer.training and layer.p for layer in net):
        raise ValueError(
            f"{name}: dropout is active and would differ from shift to shift; call eval() on the net first"
        )
    along = [reach(net, axis) for axis in (0, 1)]
    check_divides(name, step, along)
    size = [one.cells(length, s) for one, length, s in zip(along, x.shape[2:], step, strict=True)]
    # how far apart the cells of one run lie in the result
    apart = [one.stride // s for one, s in zip(along, step, strict=True)]
    shifts = [max(1, min(a, n)) for a, n in zip(apart, size, strict=True)]  # a small result has no room for more
    check_size(name, net, (x.shape[2], x.shape[3]), [s * (n - 1) for s, n in zip(step, shifts, strict=True)])
    parts = []
    for i in range(shifts[0]):
        for j in range(shifts[1]):
            scores = nn.Sequential(*net)(x[:, :, i * step[0] :, j * step[1] :])
            rows, columns = -(-(size[0] - i) // apart[0]), -(-(size[1] - j) // apart[1])
            parts.append(scores[:, :, :rows, :columns])  # more there is only where a pool hung over the edge
    return interlaced(parts, (shifts[0], shifts[1]))[:, :, : size[0], : size[1]]


def interlaced(parts: list[Tensor], shifts: Pair) -> Tensor:
    """parts[i·shifts[1] + j] becomes rows i, i + shifts[0], … and columns j, j + shifts[1], … of the result."""
    n, c, h, w = parts[0].shape  # the unshifted one is the largest
    same_size = [ops.pad(part, (0, w - part.shape[3], 0, h - part.shape[2])) for part in parts]
    stacked = ops.concat(same_size, 0).reshape(*shifts, n, c, h, w)
    return stacked.transpose((2, 3, 4, 0, 5, 1)).reshape(n, c, h * shifts[0], w * shifts[1])


def rarefy(layers: Layers, stride: Size = 1) -> nn.Sequential:
    """The same net with its last strides removed, down to a total of `stride`: convolutions and pools after them are dilated instead.

    `layers` as in `shift_and_stitch`. The result shares every Parameter with them, so training one trains both; it is a flat Sequential.
    `stride=16` of a VGG gives pool5 stride 1 and fc6 taps two cells apart, `stride=8` DeepLab's trunk. Padding grows with the dilation.
    Raises ValueError where the strides from the picture on do not multiply to `stride`, and for layers that cannot be dilated.
    """
    net, wanted = opened(layers, "rarefy"), pair(stride, "rarefy: stride", 1)
    kept, dilation, result = (1, 1), (1, 1), []
    for layer in net:
        window = getattr(layer, "window", None)
        if window is None:
            result.append(layer)
            continue
        stays = tuple(
            window.stride[a] if dilation[a] == 1 and kept[a] * window.stride[a] <= wanted[a] else 1 for a in (0, 1)
        )
        result.append(rarer(layer, dilation, (stays[0], stays[1])))
        kept = (kept[0] * stays[0], kept[1] * stays[1])
        dilation = tuple(dilation[a] * window.stride[a] // stays[a] for a in (0, 1))
    if kept != wanted:
        reached = sorted({reach(net[:end], axis).stride for end in range(len(net) + 1) for axis in (0, 1)})
        raise ValueError(
            f"rarefy: stride is {stride}; the layers of this net have strides {', '.join(map(str, reached))}: choose one of them"
        )
    return nn.Sequential(*result)


def rarer(layer: nn.Module, dilation: Pair, stride: Pair) -> nn.Module:
    """`layer` with its taps `dilation` times as far apart and `stride`, on the same Parameters; itself where nothing changes."""
    window: Window | None = getattr(layer, "window", None)
    if window is None:
        return layer if isinstance(layer, POINTWISE) else with_rarer_parts(layer, dilation)
    if dilation == (1, 1) and stride == window.stride:
        return layer
    rare = rarer_window(window, dilation, stride)
    (top, bottom), (left, right) = rare.padding
    if isinstance(layer, nn.Conv2d):
        even = (top, left) == (bottom, right)
        result = copy.copy(layer)  # the same weight and bias
        result.window = rare if even else rare._replace(padding=NONE)
        result.options = layer.options | dict(stride=stride, padding=(top, left) if even else 0, dilation=rare.dilation)
        return result if even else Padded(result, rare, 0.0)
    if isinstance(layer, nn.MaxPool2d):
        if rare.padding == NONE:
            return nn.MaxPool2d(window.kernel, stride, 0, rare.dilation, layer.ceil_mode)
        return Padded(nn.MaxPool2d(window.kernel, stride, 0, rare.dilation), rare, -np.inf)
    if isinstance(layer, nn.AvgPool2d):
        return RareAvgPool2d(rare, layer.options["count_include_pad"])
    result = with_rarer_parts(layer, dilation)
    result.window = rare
    return result


def rarer_window(window: Window, dilation: Pair, stride: Pair) -> Window:
    """Taps and padding `dilation` times as far: the padding is counted in cells of the map before, and now there are more of them."""
    (top, bottom), (left, right) = window.padding
    vertical, horizontal = dilation
    padding = ((top * vertical, bottom * vertical), (left * horizontal, right * horizontal))
    return Window(window.kernel, stride, padding, (window.dilation[0] * vertical, window.dilation[1] * horizontal))


class Padded(nn.Module):
    """A layer behind a border of `value`, for paddings that the layer itself does not take: wide ones, and one side more than the other."""

    def __init__(self, layer: nn.Module, window: Window, value: float) -> None:
        self.layer, self.window, self.value = layer, window, value

    def forward(self, x: TensorLike) -> Tensor:
        (top, bottom), (left, right) = self.window.padding
        return self.layer(ops.pad(x, (left, right, top, bottom), self.value))


def with_rarer_parts(module: nn.Module, dilation: Pair) -> Any:
    """A module made of layers (Fire, …), each of them dilated. Inside it every stride must be 1, for the order of the parts is not known."""

    def changed(value: Any) -> Any:
        if isinstance(value, nn.Module):
            stride = getattr(value, "window", Window((1, 1))).stride
            if stride != (1, 1):
                raise ValueError(
                    f"rarefy: {type(module).__name__} has a {type(value).__name__} of stride {stride} inside; "
                    "only layers in a row can lose their stride: give the parts as a list"
                )
            return rarer(value, dilation, (1, 1))
        if isinstance(value, dict):
            return {key: changed(part) for key, part in value.items()}
        return [changed(part) for part in value] if isinstance(value, list) else value

    result = copy.copy(module)
    for name, value in vars(module).items():
        setattr(result, name, changed(value))
    return result


class RareAvgPool2d(nn.Module):
    """An average pool whose taps lie apart: a convolution of each channel with ones, divided by the taps that count."""

    def __init__(self, window: Window, count_include_pad: bool) -> None:
        self.window, self.count_include_pad = window, count_include_pad

    def forward(self, x: TensorLike) -> Tensor:
        x = checks.as_tensor("avg_pool2d", x)
        area = self.window.kernel[0] * self.window.kernel[1]
        return self.sums(x) / (area if self.count_include_pad else self.sums(x * 0 + 1))

    def sums(self, x: Tensor) -> Tensor:
        ones = backend.array_module(x.data).ones((x.shape[1], 1, *self.window.kernel), x.dtype)
        padding = (self.window.padding[0][0], self.window.padding[1][0])
        return ops.conv2d(x, ones, None, self.window.stride, padding, self.window.dilation, groups=x.shape[1])


def exact_cells(layers: Layers, size: Pair, stride: Size = 1) -> tuple[slice, slice]:
    """Rows and columns of a result in which shift-and-stitch and rarefaction are the same numbers, for pictures of `size` (H, W).

    `layers` and `stride` as in both. All cells where no layer up to the last stride pads. Else the padding adds up to P pixels above (left
    of) the picture, and a picture shifted by i finds its zeros i pixels lower: the first cell that is sure not to see them is the first
    multiple of f from P on (in pixels). Below (right) shifted pictures end where the others do, and so does the padding; only pools with
    `ceil_mode` add cells there, and then the last cell is the last whose field lies inside the picture.
    """
    net, step = opened(layers, "exact_cells"), pair(stride, "exact_cells: stride", 1)
    along = [reach(net, axis) for axis in (0, 1)]
    check_divides("exact_cells", step, along)
    over = any(getattr(layer, "ceil_mode", False) for layer in net)
    result = []
    for axis, (one, length, s) in enumerate(zip(along, size, step, strict=True)):
        # no shift is as large as the strides before a layer behind the last stride: its padding stays padding
        shifted = [layer for end, layer in enumerate(net) if reach(net[:end], axis).stride <= one.stride - s]
        early = any(window.padding[axis][0] for layer in shifted if (window := getattr(layer, "window", None)))
        first = -(-one.before // one.stride) * one.stride // s if early else 0
        end = (length + one.before - one.size) // s + 1 if over else one.cells(length, s)
        result.append(slice(first, max(first, end)))
    return result[0], result[1]


def check_divides(name: str, step: Pair, along: list[Reach]) -> None:
    if any(one.stride % s for one, s in zip(along, step, strict=True)):
        total = (along[0].stride, along[1].stride)
        raise ValueError(f"{name}: stride is {step}; it must divide the total stride of the net, {total}, axis by axis")


def check_size(name: str, net: list[nn.Module], size: Pair, largest_shift: list[int]) -> None:
    """Every layer must find a whole window in the picture that is shifted furthest."""
    for axis in (0, 1):
        along = [reach(net[:end], axis) for end in range(len(net) + 1)]
        least = max(1, *(one.size - one.before - one.after for one in along))
        if size[axis] < least + largest_shift[axis]:
            shifted = f"of which {largest_shift[axis]} are shifted out" if size[axis] >= least else "too few"
            raise ValueError(
                f"{name}: a picture of {size} has {size[axis]} {('rows', 'columns')[axis]}, {shifted}, "
                f"and one layer or other of this net needs {least} of them; enlarge or pad it"
            )


def opened(layers: Layers, name: str) -> list[nn.Module]:
    """The layers in a row, Sequentials opened; ValueError for what has no place in a net whose windows only grow."""
    if not isinstance(layers, nn.Sequential | list | tuple):
        raise TypeError(
            f"{name}: got {type(layers).__name__}; expected an nn.Sequential or a list of layers, "
            'for example backbone.layers_to("pool3")'
        )
    result: list[nn.Module] = []
    for layer in layers.layers if isinstance(layers, nn.Sequential) else layers:
        if isinstance(layer, nn.Sequential):
            result += opened(layer, name)
        elif isinstance(layer, nn.ConvTranspose2d):
            raise ValueError(
                f"{name}: ConvTranspose2d upsamples, so there is no stride to remove; use the layers before it"
            )
        elif getattr(layer, "window", None) is None and not isinstance(layer, POINTWISE):
            raise ValueError(
                f"{name}: {type(layer).__name__} has no window, so what a cell of it sees is not known; "
                "set layer.window (a minifcn.kernels.Window)"
            )
        else:
            result.append(layer)
    return result
