"""From a photograph to the numbers a network expects. Saved with the model, so that it cannot be mixed up."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from minifcn import backend
from minifcn.backend import ArrayLike
from minifcn.nn import Module


class Preprocessing(NamedTuple):
    """(picture - mean) · scale for every pixel, channels in the given order. `mean` is in 0 … 255, in that same order.

    `scale` is one number, or three in that order: PyTorch's networks are trained on colours divided by a standard deviation each.
    """

    channels: str = "rgb"
    mean: tuple[float, ...] = (122.68, 116.67, 104.01)  # of VOC pictures, as the reference model has it
    scale: float | tuple[float, ...] = 1 / 64  # brings values to about ±2: what He-normal weights expect

    def __call__(self, pictures: ArrayLike) -> np.ndarray:
        """uint8 (N, H, W, 3) or (H, W, 3) RGB -> float32 (N, 3, H, W), channels last in memory, on the device of the pictures."""
        pictures = pictures if backend.is_array(pictures) else np.asarray(pictures)
        if pictures.ndim == 3:
            pictures = pictures[None]
        if pictures.ndim != 4 or pictures.shape[3] != 3 or pictures.dtype != np.uint8:
            raise ValueError(
                f"preprocessing: got {pictures.dtype} {pictures.shape}; expected RGB pictures, uint8 (N, H, W, 3) or (H, W, 3)"
            )
        self.check()
        if self.channels == "bgr":
            pictures = pictures[..., ::-1]
        values = pictures.astype(np.float32)
        for channel, mean in enumerate(
            self.mean
        ):  # numbers, not an array of three: a GPU would have to be sent that each time
            values[..., channel] -= np.float32(mean)
        if isinstance(self.scale, tuple | list | np.ndarray):
            for channel, scale in enumerate(self.scale):
                values[..., channel] *= np.float32(scale)
        else:
            values *= np.float32(self.scale)
        return values.transpose(0, 3, 1, 2)

    def check(self) -> None:
        """Raise ValueError for what would leave a channel as it is, or make nothing of all."""
        if self.channels not in ("rgb", "bgr"):
            raise ValueError(f'preprocessing: channels is {self.channels!r}; expected "rgb" or "bgr"')
        if not three_numbers(self.mean):
            raise ValueError(
                f"preprocessing: mean is {self.mean!r}; expected three numbers, a channel each, from 0 to 255"
            )
        scales: Any = self.scale if np.ndim(self.scale) else (self.scale,) * 3
        if not three_numbers(scales) or not all(scales):
            raise ValueError(
                f"preprocessing: scale is {self.scale!r}; expected one number, or three, and none of them 0"
            )

    @property
    def fill(self) -> tuple[int, int, int]:
        """The RGB colour that becomes about 0: what padding round a picture is painted with."""
        mean = self.mean if self.channels == "rgb" else self.mean[::-1]
        return (round(mean[0]), round(mean[1]), round(mean[2]))


def three_numbers(values: Any) -> bool:
    fit = isinstance(values, tuple | list | np.ndarray) and np.shape(values) == (3,)
    return fit and all(isinstance(value, float | int | np.number) and math.isfinite(value) for value in values)


@contextmanager
def channels_told(trunk: Module, shape: tuple[int, ...]) -> Iterator[None]:
    """Where something fails because the first layer wants other channels than a picture of `shape` has, that is said in the network's name, with what to do."""
    try:
        yield
    except ValueError as error:
        wanted = next(trunk.parameters()).shape[1:2]
        if not wanted or wanted[0] == shape[1]:
            raise
        last = "the channels stand last: give x.transpose(0, 3, 1, 2)"
        advice = last if shape[3] == wanted[0] else f"build one with in_channels={shape[1]}"
        raise ValueError(
            f"FCN: input has {shape[1]} channels {shape}, and this network takes {wanted[0]}; expected (N, channels, H, W): {advice}"
        ) from error


# (colour / 255 - mean) / deviation, with the numbers that torchvision gives for ImageNet
TORCHVISION = Preprocessing("rgb", (123.675, 116.28, 103.53), (1 / 58.395, 1 / 57.12, 1 / 57.375))

DEFAULTS = {
    "tiny": Preprocessing(),
    # as Caffe's networks were trained
    "vgg16": Preprocessing("bgr", (104.007, 116.669, 122.679), 1.0),
    "alexnet": Preprocessing("bgr", (104.007, 116.669, 122.679), 1.0),
    "alexnet-bvlc": Preprocessing("bgr", (104.007, 116.669, 122.679), 1.0),
    "alexnet-torchvision": TORCHVISION,
    "googlenet": Preprocessing("bgr", (104.0, 117.0, 123.0), 1.0),
    # its weights came from TensorFlow, which takes colours from -1 to 1
    "googlenet-torchvision": Preprocessing("rgb", (127.5, 127.5, 127.5), 1 / 127.5),
    "squeezenet": Preprocessing("bgr", (104.0, 117.0, 123.0), 1.0),
    "squeezenet32": Preprocessing("bgr", (104.0, 117.0, 123.0), 1.0),
    "squeezenet-fc": Preprocessing("bgr", (104.0, 117.0, 123.0), 1.0),
}
