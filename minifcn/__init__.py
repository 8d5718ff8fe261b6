"""Fully convolutional networks from scratch in NumPy. `import minifcn as mf`; only NumPy is loaded by it."""

from minifcn import started as _started

if _started.is_the_command():  # before all that takes its time to load
    _started.stop_at_once()

import os as _os
import sys as _sys
from typing import TYPE_CHECKING

if _sys.platform == "darwin" and "numpy" not in _sys.modules:
    # Apple's BLAS reads this when NumPy loads it and cannot be told later; the kernels run threads of their own (kernels/threads.py)
    _os.environ.setdefault("VECLIB_MAXIMUM_THREADS", "1")

from minifcn import kernels, ops
from minifcn.autodiff.engine import Function, Tensor, no_grad
from minifcn.backend import manual_seed, set_float32_matmul_precision
from minifcn.kernels.threads import set_num_threads
from minifcn.names import later as _later
from minifcn.ops import flops as _flops  # noqa: F401 - it tells the profiler what a product costs
from minifcn.version import __version__

if TYPE_CHECKING:
    from minifcn import data, draw, models, nn, training
    from minifcn.autodiff.anomaly import AnomalyError, detect_anomaly
    from minifcn.autodiff.profiler import profile
    from minifcn.nn import optim
    from minifcn.plans.plan import plan
    from minifcn.verify.adjoint import adjoint_check
    from minifcn.verify.gradcheck import gradcheck
    from minifcn.verify.report import GradcheckError

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

_later(
    __name__,
    {
        "minifcn.autodiff.anomaly": "AnomalyError detect_anomaly",
        "minifcn.autodiff.profiler": "profile",
        "minifcn.nn": "optim",
        "minifcn.plans.plan": "plan",
        "minifcn.verify.adjoint": "adjoint_check",
        "minifcn.verify.gradcheck": "gradcheck",
        "minifcn.verify.report": "GradcheckError",
    },
)
