"""The paper's claims, each as a function that measures it; `minifcn paper` runs them."""

from minifcn.paper import sampling as sampling
from minifcn.paper import sampling_trained as sampling_trained
from minifcn.paper.claims import CLAIMS, Bars, Claim, Curves, Outcome, Picture, Setting, claim

__all__ = ["CLAIMS", "Bars", "Claim", "Curves", "Outcome", "Picture", "Setting", "claim"]
