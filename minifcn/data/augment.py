"""Random variation of a picture and its labels: scaled, cropped, shifted, recoloured, mirrored. Labels never mix."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from PIL import Image

from minifcn.data.errors import DataError
from minifcn.data.labels import VOID
from minifcn.names import instead

Size = int | tuple[int, int]  # of crops: the side of a square, or height and width


@dataclass(frozen=True)
class Augmentation:
    """What is varied at random each time a picture comes up. The default mirrors, and does nothing else.

    `mirror`  exchange left and right half the time
    `scale`   (low, high): picture and labels become this many times as large, as often smaller as larger (uniform in
              the logarithm); both sides by the same factor, each at least 1 pixel; (1, 1) leaves the size. Pictures by
              Lanczos's filter, which keeps them sharp, labels by nearest
    `jitter`  pixels. A crop may lie up to so far beyond the edges of the picture; a picture that is not cropped is
              shifted up to so far in each direction, on a ground of its own size. At least one pixel always stays in
              sight. A crop that is smaller than its picture moves anyway: jitter adds places at the rim, with void
    `colour`  0 to below 1: brightness, contrast and saturation are each multiplied by a factor from 1 - colour to
              1 + colour, drawn for each by itself; labels, and what lies round a picture, keep their values

    Raises DataError where a value makes no sense.

    >>> Augmentation(scale=(0.7, 1.6), colour=0.2).describe(128)
    'Each time a picture is used it is scaled by 0.7 to 1.6, cropped to 128x128 pixels at a random place, given 0.8 to 1.2 times its brightness, contrast and saturation, and mirrored half the time.'
    """

    mirror: bool = True
    scale: tuple[float, float] = (1.0, 1.0)
    jitter: int = 0
    colour: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.mirror, bool):
            raise DataError(f"augmentation: mirror is {self.mirror!r}; expected True or False")
        if not _is_range(self.scale):
            raise DataError(f"augmentation: scale is {self.scale!r}; expected two numbers, 0 < low <= high")
        if not isinstance(self.jitter, int) or isinstance(self.jitter, bool) or self.jitter < 0:
            raise DataError(f"augmentation: jitter is {self.jitter!r}; expected a whole number of pixels, 0 or more")
        if not _is_number(self.colour) or not 0 <= self.colour < 1:
            raise DataError(f"augmentation: colour is {self.colour!r}; expected a number from 0 to below 1")
        # one form, so that equal ones compare equal and read the same in JSON
        object.__setattr__(self, "scale", tuple(map(float, self.scale)))
        object.__setattr__(self, "colour", float(self.colour))

    def to_dict(self) -> dict[str, Any]:
        """The four values, as JSON keeps them: `scale` as a list."""
        return asdict(self) | {"scale": list(self.scale)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Augmentation":
        """What `to_dict` gave. A value that is missing has its default; a name that is not known is a DataError."""
        known = [field.name for field in fields(cls)]
        if unknown := [name for name in values if name not in known]:
            raise DataError(f"augmentation: {unknown[0]!r} is not known{instead(unknown[0], known)}")
        return cls(**values)

    def describe(self, size: Size | None) -> str:
        """In one sentence, what happens to a picture that is cropped to `size` (None: kept whole)."""
        low, high = self.scale
        done = []
        if self.scale != (1.0, 1.0):
            done.append(f"scaled by {low:g}" + (f" to {high:g}" if high > low else ""))
        if size is not None:
            beyond = f" (up to {self.jitter} pixels beyond its edges)" if self.jitter else ""
            height, width = sides(size)
            done.append(f"cropped to {height}x{width} pixels at a random place{beyond}")
        elif self.jitter:
            done.append(f"shifted by up to {self.jitter} pixels in each direction")
        if self.colour:
            least, most = 1 - self.colour, 1 + self.colour
            done.append(f"given {least:.3g} to {most:.3g} times its brightness, contrast and saturation")
        if self.mirror:
            done.append("mirrored half the time")
        if not done:
            return "Pictures are used as they are."
        *others, last = done
        together = ", ".join(others) + (", and " if len(others) > 1 else " and " if others else "") + last
        return f"Each time a picture is used it is {together}."

    def apply(
        self,
        picture: np.ndarray,
        labels: np.ndarray,
        size: Size | None,
        rng: np.random.Generator,
        fill: Sequence[int] = (0, 0, 0),
    ) -> tuple[np.ndarray, np.ndarray]:
        """One random variation of `size`, uint8 (H, W, 3) and (H, W), or as large as the scaled picture without a size.

        `picture`: uint8 (H, W, 3). `labels`: uint8 (H, W), 255 for void. Where the picture does not reach stand `fill`
        (RGB, 0 to 255) and VOID. `rng` is asked only for what is varied. Raises DataError where the sizes differ.
        """
        check_pair(picture, labels)
        tall, wide = labels.shape
        if self.scale != (1.0, 1.0):
            factor = math.exp(rng.uniform(math.log(self.scale[0]), math.log(self.scale[1])))
            tall, wide = max(1, round(factor * tall)), max(1, round(factor * wide))
        height, width = (tall, wide) if size is None else sides(size)
        y, x = _corner(tall, height, self.jitter, rng), _corner(wide, width, self.jitter, rng)
        picture, labels = _cut(picture, labels, (tall, wide), y, x, height, width)
        if self.colour:  # before the fill comes round it, which has to stay what it is
            picture = adjust_colour(picture, *rng.uniform(1 - self.colour, 1 + self.colour, 3).tolist())
        if labels.shape != (height, width):
            picture, labels = place(picture, labels, max(-y, 0), max(-x, 0), height, width, fill)
        return random_mirror(picture, labels, rng) if self.mirror else (picture, labels)


def share_seen(shapes: np.ndarray, size: Size, augmentation: Augmentation) -> float:
    """How much of a crop of `size` shows its picture, in the mean; the rest lies beyond the edges and is void.

    Over all places of a crop and all `shapes`, (N, 2), heights and widths of pictures, each at the middle of the scales it is drawn at.
    """
    scaled = np.maximum(1, np.round(shapes * math.sqrt(math.prod(augmentation.scale)))).astype(int).tolist()
    along = [
        [seen_along(length, wanted, augmentation.jitter) for length, wanted in zip(shape, sides(size), strict=True)]
        for shape in scaled
    ]
    return float(np.mean(np.prod(along, 1)))


def seen_along(length: int, wanted: int, jitter: int) -> float:
    """How much of a window of `wanted` pixels lies on a side of `length`, in the mean over all places where it may begin."""
    first = np.asarray(corners(length, wanted, jitter))
    return float((np.minimum(first + wanted, length) - np.maximum(first, 0)).mean()) / wanted


def random_crop(
    picture: np.ndarray, labels: np.ndarray, size: int, rng: np.random.Generator, fill: Sequence[int] = (0, 0, 0)
) -> tuple[np.ndarray, np.ndarray]:
    """A size x size piece at a random place: picture uint8 (size, size, 3), labels uint8 (size, size).

    Where the picture, uint8 (H, W, 3), is smaller than `size`, it is laid at a random place; around it stand `fill`
    (RGB, 0 to 255) in the picture and VOID in the labels. Raises DataError where sizes differ or make no sense.
    """
    check_pair(picture, labels)
    if size < 1:
        raise DataError(f"random_crop: size is {size}; it must be at least 1")
    y, x = (_corner(length, size, 0, rng) for length in labels.shape)
    picture, labels = _cut(picture, labels, labels.shape, y, x, size, size)
    return place(picture, labels, max(-y, 0), max(-x, 0), size, size, fill)


def random_mirror(picture: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Picture, (H, W, 3), and labels, (H, W), half the time both as they are, else left and right exchanged."""
    if rng.random() < 0.5:
        return picture, labels
    return picture[:, ::-1], labels[:, ::-1]


