"""The paper's claims, each as a function that measures it; `minifcn paper` runs them."""

# each of the topics enters its claims into the list
from minifcn.paper.claims import CLAIMS, Bars, Claim, Curves, Outcome, Picture, Setting, claim
from minifcn.paper.topics import (
    coarse_labels,
    deconvnet,
    geometry,
    refinement,
    sampling,
    sampling_trained,
    skips,
    start,
    stitching,
    streams,
    table1,
    upsampling,
)

TOPICS = (coarse_labels, deconvnet, stitching, geometry, refinement, sampling, sampling_trained, skips, start, streams, table1, upsampling)  # fmt: skip

__all__ = ["CLAIMS", "Bars", "Claim", "Curves", "Outcome", "Picture", "Setting", "claim"]


def __dir__() -> list[str]:
    return sorted(__all__)
