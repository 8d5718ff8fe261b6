"""Our layers found in somebody's graph: by what each reads, by its shape, by its settings, and by what stands before it. No name is looked at."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from minifcn import nn
from minifcn.kernels.windows import pair
from minifcn.models.classifiers import HeatMap
from minifcn.models.trunks.trunk import Branches
from minifcn.nn.initialisers import undrawn
from minifcn.pretrained.laying import way
from minifcn.weights.formats.contents import Contents, Step
from minifcn.weights.formats.onnx.following import ARITHMETIC, AVERAGE, MATRICES
from minifcn.weights.formats.onnx.windows import words

# what may stand between the picture and the first layer: its numbers are told of, or are those of one known network
PREPARING = {*ARITHMETIC, "Gather", "Slice"}


class Layer(NamedTuple):
    """One of ours: its name, its weight's shape, its settings, the layers with weights that it reads, and what stands between, as in `Step`."""

    name: str
    shape: tuple[int, ...]
    options: dict[str, Any]
    sources: frozenset[str]
    passed: frozenset[str]


Behind = tuple[
    frozenset[str], frozenset[str]
]  # the layers with weights that a map comes from, and what it passed since
GraphLayers = tuple[dict[str, dict[str, str]], dict[str, dict[str, str]], float]
NORM_PARTS = ("weight", "bias", "mean", "variance")


@lru_cache
def layers_of(name: str) -> tuple[Layer, ...]:
    """Our layers with weights, from the picture on, of the classifier of one class."""
    with undrawn():  # only shapes are looked at
        network = HeatMap(name, 1)
    found: list[Layer] = []

    def along(layers: Iterable[tuple[str, Any]], behind: Behind, rectified: bool) -> Behind:
        """What lies behind `layers`; a ReLU follows every convolution of a branch (`rectified`)."""
        sources, passed = behind
        for called, layer in layers:
            if isinstance(layer, nn.Conv2d):
                found.append(Layer(called, layer.weight.shape, layer.options, sources, passed))
                sources, passed = frozenset((called,)), frozenset(("Relu",) if rectified else ())
            elif isinstance(layer, Branches):
                sources, passed = branched(called, layer, (sources, passed))
            else:
                passed |= frozenset(filter(None, (word(layer),)))
        return sources, passed

    def branched(called: str, block: Branches, behind: Behind) -> Behind:
        parts = lambda names: [(f"{called}.{part}", getattr(block, part)) for part in names]  # noqa: E731
        stem = along(parts(block.stem), behind, True)
        ends = [along(parts(way), stem, True) for way in block.ways]
        return frozenset[str]().union(*(end[0] for end in ends)), frozenset[str]().union(*(end[1] for end in ends))

    trunk = [(f"backbone.{part}", layer) for part, layer in network.backbone.named_layers()]
    sources, passed = along(trunk, (frozenset(), frozenset()), False)
    found.append(Layer("classifier", network.classifier.weight.shape, network.classifier.options, sources, passed))
    return tuple(found)


def word(layer: nn.Module) -> str:
    """What a graph calls one of our layers without weights; nothing for one that does nothing to a trained network."""
    if isinstance(layer, nn.MaxPool2d):
        window = layer.window
        begins = tuple(before for before, _ in window.padding)
        settings = {
            "kernel_shape": window.kernel,
            "strides": window.stride,
            "pads": begins,
            "dilations": window.dilation,
        }
        return words("MaxPool", settings)
    return {nn.Dropout: "", nn.ReLU: "Relu", nn.LocalResponseNorm: "LRN", nn.AvgPool2d: AVERAGE}[type(layer)]


def graph_layers(network: str, contents: Contents) -> GraphLayers | str:
    """({our layer: {part: array}}, the same of batch norms, epsilon), or in words why the graph is not the `network`."""
    ours, steps = layers_of(network), contents.steps
    if len(steps) != len(ours):
        return f"it has {len(ours)}"
    places: dict[str, int] = {}
    for layer in ours:
        name, sources = layer.name, frozenset(places[each] for each in layer.sources)
        shape = (classes_of(contents), *layer.shape[1:]) if name == "classifier" else layer.shape
        fits = [
            place
            for place, step in enumerate(steps)
            if place not in places.values()
            and step.sources == sources
            and fitting(step, shape, layer.options, contents)
        ]
        if len(fits) > 1:  # the same shape side by side: one is read by a layer alone, the other only joined
            feeds = any(other.sources == frozenset((name,)) for other in ours)
            fits = [place for place in fits if any(step.sources == frozenset((place,)) for step in steps) == feeds]
        if len(fits) != 1:
            return f"there is no {name} {shape} where it would be"
        if strange := otherwise(layer, steps[fits[0]]):
            return strange
        places[name] = fits[0]
    layers = {name: dict(zip(("weight", "bias"), steps[place].arrays, strict=False)) for name, place in places.items()}
    norms = {
        name: dict(zip(NORM_PARTS, steps[place].norm, strict=True))
        for name, place in places.items()
        if steps[place].norm
    }
    epsilons = {step.epsilon for step in steps if step.norm}
    if len(epsilons) > 1:
        return f"its batch norms have several epsilons, {sorted(epsilons)}"
    return layers, norms, max(epsilons, default=1e-5)


def otherwise(layer: Layer, step: Step) -> str:
    """In words what stands before the layer in a graph and not in ours, or the other way; nothing where both are the same.

    Averages do not count before a classifier: an FCN has none, and PyTorch's networks take any size by them.
    """
    if not layer.sources:
        strange = step.passed - PREPARING
        return f"before {layer.name} it has nothing, and the graph has {', '.join(sorted(strange))}" if strange else ""
    free = {AVERAGE} if step.operation in MATRICES or layer.name == "classifier" else set()
    ours, theirs = layer.passed - free, step.passed - free
    if ours == theirs:
        return ""
    lists = [", ".join(sorted(each)) or "nothing" for each in (ours - theirs, theirs - ours)]
    return f"before {layer.name} it has {lists[0]} where the graph has {lists[1]}"


def classes_of(contents: Contents) -> int:
    """How many classes the last layer scores."""
    arrays = contents.steps[-1].arrays
    entry = contents.entries[arrays[0]] if arrays else None
    if entry is None or not entry.shape:
        return 1000
    return max(1, min(entry.shape[-1 if entry.transposed or entry.channels_last else 0], 1_000_000))


def fitting(step: Step, shape: tuple[int, ...], options: dict[str, Any], contents: Contents) -> bool:
    """Whether the layer's weight has the right shape, and its window moves as ours does."""
    if not step.arrays or way(contents.entries[step.arrays[0]], shape) is None:
        return False
    wanted = {
        "strides": pair(options["stride"], "stride", 1),
        "dilations": pair(options["dilation"], "dilation", 1),
        "group": (options["groups"],),
        "pads": 2 * pair(options["padding"], "padding", 0),
    }
    return all(step.settings[name] == value for name, value in wanted.items() if name in step.settings)
