"""What the tests of the models share: small networks with random scores, VGG16 without its 134 million draws."""

import numpy as np

import minifcn as mf
from minifcn.models import FCN

STRIDES = (32, 16, 8, 4)
PADDINGS = ("same", "paper")


def network(stride=8, classes=3, *, seed=0, dtype=np.float32, biases=False, scores=True, width=1, **options):
    """An FCN over tiny. `scores`: random score layers instead of zeros; `biases`: random biases everywhere."""
    mf.manual_seed(seed)
    rng = np.random.default_rng([seed, 9])
    model = FCN("tiny", stride, classes, width=width, **options)
    for name, parameter in model.named_parameters():
        if (biases and name.endswith("bias")) or (scores and name.startswith("score_")):
            parameter.data[...] = 0.3 * rng.standard_normal(parameter.shape)
    return model.astype(dtype)


def picture(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def parameter_sizes(model, *, without=()):
    return sum(p.size for name, p in model.named_parameters() if not name.startswith(tuple(without)))


def vgg16(monkeypatch, stride, padding="paper", classes=21):
    """VGG16 with zeros for weights: pages that nobody touches take no memory and no time."""
    monkeypatch.setattr("minifcn.nn.layers.he_normal", lambda shape: np.zeros(shape, np.float32))
    return FCN("vgg16", stride, classes, padding=padding)
