"""What every trunk is made of: layers in a row with maps to read out, and the padding they share."""

from collections.abc import Iterator
from typing import Any

from minifcn import nn, ops
from minifcn.autodiff.engine import Tensor, TensorLike
from minifcn.kernels.windows import Window

# what an ImageNet classifier was trained with; the reference model's: the same, with 100 pixels at the first convolution;
# and one under which every layer keeps its size, or halves it
TRUNK_PADDINGS = ("trained", "paper", "same")


class Backbone(nn.Module):
    """Named layers in a row. `heads` says which of them the score layers read, by stride: {32: "drop7", 16: "pool4", 8: "pool3"}.

    `channels[name]` is the number of channels of such a map. `average_pool`: the side of the average pool with which the classifier ends
    and which an FCN discards (section 4.1); 1 where there is none. `added`: layers that the classifier does not have; they learn at the
    rate of the heads.
    """

    def __init__(
        self,
        layers: dict[str, nn.Module],
        heads: dict[int, str],
        channels: dict[str, int],
        average_pool: int = 1,
        added: tuple[str, ...] = (),
    ) -> None:
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.order, self.heads, self.channels = list(layers), heads, channels
        self.average_pool, self.added = average_pool, added

    def named_layers(self) -> Iterator[tuple[str, nn.Module]]:
        return ((name, getattr(self, name)) for name in self.order)

    def layers_to(self, stop: str) -> list[nn.Module]:
        """The layers from the picture to `stop`, which is included."""
        return [getattr(self, name) for name in self.order[: self.order.index(stop) + 1]]

    def forward(self, x: TensorLike) -> dict[str, Tensor]:
        """x (N, 3, H, W) -> the maps in `heads`, by name."""
        maps, wanted = {}, set(self.heads.values())
        made: Any = x
        for name, layer in self.named_layers():
            made = layer(made)
            if name in wanted:
                maps[name] = made
        return maps


class Branches(nn.Module):
    """Short ways side by side from one map, their results joined by channel: what Fire and Inception are.

    `stem` names the layers that all ways begin with, `ways` those of each way, in the order in which they are joined. A ReLU follows
    every convolution. `window` is that of the widest way: what a cell sees.
    """

    stem: tuple[str, ...] = ()
    ways: tuple[tuple[str, ...], ...]
    window: Window

    def along(self, names: tuple[str, ...], x: Any) -> Any:
        """x after the layers `names`."""
        for name in names:
            layer = getattr(self, name)
            x = ops.relu(layer(x)) if isinstance(layer, nn.Conv2d) else layer(x)
        return x

    def forward(self, x: TensorLike) -> Tensor:
        x = self.along(self.stem, x)
        return ops.concat([self.along(way, x) for way in self.ways], 1)


def first_padding(padding: str, trained: int, same: int) -> int:
    """Pixels of padding at the first convolution, of a trunk `trained` with so many and keeping its sizes with `same`."""
    if padding not in TRUNK_PADDINGS:
        raise ValueError(f"backbone: padding is {padding!r}; expected one of {', '.join(TRUNK_PADDINGS)}")
    return {"trained": trained, "paper": 100, "same": same}[padding]


def pool3x3(padding: str) -> nn.MaxPool2d:
    """Max pool 3x3 of stride 2: as Caffe trains it, without padding and rounding up, or ("same") H rows to H / 2, rounded up."""
    return nn.MaxPool2d(3, 2, padding=1) if padding == "same" else nn.MaxPool2d(3, 2, ceil_mode=True)


def check_width(name: str, width: int | None, only: int) -> None:
    if width not in (None, only):
        raise ValueError(
            f'{name}: width is {width}; it starts with {only} channels, choose backbone "tiny" for another width'
        )
