"""The paper's claims, each as a function that measures it; `minifcn paper` runs them."""

from minifcn.paper import bounds as bounds
from minifcn.paper import start as start
from minifcn.paper import upsampling as upsampling
from minifcn.paper.claims import CLAIMS, Bars, Claim, Curves, Outcome, Picture, Setting, claim

__all__ = ["CLAIMS", "Bars", "Claim", "Curves", "Outcome", "Picture", "Setting", "claim"]
