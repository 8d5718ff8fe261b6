"""The arithmetic of sliding windows: output sizes, padding, "same"; shared by every kernel, simple or fast.

Sizes follow PyTorch: a window of `kernel` taps `dilation` apart spans dilation·(kernel - 1) + 1 pixels.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, cast

from minifcn.kernels.whole import whole

Pair = tuple[int, int]
Size = int | Pair  # the same number both ways, or (vertical, horizontal)
Padding = Size | Literal["same", "valid"]


class Window(NamedTuple):
    """How a window slides over a picture. Every field is (vertical, horizontal); `padding` is ((top, bottom), (left, right))."""

    kernel: Pair
    stride: Pair = (1, 1)
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0))
    dilation: Pair = (1, 1)

    @property
    def span(self) -> Pair:
        """Pixels from the first tap to the last, both counted."""
        return (self.dilation[0] * (self.kernel[0] - 1) + 1, self.dilation[1] * (self.kernel[1] - 1) + 1)

    def output_size(self, size: tuple[int, ...]) -> Pair:
        """How many windows fit into a picture of `size` (H, W); below 1 where none does."""
        return (self._fits(0, size[0]), self._fits(1, size[1]))

    def _fits(self, axis: int, length: int) -> int:
        return (length + sum(self.padding[axis]) - self.span[axis]) // self.stride[axis] + 1

    def ceil_output_size(self, size: tuple[int, ...]) -> Pair:
        """As `output_size`, rounding up: a last window may hang over the padded picture, if it starts inside picture or left padding."""
        return (self._ceil(0, size[0]), self._ceil(1, size[1]))

    def _ceil(self, axis: int, length: int) -> int:
        stride = self.stride[axis]
        count = -(-(length + sum(self.padding[axis]) - self.span[axis]) // stride) + 1
        starts_outside = (count - 1) * stride >= length + self.padding[axis][0]
        return count - 1 if starts_outside else count

    def transposed_size(self, size: tuple[int, ...]) -> Pair:
        """The smallest picture (H, W) that `output_size` maps to `size`: stride·(n - 1) + span - padding."""
        return (self._grows(0, size[0]), self._grows(1, size[1]))

    def _grows(self, axis: int, length: int) -> int:
        return self.stride[axis] * (length - 1) + self.span[axis] - sum(self.padding[axis])


def pair(value: Size | Sequence[int], name: str, least: int) -> Pair:
    """(v, v) for an integer, (vertical, horizontal) for two; ValueError below `least`. `name` starts the message."""
    two = hasattr(value, "__len__") and not isinstance(value, str)
    both: tuple[Any, ...] = tuple(cast(Sequence[int], value)) if two else (value, value)
    if len(both) != 2 or not all(map(whole, both)):
        raise ValueError(f"{name} is {value!r}; expected an integer or (vertical, horizontal)")
    if min(both) < least:
        raise ValueError(f"{name} is {value!r}; it must be at least {least}")
    return (both[0].__index__(), both[1].__index__())


def same_padding(kernel: Pair, dilation: Pair) -> tuple[Pair, Pair]:
    """Padding that keeps the size at stride 1; an odd pixel goes to the bottom and the right, as in PyTorch."""
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return ((totals[0] // 2, totals[0] - totals[0] // 2), (totals[1] // 2, totals[1] - totals[1] // 2))
