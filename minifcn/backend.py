"""NumPy or CuPy: which one an array belongs to, and how it moves. The only file that imports CuPy, and only on request."""

import gc
import importlib
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

DEVICES = ("cpu", "gpu")

_random = np.random.default_rng(0)


def manual_seed(seed: Any) -> None:
    """Restart the random numbers that dropout and the initialisers draw.

    `seed`: an integer, or a sequence of integers such as (seed, step), as `numpy.random.default_rng` takes it.
    """
    global _random
    _random = np.random.default_rng(seed)


def random_generator() -> np.random.Generator:
    """The generator that `manual_seed` restarts. It lives on the CPU, so that a seed means the same on every device."""
    return _random


class Share(NamedTuple):
    """Which rows of a batch of `whole` pictures are this process's, where several share each batch."""

    rows: slice
    whole: int


_share: ContextVar[Share | None] = ContextVar("share", default=None)


@contextmanager
def sharing(share: Share | None) -> Iterator[None]:
    """Inside, `uniform` draws for a whole batch and keeps this process's rows: all processes together see what one alone would see."""
    token = _share.set(share)
    try:
        yield
    finally:
        _share.reset(token)


def uniform(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers from 0 to 1, float32, for a batch of `shape` (N, …), drawn in the order of its axes."""
    share = _share.get()
    if share is None:
        return generator.random(shape, dtype=np.float32)
    return generator.random((share.whole, *shape[1:]), dtype=np.float32)[share.rows]


class Masks:
    """Dropout masks that a captured step reads: arrays on the GPU that are filled before each launch, with the numbers of that step."""

    def __init__(self) -> None:
        self.arrays: list[tuple[Any, float]] = []

    def new(self, shape: tuple[int, ...], p: float) -> Any:
        self.arrays.append((import_cupy().empty(shape, bool), p))  # zeros would be noted, and cleared at every launch
        return self.arrays[-1][0]

    def fill(self, generator: np.random.Generator) -> None:
        for array, p in self.arrays:
            array[...] = to_device(uniform(generator, array.shape) >= p, "gpu")


_masks: ContextVar[Masks | None] = ContextVar("masks", default=None)


@contextmanager
def capturing(masks: Masks) -> Iterator[None]:
    """While the GPU notes what it is asked for: `kept` gives masks to be filled later, and nothing may be sent up, for the note would be of an
    address and not of what stands there."""
    token = _masks.set(masks)
    try:
        yield
    finally:
        _masks.reset(token)


def is_capturing() -> bool:
    return _masks.get() is not None


def kept(generator: np.random.Generator, shape: tuple[int, ...], p: float, device: str) -> Any:
    """Which elements of a batch of `shape` dropout keeps: bool, each with probability 1 - p.

    Drawn on the CPU in the order of the axes (N, C, H, W): one seed gives one mask, whatever device or memory order.
    """
    masks = _masks.get()
    return to_device(uniform(generator, shape) >= p, device) if masks is None else masks.new(shape, p)


def device_of(array: Any) -> str:
    """ "cpu" for a NumPy array, "gpu" for a CuPy array."""
    return "gpu" if type(array).__module__.partition(".")[0] == "cupy" else "cpu"


def module_of(device: str) -> Any:
    """The module, NumPy or CuPy, whose arrays lie on `device`."""
    return import_cupy() if device == "gpu" else np


def array_module(array: Any) -> Any:
    """The module, NumPy or CuPy, whose functions work on `array`."""
    return module_of(device_of(array))


def is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or device_of(value) == "gpu"


def zeros(shape: tuple[int, ...], like: Any) -> Any:
    """Zeros with the dtype and device of `like`, their axes in memory in the order in which those of `like` lie."""
    order = (
        sorted(range(len(shape)), key=lambda axis: -abs(like.strides[axis]))
        if like.ndim == len(shape)
        else range(len(shape))
    )
    laid = array_module(like).zeros([shape[axis] for axis in order], like.dtype)
    return laid.transpose(sorted(range(len(shape)), key=list(order).__getitem__))


def to_device(array: Any, device: str) -> Any:
    """`array` on `device` ("cpu" or "gpu"); the same array where it is there already."""
    if device not in DEVICES:
        raise ValueError(f'to: unknown device {device!r}; choose "cpu" or "gpu"')
    if device_of(array) == device:
        return array
    if is_capturing():
        raise RuntimeError(f"a step that moves arrays to the {device} cannot be captured")
    return import_cupy().asarray(array) if device == "gpu" else array.get()


def import_cupy() -> Any:
    try:
        return importlib.import_module("cupy")
    except ImportError as error:
        raise RuntimeError(
            f"the device gpu needs CuPy, which does not import here ({error}); "
            "install the wheel for your CUDA version: pip install minifcn[cuda12] or minifcn[cuda13]"
        ) from error


MEMORY_LIMIT = (
    "MINIFCN_GPU_MEMORY"  # the environment variable that says how much of a GPU's memory may be used, such as 6G or 80%
)


def limit_gpu_memory(limit: str) -> None:
    """Let CuPy's pool take no more of this GPU's memory than `limit`: bytes, "6G" or "500M", or a share, "80%". What is more raises MemoryError.

    CuPy's own limit alone would raise it with idle blocks in the pool, so these are given back first.
    """
    cuda, pool = import_cupy().cuda, import_cupy().get_default_memory_pool()
    number, unit = limit[:-1], limit[-1:].upper()
    try:
        if unit == "%":
            pool.set_limit(fraction=float(number) / 100)
        else:
            pool.set_limit(size=int(float(number) * 1024 ** (1 + "KMGT".index(unit))) if unit in "KMGT" else int(limit))
    except ValueError as error:
        raise ValueError(
            f"gpu memory: {limit!r} is not a size; expected bytes, such as 6G or 500M, or a share, such as 80%"
        ) from error

    def allocate(size: int) -> Any:
        try:
            return pool.malloc(size)
        except MemoryError:
            gc.collect()
            pool.free_all_blocks()
            return pool.malloc(size)

    cuda.set_allocator(allocate)


def use_gpu(number: int) -> None:
    """Compute on GPU `number` of this machine, from 0, within the limit that the environment sets."""
    import_cupy().cuda.Device(number).use()
    if limit := os.environ.get(MEMORY_LIMIT):
        limit_gpu_memory(limit)


def no_memory_left(error: BaseException) -> bool:
    """Whether an error says that memory ran out: NumPy's and CuPy's own, or one of CUDA or cuBLAS that comes as a number with a name."""
    names = ("out of memory", "MemoryAllocation", "ALLOC_FAILED")
    return isinstance(error, MemoryError) or (is_of_cupy(error) and any(name in str(error) for name in names))


def is_of_cupy(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] in ("cupy", "cupy_backends")


def gpu_problem() -> str | None:
    """None where a GPU can be used, else one sentence that says why not."""
    try:
        cupy = import_cupy()
        # asking for a small result wakes the driver, the memory and the compiler: each of them fails in its own way
        float((cupy.arange(3, dtype=np.float32) + 1).sum())
    except Exception as error:
        return str(error).strip().splitlines()[0]
    return None


def choose_device(wanted: str) -> str:
    """ "auto" becomes "gpu" where one works, else "cpu"; "cpu" and "gpu" stay, an unusable "gpu" raises RuntimeError."""
    if wanted == "auto":
        # without the wheel nobody expects a GPU, and asking for it would only cost time
        return "gpu" if importlib.util.find_spec("cupy") is not None and gpu_problem() is None else "cpu"
    if wanted == "gpu" and (problem := gpu_problem()):
        raise RuntimeError(f"--device gpu: {problem}")
    return wanted
