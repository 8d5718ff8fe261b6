"""Two inputs or two outputs: late fusion of two streams (NYUDv2), several heads on one trunk (SIFT Flow). Paper section 5."""

from collections.abc import Mapping
from typing import Any, Literal

from minifcn import nn, ops
from minifcn.autodiff.engine import Tensor, TensorLike
from minifcn.models.fcn import FCN, named_backbone
from minifcn.models.heads import Head, as_pictures
from minifcn.models.trunks.backbones import Backbone


class LateFusion(nn.Module):
    """Two networks, each with its own channels of the input, their scores averaged: (N, C1 + C2, H, W) -> (N, classes, H, W).

    `weights` are the reference's 0.5 and 0.5. It averages before the last upsampling; that is linear, so the result is the same.
    """

    def __init__(self, first: FCN, second: FCN, weights: tuple[float, float] = (0.5, 0.5)) -> None:
        if first.class_names != second.class_names:
            raise ValueError(
                f"LateFusion: classes {first.class_names} and {second.class_names}; both streams must score the same ones"
            )
        self.first, self.second, self.weights = first, second, weights
        self.channels = [next(stream.parameters()).shape[1] for stream in (first, second)]
        self.class_names, self.cell = first.class_names, max(first.cell, second.cell)

    def forward(self, x: TensorLike) -> Tensor:
        x = as_pictures("LateFusion", x)
        one, two = self.channels
        if x.shape[1] != one + two:
            raise ValueError(f"LateFusion: input has {x.shape[1]} channels {x.shape}; the streams take {one} + {two}")
        return self.first(x[:, :one]) * self.weights[0] + self.second(x[:, one:]) * self.weights[1]


class MultiHead(nn.Module):
    """Several answers about one picture from one trunk: (N, C, H, W) -> {head: scores (N, classes of the head, H, W)}.

    `heads`: name -> number of classes, as in {"semantic": 33, "geometric": 3}. The other arguments as in `FCN`.
    """

    def __init__(
        self,
        backbone: str | Backbone,
        stride: int,
        heads: Mapping[str, int],
        *,
        padding: str = "same",
        width: int | None = None,
        in_channels: int = 3,
        at_once: bool = False,
        learn_upsampling: bool = False,
        fusion: str = "sum",
    ) -> None:
        if not heads:
            raise ValueError('MultiHead: no heads; give for example {"semantic": 33, "geometric": 3}')
        self.backbone = named_backbone(backbone, padding, width, in_channels) if isinstance(backbone, str) else backbone
        options: dict[str, Any] = dict(at_once=at_once, learn_upsampling=learn_upsampling, fusion=fusion)
        self.heads = {name: Head(self.backbone, stride, classes, padding, **options) for name, classes in heads.items()}
        self.cell = max(self.backbone.heads)

    def forward(self, x: TensorLike) -> dict[str, Tensor]:
        x = as_pictures("MultiHead", x)
        maps = self.backbone(x)
        return {name: head.scores(maps, x) for name, head in self.heads.items()}


def joint_loss(
    scores: Mapping[str, Tensor],
    labels: Mapping[str, TensorLike],
    weight: TensorLike | None = None,
    ignore_index: int = 255,
    reduction: Literal["mean", "sum", "none"] = "mean",
) -> Tensor:
    """The sum of every head's softmax cross-entropy, each with weight 1 as in the reference. Labels (N, H, W) by head."""
    if set(scores) != set(labels):
        raise ValueError(
            f"joint_loss: scores for {sorted(scores)}, labels for {sorted(labels)}; expected the same heads"
        )
    losses = [ops.softmax_cross_entropy(scores[name], labels[name], weight, ignore_index, reduction) for name in scores]
    total = losses[0]
    for loss in losses[1:]:
        total = total + loss
    return total
