"""How files write the layer and the part of it in an array's name: conv1.weight, conv1.0, conv1_W, conv1_w_0 and conv1/W are all conv1's weight."""

import re
from collections.abc import Iterable

WEIGHT, BIAS, MEAN, VARIANCE, COUNT = "weight", "bias", "mean", "variance", "count"
PARTS = {
    "weight": WEIGHT, "W": WEIGHT, "w": WEIGHT, "0": WEIGHT, "bias": BIAS, "b": BIAS, "1": BIAS,
    "kernel": WEIGHT, "running_mean": MEAN, "running_var": VARIANCE, "num_batches_tracked": COUNT,
}  # fmt: skip
SPELLINGS = [
    re.compile(r"(.+)\.(weight|bias|running_mean|running_var|num_batches_tracked|kernel)"),  # PyTorch, Keras
    re.compile(r"(.+)\.([01])"),  # a blob of Caffe's
    re.compile(r"(.+)_([wb])_0"),  # Caffe2
    re.compile(r"(.+)[_/](W|b|weight|bias)"),  # Chainer, MXNet, and the arrays of SqueezeNet for NumPy
]


def spelled(name: str) -> tuple[str, str]:
    """(layer, part); the part is "" where the name says none. A slash in a layer's name is an underscore.

    >>> spelled("fire2/squeeze1x1_w_0"), spelled("features.0.weight"), spelled("epoch")
    (('fire2_squeeze1x1', 'weight'), ('features.0', 'weight'), ('epoch', ''))
    """
    for spelling in SPELLINGS:
        if found := spelling.fullmatch(name):
            return found[1].replace("/", "_"), PARTS[found[2]]
    return name, ""


def by_layer(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """{layer: {part: name of the array}}."""
    layers: dict[str, dict[str, str]] = {}
    for name in names:
        layer, part = spelled(name)
        layers.setdefault(layer, {})[part] = name
    return layers
