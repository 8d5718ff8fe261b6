"""A classifier in one file, as it came from elsewhere: weights, preprocessing, notes. `train --trunk` starts from it."""

import os
from pathlib import Path
from typing import Any

from minifcn.backend import to_device
from minifcn.models.classifiers import SIDES, HeatMap
from minifcn.models.saving import FORMAT, check_preprocessing, check_weights, preprocessing_of
from minifcn.nn.initialisers import undrawn
from minifcn.weights import WeightsError, load_arrays, save_arrays


def save_classifier(network: HeatMap, path: str | os.PathLike[str]) -> None:
    """Write the network to one safetensors file, whole or not at all."""
    header = {
        "format": FORMAT,
        "classifier": {"backbone": network.name, "num_classes": len(network.class_names), "width": network.width},
        "class_names": list(network.class_names),
        "preprocessing": network.preprocessing._asdict(),
        "notes": network.notes,
    }
    # VGG16 has half a GB, of which no copy is taken
    save_arrays(
        path, {name: to_device(parameter.data, "cpu") for name, parameter in network.named_parameters()}, header
    )


def is_classifier(header: Any) -> bool:
    """Whether this is the header of such a file."""
    return isinstance(header, dict) and "classifier" in header


def load_classifier(path: str | os.PathLike[str]) -> HeatMap:
    """The network of a file that `save_classifier` wrote, in eval mode. Raises WeightsError."""
    path = Path(path)
    arrays, header = load_arrays(path)
    if not is_classifier(header) or header.get("format") != FORMAT:
        raise WeightsError(f"{path}: a safetensors file, but no classifier of minifcn's")
    try:
        settings, wanted = dict(header["preprocessing"]), header["classifier"]
        check_weights(arrays)
        check_preprocessing(settings)
        if wanted["backbone"] not in SIDES:
            raise WeightsError(f"its network is {wanted['backbone']!r}, which this minifcn does not know")
        with undrawn():  # every weight is written
            network = HeatMap(
                wanted["backbone"], wanted["num_classes"], width=wanted["width"], class_names=header["class_names"]
            )
        network.load_state_dict(arrays)
        network.preprocessing = preprocessing_of(settings)
        network.notes = {str(key): str(text) for key, text in header["notes"].items()}
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise WeightsError(f"{path}: not a whole classifier ({type(error).__name__}: {error})") from error
    return network.eval()
