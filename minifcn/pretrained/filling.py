"""Every array of a file into the parameter that it is for; what finds no place is an error."""

from dataclasses import replace
from fnmatch import fnmatchcase

import numpy as np

from minifcn.models import FCN
from minifcn.models.classifiers import HeatMap
from minifcn.pretrained.known import is_transform_input
from minifcn.pretrained.laying import floats, folded, laid, way
from minifcn.pretrained.recognise import Found
from minifcn.pretrained.report import Move, sides
from minifcn.pretrained.spelling import spelled
from minifcn.weights.formats.contents import READABLE, Contents, DamagedError, Entry

NORM = ("weight", "bias", "mean", "variance")  # the parts of a batch norm
SHOWN = 4  # names in an error: the first say enough


def array_of(parts: dict[str, str], part: str, layer: str) -> str:
    if part not in parts:
        raise DamagedError(f"there is no {part} of {layer}")
    return parts[part]


def planned(network: HeatMap | FCN, found: Found, contents: Contents) -> dict[str, str]:
    """{parameter: the array that becomes it}. Raises DamagedError, with the names of both, where an array has no place or a place no array."""
    parameters = dict(network.named_parameters())
    plan: dict[str, str] = {}
    for ours, parts in found.layers.items():
        for part in ("weight", "bias"):
            name = f"{ours}.{part}"
            if name not in parameters or (part == "bias" and may_lack_bias(ours, parts, found, contents)):
                continue
            plan[name] = theirs = array_of(parts, part, ours)
            entry = contents.entries[theirs]
            if way(entry, parameters[name].shape) is None:
                raise DamagedError(
                    f"{theirs} is {sides(entry.shape)}, which does not fit {name}, {sides(parameters[name].shape)}, of {found.names.title}"
                )
    zero = zero_biases(found, contents)
    missing = [name for name in parameters if name not in plan and name not in zero]
    if missing := [name for name in missing if name.rpartition(".")[0] not in found.norms]:
        raise DamagedError(f"nothing in it becomes {', '.join(missing[:SHOWN])}")
    for layer, parts in found.norms.items():
        for part in NORM:
            theirs = array_of(parts, part, f"the batch norm behind {layer}")
            shape, channels = contents.entries[theirs].shape, parameters[f"{layer}.bias"].shape
            if shape != channels:
                raise DamagedError(f"{theirs} is {sides(shape)}; its convolution has {channels[0]} channels")
    return plan


def may_lack_bias(layer: str, parts: dict[str, str], found: Found, contents: Contents) -> bool:
    """Whether a layer of theirs needs none: a batch norm comes behind it, or it is an operation of a graph, which says all that is added."""
    return "bias" not in parts and (layer in found.norms or bool(contents.steps))


def zero_biases(found: Found, contents: Contents) -> list[str]:
    """Biases of ours that are zero in a graph, as it adds nothing. PyTorch's exporter leaves out what is zero."""
    lacking = [layer for layer, parts in found.layers.items() if may_lack_bias(layer, parts, found, contents)]
    return [f"{layer}.bias" for layer in lacking if layer not in found.norms]


def fill(network: HeatMap | FCN, plan: dict[str, str], found: Found, contents: Contents) -> list[Move]:
    """Write every parameter of `network`, batch norms worked into them. Raises DamagedError where a number is none."""
    parameters, moves = dict(network.named_parameters()), {}
    for name, theirs in plan.items():
        entry, shape = contents.entries[theirs], parameters[name].shape
        parameters[name].data[...] = laid(entry, shape, theirs)
        moves[name] = Move((theirs,), entry.shape, name, shape, words(entry, shape))
    for name in zero_biases(found, contents):
        parameters[name].data[...] = 0
        shape = parameters[name].shape
        moves[name] = Move(("nothing",), shape, name, shape, ("zero",))
    for layer, parts in found.norms.items():
        weight, bias = (parameters[f"{layer}.{part}"] for part in ("weight", "bias"))
        norm = {part: floats(contents.entries[parts[part]], parts[part]) for part in NORM}
        had = moves.get(f"{layer}.bias")
        weight.data[...], bias.data[...] = folded(
            weight.data, bias.data if had else None, norm, found.epsilon, parts["variance"]
        )
        before = moves[f"{layer}.weight"]
        of_weight = (*before.theirs, parts["weight"], parts["variance"])
        of_bias = (*(had.theirs if had else ()), *(parts[part] for part in ("bias", "weight", "mean", "variance")))
        moves[f"{layer}.weight"] = replace(before, theirs=of_weight, how=("folded",))
        moves[f"{layer}.bias"] = Move(of_bias, bias.shape, f"{layer}.bias", bias.shape, ("folded",))
    return [moves[name] for name in parameters]


