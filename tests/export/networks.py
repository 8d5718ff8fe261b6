"""Networks with weights that let every layer matter, and pictures of odd sizes."""

import numpy as np

from minifcn.models import FCN

SIZES = [(1, 1), (7, 9), (33, 64), (50, 75)]
# trunk, stride, and what else of FCN's options is to come through
NETWORKS = {
    "tiny": dict(backbone="tiny", width=3, stride=4),
    "tiny, paper, at once": dict(backbone="tiny", width=3, padding="paper", at_once=True),
    "tiny, 32s, of four channels": dict(backbone="tiny", width=3, stride=32, in_channels=4),
    "squeezenet": dict(backbone="squeezenet", fusion="max"),
    "squeezenet, paper": dict(backbone="squeezenet", padding="paper"),
    "squeezenet-fc": dict(backbone="squeezenet-fc", learn_upsampling=True),
    "googlenet": dict(backbone="googlenet"),
    "googlenet, paper": dict(backbone="googlenet", padding="paper"),
    "alexnet": dict(backbone="alexnet"),
    "alexnet, paper": dict(backbone="alexnet", padding="paper"),
}
LARGE = [name for name in NETWORKS if name.startswith(("alexnet", "googlenet"))]


def network(name, classes=4):
    """The network in eval mode; its score layers, which begin as zeros, are random."""
    options = NETWORKS[name] if name in NETWORKS else dict(backbone=name)
    model = FCN(num_classes=classes, **{"stride": 8, **options}).eval()
    rng = np.random.default_rng(5)
    for parameter in model.parameters():
        if not parameter.data.any():
            parameter.data[...] = rng.standard_normal(parameter.shape) * 0.1
    return model


def pictures(model, size, seed=6):
    channels = next(iter(model.parameters())).shape[1]
    return np.random.default_rng(seed).standard_normal((2, channels, *size)).astype(np.float32)


def apart(one, other):
    """How far two arrays are apart, as a share of the largest number."""
    assert one.shape == other.shape
    return np.abs(one - other).max() / np.abs(other).max()
