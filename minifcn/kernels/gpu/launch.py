"""CUDA sources from cuda/, compiled when first used and launched. The only file that asks CuPy for kernels.

A source is plain CUDA C with `extern "C" __global__` functions. Macros make it fit a call: the type of the numbers, of the indices, and what the
compiler should know, such as a window's size. Every kernel loops with the stride of the whole grid, so that any number of threads is right.
"""

import functools
from typing import Any

import numpy as np

from minifcn import backend

BLOCK = 256  # threads
MOST_BLOCKS = 1 << 16  # more would wait anyway; a thread takes several numbers then
LARGEST_INT = 2**31 - 1
TYPES = {"float32": "float", "float64": "double"}


def source(name: str) -> str:
    """The text of cuda/`name`.cu, after what all sources share."""
    from importlib.resources import files  # loads much, and who has no GPU does without

    room = files("minifcn.kernels.gpu") / "cuda"
    return "".join((room / f"{each}.cu").read_text(encoding="utf-8") for each in ("shared", name))


@functools.cache
def compiled(cupy: Any, name: str, options: tuple[str, ...], device: int) -> Any:
    """The module of a source with these -D options, on one device."""
    return cupy.RawModule(code=source(name), options=("--std=c++14", *options))


def options(dtype: Any, count: int, **macros: Any) -> tuple[str, ...]:
    """The -D options: the type of the numbers, an index wide enough for `count` numbers, and the macros."""
    index = "long long" if is_wide(count) else "int"
    return (
        f"-DNUMBER={TYPES[np.dtype(dtype).name]}",
        f"-DINDEX={index}",
        *(f"-D{name}={value}" for name, value in macros.items()),
    )


def is_wide(count: int) -> bool:
    """Whether indices to so many numbers need 64 bits: sums of two of them are formed."""
    return count > LARGEST_INT // 2


@functools.cache
def function(cupy: Any, device: int, name: str, kernel: str, dtype: Any, wide: bool, macros: tuple[Any, ...]) -> Any:
    """One kernel, ready to run. To put the options together and to ask the module for it takes longer than the launch itself."""
    chosen = options(dtype, LARGEST_INT if wide else 0, **dict(macros))
    return compiled(cupy, name, chosen, device).get_function(kernel)


def launch(
    name: str,
    kernel: str,
    count: int,
    dtype: Any,
    arguments: tuple[Any, ...],
    largest: int = 0,
    blocks: int = 0,
    **macros: Any,
) -> None:
    """Run `kernel` of cuda/`name`.cu with a thread for each of `count` numbers, or several numbers a thread.

    `arguments`: CuPy arrays, and Python integers, which become Index. `largest`: the most numbers of any array that is read or written, where
    that is more than `count`. `blocks`: how many of BLOCK threads there are to be, where that is not one thread a number.
    """
    if count == 0:  # an empty batch: there is nothing to do, and no grid of 0 blocks
        return
    cupy = backend.import_cupy()
    wide = is_wide(max(count, largest))
    index = np.int64 if wide else np.int32
    values = tuple(index(value) if isinstance(value, int) else value for value in (*arguments, count))
    run = function(cupy, cupy.cuda.Device().id, name, kernel, dtype, wide, tuple(macros.items()))
    run((min(MOST_BLOCKS, blocks or -(-count // BLOCK)),), (BLOCK,), values)


def on_gpu(*arrays: Any) -> bool:
    """Whether these are arrays on a GPU, of one type that the sources know."""
    first = arrays[0]
    return (
        backend.device_of(first) == "gpu"
        and first.dtype.name in TYPES
        and all(array.dtype == first.dtype for array in arrays)
    )


def steps(array: Any) -> tuple[int, ...]:
    """The strides of an array in numbers, as the sources take them."""
    return tuple(stride // array.itemsize for stride in array.strides)
