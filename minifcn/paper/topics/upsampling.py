"""Section 3.3: upsampling is convolution with an input stride of 1/f, and bilinear interpolation is where it starts.

Whole numbers and kernels whose weights are multiples of a power of 2: what is said to be equal must be equal to the last bit.
"""

from itertools import product
from typing import Any

import numpy as np

from minifcn import ops
from minifcn.autodiff.engine import Tensor
from minifcn.models import FCN
from minifcn.nn.initialisers import bilinear
from minifcn.paper.claims import Bars, Outcome, Setting, claim
from minifcn.paper.training import small_network, synthetic_data, trained

KERNELS = ((4, 2), (8, 4), (16, 8), (64, 32), (3, 2), (63, 32))  # (kernel, stride): twice the stride, or one less

STEPS = 250  # of each training: from there on the classes are told apart, in seconds


def whole_numbers(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(-4, 5, shape).astype(np.float64)


def stuffed(x: np.ndarray, stride: int) -> np.ndarray:
    """x (N, C, H, W) with stride - 1 zeros between neighbours: what an input stride of 1 / stride means."""
    n, c, h, w = x.shape
    result = np.zeros((n, c, stride * (h - 1) + 1, stride * (w - 1) + 1))
    result[:, :, ::stride, ::stride] = x
    return result


def turned(weight: np.ndarray) -> np.ndarray:
    """(C, O, KH, KW) of a transposed convolution -> (O, C, KH, KW) of the convolution: channels exchanged, kernel turned by 180 degrees."""
    return weight.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]


@claim("fractional-stride", "3.3", "Upsampling by a factor f is convolution with an input stride of 1/f.")
def fractional_stride(setting: Setting) -> Outcome:
    rng = np.random.default_rng(0)
    cases = [(k, s, p) for k, s in product(range(1, 6), range(1, 5)) for p in range(k)] + [
        (64, 32, 16),
        (63, 32, 31),
    ]
    equal = 0
    for kernel, stride, padding in cases:
        shape, others = ((1, 1, 2, 2), 1) if kernel > 5 else ((2, 2, 5, 6), 3)
        x, weight = whole_numbers(rng, *shape), whole_numbers(rng, shape[1], others, kernel, kernel)
        transposed = ops.conv_transpose2d(x, weight, stride=stride, padding=padding).data
        convolved = ops.conv2d(stuffed(x, stride), turned(weight), padding=kernel - 1 - padding).data
        equal += np.array_equal(transposed, convolved)
    return Outcome(
        equal == len(cases),
        f"on whole numbers {equal} of {len(cases)} transposed convolutions (kernel 1 to 5, stride 1 to 4, every padding, and 64/32 and "
        "63/32) equal, to the last bit, the convolution with stride 1 of the input with f - 1 zeros between its pixels, kernel turned by 180 degrees",
    )


