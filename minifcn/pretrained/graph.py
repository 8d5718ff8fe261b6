"""Our layers found in somebody's graph: by what each reads, by its shape and by its settings. No name is looked at."""

from functools import lru_cache
from typing import Any, NamedTuple

from minifcn import nn
from minifcn.kernels.windows import pair
from minifcn.models.classifiers import HeatMap
from minifcn.models.trunks.trunk import Branches
from minifcn.nn.initialisers import undrawn
from minifcn.pretrained.laying import way
from minifcn.weights.formats.contents import Contents, Step


class Layer(NamedTuple):
    """One of ours: its name, its weight's shape, its settings, and the layers with weights that it reads."""

    name: str
    shape: tuple[int, ...]
    options: dict[str, Any]
    sources: frozenset[str]


GraphLayers = tuple[dict[str, dict[str, str]], dict[str, dict[str, str]], float]
NORM_PARTS = ("weight", "bias", "mean", "variance")


@lru_cache
def layers_of(name: str) -> tuple[Layer, ...]:
    """Our layers with weights, from the picture on, of the classifier of one class."""
    with undrawn():  # only shapes are looked at
        network = HeatMap(name, 1)
    found: list[Layer] = []

    def add(called: str, layer: Any, sources: frozenset[str]) -> frozenset[str]:
        found.append(Layer(called, layer.weight.shape, layer.options, sources))
        return frozenset((called,))

    sources: frozenset[str] = frozenset()

    def along(prefix: str, parts: tuple[str, ...], block: Branches, sources: frozenset[str]) -> frozenset[str]:
        for part in parts:
            if isinstance(layer := getattr(block, part), nn.Conv2d):
                sources = add(f"{prefix}.{part}", layer, sources)
        return sources

    for part, layer in network.backbone.named_layers():
        if isinstance(layer, nn.Conv2d):
            sources = add(f"backbone.{part}", layer, sources)
        elif isinstance(layer, Branches):
            stem = along(f"backbone.{part}", layer.stem, layer, sources)
            sources = frozenset[str]().union(*(along(f"backbone.{part}", way, layer, stem) for way in layer.ways))
    add("classifier", network.classifier, sources)
    return tuple(found)


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


def classes_of(contents: Contents) -> int:
    """How many classes the last layer scores."""
    arrays = contents.steps[-1].arrays
    entry = contents.entries[arrays[0]] if arrays else None
    if entry is None or not entry.shape:
        return 1000
    return max(1, min(entry.shape[-1 if entry.transposed else 0], 1_000_000))


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
