"""Pictures brought to another size by interpolation: each number of the result is a mix of at most two by two of the picture's."""

from functools import lru_cache

import numpy as np

from minifcn import backend
from minifcn.autodiff.engine import Array, Function, Tensor, TensorLike
from minifcn.kernels.windows import Pair, Size, pair
from minifcn.ops import checks, samples
from minifcn.ops.registry import operation


def shares(length: int, wanted: int, mode: str, align_corners: bool) -> np.ndarray:
    """(wanted, length): how much of each place of one axis goes into each place of the result. Every row sums to 1."""
    if mode == "nearest":
        return np.eye(length)[np.arange(wanted) * length // wanted]
    if align_corners:  # the first and the last pixels' middles stay where they are
        places = np.arange(wanted) * ((length - 1) / max(1, wanted - 1))
    else:  # the picture's edges stay where they are; a pixel reaches half a step beyond its middle
        places = np.clip((np.arange(wanted) + 0.5) * length / wanted - 0.5, 0, length - 1)
    # a tent around each place of the picture, two wide
    return np.maximum(0, 1 - np.abs(places[:, None] - np.arange(length)))


def taps(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The columns that are not 0 in each row, and what stands there; rows with few of them are filled up with zeros."""
    most = int((matrix != 0).sum(1).max())
    columns = np.argsort(matrix == 0, axis=1, kind="stable")[:, :most]
    return columns, np.take_along_axis(matrix, columns, 1)


@lru_cache(64)
def taps_there_and_back(length: int, wanted: int, mode: str, align_corners: bool) -> tuple[tuple[np.ndarray, ...], ...]:
    """What the result reads of the picture, and the same read the other way round: which of the result's numbers read each of the picture's."""
    matrix = shares(length, wanted, mode, align_corners)
    return taps(matrix), taps(matrix.T)


def mixed(x: Array, axis: int, columns: np.ndarray, weights: np.ndarray) -> Array:
    """Σ over k of x at columns[:, k] along `axis`, times weights[:, k]."""
    xp, device = backend.array_module(x), backend.device_of(x)
    shape = [-1 if a == axis else 1 for a in range(x.ndim)]
    parts = (
        xp.take(x, backend.to_device(columns[:, k].copy(), device), axis)
        * backend.to_device(weights[:, k].astype(x.dtype), device).reshape(shape)
        for k in range(columns.shape[1])
    )
    result = next(parts)
    for part in parts:
        result += part
    return result


class Resize2d(Function):
    """Rows mixed, then columns. The way back is the transposed mix: columns, then rows; nothing is added where others write."""

    fresh = True

    def __init__(self, size: Pair, mode: str, align_corners: bool) -> None:
        self.size, self.mode, self.align_corners = size, mode, align_corners

    def forward(self, x: Array) -> Array:
        options = self.mode, self.align_corners
        (rows, self.rows_back), (columns, self.columns_back) = (
            taps_there_and_back(length, wanted, *options) for length, wanted in zip(x.shape[2:], self.size, strict=True)
        )
        return mixed(mixed(x, 2, *rows), 3, *columns)

    def backward(self, grad: Array) -> Array:
        return mixed(mixed(grad, 3, *self.columns_back), 2, *self.rows_back)


@operation(samples.resize2d)
def resize2d(x: TensorLike, size: Size, mode: str = "bilinear", align_corners: bool = False) -> Tensor:
    """x (N, C, H, W) interpolated to `size` (OH, OW), one number for both: (N, C, OH, OW). Linear in x.

    `mode`: "bilinear" mixes the four nearest pixels, "nearest" takes row i·H // OH and so for columns: PyTorch's "nearest", but exact.
    `align_corners`: the middles of the corner pixels stay where they are, as in the paper's reference; else the edges do, as with pictures
    in Pillow, OpenCV and TensorFlow. To a smaller size pixels are left out, as in PyTorch without antialias.

    >>> import numpy as np, minifcn as mf
    >>> x = np.array([0.0, 3.0]).reshape(1, 1, 1, 2)
    >>> mf.ops.resize2d(x, (1, 4), align_corners=True).data.ravel()
    array([0., 1., 2., 3.])
    >>> mf.ops.resize2d(x, (1, 4)).data.ravel()
    array([0.  , 0.75, 2.25, 3.  ])
    """
    name = "resize2d"
    x = checks.as_tensor(name, x)
    checks.rank(name, x, "N C H W")
    checks.not_empty(name, x)
    wanted = pair(size, f"{name}: size", 1)
    if not isinstance(mode, str) or mode not in ("bilinear", "nearest"):
        raise ValueError(f'{name}: mode is {mode!r}; expected "bilinear" or "nearest"')
    align_corners = checks.flag(name, "align_corners", align_corners)
    checks.fits_memory(name, (*x.shape[:2], *wanted))
    if align_corners and mode == "nearest":
        raise ValueError(f'{name}: align_corners has no meaning with mode "nearest"; leave it out')
    return Resize2d(wanted, mode, align_corners)(x)