def words(entry: Entry, shape: tuple[int, ...]) -> tuple[str, ...]:
    """What was done to an array."""
    more = {"float16": ("widened",), "bfloat16": ("widened",), "float64": ("rounded",)}.get(entry.kind, ())
    return (way(entry, shape) or "", *more)


def factors(found: Found, contents: Contents) -> list[str]:
    """The arrays of layers that multiply by a number. Raises DamagedError where it is not the one that ours multiplies by."""
    names = []
    for layer, value in found.names.constants.items():
        name = next((name for name in contents.entries if spelled(name) == (found.prefix + layer, "weight")), None)
        if name is None:
            raise DamagedError(f"there is no factor of {layer}")
        numbers = floats(contents.entries[name], name)
        if numbers.size == 0 or not np.allclose(numbers, value, rtol=1e-5, atol=0):
            shown = f"{numbers.flat[0]:g}" if numbers.size else "nothing"
            raise DamagedError(f"{name} multiplies by {shown}, where the network has {value:g}")
        names.append(name)
    return names


def leftovers(contents: Contents, found: Found, plan: dict[str, str], ignore: tuple[str, ...]) -> dict[str, str]:
    """{array that goes nowhere: why}. Raises DamagedError for those that nobody said may be left."""
    used = {*plan.values(), *(parts[part] for parts in found.norms.values() for part in NORM)}
    reasons = dict.fromkeys(factors(found, contents), "a factor that the network has by itself")
    if found.names.network == "googlenet-torchvision":
        reasons |= dict.fromkeys(
            prepares(contents), "how torchvision's GoogLeNet prepares its pictures, which their mean and scale here say"
        )
    patterns = {found.prefix + pattern: why for pattern, why in found.names.left.items()}
    patterns |= dict.fromkeys(ignore, "as --ignore says")
    left, lost = {}, []
    for name in [name for name in contents.entries if name not in used]:
        why = reasons.get(name) or matching(name, patterns)
        if why is None and name in contents.constants and not may_be_bias(contents.entries[name], found, contents):
            why = f"a setting of the graph ({contents.entries[name].kind})"
        if why is None:
            lost.append(name)
        else:
            left[name] = why
    if lost:
        raise DamagedError(about_lost(lost, [name for name in contents.entries if name not in lost], contents, found))
    return left


def may_be_bias(entry: Entry, found: Found, contents: Contents) -> bool:
    """Whether an array that looks like a setting of the graph may be a bias of one of the layers that lack theirs."""
    return entry.kind in READABLE and entry.array.size > 1 and bool(zero_biases(found, contents))


def matching(name: str, patterns: dict[str, str]) -> str | None:
    """What the first pattern says that `name` fits, or is."""
    spellings = (name, name.replace("/", "_"))
    fits = (
        why
        for pattern, why in patterns.items()
        if name == pattern or any(fnmatchcase(each, pattern) for each in spellings)
    )
    return next(fits, None)


def about_lost(lost: list[str], kept: list[str], contents: Contents, found: Found) -> str:
    """In words: what has no place, and what to do, as a line that can be given as it stands."""
    if before := [name for name in lost if name in contents.before]:
        return (
            f"its graph works {', '.join(before[:SHOWN])} into the picture before the first layer: say what that is with --channels, --mean and "
            f"--scale, and leave it out with --ignore {' '.join(repr(name) for name in before[:SHOWN])}"
        )
    more = f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
    patterns = shortest(lost, kept)
    return (
        f"also holds {', '.join(lost[:SHOWN])}{more}, for which {found.names.title} has no place; where that may be left out: "
        f"--ignore {' '.join(map(repr, patterns[: 2 * SHOWN]))}{' …' if len(patterns) > 2 * SHOWN else ''}"
    )


def shortest(names: list[str], others: list[str]) -> list[str]:
    """Patterns that fit all of `names` and none of `others`: 'optimizer.*' for what a checkpoint of a training holds beside its network.

    >>> shortest(["optimizer.state.0", "optimizer.state.1", "best"], ["model.a"]), shortest(["a.0", "a.1"], ["a.2"])
    (['optimizer.*', 'best'], ['a.0', 'a.1'])
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.partition(".")[0] + ".", []).append(name)
    taken = {name.partition(".")[0] + "." for name in others}
    return [
        each
        for start, group in groups.items()
        for each in ([f"{start}*"] if len(group) > 1 and start not in taken else group)
    ]


def prepares(contents: Contents) -> list[str]:
    """The arrays with which a graph prepares its pictures, if it does so as torchvision's GoogLeNet."""
    entries = [contents.entries[name] for name in contents.before]
    if any(entry.array.size != 1 or entry.kind not in READABLE for entry in entries):
        return []
    return contents.before if is_transform_input([float(entry.float32().flat[0]) for entry in entries]) else []
