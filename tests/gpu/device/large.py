"""Arrays of more than 2^30 numbers, where an index needs 64 bits. Their last corner is compared, which no 32 bit index reaches."""

import numpy as np

from minifcn import backend, kernels
from minifcn.kernels import Window, simple

from .arrays import free_gib, many, normal, up
from .report import far

PAD = ((1, 1), (1, 1))
CONV = Window((3, 3), padding=PAD)


def large(stage):
    side = 60 if stage.small else 6000
    for name, check, room, arguments in (
        ("max pool", pool, 24, (side,)),
        ("convolution of 3 channels", convolution, 24, (3, 4, side)),
        ("convolution by Winograd", convolution, 32, (32, 32, side)),
    ):
        short = not stage.standin and free_gib() < room
        stage.check(
            f"{name}, more than 2^30 numbers", check, *arguments, needs=f"{room} GiB of free memory" if short else None
        )
        backend.import_cupy().get_default_memory_pool().free_all_blocks()


def pool(side):
    x, window = many(1, side, side, 32).transpose(0, 3, 1, 2), Window((2, 2), (2, 2))
    best, place = kernels.max_pool2d(x, window, (side // 2, side // 2))
    corner = x[:, :, -40:, -40:].get()
    wanted, there = simple.max_pool2d(corner, window, (20, 20))
    right = np.array_equal(best[:, :, -20:, -20:].get(), wanted) and np.array_equal(
        place[:, :, -20:, -20:].get(), there
    )
    back = kernels.max_pool2d_gradient(best, place, window, x.shape)[:, :, -40:, -40:].get()
    right = right and np.array_equal(back, simple.max_pool2d_gradient(wanted, there, window, corner.shape))
    return dict(ok=bool(right), numbers=x.size)


def convolution(channels, outputs, side):
    if side > 100:
        side = int((1.2e9 / channels) ** 0.5) // 2 * 2
    weight = normal(outputs, channels, 3, 3)
    x = many(1, side, side, channels).transpose(0, 3, 1, 2)
    y = kernels.conv2d(x, up(weight), CONV, 1)
    corner = x[:, :, -12:, -12:].get().astype(np.float64)
    wanted = simple.conv2d(corner, weight.astype(np.float64), CONV, 1)[:, :, 1:, 1:]
    found = far(y[:, :, -11:, -11:].get(), wanted)
    return dict(ok=found < 2e-5, worst=found, numbers=max(x.size, y.size))
