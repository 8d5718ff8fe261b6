"""Drawing: label colours, overlays, curves, the HTML report, graphs and networks. matplotlib is imported here alone, to plot and for its fonts."""

from importlib import import_module
from typing import Any

# name -> the module that has it; loaded when first asked for, since matplotlib takes a second
LATER = {
    "architecture": "minifcn.draw.diagrams.architecture",
    "effective_field": "minifcn.draw.networks.receptive",
    "graph": "minifcn.draw.diagrams.graph",
    "receptive_field": "minifcn.draw.networks.receptive",
}
__all__ = list(LATER)


def __getattr__(name: str) -> Any:
    if name not in LATER:
        raise AttributeError(f"module 'minifcn.draw' has no attribute {name!r}")
    return getattr(import_module(LATER[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
