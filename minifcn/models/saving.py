"""A model in one file: weights, architecture, class names and preprocessing."""

import os
from typing import Any

import numpy as np

from minifcn.models.fcn import FCN
from minifcn.models.preprocessing import Preprocessing
from minifcn.nn.initialisers import undrawn
from minifcn.weights import WeightsError, load_arrays, save_arrays

FORMAT = 1


def model_header(model: FCN) -> dict[str, Any]:
    """All but the weights, JSON-able."""
    if not isinstance(model, FCN):
        raise WeightsError(
            f"save: got a {type(model).__name__}; only an FCN can be built again from a file; "
            "weights.save_arrays(path, model.state_dict()) keeps the weights of others"
        )
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
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        found = header.get("format") if isinstance(header, dict) else None
        raise WeightsError(f"{path}: a safetensors file, but not a minifcn model (format {found}, expected {FORMAT})")
    try:
        return from_arrays(arrays, header)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise WeightsError(f"{path}: not a whole minifcn model ({type(error).__name__}: {error})") from error


def from_arrays(arrays: dict[str, Any], header: dict[str, Any]) -> FCN:
    """Build the network that `header` describes and fill it."""
    settings = dict(header["preprocessing"])
    preprocessing = Preprocessing(settings["channels"], tuple(settings["mean"]), settings["scale"])
    with undrawn():  # every weight is written
        model = FCN(
            **header["architecture"],
            class_names=header["class_names"],
            preprocessing=preprocessing,
            classes=header.get("classes"),
        )
    if any(array.dtype == np.float64 for array in arrays.values()):
        model.astype(np.float64)
    model.load_state_dict(arrays)
    return model.eval()