@claim("deconvolution-backward", "3.3", "Deconvolution is convolution with forward and backward exchanged.")
def deconvolution_backward(setting: Setting) -> Outcome:
    """<conv(a), b> = <a, deconv(b)> for all a and b says that one is the other's backward; whole numbers leave no rounding.

    That each one's gradient is the other's forward follows here from the code, which calls one kernel for both; the product is the proof.
    """
    rng = np.random.default_rng(0)
    cases = list(product((1, 2, 3, 5), (1, 2, 3), (0, 1), (1, 2), (1, 2)))
    adjoint = exchanged = 0
    for kernel, stride, padding, dilation, groups in cases:
        options = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
        weight = whole_numbers(rng, 4, 6 // groups, kernel, kernel)
        a = Tensor(whole_numbers(rng, 2, 6, 12, 13), requires_grad=True)
        forward = ops.conv2d(a, weight, **options)
        b = Tensor(whole_numbers(rng, *forward.shape), requires_grad=True)
        # several sizes shrink to that of b; output_padding says which one a has
        least = [stride * (n - 1) + dilation * (kernel - 1) + 1 - 2 * padding for n in b.shape[2:]]
        extra = (a.shape[2] - least[0], a.shape[3] - least[1])
        back = ops.conv_transpose2d(b, weight, output_padding=extra, **options)
        adjoint += (forward.data * b.data).sum() == (a.data * back.data).sum()
        forward.backward(b.data)  # the gradient that a convolution sends back is the deconvolution …
        back.backward(a.data)  # … and the one that a deconvolution sends back the convolution
        exchanged += np.array_equal(np.asarray(a.grad), back.data) and np.array_equal(np.asarray(b.grad), forward.data)
    return Outcome(
        adjoint == exchanged == len(cases),
        f"on whole numbers <conv(a), b> = <a, deconv(b)> to the last bit in {adjoint} of {len(cases)} cases (kernel 1 to 5, stride 1 to 3, "
        f"padding, dilation, groups); in {exchanged} each one's gradient is the other's forward",
    )


def resized(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Bilinear interpolation of `values` (H, W) at real coordinates: pixel (i, j) lies at (i, j). Independent of any kernel."""
    above, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    down, right = (rows - above)[:, None], (columns - left)[None, :]
    below, beside = np.minimum(above + 1, values.shape[0] - 1), np.minimum(left + 1, values.shape[1] - 1)
    upper = values[np.ix_(above, left)] * (1 - right) + values[np.ix_(above, beside)] * right
    lower = values[np.ix_(below, left)] * (1 - right) + values[np.ix_(below, beside)] * right
    return upper * (1 - down) + lower * down


def upsampled(values: np.ndarray, kernel: int, stride: int) -> np.ndarray:
    """(H, W) -> (OH, OW) by the layer that an FCN starts with."""
    weight = bilinear(1, kernel).astype(np.float64)
    return ops.conv_transpose2d(values[None, None], weight, stride=stride).data[0, 0]


def bilinear_faults(kernel: int, stride: int) -> dict[str, float]:
    """The largest difference of each property, away from the border: an output pixel there has all its neighbours."""
    height, width, border = 5, 6, kernel - stride
    inner = (slice(border, -border), slice(border, -border))
    impulse = np.zeros((height, width))
    impulse[2, 2] = 1
    stamp = upsampled(impulse, kernel, stride)[2 * stride :, 2 * stride :][:kernel, :kernel]
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    ramp = upsampled(8 + 2 * rows - 3 * columns, kernel, stride)[inner]
    values = whole_numbers(np.random.default_rng(0), height, width)
    found = upsampled(values, kernel, stride)[inner]
    # where the pixels of `found` lie in the input. Even kernels: pixel y at (y + 1/2) / f - 1/2, half-pixel centres, once f/2 is cut off;
    # odd kernels: at y / f, cell i on pixel f·i
    if kernel % 2 == 0:
        places = [(np.arange(stride // 2, stride * n - stride // 2) + 0.5) / stride - 0.5 for n in values.shape]
    else:
        places = [np.arange(stride * (n - 1) + 1) / stride for n in values.shape]
    return {
        "kernel sum": float(abs(bilinear(1, kernel).sum(dtype=np.float64) - stride**2)),
        "impulse": float(np.abs(stamp - bilinear(1, kernel)[0, 0]).max()),
        "constant": float(np.abs(upsampled(np.full((height, width), 7.0), kernel, stride)[inner] - 7).max()),
        "ramp": float(
            max(np.abs(np.diff(ramp, axis=0) - 2 / stride).max(), np.abs(np.diff(ramp, axis=1) + 3 / stride).max())
        ),
        "resize": float(np.abs(found - resized(values, *places)).max()),
    }


@claim("bilinear-start", "3.3, 4.3", "Bilinear upsampling is a deconvolution, and a layer may start as one.")
def bilinear_start(setting: Setting) -> Outcome:
    faults = {f"{kernel}/{stride}": bilinear_faults(kernel, stride) for kernel, stride in KERNELS}
    names = list(next(iter(faults.values())))
    worst = max(max(row.values()) for row in faults.values())
    return Outcome(
        worst == 0,
        f"kernels of size/stride {', '.join(faults)}: the kernel sums to f², an impulse gives the kernel, and away from the border constants "
        f"stay constant, ramps stay ramps, and whole numbers come out as from a resize by coordinates; largest difference {worst:g}",
        [["size/stride", *names], *([name, *(f"{row[each]:g}" for each in names)] for name, row in faults.items())],
    )


@claim(
    "learned-upsampling",
    "4.3 and the authors' FAQ",
    "Upsampling kernels may be learned or stay bilinear: no significant difference.",
    "experiment",
)
def learned_upsampling(setting: Setting) -> Outcome:
    data, steps = synthetic_data(), setting.steps(STEPS)
    scores: dict[str, list[float]] = {"fixed": [], "learned": []}
    moved = []
    for seed in setting.seeds:
        for name, learned in (("fixed", False), ("learned", True)):
            model = small_network("fcn8s", seed, learn_upsampling=learned)
            scores[name].append(100 * trained(model, data, steps, seed)["mean_iu"])
            if learned:
                moved += [distance_from_bilinear(layer.weight.data) for layer in upsampling_layers(model)]
    difference = float(np.mean(scores["learned"]) - np.mean(scores["fixed"]))
    spread = max(max(values) - min(values) for values in scores.values())
    measured = (
        f"FCN-8s over tiny, {steps} steps, seeds {', '.join(map(str, setting.seeds))}: mean IU {np.mean(scores['fixed']):.1f} fixed, "
        f"{np.mean(scores['learned']):.1f} learned; the difference of {abs(difference):.1f} points stands against {spread:.1f} between seeds of "
        f"one kind; learned kernels moved by {min(moved):.0%} to {max(moved):.0%} of their size"
    )
    table = [
        ["seed", *scores],
        *([str(s), *(f"{v[i]:.1f}" for v in scores.values())] for i, s in enumerate(setting.seeds)),
    ]
    plot = Bars("Fixed or learned upsampling", "mean IU in percent", scores)
    # one seed knows no spread to hold the difference against
    return Outcome(abs(difference) <= spread if len(setting.seeds) > 1 else None, measured, table, [plot])


def upsampling_layers(model: FCN) -> list[Any]:
    return [*(skip.up for skip in model.skips), model.upscore]


def distance_from_bilinear(weight: np.ndarray) -> float:
    """|weight - bilinear| / |bilinear|, weight (C, 1, K, K)."""
    start = bilinear(weight.shape[0], weight.shape[2])
    return float(np.linalg.norm(weight - start) / np.linalg.norm(start))
