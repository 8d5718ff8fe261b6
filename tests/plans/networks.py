"""Networks whose layers all matter, and pictures."""

import numpy as np

from minifcn.models import FCN


def network(backbone="tiny", **options):
    """In eval mode; score layers, which begin as zeros, are random, and so are biases."""
    model = FCN(backbone, **{"num_classes": 4, **options}).eval()
    rng = np.random.default_rng(5)
    for parameter in model.parameters():
        if not parameter.data.any():
            parameter.data[...] = rng.standard_normal(parameter.shape) * 0.1
    return model


def pictures(shape, dtype=np.float32, seed=6):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)
