"""A model in one file: weights, architecture, class names, preprocessing and notes."""

import json
import math
import os
from typing import Any

import numpy as np

from minifcn.models.fcn import FCN
from minifcn.models.preprocessing import Preprocessing
from minifcn.models.shipped import model_file
from minifcn.nn.initialisers import undrawn
from minifcn.weights import WeightsError, load_arrays, save_arrays
from minifcn.weights.state import plain

FORMAT = 1
THEIRS = (".pth", ".pt", ".bin", ".caffemodel", ".onnx", ".npz", ".h5")  # what other programs call their files
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
    if not isinstance(model.preprocessing, Preprocessing):
        raise WeightsError(f"save: model.preprocessing is {model.preprocessing!r}; expected a Preprocessing")
    names: Any = model.class_names
    header = {
        "format": FORMAT,
        "architecture": model.architecture,
        "class_names": list(names) if isinstance(names, tuple) else as_list(names),
        "classes": model.classes,
        "preprocessing": {name: as_list(value) for name, value in model.preprocessing._asdict().items()},
        "notes": model.notes,
        "picture_size": model.picture_size,
        "picture_bits": model.picture_bits,
    }
    header = json.loads(json.dumps(header, default=plain))  # as it will stand in the file
    try:
        check_header(header)
    except WeightsError as error:
        raise WeightsError(f"save: {error}") from error
    return header


