"""Fully convolutional networks from scratch in NumPy. `import minifcn as mf`; only NumPy is loaded by it."""

import os as _os
import sys as _sys
from importlib import import_module
from typing import TYPE_CHECKING

if _sys.platform == "darwin" and "numpy" not in _sys.modules:
    # Apple's BLAS reads this when NumPy loads it and cannot be told later; the kernels run threads of their own (kernels/threads.py)
    _os.environ.setdefault("VECLIB_MAXIMUM_THREADS", "1")

from minifcn import draw, kernels, models, nn, ops
from minifcn.autodiff.anomaly import AnomalyError, detect_anomaly
from minifcn.autodiff.engine import Function, Tensor, no_grad
from minifcn.autodiff.profiler import profile
from minifcn.backend import manual_seed, set_float32_matmul_precision
from minifcn.kernels.threads import set_num_threads
from minifcn.nn import optim
from minifcn.ops import flops as _flops  # noqa: F401 - it tells the profiler what a product costs
from minifcn.plans import plan
from minifcn.verify.adjoint import adjoint_check
from minifcn.verify.gradcheck import gradcheck
from minifcn.verify.report import GradcheckError
from minifcn.version import __version__

if TYPE_CHECKING:
    from types import ModuleType

    from minifcn import data, training

__all__ = [
    "AnomalyError",
    "Function",
    "GradcheckError",
    "Tensor",
    "__version__",
    "adjoint_check",
    "data",
    "detect_anomaly",
    "draw",
    "gradcheck",
    "kernels",
    "manual_seed",
    "models",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "plan",
    "profile",
    "set_float32_matmul_precision",
    "set_num_threads",
    "training",
]


def __getattr__(name: str) -> "ModuleType":
    # pictures and progress bars are loaded when they are first asked for
    if name in ("data", "training"):
        return import_module(f"minifcn.{name}")
    raise AttributeError(f"module 'minifcn' has no attribute {name!r}", name=name, obj=_sys.modules[__name__])


def __dir__() -> list[str]:
    return sorted(__all__)
