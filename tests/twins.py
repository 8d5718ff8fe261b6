"""What PyTorch calls each operation: `TWINS[name]` takes torch tensors and the operation's own options.

Deliberate differences, each tested on its own in tests/ops:
- softmax_cross_entropy: where no label counts the mean is 0 here and NaN in PyTorch;
- max_pool2d: a window of padding only sends no gradient here and has the place -1; PyTorch sends one to some pixel, and names a place beyond the picture;
- max_unpool2d: leaves out a value at -1, which PyTorch refuses;
- output_size: a whole shape (N, C, H, W) must have the result's N and C; PyTorch does not look at them;
- pools: padding may reach kernel - 1 here, kernel / 2 in PyTorch;
- resize2d, "nearest": row i·H // OH exactly here; PyTorch 2.13 multiplies by a factor rounded to float32 and is a pixel off for 193 of the
  16,641 pairs of sizes up to 129, from 2 to 82 first;
- maximum, minimum and clip are PyTorch's at ties too; abs at NaN sends NaN here and 0 there;
- dropout: another random generator. Its twin draws the mask from the seed as `dropout` documents it.
"""

import warnings

import needs
import numpy as np

try:
    import torch
    from torch.nn import functional as F

    torch.set_num_threads(1)  # the pictures are tiny; threads would only wait for each other
except ImportError:  # the oracle of this file is optional; the loops in oracles.py are not
    torch = F = None

MISSING = needs.PYTORCH  # without it values and gradients are not compared with an outside engine


def two(value):
    return tuple(value) if isinstance(value, tuple | list) else (value, value)


def conv2d(x, weight, bias=None, **options):
    with warnings.catch_warnings():
        # PyTorch says so when "same" needs one pixel more on one side than on the other
        warnings.filterwarnings("ignore", message="Using padding='same' with even kernel lengths")
        return F.conv2d(x, weight, bias, **options)


def conv_transpose2d(
    x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1, output_size=None
):
    stride, padding, dilation = two(stride), two(padding), two(dilation)
    if output_size is not None:
        axes = zip(two(output_size)[-2:], x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True)
        output_padding = tuple(o - (s * (n - 1) + d * (k - 1) + 1 - 2 * p) for o, n, k, s, p, d in axes)
    return F.conv_transpose2d(x, weight, bias, stride, padding, two(output_padding), groups, dilation)


def dropout(x, p=0.5, training=True, rng=None):
    if not training:
        return F.dropout(x, p, training=False)
    kept = np.random.default_rng(rng).random(tuple(x.shape), dtype=np.float32) >= p
    return x * torch.from_numpy(np.asarray(kept)) / (1 - p)


def softmax_cross_entropy(scores, labels, weight=None, ignore_index=255, reduction="mean"):
    weight = None if weight is None else torch.as_tensor(weight, dtype=scores.dtype)
    labels = torch.from_numpy(np.asarray(labels).astype(np.int64))
    return F.cross_entropy(scores, labels, weight, ignore_index=ignore_index, reduction=reduction)


def over(reduce):
    def twin(x, axis=None, keepdims=False):
        return reduce(x, dim=tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims)

    return twin


def crop_like(x, reference, offset=0):
    top, left = two(offset)
    return x[:, :, top : top + reference.shape[2], left : left + reference.shape[3]]


def max_unpool2d(x, indices, kernel_size, output_size):
    """PyTorch refuses -1, so such a value goes to a row below the picture, which is then cut off."""
    indices, (h, w) = np.asarray(indices), two(output_size)[-2:]
    below = torch.from_numpy(np.where(indices < 0, h * w, indices))
    output, back = torch.zeros(*x.shape[:2], (h + 1) * w, dtype=x.dtype), below.flatten(2)
    if (indices >= 0).all():
        return F.max_unpool2d(x, below, kernel_size, output_size=(h, w))
    return output.scatter(2, back, x.flatten(2)).unflatten(2, (h + 1, w))[:, :, :h]


def resize2d(x, size, mode, align_corners):
    return F.interpolate(x, two(size), mode=mode, align_corners=None if mode == "nearest" else align_corners)


def batch_norm2d(x, weight=None, bias=None, mean=None, var=None, eps=1e-5):
    mean, var = (v if v is None else torch.as_tensor(v) for v in (mean, var))
    return F.batch_norm(x, mean, var, weight, bias, training=mean is None, eps=eps)


TWINS = {
    "abs": lambda x: torch.abs(x),
    "add": lambda a, b: a + b,
    "avg_pool2d": lambda x, **options: F.avg_pool2d(x, **options),
    "batch_norm2d": batch_norm2d,
    "clip": lambda x, **options: torch.clamp(x, **options),
    "concat": lambda tensors, axis: torch.cat(tensors, axis),
    "conv2d": conv2d,
    "conv_transpose2d": conv_transpose2d,
    "crop_like": crop_like,
    "div": lambda a, b: a / b,
    "dropout": dropout,
    "exp": lambda x: torch.exp(x),
    "index": lambda x, key: x[tuple(torch.from_numpy(k) if isinstance(k, np.ndarray) else k for k in key)],
    "local_response_norm": lambda x, **options: F.local_response_norm(x, **options),
    "log": lambda x: torch.log(x),
    "log_softmax": lambda x, axis: F.log_softmax(x, axis),
    "matmul": lambda a, b: torch.matmul(a, b),
    "max_pool2d": lambda x, **options: F.max_pool2d(x, **options),
    "max_unpool2d": max_unpool2d,
    "maximum": lambda a, b: torch.maximum(a, b),
    "mean": over(lambda x, **options: x.mean(**options)),
    "minimum": lambda a, b: torch.minimum(a, b),
    "mul": lambda a, b: a * b,
    "neg": lambda x: -x,
    "pad": lambda x, padding, value: F.pad(x, padding, value=value),
    "pow": lambda a, b: torch.pow(a, b),
    "relu": lambda x: torch.relu(x),
    "reshape": lambda x, shape: x.reshape(shape),
    "resize2d": resize2d,
    "sigmoid": lambda x: torch.sigmoid(x),
    "softmax": lambda x, axis: F.softmax(x, axis),
    "softmax_cross_entropy": softmax_cross_entropy,
    "sqrt": lambda x: torch.sqrt(x),
    "sub": lambda a, b: a - b,
    "sum": over(lambda x, **options: x.sum(**options)),
    "tanh": lambda x: torch.tanh(x),
    "transpose": lambda x, axes: x.permute(axes),
}
