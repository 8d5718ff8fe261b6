"""The networks of the paper, and what is known about them without running them."""

from minifcn.models.backbones import BACKBONES, Backbone
from minifcn.models.fcn import ARCHITECTURES, FCN, build, fcn4s, fcn8s, fcn16s, fcn32s
from minifcn.models.preprocessing import Preprocessing
from minifcn.models.saving import load, save
from minifcn.models.summary import summarise
from minifcn.models.transplant import transplant

__all__ = [
    "ARCHITECTURES",
    "BACKBONES",
    "FCN",
    "Backbone",
    "Preprocessing",
    "build",
    "fcn4s",
    "fcn8s",
    "fcn16s",
    "fcn32s",
    "load",
    "save",
    "summarise",
    "transplant",
]
