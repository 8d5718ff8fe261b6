"""Every built-in network, small enough to be run, for the tests of pictures; and the shapes of a real run."""

import numpy as np

import minifcn as mf
from minifcn import nn
from minifcn.models import BACKBONES, FCN, Classifier, HeatMap, LateFusion, MultiHead
from minifcn.models.classifiers import SIDES
from minifcn.nn.initialisers import undrawn


def fcns():
    """(backbone, stride, padding, at_once) of every FCN that there is; 100 pixels of padding where a run stays cheap."""
    found = []
    with undrawn():
        for name, make in BACKBONES.items():
            for stride in make().heads:
                found.append((name, stride, "same", False))
                if stride == min(make().heads):  # all that at_once scales
                    found.append((name, stride, "same", True))
                if name in ("tiny", "squeezenet", "squeezenet-fc"):
                    found.append((name, stride, "paper", False))
    return found


FCNS = fcns()
NAMES = [f"{name}-{stride}s-{padding}{'-at-once' * at_once}" for name, stride, padding, at_once in FCNS]


def fcn(case, classes=3, **options):
    name, stride, padding, at_once = case
    with undrawn():
        width = 2 if name == "tiny" else None
        return FCN(name, stride, classes, padding=padding, at_once=at_once, width=width, **options)


def others():
    """Networks that are no FCN, by name, with the shape of what goes in."""
    with undrawn():
        yield "multi", MultiHead("tiny", 8, {"semantic": 4, "geometric": 2}, width=2), (1, 3, 45, 64)
        yield "multi-one", MultiHead("tiny", 32, {"a & b": 4}, width=2), (1, 3, 45, 64)
        yield "multi-paper", MultiHead("tiny", 16, {"a": 4, "b": 3, "c": 2}, width=2, padding="paper"), (1, 3, 45, 64)
        streams = FCN("tiny", 16, 3, width=2), FCN("tiny", 8, 3, width=2, in_channels=2)
        yield "late", LateFusion(*streams), (1, 5, 45, 64)
        for name, side in SIDES.items():
            width = 2 if name == "tiny" else None
            yield f"classifier-{name}", Classifier(name, 10, width=width), (1, 3, side, side)
            if name in ("tiny", "squeezenet", "googlenet"):
                yield f"heat-{name}", HeatMap(name, 10, width=width), (1, 3, 260, 230)


OTHERS = ["multi", "multi-one", "multi-paper", "late"]
OTHERS += [f"classifier-{name}" for name in SIDES] + [f"heat-{name}" for name in ("tiny", "squeezenet", "googlenet")]


def other(wanted):
    for name, model, shape in others():
        if name == wanted:
            return model, shape
    raise AssertionError(f"no network {wanted}")


def named_modules(module, prefix=""):
    """Every part with its dotted name, worked out from the attributes alone."""
    found = {prefix: module} if prefix else {}
    for name, value in vars(module).items():
        inner = {name: value}
        if isinstance(value, list | tuple):
            inner = {f"{name}.{place}": each for place, each in enumerate(value)}
        elif isinstance(value, dict):
            inner = {f"{name}.{key}": each for key, each in value.items()}
        for key, each in inner.items():
            if isinstance(each, nn.Module):
                found |= named_modules(each, f"{prefix}.{key}" if prefix else key)
    return found


def run_watched(model, x, monkeypatch, record=True):
    """The result of a real run, and {name of a part: the shape of what it gave}."""
    shapes = {}
    for name, part in named_modules(model).items():

        def forward(*inputs, name=name, run=part.forward, **options):
            y = run(*inputs, **options)
            if isinstance(y, mf.Tensor):
                shapes[name] = y.shape
            return y

        monkeypatch.setattr(part, "forward", forward)
    if record:
        return model(x), shapes
    with mf.no_grad():
        return model(x), shapes


def picture(shape):
    return np.zeros(shape, np.float32)
