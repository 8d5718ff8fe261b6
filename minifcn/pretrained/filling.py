"""Every array of a file into the parameter that it is for; what finds no place is an error."""

from fnmatch import fnmatchcase

import numpy as np

from minifcn.models import FCN
from minifcn.models.classifiers import HeatMap
from minifcn.nn import Parameter
from minifcn.pretrained.known import is_transform_input
from minifcn.pretrained.laying import finite, folded, laid, way
from minifcn.pretrained.recognise import Found
from minifcn.pretrained.report import Move, sides
from minifcn.weights.formats.contents import READABLE, Contents, DamagedError, Entry

SHOWN = 4  # names in an error: the first say enough


def array_of(parts: dict[str, str], part: str, layer: str) -> str:
    if part not in parts:
        raise DamagedError(f"there is no {part} of {layer}")
    return parts[part]


def fill(network: HeatMap | FCN, found: Found, contents: Contents) -> list[Move]:
    """Write every parameter of `network`. Raises DamagedError, with the names of both, where an array has no place or a place no array."""
    parameters = dict(network.named_parameters())
    plan: dict[str, tuple[str, Entry]] = {}
    for ours, parts in found.layers.items():
        for part in ("weight", "bias"):
            name = f"{ours}.{part}"
            if name not in parameters or (part == "bias" and part not in parts and ours in found.norms):
                continue
            theirs = array_of(parts, part, ours)
            entry = contents.entries[theirs]
            if way(entry, parameters[name].shape) is None:
                raise DamagedError(
                    f"{theirs} is {sides(entry.shape)}, which does not fit {name}, {sides(parameters[name].shape)}, of {found.names.title}"
                )
            plan[name] = theirs, entry
    if missing := [name for name in parameters if name not in plan and name.rpartition(".")[0] not in found.norms]:
        raise DamagedError(f"nothing in it becomes {', '.join(missing[:SHOWN])}")
    check_constants(found, contents)
    moves = []
    for name, (theirs, entry) in plan.items():
        try:
            values = laid(entry, parameters[name].shape, theirs)
        except DamagedError as error:
            raise DamagedError(str(error) if theirs in str(error) else f"{theirs} {error}") from error
        parameters[name].data[...] = values
        moves.append(Move((theirs,), entry.shape, name, parameters[name].shape, words(entry, parameters[name].shape)))
    return fold(found, contents, parameters, moves) if found.norms else moves


def words(entry: Entry, shape: tuple[int, ...]) -> tuple[str, ...]:
    """What was done to an array."""
    more = {"float16": ("widened",), "bfloat16": ("widened",), "float64": ("rounded",)}.get(entry.kind, ())
    return (way(entry, shape) or "", *more)


def fold(found: Found, contents: Contents, parameters: dict[str, Parameter], moves: list[Move]) -> list[Move]:
    """Work the batch norms into the convolutions before them."""
    by_name = {move.ours: move for move in moves}
    for layer, parts in found.norms.items():
        weight, bias = parameters[f"{layer}.weight"], parameters[f"{layer}.bias"]
        names = {
            part: array_of(parts, part, f"the batch norm behind {layer}")
            for part in ("weight", "bias", "mean", "variance")
        }
        norm = {}
        for part, theirs in names.items():
            entry = contents.entries[theirs]
            if entry.shape != bias.shape:
                raise DamagedError(f"{theirs} is {sides(entry.shape)}; its convolution has {bias.shape[0]} channels")
            norm[part] = entry.float32()
            finite(norm[part], theirs)
        had = by_name.get(f"{layer}.bias")
        new = folded(weight.data, bias.data if had else None, norm, found.epsilon, names["variance"])
        weight.data[...], bias.data[...] = new
        before = by_name[f"{layer}.weight"]
        by_name[f"{layer}.weight"] = Move(
            (*before.theirs, names["weight"], names["variance"]),
            before.came,
            before.ours,
            before.went,
            ("folded",),
        )
        theirs_of_bias = (
            *(had.theirs if had else ()),
            names["bias"],
            names["weight"],
            names["mean"],
            names["variance"],
        )
        by_name[f"{layer}.bias"] = Move(theirs_of_bias, bias.shape, f"{layer}.bias", bias.shape, ("folded",))
    return [by_name[name] for name in parameters]


def check_constants(found: Found, contents: Contents) -> None:
    """Layers that multiply by a number: it must be the one that ours multiplies by."""
    for layer, value in found.names.constants.items():
        name = next((name for name in contents.entries if name.startswith(f"{found.prefix}{layer}.")), None)
        if name is None:
            raise DamagedError(f"there is no {layer}")
        numbers = contents.entries[name].float32()
        if numbers.size == 0 or not np.allclose(numbers, value, rtol=1e-5, atol=0):
            raise DamagedError(
                f"{name} multiplies by {float(numbers.flat[0]) if numbers.size else 0:g}, where the network has {value:g}"
            )


def leftovers(contents: Contents, found: Found, moves: list[Move], ignore: tuple[str, ...]) -> dict[str, str]:
    """{array that went nowhere: why}. Raises DamagedError for those that nobody said may be left."""
    used = {name for move in moves for name in move.theirs}
    left, lost = {}, []
    patterns = {
        **{found.prefix + pattern: why for pattern, why in found.names.left.items()},
        **dict.fromkeys(ignore, "as --ignore says"),
    }
    prepared = prepares(contents) if found.names.network == "googlenet-torchvision" else []
    for name, entry in contents.entries.items():
        if name in used:
            continue
        why = next(
            (
                why
                for pattern, why in patterns.items()
                if fnmatchcase(name, pattern) or fnmatchcase(name.replace("/", "_"), pattern)
            ),
            None,
        )
        if why is None and name in contents.constants:
            why = f"a setting of the graph ({entry.kind})"
        if why is None and name in prepared:
            why = "how torchvision's GoogLeNet prepares its pictures, which their mean and scale here say"
        if why is None and any(name.startswith(f"{found.prefix}{layer}.") for layer in found.names.constants):
            why = "a factor that the network has by itself"
        if why is None:
            lost.append(name)
        else:
            left[name] = why
    if before := [name for name in lost if name in contents.before]:
        raise DamagedError(
            f"its graph works {', '.join(before[:SHOWN])} into the picture before the first layer: say what that is with --channels, --mean and "
            f"--scale, and leave it out with --ignore {' '.join(repr(name) for name in before[:SHOWN])}"
        )
    if lost:
        more = f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
        raise DamagedError(
            f"also holds {', '.join(lost[:SHOWN])}{more}, for which {found.names.title} has no place; where that may be left out: "
            f"--ignore {' '.join(repr(name) for name in lost[:SHOWN])}{' …' if more else ''}"
        )
    return left


def prepares(contents: Contents) -> list[str]:
    """The arrays with which a graph prepares its pictures, if it does so as torchvision's GoogLeNet."""
    entries = [contents.entries[name] for name in contents.before]
    if any(entry.array.size != 1 or entry.kind not in READABLE for entry in entries):
        return []
    return contents.before if is_transform_input([float(entry.float32().flat[0]) for entry in entries]) else []
