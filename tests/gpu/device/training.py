"""A few steps of a small network: on the CPU, on the GPU, and on the GPU as a captured graph."""

import time
from dataclasses import replace

import numpy as np

import minifcn as mf
from minifcn import backend
from minifcn.models import build
from minifcn.training import fit
from minifcn.training.recipes import MODERN

from .arrays import wait

CASES = {
    "sgd": {},
    "adam": dict(optimizer="adam", lr=1e-3),
    "all options": dict(
        accumulate=2, keep_cells=0.5, class_weights=(0.5, 1.0, 2.0), weight_decay=1e-3, head_factor=3.0
    ),
}
NEAR = 2e-3  # losses of a few steps; what differs is rounding


class Stripes:
    """Pictures of three classes, in upright stripes under a void line."""

    def __init__(self, side=40, number=6):
        self.side, self.number = side, number

    def __len__(self):
        return self.number

    def labels(self, i):
        labels = np.zeros((self.side, self.side), np.uint8)
        labels[:, 6 + 3 * i :], labels[:, 20 + 2 * i :], labels[:3] = 1, 2, 255
        return labels

    def picture(self, i):
        noise = np.random.default_rng(i).integers(0, 60, (self.side, self.side, 3)).astype(np.uint8)
        return noise + (self.labels(i) % 3 * 60)[..., None].astype(np.uint8)


def small_model(device, arch="fcn32s", width=2):
    """With scores that are not zero, else no gradient reaches the trunk."""
    backend.manual_seed(3)
    model = build(arch, backbone="tiny", width=width, num_classes=3)
    rng = np.random.default_rng(4)
    for name, parameter in model.named_parameters():
        if name.startswith("score_"):
            parameter.data[...] = 0.1 * rng.standard_normal(parameter.shape)
    return model.to(device)


def trained(device, graph=False, arch="fcn32s", steps=8, width=2, **changes):
    """(losses, weights at the end, what was said)"""
    said, model = [], small_model(device, arch, width)
    recipe = replace(MODERN, **{"batch": 3, "size": 32, **changes})
    losses = fit(model, Stripes(), recipe, steps=steps, seed=1, graph=graph, say=said.append).losses
    return losses, model.state_dict(), said


def apart(first, second):
    """The largest difference of two trainings: of losses, and of weights in parts of the largest of an array."""
    losses = float(np.max(np.abs(np.subtract(first[0], second[0]))))
    weights = max(
        float(np.abs(a - second[1][name]).max() / max(np.abs(a).max(), 1e-30)) for name, a in first[1].items()
    )
    return dict(losses=losses, weights=weights)


def training(stage):
    for arch in ("fcn32s", "fcn8s", "fcn8s-atonce"):
        for name, changes in CASES.items():
            if stage.small and (arch, name) not in (("fcn32s", "sgd"), ("fcn8s", "adam")):
                continue
            stage.check(f"{arch}, {name}: the GPU takes the CPU's steps", cpu_and_gpu, arch, **changes)
    stage.check("two runs are the same to the bit", twice)
    stage.check("a step of the demo's network, plain", speed, False, stage.small)


def cpu_and_gpu(arch, **changes):
    found = apart(trained("cpu", arch=arch, **changes), trained("gpu", arch=arch, **changes))
    return dict(ok=found["losses"] < NEAR and found["weights"] < 1e-2, **found)


def twice():
    first, second = trained("gpu", steps=4), trained("gpu", steps=4)
    return dict(ok=first[0] == second[0] and all(np.array_equal(a, second[1][name]) for name, a in first[1].items()))


def graph(stage):
    for arch, name in (("fcn32s", "sgd"), ("fcn32s", "all options"), ("fcn8s", "adam"), ("fcn8s-atonce", "sgd")):
        if not stage.small or name == "sgd":
            stage.check(f"{arch}, {name}: a captured step is the plain one", plain_and_graph, arch, **CASES[name])
    stage.check("a captured step in TF32 is the plain one", in_tf32, 2 if stage.small else 16)
    stage.check("a step that cannot be captured leaves a device that works", after_failure)
    stage.check("a step of the demo's network, captured", speed, True, stage.small)


def plain_and_graph(arch, width=2, **changes):
    """Eight steps: two to warm up, one taken in both ways, and five launches of one graph."""
    plain, captured = (
        trained("gpu", arch=arch, width=width, **changes),
        trained("gpu", True, arch, width=width, **changes),
    )
    found = apart(plain, captured)
    return dict(ok=found["losses"] < NEAR and captured[2] == [], said=captured[2], **found)


def in_tf32(width):
    mf.set_float32_matmul_precision("high")
    try:
        return plain_and_graph("fcn32s", width)
    finally:
        mf.set_float32_matmul_precision("highest")


def after_failure():
    from minifcn.training import cuda_graph

    cupy = backend.import_cupy()
    ones = cupy.ones((3, 3), np.float32)
    ones @ ones  # cuBLAS is loaded, and refused by CuPy alone
    said = None
    try:
        cuda_graph.record(lambda: [ones + ones, ones @ ones])
    except Exception as error:
        said = f"{type(error).__name__}: {error}"[:200]
    works = float((ones @ ones).sum()) == 27
    return dict(ok=works and said is not None and trained("gpu", True, steps=4)[2] == [], said=said)


def speed(graph, small):
    """What `minifcn demo` trains. Losses are read late, so only moments at which the host has caught up are looked at."""
    steps, width, side, stamps = (12, 2, 32, []) if small else (200, 12, 96, [])

    def stamp(step):
        if not step.ahead:
            wait()
            stamps.append((step.step, time.perf_counter()))

    model, recipe = small_model("gpu", "fcn8s", width), replace(MODERN, batch=8 if side > 32 else 2, size=side)
    fit(model, Stripes(side + 32, 16), recipe, steps=steps, seed=1, graph=graph, say=print, callbacks=[stamp])
    (first, start), (last, end) = next(each for each in stamps if each[0] > steps // 10), stamps[-1]
    return dict(ms_a_step=round(1000 * (end - start) / max(1, last - first), 3), steps=last - first)