def as_list(value: Any) -> Any:
    """An array as numbers that JSON can keep; all else as it is."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def check_header(header: dict[str, Any]) -> None:
    """What `load` would refuse is not written: whoever hears of it then has the network no more. Raises WeightsError."""
    check_preprocessing(header["preprocessing"])
    names, classes = header["class_names"], header["architecture"]["num_classes"]
    check_names(names, header["classes"])
    if len(names) != classes:
        raise WeightsError(f"class_names has {len(names)} names for {classes} classes; expected one a class")
    check_pictures(header)


def save(model: FCN, path: str | os.PathLike[str], half: bool = False) -> None:
    """Write the model to one safetensors file, whole or not at all.

    `half`: weights in float16, which halves the file and keeps three digits of each (11 bits); `load` makes float32 of them.
    """
    header, arrays = model_header(model), model.state_dict()
    try:
        check_weights(arrays)
    except WeightsError as error:  # the file that lies there may be one from before the training went wrong
        raise WeightsError(f"save: {error}") from error
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
    try:
        arrays, header = load_arrays(path)
    except WeightsError as error:
        if path.is_file() and path.suffix.lower() in THEIRS:
            raise WeightsError(
                f"{path}: another program's file; make a model of it: minifcn weights import {path}"
            ) from error
        raise
    if not isinstance(header, dict) or header.get("format") != FORMAT or "classifier" in header:
        found = header.get("format") if isinstance(header, dict) else None
        if isinstance(header, dict) and "classifier" in header:
            raise WeightsError(
                f"{path}: a classifier, which names what a whole picture shows; an FCN starts from it with minifcn train --trunk"
            )
        raise WeightsError(
            f"{path}: a checkpoint, from which train --resume goes on; give {path.with_name('best.safetensors')} or another model of its folder"
            if isinstance(header, dict) and "place" in header and "model" in header
            else f"{path}: a safetensors file, but not a minifcn model (format {found}, expected {FORMAT}); of another program's weights minifcn weights import makes one"
        )
    try:
        return from_arrays(arrays, header)
    except WeightsError as error:
        raise WeightsError(f"{path}: this model cannot predict: {error}") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise WeightsError(f"{path}: not a whole minifcn model ({type(error).__name__}: {error})") from error


def from_arrays(arrays: dict[str, Any], header: dict[str, Any]) -> FCN:
    """Build the network that `header` describes and fill it. Raises ValueError where it could not predict."""
    settings = dict(header["preprocessing"])
    check_weights(arrays)
    check_preprocessing(settings)
    check_names(header["class_names"], header.get("classes"))
    with undrawn():  # every weight is written
        model = FCN(
            **header["architecture"],
            class_names=header["class_names"],
            preprocessing=preprocessing_of(settings),
            classes=header.get("classes"),
        )
    if any(array.dtype == np.float64 for array in arrays.values()):
        model.astype(np.float64)
    model.load_state_dict(arrays)
    model.notes = {str(key): str(text) for key, text in (header.get("notes") or {}).items()}
    check_pictures(header)
    model.picture_size, model.picture_bits = header.get("picture_size"), header.get("picture_bits")
    return model.eval()


def check_pictures(header: dict[str, Any]) -> None:
    """Raise WeightsError where what is said of the pictures cannot be."""
    size, bits = header.get("picture_size"), header.get("picture_bits")
    if size is not None and not (type(size) is int and size > 0):
        raise WeightsError(f"picture_size is {size!r}; expected a number of pixels above 0, or none")
    if bits is not None and not (type(bits) is int and 8 <= bits <= 16):
        raise WeightsError(f"picture_bits is {bits!r}; expected 8 to 16, or none")


def check_weights(arrays: dict[str, Any]) -> None:
    """A network with one NaN calls everything background, and says so with 100 %: such files are refused. Raises WeightsError."""
    for name, array in arrays.items():
        if array.dtype.kind != "f":
            raise WeightsError(f"{name} holds {array.dtype} numbers; expected weights in float16, float32 or float64")
        bad = array.size - np.count_nonzero(np.isfinite(array))
        if bad:
            raise WeightsError(
                f"{name} holds NaN or infinity ({bad} of {array.size} numbers), with which nothing can be predicted; "
                "take a model from before its training went wrong, or train again with a smaller learning rate"
            )


def check_preprocessing(settings: dict[str, Any]) -> None:
    """Raise WeightsError where no picture would come through."""
    channels, mean, scale = settings["channels"], settings["mean"], settings["scale"]
    if channels not in ("rgb", "bgr"):
        raise WeightsError(f"preprocessing: channels is {channels!r}; expected rgb or bgr")
    if not isinstance(mean, list | tuple) or len(mean) != 3 or not all(is_finite(value) for value in mean):
        raise WeightsError(f"preprocessing: mean is {mean!r}; expected three finite numbers, one a channel")
    scales = scale if isinstance(scale, list | tuple) and len(scale) == 3 else [scale]
    if not all(is_finite(each) and each > 0 for each in scales):
        raise WeightsError(f"preprocessing: scale is {scale!r}; expected a finite number above 0, or three")


def preprocessing_of(settings: dict[str, Any]) -> Preprocessing:
    """What `check_preprocessing` let through."""
    scale = settings["scale"]
    return Preprocessing(
        settings["channels"], tuple(settings["mean"]), tuple(scale) if isinstance(scale, list) else scale
    )


def is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def check_names(names: Any, classes: Any) -> None:
    """Raise WeightsError where two places of the header name the classes differently."""
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name for name in names):
        raise WeightsError(f"class_names is {names!r}; expected a list of texts, one a class")
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        raise WeightsError(f"class_names has {twice[0]!r} twice; each class needs a name of its own")
    if classes is None:
        return
    if not isinstance(classes, dict):
        raise WeightsError(f"classes is {classes!r}; expected names and label values")
    if "names" in classes and list(classes["names"]) != list(names):
        raise WeightsError(
            f"class_names are {', '.join(names)}, but classes names {', '.join(map(str, classes['names']))}"
        )
    values = list(classes.get("values", range(len(names))))
    if (
        len(values) != len(names)
        or len(set(values)) < len(values)
        or not all(type(value) is int and 0 <= value < 255 for value in values)
    ):
        raise WeightsError(
            f"classes has the label values {values} for {len(names)} classes; expected one each, 0 to 254"
        )
