"""How many launches a step asks for, what each costs the host, and where the device's time goes."""

import json
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from minifcn import backend, kernels
from minifcn.bench import gpu, rival
from minifcn.bench.cases import SMALL
from minifcn.kernels import Window
from minifcn.kernels.products import product

from .arrays import milliseconds, normal, up, wait
from .bench import Captured

WINDOW = Window((3, 3), padding=((1, 1), (1, 1)))


def launches(stage):
    small = gpu.GPU_CASES["small-step"]
    tiny = small._replace(shape=(1, 3, 32, 32), network=SMALL._replace(widths=(2, 2, 2, 2, 2), fc=4))
    with tempfile.TemporaryDirectory() as folder:
        counted = {"small-step": (small, gpu.OnGpu), "small-step with a graph": (small, Captured)}
        if not stage.small:
            counted |= {name: (gpu.GPU_CASES[name], gpu.OnGpu) for name in ("vgg-forward-512", "vgg-step-384")}
        problem = stage.gpu or gpu.problem_of_rival()
        for name, (case, kind) in counted.items():
            stage.check(f"host time, {name}", host, tiny if stage.small else case, kind)
            stage.check(f"launches, {name}", traced, case, kind, Path(folder, "trace.json"), needs=problem)
    micro(stage)


def host(case, kind):
    """How long the host is busy with a step, and the whole of it."""
    program = kind(case)
    for _ in range(3):
        program.seconds()
    wait()
    start = time.perf_counter()
    program.call()
    busy = time.perf_counter() - start
    wait()
    return dict(
        host_ms=round(1000 * busy, 3), ms=round(1000 * float(np.median([program.seconds() for _ in range(5)])), 3)
    )


def traced(case, kind, path):
    """PyTorch's profiler sees every kernel of the process, whoever launched it."""
    torch = rival.pytorch()
    program = kind(case)
    for _ in range(3):
        program.seconds()
    wait()
    both = [torch.profiler.ProfilerActivity.CUDA, torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=both) as profile:
        program.call()
        wait()
    profile.export_chrome_trace(str(path))
    return summary(json.loads(path.read_text(encoding="utf-8"))["traceEvents"])


def summary(events):
    """Launches by kind, and the kernels that took longest."""
    kinds, count, busy = Counter(), Counter(), Counter()
    for event in events:
        kind = event.get("cat")
        if kind in ("kernel", "gpu_memcpy", "gpu_memset"):
            name = event["name"][:70]
            kinds[kind] += 1
            count[name] += 1
            busy[name] += event["dur"] / 1000
    top = [[name, count[name], round(ms, 4)] for name, ms in busy.most_common(25)]
    return dict(launches=dict(kinds), device_ms=round(sum(busy.values()), 3), top=top)


def micro(stage):
    """The pieces that the estimates of times rest on."""
    side, channels, batch = (12, 8, 2) if stage.small else (512, 64, 36)
    y = up(normal(1, channels, side, side), last=True)
    bias, weight = up(normal(channels)), up(normal(channels, channels, 3, 3))
    pooled = (side // 2, side // 2)
    deep = (8, 3, 4) if stage.small else (4096, 512, 16)
    fc6, x6 = up(normal(deep[0], deep[1], 7, 7)), up(normal(1, deep[1], deep[2], deep[2]), last=True)
    g6, seven = up(normal(1, deep[0], deep[2], deep[2]), last=True), Window((7, 7), padding=((3, 3), (3, 3)))
    wide, square = up(normal(batch, 1600 if not stage.small else 16, channels)), up(normal(batch, channels, channels))
    for name, function in {
        "add_bias": lambda: kernels.add_bias(y, bias),
        "relu": lambda: kernels.relu(y),
        "relu_gradient": lambda: kernels.relu_gradient(y, y),
        "bias_gradient": lambda: kernels.bias_gradient(y),
        "max_pool2d_values": lambda: kernels.max_pool2d_values(y, Window((2, 2), (2, 2)), pooled),
        "conv1_2": lambda: kernels.conv2d(y, weight, WINDOW, 1),
        "conv1_2, weight gradient": lambda: kernels.conv2d_weight_gradient(y, y, WINDOW, 1),
        "fc6": lambda: kernels.conv2d(x6, fc6, seven, 1),
        "fc6, weight gradient": lambda: kernels.conv2d_weight_gradient(x6, g6, seven, 1),
        "Winograd's products": lambda: product(wide, square),
        "a mask": lambda: kernels.kept(np.random.default_rng(1), (4, deep[0], 12, 12), 0.5, "gpu"),
        "one add of two small arrays": lambda: bias + bias,
    }.items():
        stage.check(f"time of {name}", lambda function=function: milliseconds(function, 2 if stage.small else 10))
    backend.import_cupy().get_default_memory_pool().free_all_blocks()
