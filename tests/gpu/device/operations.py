"""Each operation against float64 on the CPU: the registered ones by random calls, convolutions at the sizes of real networks."""

import numpy as np

import minifcn as mf
from minifcn import Tensor, kernels
from minifcn.kernels import Window, simple
from minifcn.ops import OPERATIONS

from .arrays import normal, up
from .report import far

SAMPLES = 6


def operations(stage):
    for name in sorted(OPERATIONS):
        stage.check(f"operation {name}", one_operation, name, 2 if stage.small else SAMPLES)
    for name, arguments in CONVOLUTIONS.items():
        stage.check(f"convolution {name}", convolution, *(tiny(arguments) if stage.small else arguments))
    wide = CONVOLUTIONS["winograd, 64 channels"]
    stage.check("convolution in TF32", convolution, *(tiny(wide) if stage.small else wide), "high")
    stage.check("max pool: NaN, -inf and ties", pool)
    stage.check("dropout's masks are NumPy's", masks)
    stage.check("the same bits twice", twice)


def run(call, function, device, dtype):
    """The result of a random call and the gradients of its inputs, on the CPU at the end."""
    tensors = []
    for value in call.inputs:
        real = value.dtype.kind == "f"
        there = Tensor(value.astype(dtype) if real else value).to(device)
        tensors.append(Tensor(there.data, requires_grad=real))
    result = call.run(function, tensors)
    first = result[0] if isinstance(result, tuple) else result
    if first.requires_grad:
        grad = np.random.default_rng(9).standard_normal(first.shape).astype(first.dtype)
        first.backward(Tensor(grad).to(device).data)
    arrays = [first.data, *(tensor.grad for tensor in tensors if tensor.grad is not None)]
    return [array if isinstance(array, np.ndarray) else array.get() for array in arrays]


def one_operation(name, samples):
    operation, worst = OPERATIONS[name], 0.0
    for seed in range(samples):
        call = operation.sample(np.random.default_rng(seed))
        with kernels.use("simple"):
            wanted = run(call, operation.function, "cpu", np.float64)
        found = run(call, operation.function, "gpu", np.float32)
        worst = max([worst, *(apart(one, other) for one, other in zip(found, wanted, strict=True))])
    return dict(ok=worst < 5e-5, worst=worst)


def apart(found, wanted):
    """In parts of the largest number, or of 1 where all are small: a result may be 0."""
    return float(np.abs(found - wanted).max(initial=0) / max(1.0, np.abs(wanted).max(initial=0)))


def same(number):
    return ((number, number), (number, number))


# name: shape of x, output channels, window, groups, how far it may be
CONVOLUTIONS = {
    "winograd, 64 channels": ((2, 64, 97, 130), 64, Window((3, 3), padding=same(1)), 1, 2e-5),
    "winograd, 512 channels": ((1, 512, 33, 40), 512, Window((3, 3), padding=same(1)), 1, 2e-5),
    "3 channels": ((2, 3, 97, 130), 64, Window((3, 3), padding=same(1)), 1, 3e-6),
    "padding 100": ((1, 3, 60, 70), 64, Window((3, 3), padding=same(100)), 1, 3e-6),
    "7x7": ((2, 512, 12, 13), 256, Window((7, 7), padding=same(3)), 1, 3e-6),
    "1x1": ((3, 512, 17, 19), 21, Window((1, 1)), 1, 3e-6),
    "stride and dilation": ((2, 20, 61, 50), 24, Window((3, 3), (2, 3), same(2), (2, 1)), 1, 3e-6),
    "groups": ((2, 24, 40, 41), 36, Window((3, 3), padding=same(1)), 4, 3e-6),
    "depthwise 16 by 8": ((2, 21, 96, 104), 21, Window((16, 16), (8, 8), same(4)), 21, 3e-6),
}


def tiny(arguments):
    """The same kernels on a few pixels and channels."""
    (_, c, h, w), o, window, groups, limit = arguments
    side = 40 if window.kernel[0] > 7 else 9
    c, o = (c, o) if groups > 1 else (min(c, 33), min(o, 35))
    return (1, c, min(h, side), min(w, side + 2)), o, window, groups, limit


def convolution(shape, o, window, groups, limit, precision="highest"):
    c = shape[1] // groups
    x, weight = normal(*shape), normal(o, c, *window.kernel) / np.float32(np.sqrt(c * np.prod(window.kernel)))
    x64, weight64 = x.astype(np.float64), weight.astype(np.float64)
    y64 = simple.conv2d(x64, weight64, window, groups)
    grad = normal(*y64.shape)
    grad64, found = grad.astype(np.float64), {}
    wanted = {
        "y": y64,
        "dx": simple.conv2d_input_gradient(grad64, weight64, window, groups, shape),
        "dw": simple.conv2d_weight_gradient(x64, grad64, window, groups),
        "db": grad64.sum((0, 2, 3)),
    }
    mf.set_float32_matmul_precision(precision)
    try:
        for last in (False, True):
            there, grad_there, weight_there = up(x, last), up(grad, last), up(weight)
            got = {
                "y": kernels.conv2d(there, weight_there, window, groups),
                "dx": kernels.conv2d_input_gradient(grad_there, weight_there, window, groups, shape),
                "dw": kernels.conv2d_weight_gradient(there, grad_there, window, groups),
                "db": kernels.bias_gradient(grad_there),
            }
            for name, array in got.items():
                found[f"{name}{', channels last' if last else ''}"] = far(array.get(), wanted[name])
    finally:
        mf.set_float32_matmul_precision("highest")
    return dict(ok=max(found.values()) < (2e-3 if precision == "high" else limit), **found)


def pool():
    rng = np.random.default_rng(0)
    x = rng.integers(-3, 4, (3, 7, 41, 38)).astype(np.float32)
    x[rng.random(x.shape) < 0.03], x[rng.random(x.shape) < 0.05] = np.nan, -np.inf
    window = Window((3, 2), (2, 2), ((1, 1), (0, 1)))
    size = window.ceil_output_size(x.shape[2:])
    best, place = simple.max_pool2d(x, window, size)
    ours, where = kernels.max_pool2d(up(x, True), window, size)
    grad = normal(*best.shape)
    back = kernels.max_pool2d_gradient(up(grad), where, window, x.shape).get()
    same_values = np.array_equal(ours.get(), best, equal_nan=True) and np.array_equal(where.get(), place)
    return dict(ok=bool(same_values and np.array_equal(back, simple.max_pool2d_gradient(grad, place, window, x.shape))))


def masks():
    right = True
    for seed in range(3):
        ours, theirs = (np.random.default_rng(seed) for _ in range(2))
        ours.random(seed, dtype=np.float32), theirs.random(seed, dtype=np.float32)
        found = kernels.kept(ours, (3, 65, 13, 11), 0.5, "gpu").get()
        right &= bool((found == (theirs.random(found.shape, dtype=np.float32) >= 0.5)).all())
    return dict(ok=right)


def twice():
    """Gathered and not added by atomics, so that a sum repeats."""
    window = Window((3, 3), padding=same(1))
    x, grad = up(normal(2, 33, 40, 41), True), up(normal(2, 35, 40, 41), True)
    first, second = (kernels.conv2d_weight_gradient(x, grad, window, 1).get() for _ in range(2))
    return dict(ok=bool(np.array_equal(first, second)))
