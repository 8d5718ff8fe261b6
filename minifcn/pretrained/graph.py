"""Our layers found in somebody's graph: by what each reads, by its shape and by its settings. No name is looked at."""

from typing import Any

from minifcn import nn
from minifcn.kernels.windows import pair
from minifcn.models.classifiers import HeatMap
from minifcn.models.trunks.trunk import Branches
from minifcn.nn.initialisers import undrawn
from minifcn.pretrained.laying import way
from minifcn.weights.formats.contents import Contents, Step

Layer = tuple[str, Any, frozenset[str]]  # our name, the layer, the layers with weights that it reads
GraphLayers = tuple[dict[str, dict[str, str]], dict[str, dict[str, str]], float]
NORM_PARTS = ("weight", "bias", "mean", "variance")


def layers_of(network: HeatMap) -> list[Layer]:
    """Our layers with weights, from the picture on."""
    found: list[Layer] = []
    sources: frozenset[str] = frozenset()

    def along(prefix: str, parts: tuple[str, ...], block: Branches, sources: frozenset[str]) -> frozenset[str]:
        for part in parts:
            if isinstance(layer := getattr(block, part), nn.Conv2d):
                found.append((f"{prefix}.{part}", layer, sources))
                sources = frozenset((f"{prefix}.{part}",))
        return sources

    for name, layer in network.backbone.named_layers():
        if isinstance(layer, nn.Conv2d):
            found.append((f"backbone.{name}", layer, sources))
            sources = frozenset((f"backbone.{name}",))
        elif isinstance(layer, Branches):
            stem = along(f"backbone.{name}", layer.stem, layer, sources)
            sources = frozenset[str]().union(*(along(f"backbone.{name}", way, layer, stem) for way in layer.ways))
    found.append(("classifier", network.classifier, sources))
    return found


def graph_layers(network: str, contents: Contents) -> GraphLayers | str:
    """({our layer: {part: array}}, the same of batch norms, epsilon), or in words why the graph is not the `network`."""
    with undrawn():  # only shapes are looked at
        ours = layers_of(HeatMap(network, classes_of(contents)))
    steps = contents.steps
    if len(steps) != len(ours):
        return f"it has {len(ours)}"
    places: dict[str, int] = {}
    for name, layer, reads in ours:
        sources = frozenset(places[each] for each in reads)
        fits = [
            place
            for place, step in enumerate(steps)
            if place not in places.values() and step.sources == sources and fitting(step, layer, contents)
        ]
        if len(fits) > 1:  # the same shape side by side: one is read by a layer alone, the other only joined
            feeds = any(others == frozenset((name,)) for _, _, others in ours)
            fits = [place for place in fits if any(step.sources == frozenset((place,)) for step in steps) == feeds]
        if len(fits) != 1:
            return f"there is no {name} {layer.weight.shape} where it would be"
        places[name] = fits[0]
    layers = {name: dict(zip(("weight", "bias"), steps[place].arrays, strict=False)) for name, place in places.items()}
    norms = {
        name: dict(zip(NORM_PARTS, steps[place].norm, strict=True))
        for name, place in places.items()
        if steps[place].norm
    }
    return layers, norms, max((step.epsilon for step in steps if step.norm), default=1e-5)


def classes_of(contents: Contents) -> int:
    """How many classes the last layer scores."""
    arrays = contents.steps[-1].arrays
    entry = contents.entries[arrays[0]] if arrays else None
    if entry is None or not entry.shape:
        return 1000
    return max(1, min(entry.shape[-1 if entry.transposed else 0], 1_000_000))


def fitting(step: Step, layer: Any, contents: Contents) -> bool:
    """Whether the layer's weight has the right shape, and its window moves as ours does."""
    if not step.arrays or way(contents.entries[step.arrays[0]], layer.weight.shape) is None:
        return False
    wanted = {
        "strides": pair(layer.options["stride"], "stride", 1),
        "dilations": pair(layer.options["dilation"], "dilation", 1),
        "group": (layer.options["groups"],),
        "pads": 2 * pair(layer.options["padding"], "padding", 0),
    }
    return all(step.settings[name] == value for name, value in wanted.items() if name in step.settings)
