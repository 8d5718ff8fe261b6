"""From pictures to predictions and scores, each picture at its own size."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minifcn import backend
from minifcn.autodiff.engine import Tensor, no_grad
from minifcn.data.loader import Dataset
from minifcn.models import FCN
from minifcn.training.metrics import confusion, scores


def predict(model: FCN, picture: np.ndarray) -> np.ndarray:
    """The most likely class of each pixel: picture uint8 (H, W, 3) RGB -> uint8 (H, W). Dropout is off meanwhile."""
    training = model.training
    model.eval()
    try:
        with no_grad():
            device = next(model.parameters()).device
            output = model(Tensor(backend.to_device(model.preprocessing(picture), device)))
            return backend.to_device(output.data[0].argmax(0).astype(np.uint8), "cpu")
    finally:
        model.train(training)


def evaluate(model: FCN, dataset: Dataset, progress: Callable[[], Any] | None = None) -> dict[str, Any]:
    """The four scores and `per_class` of `model` over every picture of `dataset`; `progress` is called once a picture."""
    classes = len(model.class_names)
    total = np.zeros((classes, classes), np.int64)
    for number in range(len(dataset)):
        total += confusion(dataset.labels(number), predict(model, dataset.picture(number)), classes)
        if progress:
            progress()
    return scores(total, model.class_names)
