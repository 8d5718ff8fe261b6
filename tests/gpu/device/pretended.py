"""The stand-in for CuPy with a cuBLAS, which a capture takes note of: enough to try every stage without a GPU."""

from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from standin import installed, work

from minifcn.kernels import products

from ..blas import PretendedCublas


class NotedCublas(PretendedCublas):
    """In a capture it takes note, and computes at each launch."""

    def cublasGemmStridedBatchedEx(self, *arguments):
        work.LAUNCHES[0] += 1
        work.change(lambda: PretendedCublas.cublasGemmStridedBatchedEx(self, *arguments))
        return 0


@contextmanager
def cublas_of_the_standin(wanted=True):
    """Inside, products that a capture may hold go to it, if `wanted`."""
    cublas = NotedCublas()
    with ExitStack() as stack:
        if wanted:
            stack.enter_context(patch.object(products, "library", lambda: cublas))
            stack.enter_context(patch.object(products, "handle", lambda cupy: "handle"))
        yield


@contextmanager
def pretended():
    with installed() as cupy, cublas_of_the_standin():
        yield cupy
