"""NumPy or CuPy: which one an array belongs to, and how it moves. The only file that imports CuPy, and only on request."""

import gc
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeGuard

import numpy as np

DEVICES = ("cpu", "gpu")
Array = np.ndarray  # or CuPy's, which has the same methods; it cannot be named here, since CuPy may be missing
ArrayLike = Array | float | Sequence  # what becomes an array; a sequence may hold sequences

_random: list["np.random.Generator"] = []  # one, once somebody asks: it takes 12 ms to load


def manual_seed(seed: int | Sequence[int]) -> None:
    """Restart the random numbers that dropout and the initialisers draw.

    `seed`: an integer, or a sequence of integers such as (seed, step), as `numpy.random.default_rng` takes it.
    """
    try:
        _random[:] = [np.random.default_rng(seed)]
    except (TypeError, ValueError) as error:
        raise type(error)(f"manual_seed: seed is {seed!r}; expected an integer of at least 0, or several") from error


def random_generator() -> "np.random.Generator":
    """The generator that `manual_seed` restarts. It lives on the CPU, so that a seed means the same on every device."""
    if not _random:
        manual_seed(0)
    return _random[0]


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


def shared() -> Share | None:
    """What `sharing` was given, or None outside."""
    return _share.get()


def uniform(generator: "np.random.Generator", shape: tuple[int, ...]) -> np.ndarray:
    """Numbers from 0 to 1, float32, for a batch of `shape` (N, …), drawn in the order of its axes."""
    share = shared()
    if share is None:
        return generator.random(shape, dtype=np.float32)
    return generator.random((share.whole, *shape[1:]), dtype=np.float32)[share.rows]


_captured: ContextVar[Any] = ContextVar("captured", default=None)


@contextmanager
def capturing(masks: Any) -> Iterator[None]:
    """While the GPU takes note of what it is asked for. Dropout asks `masks` for its own; and nothing may be sent up, for what is noted is the
    address on the CPU and not what stands there."""
    token = _captured.set(masks)
    try:
        yield
    finally:
        _captured.reset(token)


def captured_masks() -> Any:
    """What `capturing` was given, or None outside."""
    return _captured.get()


def is_capturing() -> bool:
    return _captured.get() is not None


def device_of(array: Any) -> str:
    """ "cpu" for a NumPy array, "gpu" for a CuPy array."""
    return "gpu" if type(array) is not np.ndarray and type(array).__module__.partition(".")[0] == "cupy" else "cpu"


def module_of(device: str) -> Any:
    """The module, NumPy or CuPy, whose arrays lie on `device`."""
    return import_cupy() if device == "gpu" else np


def array_module(array: Any) -> Any:
    """The module, NumPy or CuPy, whose functions work on `array`."""
    return module_of(device_of(array))


def is_array(value: object) -> TypeGuard[Array]:
    return isinstance(value, np.ndarray) or device_of(value) == "gpu"


def zeros(shape: tuple[int, ...], like: Any) -> Any:
    """Zeros with the dtype and device of `like`, their axes in memory in the order in which those of `like` lie."""
    n = len(shape)
    order = sorted(range(n), key=lambda axis: -abs(like.strides[axis])) if like.ndim == n else list(range(n))
    laid = array_module(like).zeros([shape[axis] for axis in order], like.dtype)
    return laid.transpose(sorted(range(n), key=order.__getitem__))


def to_device(array: Any, device: str) -> Any:
    """`array` on `device` ("cpu" or "gpu"); the same array where it is there already."""
    if device not in DEVICES:
        raise ValueError(f'to: unknown device {device!r}; choose "cpu" or "gpu"')
    if device_of(array) == device:
        return array
    if is_capturing() and (device == "cpu" or array.ndim):  # a single number goes up as part of a launch
        raise RuntimeError(f"a step that moves arrays to the {device} cannot be captured")
    if device == "cpu":
        return array.get()
    try:
        return import_cupy().asarray(array)
    except Exception as error:
        if no_memory_left(error) or (meaning := meaning_of(error)) is None:
            raise
        raise RuntimeError(f"the device gpu cannot be used: {meaning}") from error


def import_cupy() -> Any:
    """CuPy, with `set_float32_matmul_precision` as it stands. Raises RuntimeError, with what to install, where it does not import."""
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        raise RuntimeError(
            f"the device gpu needs CuPy, which does not import here ({first_line(error)}); "
            "install the wheel for your CUDA version: pip install minifcn[cuda12] or minifcn[cuda13]"
        ) from error
    if cupy is not _prepared[0]:  # once: CuPy would otherwise ask an environment variable of its own
        _prepared[0] = cupy
        set_product_type(cupy)
    return cupy


_prepared: list[Any] = [None]
_precision = "highest"


def set_float32_matmul_precision(precision: str) -> None:
    """How a GPU multiplies float32 matrices: "highest", the default, in float32; "high" may round the factors to TF32, 10 bits, which is faster.

    Sums stay in float32. It concerns matrix products, and so convolutions, on GPUs from 2020 on (Ampere); elsewhere it changes nothing. PyTorch's
    function of the same name does the same.
    """
    global _precision
    if precision not in ("highest", "high"):
        raise ValueError(f'set_float32_matmul_precision: got {precision!r}; expected "highest" or "high"')
    _precision = precision
    if _prepared[0] is not None:
        set_product_type(_prepared[0])