def adjust_colour(picture: np.ndarray, brightness: float, contrast: float, saturation: float) -> np.ndarray:
    """`picture`, uint8 (H, W, 3), with each pixel's distance to its own grey multiplied by `saturation`, then that to
    the mean grey by `contrast`, then everything by `brightness`; rounded and cut to 0 … 255 at the end: uint8.
    """
    values = picture.astype(np.float32)
    # written out and not as a product of matrices: BLAS may round otherwise with another number of threads
    grey = 0.299 * values[..., 0] + 0.587 * values[..., 1] + 0.114 * values[..., 2]  # ITU-R BT.601, as in JPEG
    mean = float(grey.mean())  # saturation does not move it
    gain = brightness * contrast
    values *= gain * saturation
    values += (gain * (1 - saturation) * grey + (brightness * mean - gain * mean))[..., None]
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def place(
    picture: np.ndarray, labels: np.ndarray, top: int, left: int, height: int, width: int, fill: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """The pair laid at (top, left) on a canvas of fill and VOID: (height, width, 3) and (height, width)."""
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = np.asarray(fill, np.uint8)
    ground = np.full((height, width), VOID, np.uint8)
    inside = slice(top, top + labels.shape[0]), slice(left, left + labels.shape[1])
    canvas[inside] = picture
    ground[inside] = labels
    return canvas, ground


def sides(size: Size) -> tuple[int, int]:
    """Height and width of crops of `size`: one number stands for both."""
    return size if isinstance(size, tuple | list) else (size, size)  # type: ignore[return-value]  # `Batches` looks at both


def check_pair(picture: np.ndarray, labels: np.ndarray) -> None:
    """Raise DataError unless these are a picture, uint8 (H, W, 3), and its labels, uint8 (H, W)."""
    fit = picture.ndim == 3 and picture.shape[2] == 3 and picture.shape[:2] == labels.shape
    if not fit or picture.dtype != np.uint8 or labels.dtype != np.uint8:  # a canvas of bytes would cut 0.7 to 0
        raise DataError(
            f"crop: expected picture (H, W, 3) and labels (H, W), both uint8, got {picture.dtype} {picture.shape} and "
            f"{labels.dtype} {labels.shape}"
        )


def _corner(length: int, wanted: int, jitter: int, rng: np.random.Generator) -> int:
    """Where a window of `wanted` pixels begins along a side of `length`, at random; negative: before the picture."""
    places = corners(length, wanted, jitter)
    return int(rng.integers(places.start, places.stop))


def corners(length: int, wanted: int, jitter: int) -> range:
    """Where it may begin. Without jitter the shorter of the two lies inside the longer."""
    room = length - wanted
    first = max(min(room, 0) - jitter, 1 - wanted)  # one pixel of the picture stays in the window
    return range(first, min(max(room, 0) + jitter, length - 1) + 1)


def _cut(
    picture: np.ndarray, labels: np.ndarray, shape: tuple[int, ...], y: int, x: int, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """What of the pair, scaled to `shape`, lies in the height x width window whose corner is (y, x).

    The picture is scaled with Pillow's Lanczos filter, which grows wider where it shrinks; the labels by nearest. Lanczos, because
    bilinear blurs whatever the factor is, and a network that has seen no sharp picture misjudges the sharp ones it is then given.
    """
    top, left, bottom, right = max(y, 0), max(x, 0), min(y + height, shape[0]), min(x + width, shape[1])
    if shape == labels.shape:
        return picture[top:bottom, left:right], labels[top:bottom, left:right]
    # only what is seen is scaled: the same window, in the pixels of the picture; Pillow puts the width first
    down, across = labels.shape[0] / shape[0], labels.shape[1] / shape[1]
    box = (left * across, top * down, min(right * across, labels.shape[1]), min(bottom * down, labels.shape[0]))
    size = (right - left, bottom - top)
    scaled = Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS, box)
    return np.asarray(scaled), np.asarray(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST, box))


def _is_range(value: Any) -> bool:
    two = isinstance(value, (tuple, list)) and len(value) == 2 and all(map(_is_number, value))
    return two and 0 < value[0] <= value[1]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
