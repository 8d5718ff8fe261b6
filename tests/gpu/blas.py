"""cuBLAS's strided batched product as NVIDIA describes it, over plain memory: matrices lie column by column."""

import ctypes

import numpy as np
from standin.install import LAUNCHES

TYPES = {0: np.float32, 1: np.float64}
COMPUTES = {0: (68, 77), 1: (70,)}


def plain(value):
    return getattr(value, "value", value)


class PretendedCublas:
    def __init__(self):
        self.computes = []

    def cublasGemmStridedBatchedEx(
        self, handle, turn_a, turn_b, m, n, k, alpha, a, kind_a, lead_a, step_a, b, kind_b, lead_b, step_b,
        beta, c, kind_c, lead_c, step_c, count, compute, algorithm,
    ):  # fmt: skip
        """C = alpha·op(A)·op(B) + beta·C, op(A) m x k, op(B) k x n, C m x n."""
        assert kind_a == kind_b == kind_c and compute in COMPUTES[kind_a] and algorithm == -1
        assert alpha._obj.value == 1.0 and beta._obj.value in (0.0, 1.0)
        self.computes.append(compute)
        LAUNCHES[0] += 1
        dtype = np.dtype(TYPES[kind_a])
        first = matrices(a, dtype, (k, m) if turn_a else (m, k), lead_a, step_a, count)
        second = matrices(b, dtype, (n, k) if turn_b else (k, n), lead_b, step_b, count)
        result = matrices(c, dtype, (m, n), lead_c, step_c, count)
        found = (first.swapaxes(1, 2) if turn_a else first) @ (second.swapaxes(1, 2) if turn_b else second)
        result[...] = found + result if beta._obj.value else found
        return 0


def matrices(pointer, dtype, shape, lead, step, count):
    """A view (count, rows, columns) of matrices that lie column by column, `lead` numbers apart."""
    rows, columns = shape
    assert lead >= max(1, rows) and pointer.value
    length = plain(step) * (count - 1) + lead * (columns - 1) + rows
    kind = ctypes.c_float if dtype == np.float32 else ctypes.c_double
    memory = np.ctypeslib.as_array(ctypes.cast(pointer, ctypes.POINTER(kind)), (length,))
    strides = (plain(step) * dtype.itemsize, dtype.itemsize, lead * dtype.itemsize)
    return np.lib.stride_tricks.as_strided(memory, (count, rows, columns), strides)
