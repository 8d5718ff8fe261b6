"""Modules, layers, initialisers and optimisers, on top of `minifcn.ops`."""

from typing import TYPE_CHECKING

from minifcn.names import later

if TYPE_CHECKING:
    from minifcn.nn import initialisers, optim
    from minifcn.nn.layers import (
        AvgPool2d,
        Conv2d,
        ConvTranspose2d,
        Dropout,
        Linear,
        LocalResponseNorm,
        MaxPool2d,
        ReLU,
        Sequential,
    )
    from minifcn.nn.module import Module, Parameter

__all__ = [
    "AvgPool2d",
    "Conv2d",
    "ConvTranspose2d",
    "Dropout",
    "Linear",
    "LocalResponseNorm",
    "MaxPool2d",
    "Module",
    "Parameter",
    "ReLU",
    "Sequential",
    "initialisers",
    "optim",
]

later(
    __name__,
    {
        "minifcn.nn.layers": "AvgPool2d Conv2d ConvTranspose2d Dropout Linear LocalResponseNorm MaxPool2d ReLU Sequential",
        "minifcn.nn.module": "Module Parameter",
    },
)
