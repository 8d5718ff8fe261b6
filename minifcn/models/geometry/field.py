"""Where one layer's cells land: receptive field, stride and position, and how they change from layer to layer.

A cell (y, x) of a layer looks at a square of the picture. Along one axis that is three numbers: how large the square is (size), how
far it moves from one cell to the next (stride), and where its middle lies for cell 0 (centre; pixel 0's own middle is 0). Every
layer changes them by a fixed rule, so that the crop between two maps follows from their layers alone. Paper section 3.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce

from minifcn.kernels.windows import Pair, Window, pair
from minifcn.nn import ConvTranspose2d, Module, Sequential


@dataclass(frozen=True)
class Field:
    """What one cell of a layer sees, along one axis, in pixels of the picture. Exact: centres lie on halves.

    `path` lists (span, stride, transposed) of the layers so far. How much an upsampled cell sees depends on where it lies; `size`
    is the most, and it is counted along the whole path, for it cannot be told from the sizes of two layers alone.
    """

    size: int = 1
    stride: Fraction = Fraction(1)
    centre: Fraction = Fraction(0)
    path: tuple[tuple[int, int, bool], ...] = field(default=(), compare=False, repr=False)

    def window(self, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> "Field":
        """After a convolution or a pool: the stride is multiplied; the window's middle lies (span - 1)/2 - padding cells on."""
        span = dilation * (kernel - 1) + 1
        centre = self.centre + (Fraction(span - 1, 2) - padding) * self.stride
        return self._after(span, stride, False, self.stride * stride, centre)

    def transposed(self, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> "Field":
        """After a transposed convolution: the convolution that it transposes, undone."""
        span, fine = dilation * (kernel - 1) + 1, self.stride / stride
        return self._after(span, stride, True, fine, self.centre - (Fraction(span - 1, 2) - padding) * fine)

    def _after(self, span: int, stride: int, transposed: bool, new_stride: Fraction, centre: Fraction) -> "Field":
        path = (*self.path, (span, stride, transposed))
        return Field(cells_seen(path), new_stride, centre, path)

    def cropped(self, offset: int) -> "Field":
        """After cells 0 … offset - 1 are cut off."""
        return replace(self, centre=self.centre + offset * self.stride)

    def through(self, layers: Iterable[Module]) -> "Field":
        """After `layers`, one after the other; what has no window (ReLU, dropout, …) changes nothing. Square windows only."""
        result = self
        for layer in layers:
            window = getattr(layer, "window", None)
            if isinstance(layer, Sequential):
                result = result.through(layer.layers)
            elif window is not None:
                arguments = along(window, type(layer).__name__)
                upsamples = isinstance(layer, ConvTranspose2d)
                result = result.transposed(*arguments) if upsamples else result.window(*arguments)
            elif any(hasattr(part, "window") for part in layer.modules()):
                raise ValueError(
                    f"geometry: {type(layer).__name__} is made of layers with windows and says nothing of its own; "
                    "give it the window of its widest way: self.window = …"
                )
        return result

    def place(self, cell: int) -> Fraction:
        """Where the middle of `cell` lies, in pixels."""
        return self.centre + cell * self.stride


def cells_seen(path: tuple[tuple[int, int, bool], ...]) -> int:
    """How many pixels in a row one cell sees at most: its inputs, their inputs and so on, back along the path."""
    cells = 1
    for span, stride, transposed in reversed(path):
        cells = (cells + span - 2) // stride + 1 if transposed else (cells - 1) * stride + span
    return cells


def along(window: Window, name: str) -> tuple[int, int, int, int]:
    """kernel, stride, padding, dilation of a square window; the padding is the one before the first row."""
    (top, _), (left, _) = window.padding
    vertical = (window.kernel[0], window.stride[0], top, window.dilation[0])
    if vertical != (window.kernel[1], window.stride[1], left, window.dilation[1]):
        raise ValueError(
            f"geometry: {name} has a window that is not square: {window}; look at one axis at a time with Field.window"
        )
    return vertical


def crop_offset(larger: Field, smaller: Field) -> int:
    """How many cells of `larger` to cut off so that its cell 0 lies where cell 0 of `smaller` lies.

    Raises ValueError where no whole number of cells does it: the two maps cannot be aligned.
    """
    if larger.stride != smaller.stride:
        raise ValueError(
            f"crop: maps of stride {larger.stride} and {smaller.stride} cannot be joined; upsample the coarser one first"
        )
    offset = (smaller.centre - larger.centre) / larger.stride
    if offset.denominator != 1 or offset < 0:
        raise ValueError(
            f"crop: the maps start {offset} cells apart (at {larger.centre} and {smaller.centre}); expected a whole number from 0: "
            "change the padding before them"
        )
    return int(offset)


def compose(outer: tuple[int, int], inner: tuple[int, int]) -> tuple[int, int]:
    """(kernel, stride) of the one layer that does what `inner` and then `outer` do: f_ks ∘ g_k's' = (f ∘ g)_{k' + (k-1)s', ss'}. Paper section 3."""
    (kernel, stride), (inner_kernel, inner_stride) = outer, inner
    return inner_kernel + (kernel - 1) * inner_stride, stride * inner_stride


def folded(layers: Iterable[Module]) -> tuple[int, int]:
    """(kernel, stride) of `layers` as one, by `compose`; layers without a window are left out. A dilated kernel counts with its gaps."""
    windows = [along(layer.window, type(layer).__name__) for layer in layers if hasattr(layer, "window")]
    pairs = [(dilation * (kernel - 1) + 1, stride) for kernel, stride, _, dilation in windows]
    return reduce(lambda inner, outer: compose(outer, inner), pairs, (1, 1))


def output_size(layer: Module, size: Pair) -> Pair:
    """Rows and columns that `layer` makes of a map of `size`; below 1 where its window does not fit."""
    window = getattr(layer, "window", None)
    if window is None:
        return size
    if isinstance(layer, ConvTranspose2d):
        more = pair(layer.options["output_padding"], "output_padding", 0)
        h, w = window.transposed_size(size)
        return h + more[0], w + more[1]
    return window.ceil_output_size(size) if getattr(layer, "ceil_mode", False) else window.output_size(size)


def inputs_of(layer: Module, axis: int, first: int, last: int) -> Pair:
    """First and last input cell along `axis` that the output cells from `first` to `last` look at."""
    window: Window | None = getattr(layer, "window", None)
    if window is None:
        return first, last
    span, stride, before = window.span[axis], window.stride[axis], window.padding[axis][0]
    if isinstance(layer, ConvTranspose2d):
        return -((span - 1 - before - first) // stride), (last + before) // stride
    return first * stride - before, last * stride - before + span - 1
