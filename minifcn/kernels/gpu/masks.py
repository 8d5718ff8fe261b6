"""Dropout's masks drawn on the GPU, from NumPy's own numbers: cuda/masks.cu. A seed means the same on every device, and no mask has to go up."""

from typing import Any

import numpy as np

from minifcn import backend
from minifcn.kernels.gpu.launch import launch

Array = Any

WORD, WIDE = (1 << 64) - 1, 1 << 128
MULTIPLIER = (2549297995355413924 << 64) + 4865540595714422341  # of PCG64
STEPS = 16  # that a thread takes, two numbers each


def suits(generator: Any, shape: tuple[int, ...], p: float, device: str) -> bool:
    return (
        device == "gpu"
        and isinstance(generator, np.random.Generator)
        and isinstance(generator.bit_generator, np.random.PCG64)
    )


def kept(generator: "np.random.Generator", shape: tuple[int, ...], p: float, device: str) -> Array:
    """As `simple.kept`, to the last bit; `generator` is left as it would be by it."""
    cupy, size = backend.import_cupy(), int(np.prod(shape))
    share = backend.shared()
    rows, whole = (range(shape[0]), shape[0]) if share is None else (range(share.whole)[share.rows], share.whole)
    each = size // max(1, len(rows))  # numbers a picture
    found = generator.bit_generator.state
    state, increment = found["state"]["state"], found["state"]["inc"]
    # the next number is the first half of the step that comes, 2, or the second half of the last one, 1
    start = 2 - found["has_uint32"]
    mask = cupy.empty(shape, cupy.bool_)
    first = start + rows.start * each
    threads = max(1, (size // 2 + 1) // STEPS)
    words = [word for wide in (state, increment, *jump(threads, increment)) for word in (wide >> 64, wide & WORD)]
    arguments = (backend.to_device(np.array(words, np.uint64), device), mask, np.float32(p), first, size)
    launch("masks", "draw", threads if size else 0, np.float32, arguments, largest=first + size + 2 * threads)
    skip(generator, start, whole * each)
    return mask


def jump(steps: int, increment: int) -> tuple[int, int]:
    """What so many steps of the generator multiply its state by, and add to it. F. Brown, "Random number generation with arbitrary strides", 1994."""
    factor, add, all_factors, all_adds = MULTIPLIER, increment, 1, 0
    while steps:
        if steps & 1:
            all_factors, all_adds = all_factors * factor % WIDE, (all_adds * factor + add) % WIDE
        add = (factor + 1) * add % WIDE
        factor = factor * factor % WIDE
        steps >>= 1
    return all_factors, all_adds


def skip(generator: "np.random.Generator", start: int, count: int) -> None:
    """Leave the generator as if `count` numbers were drawn, of which the first has the number `start`."""
    if count:
        steps, half = divmod(start + count, 2)  # where the next number will be
        generator.bit_generator.advance(steps - 1)  # type: ignore[attr-defined]
        if half:
            generator.random(dtype=np.float32)  # a step whose second half is left over
