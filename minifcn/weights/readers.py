"""Weights that others have trained: the names in their files, and what the parameters are called here."""

import os
import re
from pathlib import Path

import numpy as np

from minifcn.weights.state import WeightsError, load_arrays


def read_arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The named arrays of a .npz or .safetensors file, in float32. Raises WeightsError."""
    path = Path(path)
    if path.suffix != ".npz":
        return {name: array.astype(np.float32) for name, array in load_arrays(path)[0].items()}
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")
    try:
        # opened here, for NumPy leaves a damaged archive open; and a pickle could run anything
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: np.asarray(archive[name], np.float32) for name in archive.files}
    except Exception as error:  # whatever the archive's parsers hit: BadZipFile, zlib.error, NotImplementedError, …
        raise WeightsError(f"{path}: not a readable .npz file of arrays ({error})") from error


def squeezenet_name(name: str) -> str | None:
    """conv1_W -> backbone.conv1.weight, fire2_expand3x3_b -> backbone.fire2.expand3x3.bias, conv10_W -> classifier.weight."""
    found = re.fullmatch(r"(conv1|conv10|fire[2-9]_(?:squeeze1x1|expand1x1|expand3x3))_([Wb])", name)
    if found is None:
        return None
    layer, kind = found[1].replace("_", "."), "weight" if found[2] == "W" else "bias"
    return f"classifier.{kind}" if layer == "conv10" else f"backbone.{layer}.{kind}"
