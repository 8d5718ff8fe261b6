"""From a photograph to the numbers a network expects. Saved with the model, so that it cannot be mixed up."""

from typing import NamedTuple

import numpy as np

from minifcn import backend
from minifcn.backend import ArrayLike


class Preprocessing(NamedTuple):
    """(picture - mean) · scale for every pixel, channels in the given order. `mean` is in 0 … 255, in that same order."""

    channels: str = "rgb"
    mean: tuple[float, ...] = (122.68, 116.67, 104.01)  # of VOC pictures, as the reference model has it
    scale: float = 1 / 64  # brings values to about ±2: what He-normal weights expect

    def __call__(self, pictures: ArrayLike) -> np.ndarray:
        """uint8 (N, H, W, 3) or (H, W, 3) RGB -> float32 (N, 3, H, W), channels last in memory, on the device of the pictures."""
        pictures = pictures if backend.is_array(pictures) else np.asarray(pictures)
        if pictures.ndim == 3:
            pictures = pictures[None]
        if pictures.ndim != 4 or pictures.shape[3] != 3 or pictures.dtype != np.uint8:
            raise ValueError(
                f"preprocessing: got {pictures.dtype} {pictures.shape}; expected RGB pictures, uint8 (N, H, W, 3) or (H, W, 3)"
            )
        if self.channels not in ("rgb", "bgr"):
            raise ValueError(f'preprocessing: channels is {self.channels!r}; expected "rgb" or "bgr"')
        if self.channels == "bgr":
            pictures = pictures[..., ::-1]
        values = pictures.astype(np.float32)
        for channel, mean in enumerate(
            self.mean
        ):  # numbers, not an array of three: a GPU would have to be sent that each time
            values[..., channel] -= np.float32(mean)
        values *= np.float32(self.scale)
        return values.transpose(0, 3, 1, 2)

    @property
    def fill(self) -> tuple[int, int, int]:
        """The RGB colour that becomes about 0: what padding round a picture is painted with."""
        mean = self.mean if self.channels == "rgb" else self.mean[::-1]
        return (round(mean[0]), round(mean[1]), round(mean[2]))


DEFAULTS = {
    "tiny": Preprocessing(),
    # as Caffe's networks were trained
    "vgg16": Preprocessing("bgr", (104.007, 116.669, 122.679), 1.0),
    "alexnet": Preprocessing("bgr", (104.007, 116.669, 122.679), 1.0),
    "googlenet": Preprocessing("bgr", (104.0, 117.0, 123.0), 1.0),
    "squeezenet": Preprocessing("bgr", (104.0, 117.0, 123.0), 1.0),
    "squeezenet32": Preprocessing("bgr", (104.0, 117.0, 123.0), 1.0),
    "squeezenet-fc": Preprocessing("bgr", (104.0, 117.0, 123.0), 1.0),
}
