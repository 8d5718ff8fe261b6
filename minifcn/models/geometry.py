"""Where pixels land: receptive field, stride and position of every layer, and from them the crops of an FCN.

A cell (y, x) of a layer looks at a square of the picture. Along one axis that is three numbers: how large the square is (size), how
far it moves from one cell to the next (stride), and where its middle lies for cell 0 (centre; pixel 0's own middle is 0). Every
layer changes them by a fixed rule, so that the crop between two maps follows from their layers alone. Paper section 3.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from minifcn.kernels.windows import Window
from minifcn.nn import ConvTranspose2d, Module


class Field(NamedTuple):
    """What one cell of a layer sees, along one axis, in pixels of the picture. Exact: centres lie on halves."""

    size: int = 1
    stride: Fraction = Fraction(1)
    centre: Fraction = Fraction(0)

    def window(self, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> "Field":
        """After a convolution or a pool: size + (span - 1)·stride; the window's middle lies (span - 1)/2 - padding cells on."""
        span = dilation * (kernel - 1) + 1
        return Field(
            self.size + int((span - 1) * self.stride),
            self.stride * stride,
            self.centre + (Fraction(span - 1, 2) - padding) * self.stride,
        )

    def transposed(self, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> "Field":
        """After a transposed convolution: the convolution that it transposes, undone."""
        span = dilation * (kernel - 1) + 1
        fine = self.stride / stride
        reached = -(-span // stride)  # input cells that paint one output cell
        return Field(
            self.size + int((reached - 1) * self.stride), fine, self.centre - (Fraction(span - 1, 2) - padding) * fine
        )

    def cropped(self, offset: int) -> "Field":
        """After cells 0 … offset - 1 are cut off."""
        return self._replace(centre=self.centre + offset * self.stride)

    def through(self, layers: Iterable[Module]) -> "Field":
        """After `layers`, one after the other; what has no window (ReLU, dropout, …) changes nothing. Square windows only."""
        field = self
        for layer in layers:
            window = getattr(layer, "window", None)
            if window is None:
                continue
            arguments = along(window, type(layer).__name__)
            field = field.transposed(*arguments) if isinstance(layer, ConvTranspose2d) else field.window(*arguments)
        return field


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
