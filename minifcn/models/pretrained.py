"""Networks that somebody else trained on ImageNet, from their files."""

import os

from minifcn.models.classifiers import HeatMap
from minifcn.nn.initialisers import undrawn
from minifcn.weights import WeightsError
from minifcn.weights.readers import read_arrays, squeezenet_name

# travels with every model that began from these weights
SQUEEZENET_NOTE = "began from SqueezeNet v1.1, trained on ImageNet by its authors (Iandola et al. 2016, BSD licence)"


def load_pretrained(path: str | os.PathLike[str]) -> HeatMap:
    """The 1000-class network in the file `path`, in eval mode. `fully_convolutional` or `transplant` makes an FCN of it.

    Known so far: SqueezeNet v1.1 from Caffe (.npz or .safetensors, keys conv1_W … conv10_b). Raises WeightsError for any other file.
    """
    arrays = read_arrays(path)
    named = {squeezenet_name(name): array for name, array in arrays.items()}
    if None in named or len(named) < 2:
        unknown = next((name for name in arrays if squeezenet_name(name) is None), "nothing")
        raise WeightsError(
            f"{path}: holds {unknown}, expected SqueezeNet v1.1 with the keys conv1_W, conv1_b, fire2_squeeze1x1_W, …, conv10_b"
        )
    with undrawn():  # every weight is written
        network = HeatMap("squeezenet")
    try:
        network.load_state_dict({name: array for name, array in named.items() if name is not None})
    except ValueError as error:
        raise WeightsError(f"{path}: not a whole SqueezeNet v1.1 ({error})") from error
    return network.eval()
