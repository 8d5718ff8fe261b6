"""The networks of the paper, and what is known about them without running them."""

from typing import TYPE_CHECKING

from minifcn.names import later

if TYPE_CHECKING:
    from minifcn.models import geometry as geometry
    from minifcn.models.classifiers import Classifier, HeatMap
    from minifcn.models.dense import exact_cells, rarefy, shift_and_stitch
    from minifcn.models.fcn import ARCHITECTURES, FCN, build, fcn4s, fcn8s, fcn16s, fcn32s
    from minifcn.models.preprocessing import Preprocessing
    from minifcn.models.saving import load, save
    from minifcn.models.summary import summarise
    from minifcn.models.surgery import Transplant, fully_convolutional, heat_map, parameter_groups, transplant
    from minifcn.models.trunks.backbones import BACKBONES, Backbone
    from minifcn.models.variants import LateFusion, MultiHead, joint_loss

__all__ = [
    "ARCHITECTURES",
    "BACKBONES",
    "FCN",
    "Backbone",
    "Classifier",
    "HeatMap",
    "LateFusion",
    "MultiHead",
    "Preprocessing",
    "Transplant",
    "build",
    "exact_cells",
    "fcn4s",
    "fcn8s",
    "fcn16s",
    "fcn32s",
    "fully_convolutional",
    "geometry",
    "heat_map",
    "joint_loss",
    "load",
    "parameter_groups",
    "rarefy",
    "save",
    "shift_and_stitch",
    "summarise",
    "transplant",
]

later(
    __name__,
    {
        "minifcn.models.classifiers": "Classifier HeatMap",
        "minifcn.models.dense": "exact_cells rarefy shift_and_stitch",
        "minifcn.models.fcn": "ARCHITECTURES FCN build fcn4s fcn8s fcn16s fcn32s",
        "minifcn.models.preprocessing": "Preprocessing",
        "minifcn.models.saving": "load save",
        "minifcn.models.summary": "summarise",
        "minifcn.models.surgery": "Transplant fully_convolutional heat_map parameter_groups transplant",
        "minifcn.models.trunks.backbones": "BACKBONES Backbone",
        "minifcn.models.variants": "LateFusion MultiHead joint_loss",
    },
)
