"""A model in one file: weights, architecture, class names and preprocessing."""

import os
from typing import Any

from minifcn.models.fcn import FCN
from minifcn.models.preprocessing import Preprocessing
from minifcn.weights import WeightsError, load_arrays, save_arrays

FORMAT = 1


def model_header(model: FCN) -> dict[str, Any]:
    """All but the weights, JSON-able."""
    if model.architecture["backbone"] is None:
        raise WeightsError(
            "save: this model was built on a backbone of your own; only named backbones can be built again from a file"
        )
    return {
        "format": FORMAT,
        "architecture": model.architecture,
        "class_names": list(model.class_names),
        "classes": model.classes,
        "preprocessing": model.preprocessing._asdict(),
    }


def save(model: FCN, path: str | os.PathLike[str]) -> None:
    """Write the model to one safetensors file, whole or not at all."""
    save_arrays(path, model.state_dict(), model_header(model))


def load(path: str | os.PathLike[str]) -> FCN:
    """The model saved at `path`, in eval mode, with `.class_names` and `.preprocessing`. Raises WeightsError."""
    arrays, header = load_arrays(path)
    if header.get("format") != FORMAT or "architecture" not in header:
        raise WeightsError(
            f"{path}: a safetensors file, but not a minifcn model (format {header.get('format')}, expected {FORMAT})"
        )
    return from_arrays(arrays, header)


def from_arrays(arrays: dict[str, Any], header: dict[str, Any]) -> FCN:
    """Build the network that `header` describes and fill it."""
    settings = dict(header["preprocessing"])
    preprocessing = Preprocessing(settings["channels"], tuple(settings["mean"]), settings["scale"])
    model = FCN(
        **header["architecture"],
        class_names=header["class_names"],
        preprocessing=preprocessing,
        classes=header.get("classes"),
    )
    model.load_state_dict(arrays)
    return model.eval()
