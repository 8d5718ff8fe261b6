"""Matrix products. On a CPU NumPy's, with the same bits for any number of threads. On a GPU CuPy's; or cuBLAS called from here, which also adds
to what is there, takes stacks of turned matrices as they lie, and can be noted while a step is captured in a CUDA graph.

CuPy 14 refuses to call cuBLAS during a capture, though cuBLAS allows it. Its workspace is given from here, so that none is found in the middle.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from minifcn import backend
from minifcn.kernels import threads

Array = Any

WORKSPACE = 32 << 20  # bytes, what NVIDIA recommends for its newest GPUs
PLAIN, TRANSPOSED = 0, 1
# cuBLAS's numbers for types and for what it computes in: https://docs.nvidia.com/cuda/cublas
KINDS = {"float32": (0, 68, ctypes.c_float), "float64": (1, 70, ctypes.c_double)}
TF32 = 77
DEFAULT_ALGORITHM = -1
NEVER_SHARED = 1 << 13  # multiplications: no BLAS wakes a thread for so few
PIECE = 1 << 21  # multiplications that are worth waking a thread for
MOST_PIECES = 8


_directly: ContextVar[bool] = ContextVar("directly", default=False)


@contextmanager
def directly() -> Iterator[None]:
    """Inside, products on a GPU are those of a capture: to find and load before it begins what cannot be loaded in the middle."""
    token = _directly.set(True)
    try:
        yield
    finally:
        _directly.reset(token)


def product(a: Array, b: Array, out: Array = None) -> Array:
    """a @ b over the last two axes, (…, M, K) and (…, K, N) -> (…, M, N); the axes before broadcast. `out`, on a GPU: where the result goes."""
    if backend.device_of(a) == "cpu":
        return cpu_product(a, b)
    if is_direct(a, b):
        return direct_product(a, b, out)
    if out is None or out.flags.c_contiguous:
        return a @ b if out is None else backend.array_module(a).matmul(a, b, out=out)
    out[...] = a @ b
    return out


def add_product(a: Array, b: Array, out: Array) -> None:
    """out += a @ b, on a GPU: added where it lies, without a result of its own, if cuBLAS can be called from here."""
    if is_direct(a, b) or found_library():
        direct_product(a, b, out, add=True)
    else:
        out += a @ b


def is_direct(a: Array, b: Array) -> bool:
    """Whether cuBLAS is called from here: in a capture, and for stacks whose matrices CuPy would copy to lay them row by row.

    Source: CuPy 14.2.0, cupy/_core/_routines_linalg.pyx, `matmul` calls `ascontiguousarray` on both where either has more than two axes, and
    makes a list of pointers where one is the same for all of the stack.
    """
    if not (a.shape[:-2] == b.shape[:-2] or 2 in (a.ndim, b.ndim)):
        return False
    if backend.is_capturing() or _directly.get():
        return True
    lies = a.flags.c_contiguous and b.flags.c_contiguous and a.ndim == b.ndim
    return max(a.ndim, b.ndim) > 2 and not lies and found_library()


def cpu_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`product` with the same bits for any number of threads.

    BLAS rounds differently when it shares a product among its own threads. So it is held to one, and the rows of the result (or the
    matrices of a stack) are cut here, the same way whoever computes them. What is too small for BLAS to share needs none of this.
    """
    before = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    m, k, n = a.shape[-2], a.shape[-1], b.shape[-1]
    work = prod(before) * m * k * n
    if work <= NEVER_SHARED:
        return a @ b
    result = np.empty((*before, m, n), np.result_type(a, b))
    pieces = max(1, min(MOST_PIECES, work // PIECE))
    stacked = a.shape[:-2] == b.shape[:-2] and before and before[0] >= pieces
    length = before[0] if stacked else m

    def job(some: slice) -> None:
        if stacked:
            np.matmul(a[some], b[some], out=result[some])
        else:
            np.matmul(a[..., some, :], b, out=result[..., some, :])

    pieces = min(pieces, length)
    threads.run(job, [slice(length * part // pieces, length * (part + 1) // pieces) for part in range(pieces)])
    return result


def direct_product(a: Array, b: Array, out: Array = None, add: bool = False) -> Array:
    """`product` in a way that a capture takes note of. `add`: to what stands in `out`, whose rows may lie apart."""
    cupy = backend.array_module(a)
    before = a.shape[:-2] if a.ndim >= b.ndim else b.shape[:-2]
    m, k, n = a.shape[-2], a.shape[-1], b.shape[-1]
    result = cupy.empty((*before, m, n), a.dtype) if out is None else out
    if result.size == 0 or k == 0:
        if not add:
            result[...] = 0
        return result
    first, second, third = as_matrices(a), as_matrices(b), as_matrices(result)
    if third.array is not result or third.turned:  # cuBLAS writes rows alone
        result[...] = result + direct_product(a, b) if add else direct_product(a, b)
        return result
    kind, compute, number = KINDS[a.dtype.name]
    if kind == 0 and backend.float32_matmul_precision() == "high":
        compute = TF32
    one, beta = number(1), number(1 if add else 0)
    # cuBLAS thinks in columns: what is a row here is a column there, so it is asked for (a @ b)ᵀ = bᵀ @ aᵀ
    status = library().cublasGemmStridedBatchedEx(
        handle(cupy), second.turned, first.turned, n, m, k, ctypes.byref(one),
        pointer(second.array), kind, second.lead, ctypes.c_longlong(second.step),
        pointer(first.array), kind, first.lead, ctypes.c_longlong(first.step),
        ctypes.byref(beta), pointer(result), kind, third.lead, ctypes.c_longlong(third.step), prod(before), compute, DEFAULT_ALGORITHM,
    )  # fmt: skip
    check(status)
    return result


class Matrices:
    """`array` (…, R, C) as cuBLAS sees it: `lead` numbers from a row to the next (or column, where `turned`), `step` from a matrix to the next."""

    def __init__(self, array: Array, turned: int, lead: int, step: int) -> None:
        self.array, self.turned, self.lead, self.step = array, turned, lead, step


def as_matrices(array: Array) -> Matrices:
    """(…, R, C) -> rows or columns that lie together, copied where neither do."""
    rows, columns = array.shape[-2:]
    row, column = (stride // array.itemsize for stride in array.strides[-2:])
    step = even_step(array)
    if step is not None and column == 1 and row >= columns:
        return Matrices(array, PLAIN, row, step)
    if step is not None and row == 1 and column >= rows:
        return Matrices(array, TRANSPOSED, column, step)
    return Matrices(array.copy("C"), PLAIN, columns, rows * columns if array.ndim > 2 else 0)


def even_step(array: Array) -> int | None:
    """Numbers from a matrix to the next, 0 where there is but one; None where they are not evenly spread."""
    lengths, strides = array.shape[:-2], array.strides[:-2]
    axes = [(length, stride // array.itemsize) for length, stride in zip(lengths, strides, strict=True) if length > 1]
    even = all(outer == inner * length for (_, outer), (length, inner) in pairwise(axes))
    return (axes[-1][1] if axes else 0) if even else None


def pointer(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.data.ptr)


@cache
def library() -> Any:
    """The cuBLAS that CuPy itself has loaded."""
    backend.import_cupy().cuda.device.get_cublas_handle()
    version = backend.import_cupy().cuda.runtime.runtimeGetVersion() // 1000
    name = f"cublas64_{version}.dll" if os.name == "nt" else f"libcublas.so.{version}"
    return ctypes.CDLL(name)


def found_library() -> bool:
    """Whether that library can be called. CuPy multiplies without it, in more steps."""
    try:
        library()
    except Exception:  # whatever keeps it away, there is another way
        return False
    return True


@cache
def workspace() -> tuple[Any, Any]:
    """(a handle of our own, its workspace)."""
    cupy, made = backend.import_cupy(), ctypes.c_void_p()
    check(library().cublasCreate_v2(ctypes.byref(made)))
    with cupy.cuda.using_allocator(cupy.get_default_memory_pool().malloc):  # it outlives every graph
        return made, cupy.empty(WORKSPACE, cupy.uint8)


def handle(cupy: Any) -> Any:
    """A cuBLAS handle on the current stream. To set the stream takes the workspace away, so it is given again."""
    made, memory = workspace()
    check(library().cublasSetStream_v2(made, ctypes.c_void_p(cupy.cuda.get_current_stream().ptr)))
    check(library().cublasSetWorkspace_v2(made, pointer(memory), ctypes.c_size_t(WORKSPACE)))
    return made


def check(status: int) -> None:
    if status:
        raise RuntimeError(f"cuBLAS answers with status {status}")
