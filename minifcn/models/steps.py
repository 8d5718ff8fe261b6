"""A trained FCN as a flat list of steps, each with the names of what goes in and what comes out."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from minifcn import nn
from minifcn.kernels.windows import Window
from minifcn.models.fcn import FCN
from minifcn.models.trunks.trunk import Branches
from minifcn.ops.convolution import window_of
from minifcn.ops.pooling import pool_window

PICTURE, SCORES = "picture", "scores"
KINDS: dict[type[nn.Module], str] = {
    nn.Conv2d: "conv",
    nn.ConvTranspose2d: "conv_transpose",
    nn.MaxPool2d: "max_pool",
    nn.ReLU: "relu",
    nn.LocalResponseNorm: "lrn",
}
KNOWN: tuple[type[nn.Module], ...] = (*KINDS, nn.Dropout, Branches)
FORWARDS = {kind: kind.forward for kind in KNOWN}


class Step(NamedTuple):
    """`output` = `kind` of `inputs`.

    `kind`    one of KINDS, by `layer`, whose parameters are called `name`.weight and `name`.bias; or "concat" of channels; "times", by
              `number`; "crop": the first input from row and column `number` on, at most as high and wide as the second; "add" or
              "max" of two maps of one size
    """

    kind: str
    output: str
    inputs: tuple[str, ...]
    name: str = ""
    layer: nn.Module | None = None
    number: float = 0


def steps_of(model: FCN) -> list[Step]:
    """All of `model` but dropout, which does nothing once a network is trained. Raises ValueError for layers that are not known here."""
    if not isinstance(model, FCN):
        raise TypeError(f"export: got a {type(model).__name__}; expected an FCN")
    steps: list[Step] = []
    made: dict[str, str] = {}  # a layer of the trunk -> the map that it made
    last = PICTURE
    for name, layer in model.backbone.named_layers():
        steps += layer_steps(f"backbone.{name}", layer, last)
        last = steps[-1].output if steps else PICTURE
        made[name] = last
    steps.append(one(model.score_fr, "score_fr", made[model.coarsest]))
    scores = steps[-1].output
    for skip in model.skips:
        finer = made[skip.source]
        if skip.scale != 1:
            steps.append(Step("times", f"{skip.source}_scaled", (finer,), number=skip.scale))
            finer = steps[-1].output
        steps.append(one(skip.up, skip.up_name, scores))
        steps.append(one(skip.score, skip.score_name, finer))
        steps += join_steps(skip.source, skip.up_name, skip.score_name, skip.offset, model.fusion)
        scores = steps[-1].output
    steps.append(one(model.upscore, "upscore", scores))
    steps.append(Step("crop", SCORES, ("upscore", PICTURE), number=model.offset))
    return steps


def layer_steps(name: str, layer: nn.Module, source: str) -> list[Step]:
    """A layer of the trunk, or the layers of a Fire or an Inception."""
    if isinstance(layer, nn.Dropout):
        check(layer, name, nn.Dropout)
        return []
    if not isinstance(layer, Branches):
        return [one(layer, name, source)]
    check(layer, name, Branches)
    steps = list(along(name, layer, layer.stem, source))
    start = steps[-1].output if steps else source
    ends = []
    for way in layer.ways:
        steps += along(name, layer, way, start)
        ends.append(steps[-1].output)
    return [*steps, Step("concat", name, tuple(ends))]


def along(name: str, branches: Branches, way: tuple[str, ...], source: str) -> Iterator[Step]:
    """The layers of one way; a ReLU follows every convolution."""
    for part in way:
        step = one(getattr(branches, part), f"{name}.{part}", source)
        yield step
        source = step.output
        if step.kind == "conv":
            yield Step("relu", f"{source}_relu", (source,))
            source = f"{source}_relu"


def one(layer: nn.Module, name: str, source: str) -> Step:
    """The step of a single layer."""
    if type(layer) not in KINDS:
        known = ", ".join(kind.__name__ for kind in KINDS)
        raise ValueError(f"steps_of: {name} is a {type(layer).__name__}; known are {known}, and branches of them")
    check(layer, name, type(layer))
    return Step(KINDS[type(layer)], name, (source,), name, layer)


def check(layer: Any, name: str, kind: type[nn.Module]) -> None:
    """Raises ValueError where the layer's forward does something else than `kind`, or is called with other options than its window has."""
    what = f"steps_of: {name}, a {type(layer).__name__},"
    if getattr(layer.forward, "__func__", None) is not FORWARDS[kind]:
        raise ValueError(f"{what} has a forward of its own; expected that of {kind.__name__}")
    if kind in WINDOWS and WINDOWS[kind](layer) != (layer.window, getattr(layer, "ceil_mode", False)):
        raise ValueError(f"{what} has other options than it was made with: {layer.options}; make a new layer with them")


def convolved(layer: Any) -> tuple[Window, bool]:
    """The window that a convolution's options say, and whether it rounds up."""
    name, o = type(layer).__name__, layer.options
    same = isinstance(layer, nn.Conv2d)
    return window_of(name, layer.weight.shape[2:], o["stride"], o["padding"], o["dilation"], same), False


def pooled(layer: Any) -> tuple[Window, bool]:
    o = layer.options
    return pool_window("MaxPool2d", o["kernel_size"], o["stride"], o["padding"], o["dilation"]), o["ceil_mode"]


WINDOWS: dict[type[nn.Module], Callable[[Any], tuple[Window, bool]]] = {
    nn.Conv2d: convolved,
    nn.ConvTranspose2d: convolved,
    nn.MaxPool2d: pooled,
}


def join_steps(source: str, coarse: str, finer: str, offset: int, fusion: str) -> list[Step]:
    """Both maps cut to where they overlap, and joined. Row 0 of the coarse one lies on row `offset` of the finer."""
    cut, other = f"{coarse}_cut", f"{finer}_cut"
    return [
        # a cut ends where the map ends, if that is sooner: so each is as large as the smaller of both
        Step("crop", other, (finer, coarse), number=offset),
        Step("crop", cut, (coarse, other)),
        Step("add" if fusion == "sum" else "max", f"fuse_{source}", (cut, other)),
    ]
