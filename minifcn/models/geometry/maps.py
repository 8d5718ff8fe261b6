"""A network as the list of its maps: what each is called and what it is made of. Geometry walks along it, nothing is run.

The names are those of the layers ("conv1_1", "pool3", "score_fr", "upscore_16s"), "fuse_pool4" where a skip is joined, "score" for the
result; a part of a part is written with a dot ("fire2.squeeze1x1").
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

from minifcn import nn, ops
from minifcn.autodiff.engine import Tensor, TensorLike
from minifcn.names import instead

PICTURE = "picture"


class Map(NamedTuple):
    """One map. `layer`: what makes it from its source, which is first multiplied by `scale`. Without a layer: a crop or a join.

    `offsets`: rows and columns cut off in front, one number a source. One source is cut to the size of the picture, several are
    cut to the least of them and added (`fusion` "sum") or compared ("max").
    """

    name: str
    sources: tuple[str, ...]
    layer: nn.Module | None = None
    offsets: tuple[int, ...] = ()
    scale: float = 1.0
    fusion: str = "sum"


# a network, a Backbone, layers in a row or by name, or what `maps_of` made of one of these
Net: TypeAlias = nn.Module | Sequence[nn.Module] | Mapping[str, nn.Module] | list[Map]


def maps_of(model: Net) -> list[Map]:
    """The maps of `model`, each after those that it is made of.

    `model`: an FCN or another network with a `backbone`, a Backbone, layers in a row (Sequential or a list; their names are "0", "1", …) or by
    name (a dict). Raises ValueError for layers that it cannot follow.
    """
    if isinstance(model, list) and all(isinstance(each, Map) for each in model):
        return cast(list[Map], model)
    if isinstance(model, Mapping):
        return list(in_a_row(model.items(), PICTURE))
    if isinstance(model, nn.Sequential | Sequence):
        layers = model.layers if isinstance(model, nn.Sequential) else cast(Sequence[nn.Module], model)
        return list(in_a_row(((str(number), layer) for number, layer in enumerate(layers)), PICTURE))
    if hasattr(model, "named_layers"):
        return list(in_a_row(model.named_layers(), PICTURE))
    trunk = getattr(model, "backbone", None)
    if trunk is None:
        raise ValueError(
            f"geometry: cannot follow {type(model).__name__}; expected an FCN, a Backbone, or layers in a row (Sequential, list, dict). "
            "Of a network of several streams, give one: model.first"
        )
    maps = maps_of(trunk)
    if hasattr(model, "score_fr"):
        maps += head_maps(model, trunk, "")
    for name, head in getattr(model, "heads", {}).items():
        maps += head_maps(head, trunk, f"heads.{name}.")
    if hasattr(model, "classifier"):
        maps += in_a_row([("classifier", model.classifier)], maps[-1].name)
    return maps


def in_a_row(layers: Iterable[tuple[str, nn.Module]], source: str) -> Iterator[Map]:
    """Layers that run one after the other, the first of them on `source`, and the parts of those that have parts."""
    for name, layer in layers:
        check(name, layer)
        if isinstance(layer, nn.Sequential) and len(layer):
            parts = [(f"{name}.{number}", part) for number, part in enumerate(layer.layers)]
            yield from in_a_row(parts, source)
            yield Map(name, (parts[-1][0],), nn.Sequential())  # the whole is its last part: nothing is left to do
        else:
            yield from side_by_side(name, layer, source)
            yield Map(name, (source,), layer)
        source = name


def side_by_side(name: str, layer: Any, source: str) -> Iterator[Map]:
    """The maps inside a layer with `ways` side by side (Fire, Inception), which all begin with its `stem`; ReLU follows each convolution."""
    stem, ways = getattr(layer, "stem", ()), getattr(layer, "ways", ())
    fork = source
    for number, way in enumerate((stem, *ways) if ways else ()):
        last = fork
        for part in way:
            yield Map(f"{name}.{part}", (last,), getattr(layer, part))
            last = f"{name}.{part}"
            if isinstance(getattr(layer, part), nn.Conv2d):
                yield Map(f"{name}.relu_{part}", (last,), nn.ReLU())
                last = f"{name}.relu_{part}"
        fork = last if number == 0 else fork


def check(name: str, layer: nn.Module) -> None:
    """ValueError for a layer about which nothing can be said from its window."""
    weight = getattr(layer, "weight", None)
    if weight is not None and weight.ndim == 2:
        raise ValueError(
            f"geometry: {name} is fully connected: it takes pictures of one size and has no window; "
            "make the network convolutional first"
        )


def head_maps(head: Any, trunk: Any, prefix: str) -> Iterator[Map]:
    """Score layers, upsampling and joins of a head, as `FCN` runs them."""
    fusion = getattr(head, "fusion", "sum")
    last = f"{prefix}score_fr"
    yield Map(last, (trunk.heads[max(trunk.heads)],), head.score_fr)
    for skip in head.skips:
        up, finer = skip.up_name, skip.score_name
        yield Map(prefix + up, (last,), skip.up)
        yield Map(prefix + finer, (skip.source,), skip.score, scale=skip.scale)
        last = f"{prefix}fuse_{skip.source}"
        yield Map(last, (prefix + up, prefix + finer), offsets=(0, skip.offset), fusion=fusion)
    yield Map(f"{prefix}upscore", (last,), head.upscore)
    yield Map(f"{prefix}score", (f"{prefix}upscore",), offsets=(head.offset,))


def find(maps: Sequence[Map], name: str) -> Map:
    """The map called `name`, or ValueError with the names there are."""
    for each in maps:
        if each.name == name:
            return each
    names = [each.name for each in maps]
    raise ValueError(f"geometry: no layer {name!r}{instead(str(name), names, 'this network has')}")


def run_to(model: Net, name: str, x: TensorLike) -> Tensor:
    """The map `name` of `model` for pictures x (N, C, H, W): a Tensor (N, channels, h, w). Only what it is made of is run."""
    maps = maps_of(model)
    wanted = ancestors(maps, find(maps, name).name)
    return run_all([each for each in maps if each.name in wanted], x)[name]


def run_all(model: Net, x: TensorLike) -> dict[str, Tensor]:
    """Every map of `model` for pictures x (N, C, H, W), by name."""
    picture = x if isinstance(x, Tensor) else Tensor(x)
    made: dict[str, Tensor] = {PICTURE: picture}
    for each in maps_of(model):
        made[each.name] = make(each, [made[source] for source in each.sources], picture)
    del made[PICTURE]
    return made


def ancestors(maps: Sequence[Map], name: str) -> set[str]:
    """`name` and every map that it is made of."""
    wanted = {name}
    for each in reversed(maps):
        if each.name in wanted:
            wanted.update(each.sources)
    return wanted


def make(wanted: Map, sources: Sequence[Tensor], picture: Tensor) -> Tensor:
    """One map from its sources."""
    if wanted.layer is not None:
        (source,) = sources
        return wanted.layer(source if wanted.scale == 1 else source * wanted.scale)
    if len(sources) == 1:
        return ops.crop_like(sources[0], picture, wanted.offsets[0])
    h, w = (min(s.shape[axis] - o for s, o in zip(sources, wanted.offsets, strict=True)) for axis in (2, 3))
    first, *others = (s[:, :, o : o + h, o : o + w] for s, o in zip(sources, wanted.offsets, strict=True))
    for other in others:
        first = first + other if wanted.fusion == "sum" else ops.maximum(first, other)
    return first
