"""Fully convolutional networks from scratch in NumPy. `import minifcn as mf`; only NumPy is loaded by it."""

from minifcn import kernels, ops
from minifcn.autodiff.engine import Function, Tensor, no_grad
from minifcn.autodiff.gradcheck import GradcheckError, adjoint_check, gradcheck
from minifcn.backend import manual_seed
from minifcn.version import __version__

__all__ = [
    "Function",
    "GradcheckError",
    "Tensor",
    "__version__",
    "adjoint_check",
    "gradcheck",
    "kernels",
    "manual_seed",
    "no_grad",
    "ops",
]
