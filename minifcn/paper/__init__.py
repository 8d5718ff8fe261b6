"""The paper's claims, each as a function that measures it; `minifcn paper` runs them."""

# each of these enters its claims into the list
from minifcn.paper import bounds as bounds
from minifcn.paper import deconvnet as deconvnet
from minifcn.paper import dense as dense
from minifcn.paper import geometry as geometry
from minifcn.paper import refinement as refinement
from minifcn.paper import sampling as sampling
from minifcn.paper import sampling_trained as sampling_trained
from minifcn.paper import skips as skips
from minifcn.paper import start as start
from minifcn.paper import streams as streams
from minifcn.paper import table1 as table1
from minifcn.paper import upsampling as upsampling
from minifcn.paper.claims import CLAIMS, Bars, Claim, Curves, Outcome, Picture, Setting, claim

__all__ = ["CLAIMS", "Bars", "Claim", "Curves", "Outcome", "Picture", "Setting", "claim"]


def __dir__() -> list[str]:
    return sorted(__all__)
