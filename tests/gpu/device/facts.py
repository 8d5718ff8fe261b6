"""The machine, and what the library takes for granted of CuPy."""

import platform
import sys

import numpy as np

import minifcn as mf
from minifcn import backend
from minifcn.bench import rival
from minifcn.kernels import products

from .arrays import normal, up
from .report import far


def facts(stage):
    stage.check("machine", machine)
    stage.check("a GPU can be used", lambda: dict(ok=backend.gpu_problem() is None, said=backend.gpu_problem()))
    stage.check("an elementwise result lies in C order", elementwise_order)
    stage.check("TF32 is used when asked for and not before", tf32, needs=stage.gpu)
    stage.check("cuBLAS called directly, every way a matrix may lie", direct)


def machine():
    cupy = backend.import_cupy()
    runtime = cupy.cuda.runtime
    properties = runtime.getDeviceProperties(cupy.cuda.Device().id)
    torch = rival.pytorch().__version__ if rival.installed() else None
    return dict(
        gpu=properties["name"].decode(), sm=properties["multiProcessorCount"], l2_bytes=properties["l2CacheSize"],
        capability=cupy.cuda.Device().compute_capability, memory=cupy.cuda.Device().mem_info, cupy=cupy.__version__, numpy=np.__version__,
        torch=torch, minifcn=mf.__version__, python=platform.python_version(), system=sys.platform, runtime=runtime.runtimeGetVersion(),
        driver=runtime.driverGetVersion(),
    )  # fmt: skip


def elementwise_order():
    cupy = backend.import_cupy()
    x = up(normal(2, 8, 5, 6), last=True)
    made = dict(sum=x + x, where=cupy.where(x > 0, x, 0), maximum=cupy.maximum(x, 0))
    orders = {name: bool(array.flags.c_contiguous) for name, array in made.items()}
    like = cupy.zeros_like(x).strides == x.strides
    return dict(ok=all(orders.values()) and like, zeros_like_keeps=like, **orders)


def tf32():
    """Ampere and later: products of rounded factors differ from float32's by about 3e-4, float32's from float64's by 1e-7."""
    cupy = backend.import_cupy()
    a = up(normal(512, 512))
    exact, found = (a.astype("float64") @ a.astype("float64")).get(), {}
    try:
        for precision in ("highest", "high"):
            mf.set_float32_matmul_precision(precision)
            found[f"CuPy, {precision}"] = far((a @ a).get(), exact)
            with products.directly():
                found[f"direct, {precision}"] = far(products.product(a, a).get(), exact)
    finally:
        mf.set_float32_matmul_precision("highest")
    plain = max(value for name, value in found.items() if "highest" in name)
    rounded = [value for name, value in found.items() if name.endswith("high")]
    old = int(cupy.cuda.Device().compute_capability) < 80
    return dict(ok=plain < 2e-6 and (old or all(1e-5 < value < 2e-3 for value in rounded)), **found)


def direct():
    worst = 0.0
    for m, k, n in ((5, 7, 3), (64, 1, 9), (1, 64, 33), (130, 257, 65)):
        for turned in ((0, 0), (0, 1), (1, 0), (1, 1)):
            a, b = up(normal(3, *((k, m) if turned[0] else (m, k)))), up(normal(3, *((n, k) if turned[1] else (k, n))))
            a, b = (a.swapaxes(1, 2) if turned[0] else a), (b.swapaxes(1, 2) if turned[1] else b)
            for cut in (lambda v: v, lambda v: v[0], lambda v: v[..., ::2, :]):
                left = cut(a)
                right = b if left.ndim == 3 else b[0]
                with products.directly():
                    found = products.product(left, right)
                wanted = left.get().astype(np.float64) @ right.get().astype(np.float64)
                worst = max(worst, far(found.get(), wanted))
    return dict(ok=worst < 1e-5, worst=worst)
