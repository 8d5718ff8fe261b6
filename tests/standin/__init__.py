"""A stand-in for CuPy on machines without a GPU: `with standin.installed():` puts it where `import cupy` finds it.

Its arrays wrap NumPy's and refuse what CuPy refuses: silent conversion to NumPy, mixing with NumPy arrays, functions and keywords that CuPy has not.
Its kernels are the CUDA sources themselves, compiled for the CPU by `compiling.py`.
"""

from standin.install import installed, synchronisations

__all__ = ["installed", "synchronisations"]
