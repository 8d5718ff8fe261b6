"""A model in one file: weights, architecture, class names, preprocessing and notes."""

import os
from typing import Any

import numpy as np

from minifcn.models.fcn import FCN
from minifcn.models.preprocessing import Preprocessing
from minifcn.models.shipped import model_file
from minifcn.nn.initialisers import undrawn
from minifcn.weights import WeightsError, load_arrays, save_arrays

FORMAT = 1
HALF_OVERFLOWS = 65520  # from here on float16 rounds to infinity


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
    if not isinstance(model.notes, dict) or not all(
        isinstance(text, str) for pair in model.notes.items() for text in pair
    ):
        raise WeightsError(
            f"save: model.notes is {model.notes!r}; expected a dict of texts, such as {{'licence': 'MIT'}}"
        )
    return {
        "format": FORMAT,
        "architecture": model.architecture,
        "class_names": list(model.class_names),
        "classes": model.classes,
        "preprocessing": model.preprocessing._asdict(),
        "notes": model.notes,
        "picture_size": model.picture_size,
    }


def save(model: FCN, path: str | os.PathLike[str], half: bool = False) -> None:
    """Write the model to one safetensors file, whole or not at all.

    `half`: weights in float16, which halves the file and keeps three digits of each (11 bits); `load` makes float32 of them.
    """
    header, arrays = model_header(model), model.state_dict()
    save_arrays(path, in_half(arrays) if half else arrays, header)


def in_half(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each array rounded to the nearest float16. Raises WeightsError where a value is too large for that, or is no number."""
    for name, array in arrays.items():
        largest = float(np.abs(array).max(initial=0))
        if not largest < HALF_OVERFLOWS:
            raise WeightsError(f"save: {name} reaches {largest:.3g}; float16 ends at 65504, so save it without half")
    return {name: array.astype(np.float16) for name, array in arrays.items()}


def load(path_or_name: str | os.PathLike[str]) -> FCN:
    """The saved model, in eval mode, with `.class_names`, `.preprocessing` and `.notes`. Raises WeightsError.

    `path_or_name`: a file, or "voc7", the model that ships with minifcn. Weights saved in float16 come back as float32.
    """
    path = model_file(path_or_name)
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
    model.notes = {str(key): str(text) for key, text in (header.get("notes") or {}).items()}
    size = header.get("picture_size")
    model.picture_size = None if size is None else int(size)
    return model.eval()
