"""An FCN's weights under the names that torchvision gives the same layers: PyTorch loads the trunk into torchvision's own network."""

import os
from pathlib import Path

import numpy as np

from minifcn.export.torch_source import spare_models
from minifcn.models.fcn import FCN
from minifcn.pretrained.names.torchvision import TABLES
from minifcn.weights import save_arrays

# our backbone -> the network in torchvision that has its layers
SAME = {
    "vgg16": "vgg16",
    "alexnet-torchvision": "alexnet-torchvision",
    "squeezenet": "squeezenet",
    "squeezenet32": "squeezenet",
    "squeezenet-fc": "squeezenet",
}


def to_torchvision(model: FCN, path: str | os.PathLike[str]) -> list[str]:
    """Write `path` (.safetensors): the trunk under torchvision's names, matrices where it has matrices; other layers under their own.

    Returns the names of those others. In PyTorch: `network.load_state_dict(safetensors.torch.load_file(path), strict=False)`. The file's
    metadata hold class names and preprocessing. Raises ValueError for a trunk that torchvision has not, and where a model of minifcn's lies at `path`.
    """
    spare_models(Path(path), Path(path))
    name = model.architecture["backbone"]
    if name not in SAME:
        raise ValueError(
            f"export: torchvision has no network of the layers of {name}; it has those of {', '.join(SAME)}"
        )
    layers = {ours: theirs for theirs, ours in torchvision_layers(SAME[name]).items()}
    arrays, others = {}, []
    for full, array in model.state_dict().items():
        layer, _, kind = full.rpartition(".")
        if layer in layers:
            matrix = layers[layer].startswith("classifier") and kind == "weight"
            arrays[f"{layers[layer]}.{kind}"] = array.reshape(len(array), -1) if matrix else array
        else:
            arrays[full] = array
            others.append(full)
    header = {
        "class_names": list(model.class_names),
        "preprocessing": model.preprocessing._asdict(),
        "notes": model.notes,
    }
    save_arrays(path, {name: np.array(array, np.float32, order="C") for name, array in arrays.items()}, header)
    return others


def torchvision_layers(network: str) -> dict[str, str]:
    """torchvision's name of a layer -> ours, but for the classifier, which an FCN has not."""
    table = next(
        table for table in TABLES if table.who == "torchvision" and table.network == network and not table.norms
    )
    return {theirs: ours for theirs, ours in table.layers.items() if ours != "classifier"}