def float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` set."""
    return _precision


def set_product_type(cupy: Any) -> None:
    linalg = getattr(getattr(cupy, "_core", None), "_routines_linalg", None)  # CuPy has no public name for it
    if linalg is None:
        return
    linalg.set_compute_type(np.float32, linalg.COMPUTE_TYPE_TF32 if _precision == "high" else linalg.COMPUTE_TYPE_FP32)


MEMORY_LIMIT = "MINIFCN_GPU_MEMORY"  # an environment variable: how much of a GPU's memory may be used, such as 6G


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


def device_name() -> str:
    """What the maker calls the GPU that is used."""
    cuda = import_cupy().cuda
    return str(cuda.runtime.getDeviceProperties(cuda.Device().id)["name"].decode())


def no_memory_left(error: BaseException) -> bool:
    """Whether an error says that memory ran out: NumPy's and CuPy's own, or one of CUDA or cuBLAS that comes as a number with a name."""
    names = ("out of memory", "MemoryAllocation", "ALLOC_FAILED")
    return isinstance(error, MemoryError) or (is_of_cupy(error) and any(name in str(error) for name in names))


def is_of_cupy(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] in ("cupy", "cupy_backends")


# what CUDA and CuPy say -> what it means, and what to do
PROBLEMS = (
    (("libcuda.so", "nvcuda.dll"), "NVIDIA's driver is not installed on this machine, or not where programs look; install it"),
    (("InsufficientDriver", "UnsupportedPtxVersion", "SystemDriverMismatch"), "the GPU's driver is missing, or older than this CuPy needs; install or update the driver, or take minifcn[cuda12] in place of minifcn[cuda13]"),
    (("NoDevice", "no CUDA-capable device"), "CUDA sees no GPU; look at what nvidia-smi and the environment variable CUDA_VISIBLE_DEVICES say"),
    (("DevicesUnavailable",), "another program holds the GPU for itself; nvidia-smi says which"),
    (("MemoryAllocation", "out of memory", "Out of memory"), "the GPU has no memory left; nvidia-smi says which programs hold it"),
    (("NoKernelImage", "InvalidDeviceFunction", "unsupported gpu architecture", "invalid value for --gpu-architecture"),
     "this CuPy has no code for this GPU; install the wheel of another CUDA version: minifcn[cuda12] or minifcn[cuda13]"),
    (("libnvrtc", "libcublas", "libcudart", "nvrtc", "NVRTC", "CUBLAS", "failed to load", "cannot open shared object", "Failed to find CUDA headers", "Failure finding"),
     "CUDA's libraries are missing or do not fit; install them with pip install minifcn[cuda12] or minifcn[cuda13]"),
)  # fmt: skip


def gpu_problem() -> str | None:
    """None where a GPU can be used, else one sentence: what is wrong, and what to do about it."""
    try:
        cupy = import_cupy()
    except RuntimeError as error:
        return meaning_of(error.__cause__ or error) or str(error)
    except Exception as error:  # a broken installation raises what it likes
        return f"CuPy breaks when it is imported ({first_line(error)}); install it again: pip install minifcn[cuda12] or minifcn[cuda13]"
    try:
        # the driver, memory and the compiler, then cuBLAS: each of them fails in its own way
        ones = cupy.arange(4, dtype=np.float32).reshape(2, 2) + 1
        found = float((ones @ ones).sum())
    except Exception as error:
        return (
            meaning_of(error)
            or f"a first small calculation fails ({first_line(error)}); CuPy's own check may say more: python -c 'import cupy; cupy.show_config()'"
        )
    return None if found == 54 else f"the GPU calculates wrongly: {found:g} and not 54; do not use it"


def meaning_of(error: BaseException) -> str | None:
    """What a known error means and what to do, then what it says itself; None for an unknown one."""
    said = f"{type(error).__name__}: {error}"
    for words, meaning in PROBLEMS:
        if any(word in said for word in words):
            return f"{meaning} ({first_line(error)})"
    return None


def first_line(error: BaseException) -> str:
    """The line that says most. CuPy frames what it says in rulers and puts advice before the original error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip("=- ")]
    after = lines.index("Original error:") + 1 if "Original error:" in lines else 0
    return (lines[after:] or [type(error).__name__])[0]


def choose_device(wanted: str, say: Callable[[str], Any] = lambda line: None) -> str:
    """ "auto" becomes "gpu" where one works, else "cpu"; "cpu" and "gpu" stay, an unusable "gpu" raises RuntimeError.

    With "auto", `say` is told in a sentence why a GPU is not used, where CuPy is installed: whoever installed it expects one.
    """
    if wanted == "cpu" or (wanted == "auto" and importlib.util.find_spec("cupy") is None):
        return "cpu"
    if (problem := gpu_problem()) is None:
        return "gpu"
    if wanted == "gpu":
        raise RuntimeError(f"--device gpu: {problem}")
    say(f"--device auto: {problem}. Going on with the CPU")
    return "cpu"
