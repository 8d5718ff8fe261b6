"""Where pixels land, without running a network: `field.py` for one layer, `maps.py` the network as named maps, `network.py` both together."""

from minifcn.models.geometry.field import Field, along, cells_seen, compose, crop_offset, folded, inputs_of, output_size
from minifcn.models.geometry.maps import maps_of, run_all, run_to
from minifcn.models.geometry.network import (
    Fit,
    LeastPadding,
    crops,
    crops_fit,
    field_of,
    fields,
    least_padding,
    seen,
    sizes,
)

__all__ = [
    "Field",
    "Fit",
    "LeastPadding",
    "along",
    "cells_seen",
    "compose",
    "crop_offset",
    "crops",
    "crops_fit",
    "field_of",
    "fields",
    "folded",
    "inputs_of",
    "least_padding",
    "maps_of",
    "output_size",
    "run_all",
    "run_to",
    "seen",
    "sizes",
]


def __dir__() -> list[str]:
    return sorted(__all__)
