"""How an array of theirs is laid into a parameter of ours."""

import numpy as np

from minifcn.weights.formats.contents import DamagedError, Entry

Shape = tuple[int, ...]


def way(entry: Entry, shape: Shape) -> str | None:
    """What to do, in a word, so that `entry` has `shape`; None where nothing would do.

    "copied"; "transposed", a matrix (inputs, outputs), or axes in TensorFlow's order; "reshaped", the flat order kept: fully connected to a convolution that meets its
    whole input, or without the sides of 1 that older files write before, and ONNX behind a bias that is added; "diagonal", an upsampling that says for every pair of
    classes how one adds to the other, where ours has a kernel a class.
    """
    if entry.channels_last and len(entry.shape) > 1:
        return "transposed" if tensorflow_s(shape, len(entry.shape)) == entry.shape else None
    if entry.transposed:
        turned = Entry(entry.array.T, entry.kind) if entry.array.ndim == 2 else None
        return "transposed" if turned is not None and way(turned, shape) else None
    found = entry.shape
    if found == shape:
        return "copied"
    if len(found) == len(shape) == 4 and shape[1] == 1 and found == (shape[0], shape[0], *shape[2:]):
        return "diagonal"
    while found:
        matrix = len(found) == 2 and len(shape) == 4 and found == (shape[0], int(np.prod(shape[1:])))
        if found == shape or matrix or (found[:1] == shape and set(found[1:]) == {1}):
            return "reshaped"
        if found[0] != 1:
            return None
        found = found[1:]
    return None


def tensorflow_s(shape: Shape, axes: int) -> Shape | None:
    """The shape that TensorFlow gives a weight which here has `shape`: a window of four axes, or a matrix of two."""
    if len(shape) == 2:
        return shape[::-1] if axes == 2 else None
    outputs, inputs, *window = shape
    return (*window, inputs, outputs) if axes == 4 else (int(np.prod(window)) * inputs, outputs)


def floats(entry: Entry, name: str) -> np.ndarray:
    """The numbers of the array `name`, all of them finite. Raises DamagedError."""
    try:
        values = entry.float32()
    except DamagedError as error:
        raise DamagedError(f"{name} {error}") from error
    if entry.kind == "float64" and (lost := int(np.count_nonzero(np.isinf(values) & np.isfinite(entry.array)))):
        raise DamagedError(f"{name} holds numbers that are too large for float32 ({lost:,} of {values.size:,})")
    finite(values, name)
    return values


def laid(entry: Entry, shape: Shape, name: str) -> np.ndarray:
    """The numbers in `shape`, float32. Raises DamagedError where a kernel is off the diagonal, or a number is none."""
    values = floats(entry, name)
    if entry.channels_last and len(shape) == 4:
        values = np.ascontiguousarray(values.reshape(*shape[2:], shape[1], shape[0]).transpose(3, 2, 0, 1))
    elif entry.transposed or (entry.channels_last and len(shape) == 2):
        values = np.ascontiguousarray(values.T)
    if way(entry, shape) == "diagonal":
        classes = np.arange(shape[0])
        diagonal = values[classes, classes][:, None]
        values[classes, classes] = 0
        if np.any(values):
            raise DamagedError(f"{name} adds classes to each other while upsampling, which no network here does")
        values = diagonal
    return values.reshape(shape)


def finite(values: np.ndarray, name: str) -> None:
    bad = values.size - int(np.count_nonzero(np.isfinite(values)))
    if bad:
        raise DamagedError(
            f"{name} holds NaN or infinity ({bad:,} of {values.size:,} numbers), with which nothing can be predicted"
        )


def folded(
    weight: np.ndarray, bias: np.ndarray | None, norm: dict[str, np.ndarray], epsilon: float, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """A convolution and the batch norm behind it, as one convolution: (weight, bias).

    norm(y) = (y - mean) / sqrt(variance + epsilon) · weight + bias is a factor and a shift for each channel of y.
    """
    variance = norm["variance"].astype(np.float64)
    if np.any(variance + epsilon <= 0):
        raise DamagedError(f"{name} has a variance below 0")
    factor = norm["weight"] / np.sqrt(variance + epsilon)
    start = 0.0 if bias is None else bias
    new = weight * factor.reshape(-1, *[1] * (weight.ndim - 1)), norm["bias"] + (start - norm["mean"]) * factor
    for each in new:
        finite(each.astype(np.float32), name)
    return new[0].astype(np.float32), new[1].astype(np.float32)
